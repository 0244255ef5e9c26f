"""models: list and download models, and add your own, one module per command."""
