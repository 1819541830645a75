"""Conversations: hear a client, call staff, answer, close; and the check-ins of the care page."""
