"""Pages of results: HTML without external files."""
