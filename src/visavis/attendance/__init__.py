"""Attendance: punches in a ledger, days computed from them by rules, reports and what payroll systems take.

Nothing is imported here: :mod:`visavis.attendance.site` opens a site.
"""
