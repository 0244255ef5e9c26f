"""Weight files: the rows that describe them (spec), their places (store), and how to read them (readers)."""
