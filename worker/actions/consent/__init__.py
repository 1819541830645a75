"""Consent: given, confirmed, revoked, restored; held in doubt."""
