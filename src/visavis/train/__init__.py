"""Training, with PyTorch (extra ``train``). Nothing else in this package imports it."""
