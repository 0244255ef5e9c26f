"""Pages of results: HTML that needs nothing but itself."""
