"""Pages of the server, rendered from templates in this folder; all text from outside is escaped."""
