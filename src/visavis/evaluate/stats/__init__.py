"""Statistics of errors: rates, intervals, curves. Nothing here knows of photos or models."""
