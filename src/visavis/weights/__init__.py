"""Weight files: what there is (spec), where it lies (store), how it is read (readers)."""
