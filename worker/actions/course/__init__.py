"""A client's course: planned, moved, ended."""
