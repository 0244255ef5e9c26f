"""What the server stores beside the galleries: keys, sessions, jobs and events, in SQLite or PostgreSQL."""
