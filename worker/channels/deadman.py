"""Tell a monitor outside that all is well; whoever hears nothing for some minutes wakes a person (P5)."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from worker.channels.http import tls_context

PATIENCE = 5.0  # seconds


def call(url: str) -> str:
    """One GET, without a word about anybody; "" when it was answered with 2xx, else why not. Follows no redirect."""
    parts = urlsplit(url)
    try:
        line = (
            http.client.HTTPSConnection(parts.netloc, timeout=PATIENCE, context=tls_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        )
        try:
            line.request("GET", f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")
            status = line.getresponse().status
        finally:
            line.close()
    except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
        return type(error).__name__
    return "" if status // 100 == 2 else f"http {status}"  # noqa: PLR2004 - the class of success
