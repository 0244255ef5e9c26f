"""attendance: who came and went at a site, one module per command."""
