"""Who signs in at the desk, and how: allauth does the work, these files bend it to a clinic (P10)."""
