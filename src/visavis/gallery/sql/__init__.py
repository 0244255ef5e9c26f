"""The records of a gallery in SQL: tables, queries, SQLite and PostgreSQL."""
