"""The `aftercare` command."""
