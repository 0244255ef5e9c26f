"""ZKTeco terminals that push their punches: which are let in, what their lines mean, and how they become punches.

The protocol has no authentication and no encryption: who can reach the server under an allowed address and knows a
serial number can record punches.
"""
