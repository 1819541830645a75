"""`make soak`: the whole house under a seeded stream of faults, and a checker that reads what the outside saw."""
