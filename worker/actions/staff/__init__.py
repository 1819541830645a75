"""Who works here: invitations, roles, and sessions that end."""
