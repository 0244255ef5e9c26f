"""evaluate: measure error rates on labeled photos, one module per command."""
