"""What a mail program does when its reader presses "unsubscribe": the one-click POST of RFC 8058."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .mail import Mail
    from .outside import Outside

_FORM = "List-Unsubscribe=One-Click"


async def unsubscribe(outside: Outside, mail: Mail) -> dict[str, Any]:
    """POST to the mail's List-Unsubscribe without cookies, following no redirect (rules 109 and 112).

    Returns url, status, error and done (True only for a 2xx answer). Raises ValueError, saying what the mail lacks,
    when a real mailbox would show no button.
    """
    reading = mail.reading
    url = next((uri for uri in reading.list_unsubscribe if uri.startswith(("https://", "http://"))), None)
    if url is None:
        raise ValueError("List-Unsubscribe: exactly one header with an http address is needed")
    if not reading.one_click:
        raise ValueError("List-Unsubscribe-Post: must be exactly List-Unsubscribe=One-Click")
    at = outside.clock.machine()
    answer = await outside.hooks.post(url, _FORM)
    done = answer["status"] is not None and 200 <= answer["status"] < 300  # noqa: PLR2004 - HTTP's own
    report = {"url": url, "status": answer["status"], "error": answer["error"], "done": done, "mail": mail.number}
    outside.witness.saw("unsubscribe", at=at, rcpt=list(mail.recipients), answer=report)
    outside.unsubscribed[mail.number] = report
    return report
