"""Readers of published weight files: ``read(path) -> arrays``. None of them can run code from the file."""
