"""What takes punches from the ledger, and what brings them: payroll systems, webhooks and terminals.

Nothing is imported here: :mod:`visavis.attendance.integrations.push` sends, ``export`` writes files, ``terminals``
receives.
"""
