"""The road of a message: due, claim, prepare, decide, call, record; `shift` walks it for a batch at a time."""
