"""Statistics of errors: rates, intervals and curves, independent of photos and models."""
