"""Rank faces: the look-alikes of a face, and the most characteristic face of a person."""
