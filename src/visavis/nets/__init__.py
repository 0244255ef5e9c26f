"""The networks: one definition per architecture, as a function of an ``ops`` object (see ``ops.py``)."""
