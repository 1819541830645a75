"""What comes back by phone, and what we answer."""
