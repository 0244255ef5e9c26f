"""A kiosk at the door: who is recognized, PIN and badge, and punches that are recorded once and can be undone."""
