"""A database that was put back from a backup: found out, held, compared with the world, and released by a person."""
