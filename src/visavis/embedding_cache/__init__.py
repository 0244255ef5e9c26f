"""Cache of faces and embeddings, by the hash of a photo and the model."""
