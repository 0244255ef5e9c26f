"""The networks: one definition an architecture, as a function of an ``ops`` object (see ``ops.py``)."""
