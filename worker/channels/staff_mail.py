"""Letters to staff (invitations, forgotten passwords), by the same relay or provider that carries clients' mail.

They are no messages of the course: no consent, no plan, no retry; whoever asked for one asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from worker.channels.email import ANYMAIL
from worker.channels.smtp import relay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMessage


class StaffMail(BaseEmailBackend):
    """Django's mail backend, chosen by EMAIL_URL."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Hand over, and say how many were taken. Raises OSError or what the provider's client raises."""
        return _backend(settings.EMAIL_URL).send_messages(email_messages) or 0


def _backend(url: str) -> Any:
    if url.startswith(ANYMAIL):
        from worker.channels.anymail_out import provider

        there = provider(url)
        return get_connection(there.backend.path, fail_silently=False, **there.options)
    post = relay(settings.SANDBOX_SMTP_URL, name="SANDBOX_SMTP_URL") if url == "sandbox" else relay(url)
    return get_connection(
        "django.core.mail.backends.smtp.EmailBackend",
        host=post.host,
        port=post.port,
        username=post.user,
        password=post.password,
        use_ssl=post.secure,
        use_tls=not post.secure and not post.here,
        timeout=settings.PROVIDER_TIMEOUT_SECONDS,
    )
