"""Bring clients from another system's file: nothing takes effect before somebody looked and said so."""
