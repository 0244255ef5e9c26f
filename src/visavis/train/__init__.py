"""Training: classifiers on embeddings, and networks with classification and triplet losses."""
