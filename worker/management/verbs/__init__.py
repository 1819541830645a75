"""The verbs of the `aftercare` command, in the order that help shows them."""

from __future__ import annotations

VERBS = (
    "up", "demo", "migrate", "worker", "beat", "web", "load", "approve", "withdraw", "enrol", "appointment", "contact",
    "revoke", "messages", "tasks", "release", "explain", "rehearse", "forecast", "status", "pause", "resume", "doctor",
    "verify", "words", "rotate_keys", "erase", "export", "dossier", "retain",
)  # fmt: skip
