"""TRAIN: classifiers on embeddings, and networks that compute embeddings, from labeled photos."""
