"""Questions to the database: they change nothing, and pages and commands share them."""
