"""Rows of published weight files, a module per family."""
