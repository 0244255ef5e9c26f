"""The rules of a site as data: shifts, rosters, holidays and leave, in versions with dates.

:func:`visavis.attendance.rules.read.read_rules` reads them; :class:`visavis.attendance.rules.schedule.Planner` says
what is planned for an employee on a day. The file is described in docs/attendance-rules.md.
"""
