"""What is written down: the audit chain and its heads, tasks for people, verdicts of providers."""
