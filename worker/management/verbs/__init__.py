"""The verbs of the `aftercare` command, in the order that help shows them."""

from __future__ import annotations

VERBS = (
    "up", "demo", "migrate", "worker", "beat", "web", "load", "approve", "withdraw", "enrol", "appointment", "revoke",
    "messages", "explain", "rehearse", "status", "pause", "resume", "doctor", "verify", "words",
    "rotate_keys", "erase", "export", "retain",
)  # fmt: skip
