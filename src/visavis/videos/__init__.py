"""Videos and cameras: frames, tracks of faces, and an answer per track instead of per frame."""
