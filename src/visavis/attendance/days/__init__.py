"""Days: what the punches of an employee on a day come to under the rules; computed, never stored by hand.

:func:`visavis.attendance.days.compute.compute_day` is a pure function of punches, rules, leave and outages.
"""
