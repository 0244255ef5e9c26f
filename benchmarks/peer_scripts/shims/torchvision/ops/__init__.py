"""See ``boxes``."""
