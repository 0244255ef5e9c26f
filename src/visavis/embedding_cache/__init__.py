"""Embeddings remembered by the hash of a photo and by the model."""
