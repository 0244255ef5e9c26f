"""train: fit classifiers and networks to labeled photos, one module per command."""
