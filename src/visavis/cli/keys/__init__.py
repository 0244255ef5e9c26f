"""keys: the API keys of a server, one module per command."""
