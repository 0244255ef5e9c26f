"""cache: what the cache holds, one module per command."""
