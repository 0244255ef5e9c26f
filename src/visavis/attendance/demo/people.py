"""The made-up employees of the sample site, their leave, and the rules they work by."""

from __future__ import annotations

from datetime import date

from visavis.attendance.types import Employee, Leave

ZONE = "Africa/Casablanca"
"""Clocks in Morocco are set back for Ramadan, so that both changes of 2024 lie within three months."""
FIRST, LAST = date(2024, 2, 1), date(2024, 4, 30)
"""Three months with a leap day, clocks set back (2024-03-10) and forward (2024-04-14), and two holidays."""
NAMES = {
    "Office": (
        "Ada Brandt", "Bao Tran", "Carla Neri", "Dirk Olsen", "Elif Aydin", "Femi Okoro", "Greta Lind", "Hugo Marin",
        "Ines Costa", "Jan Kowal", "Kim Seo", "Lena Vogt",
    ),
    "Production": (
        "Malik Diop", "Nora Weiss", "Omar Haddad", "Petra Novak", "Quinn Reyes", "Rosa Blanco", "Sven Dahl",
        "Tuan Pham", "Uma Rao", "Viktor Lang", "Wen Li", "Yara Nasser",
    ),
    "Security": ("Zeno Ferri", "Aron Beck", "Bela Horvat", "Chidi Eze", "Dana Popa", "Emil Roth"),
}  # fmt: skip
"""By department; employee numbers count from 1001 on."""
JOINED, LEFT = {"1012": date(2024, 3, 11)}, {"1024": date(2024, 2, 16)}

RULES = f"""\
# Rules of the sample site: docs/attendance-rules.md describes every key.
zone = "{ZONE}"

[[versions]]
from = 2024-01-01
cooldown = 120
devices = {{ turnstile-in = "in", turnstile-out = "out" }}

[versions.shifts.day]
start = "08:00"
end = "16:30"
window_after = 120
grace_late = 5
half_day_below = "4:00"
absent_below = "1:00"
breaks = [{{ start = "12:00", end = "12:30" }}]

[versions.shifts.late]
start = "14:00"
end = "22:00"
window_after = 120
direction = "device"
auto_checkout = 0
automatic_breaks = [{{ minutes = 30, after = "6:00" }}]
half_day_below = "4:00"
absent_below = "1:00"

[versions.shifts.night]
start = "22:00"
end = "06:00"
window_after = 120
hours = "first_last"
half_day_below = "4:00"
absent_below = "1:00"
rounding = {{ step = 15, arrival = "up", departure = "down" }}

[versions.overtime]
most_a_month = "20:00"
workday = {{ least = 15, most = "2:00", factor = 1.25 }}
off = {{ factor = 1.5 }}
holiday = {{ factor = 2 }}

[[versions]] # from April on: ten minutes of grace in each shift
from = 2024-04-01
cooldown = 120
devices = {{ turnstile-in = "in", turnstile-out = "out" }}

[versions.shifts.day]
start = "08:00"
end = "16:30"
window_after = 120
grace_late = 10
half_day_below = "4:00"
absent_below = "1:00"
breaks = [{{ start = "12:00", end = "12:30" }}]

[versions.shifts.late]
start = "14:00"
end = "22:00"
window_after = 120
direction = "device"
auto_checkout = 0
automatic_breaks = [{{ minutes = 30, after = "6:00" }}]
grace_late = 10
half_day_below = "4:00"
absent_below = "1:00"

[versions.shifts.night]
start = "22:00"
end = "06:00"
window_after = 120
hours = "first_last"
grace_late = 10
half_day_below = "4:00"
absent_below = "1:00"
rounding = {{ step = 15, arrival = "up", departure = "down" }}

[versions.shifts.morning]
start = "08:00"
end = "12:00"
window_after = 120
grace_late = 10

[versions.shifts.evening] # the windows overlap from 13:00 to 14:00
start = "15:00"
end = "19:00"
window_before = 120
window_after = 120
grace_late = 10

[versions.overtime]
most_a_month = "20:00"
workday = {{ least = 15, most = "2:00", factor = 1.25 }}
off = {{ factor = 1.5 }}
holiday = {{ factor = 2 }}

[[assignments]]
departments = ["Office"]
shifts = ["day"]
weekly_off = ["saturday", "sunday"]
holidays = ["public"]

[[assignments]] # a week of days, a week of late shifts
departments = ["Production"]
roster = "two-weeks"
holidays = ["public"]

[[assignments]] # four nights, four days off
departments = ["Security"]
roster = "nights"

[[assignments]] # the other half of the department, four days later
employees = ["1028", "1029", "1030"]
roster = "other-nights"

[[assignments]] # two shifts a day, with a long lunch
first = 2024-04-01
employees = ["1010"]
shifts = ["morning", "evening"]
weekly_off = ["saturday", "sunday"]
holidays = ["public"]

[rosters.two-weeks]
start = 2024-01-29
cycle = [
  ["day"], ["day"], ["day"], ["day"], ["day"], [], [],
  ["late"], ["late"], ["late"], ["late"], ["late"], [], [],
]

[rosters.nights]
start = 2024-02-01
cycle = [["night"], ["night"], ["night"], ["night"], [], [], [], []]

[rosters.other-nights]
start = 2024-02-05
cycle = [["night"], ["night"], ["night"], ["night"], [], [], [], []]

[holidays.public]
2024-04-10 = "Eid al-Fitr"
2024-04-11 = "Eid al-Fitr, second day"

[leave.parental]
code = "PL"
paid = false
"""


def make_employees() -> list[Employee]:
    """Return the 30 employees."""
    people: list[Employee] = []
    for department, names in NAMES.items():
        for name in names:
            number = str(1001 + len(people))
            people.append(Employee(number, name, department, joined=JOINED.get(number), left=LEFT.get(number)))
    return people


def make_leaves() -> list[Leave]:
    """Return their leave: vacation, sickness, half days, work at home, and a month of parental leave."""
    return [
        Leave("demo-1", "1002", "vacation", date(2024, 2, 12), date(2024, 2, 16)),
        Leave("demo-2", "1003", "home", date(2024, 3, 4), date(2024, 3, 8)),
        Leave("demo-3", "1004", "vacation", date(2024, 2, 29), date(2024, 2, 29), "first_half"),
        Leave("demo-4", "1005", "sick", date(2024, 4, 8), date(2024, 4, 10)),
        Leave("demo-5", "1006", "parental", date(2024, 4, 1), date(2024, 4, 30)),
        Leave("demo-6", "1015", "sick", date(2024, 3, 18), date(2024, 3, 20)),
        Leave("demo-7", "1016", "unpaid", date(2024, 3, 22), date(2024, 3, 22), "second_half"),
        Leave("demo-8", "1026", "vacation", date(2024, 2, 9), date(2024, 2, 20)),
    ]
