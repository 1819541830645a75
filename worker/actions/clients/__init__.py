"""Clients and their addresses: enrol, change, find."""
