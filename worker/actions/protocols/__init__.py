"""Protocols: load as drafts, approve, withdraw."""
