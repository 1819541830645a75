"""What people and providers reach over HTTP; it needs the database only, never the broker."""
