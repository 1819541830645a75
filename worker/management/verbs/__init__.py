"""The verbs of the `aftercare` command, in the order that help shows them."""

from __future__ import annotations

VERBS = (
    "up", "demo", "migrate", "worker", "beat", "web", "load", "create_owner", "approve", "withdraw", "adopt",
    "enrol", "import_", "treatment", "appointment", "appointments", "contact", "zone", "revoke", "messages", "unknown",
    "failed", "replay", "tasks", "conversations", "on_call", "settle", "release", "explain", "rehearse", "forecast",
    "status", "pause", "resume", "purge", "doctor", "restore_check", "verify", "words", "api_key", "rotate_keys",
    "erase", "export", "dossier", "retain",
)  # fmt: skip
