"""Rows of published weight files, a file a family."""
