"""Every alert caused with real parts: `make alerts`, see docs/runbook.md."""
