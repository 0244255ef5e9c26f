"""Rules for a new site, to be adapted."""

STARTER = """\
# Rules of attendance: docs/attendance-rules.md describes every key.
# A change of the rules: add [[versions]] with a later date, so that old days keep theirs.

[[versions]]
from = 2000-01-01
cooldown = 60 # seconds in which a second punch is a double of the first

[versions.shifts.day]
start = "09:00"
end = "17:30"
grace_late = 5 # minutes
half_day_below = "4:00"
absent_below = "1:00"
breaks = [{ start = "12:30", end = "13:00" }]

[[assignments]] # of everyone: neither employees nor departments are named
shifts = ["day"]
weekly_off = ["saturday", "sunday"]
holidays = ["public"]

[holidays.public]
# 2026-05-01 = "Labor Day"
"""
