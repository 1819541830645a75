"""Logs: one line per event, ids only, readable on a terminal and JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import Processor

# Their INFO and DEBUG lines carry phone numbers, addresses or whole requests (rule 60).
TALKATIVE = (
    "twilio",
    "kombu",
    "amqp",
    "urllib3",
    "asyncio",
    "aiohttp",
    "smtplib",
    "mail.log",
    "django.template",
    "celery.beat",
    "celery.redirected",
)

# What they tell at each step is told better by our own lines, or is worth nothing; LOG_LEVELS turns them on.
QUIET = {
    "celery.worker.strategy": logging.WARNING,  # "received", several times a second though nothing is due
    "celery.app.trace": logging.WARNING,  # "succeeded"; what fails is an ERROR
    "celery.worker.request": logging.WARNING,  # hints that came too late, by the hundred after a pause
    "django.request": logging.ERROR,  # a 403 or 404 has its line "request"
}


def configure(*, level: str, style: str, parts: Mapping[str, str] | None = None) -> None:
    """Send structlog's and the standard library's lines through one formatter to standard error.

    `level` is a logging level's name; `parts` gives loggers and those below them a level of their own, such as
    {"aftercare.message": "WARNING"}; `style` is json, human, or auto (human on a terminal).
    """
    parts = parts or {}
    lowest = min(logging.getLevelName(each) for each in (level, *parts.values()))
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    human = style == "human" or (style == "auto" and sys.stderr.isatty())
    last: Processor = structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, level_of_its_own in QUIET.items():
        logging.getLogger(name).setLevel(level_of_its_own)
    for name, own in parts.items():
        if name.split(".")[0] not in TALKATIVE:  # their lines carry numbers and addresses at any lower level
            logging.getLogger(name).setLevel(own)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        cache_logger_on_first_use=False,
    )
