"""gallery: manage the people in a gallery, one module per command."""
