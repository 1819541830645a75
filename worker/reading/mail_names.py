"""SPF, DKIM and DMARC of the clinics' domains, as receivers look them up (RFC 7208, 6376, 7489; rule 126)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.resolver
from django.conf import settings

from worker.models import Clinic
from worker.reading.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Texts = Callable[[str], list[str]]

PATIENCE = 3.0  # seconds for each name


class NoResolverError(Exception):
    """Nobody answers questions about names here."""


def texts(name: str) -> list[str]:
    """The TXT records of a name, none where there are none. Raises NoResolverError when no resolver answers."""
    try:
        found = dns.resolver.resolve(name, "TXT", lifetime=PATIENCE)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NoResolverError(type(error).__name__) from None
    return [b"".join(each.strings).decode("utf-8", "replace") for each in found]


def mail_names(look: Texts = texts) -> Iterator[Finding]:
    """What is published for each clinic's mail domain; nothing to look up while mail goes to the sandbox."""
    if settings.EMAIL_URL == "sandbox":
        return
    for domain in sorted(set(Clinic.objects.values_list("mail_domain", flat=True)) - {""}):
        try:
            yield from _of(domain, look)
        except NoResolverError as error:
            yield Finding(f"DNS of {domain}", ok=True, says=f"not looked up: no resolver answers ({error})")
            return


def _of(domain: str, look: Texts) -> Iterator[Finding]:
    spf = [each for each in look(domain) if each.lower().split(" ")[0] == "v=spf1"]
    says = {0: "no record", 1: "one record"}.get(len(spf), f"{len(spf)} records, which is as good as none")
    mend = f'publish one TXT record at {domain} that names your mail server, such as "v=spf1 include:... -all"'
    yield Finding(f"SPF of {domain}", ok=len(spf) == 1, says=says, mend=mend)
    if len(spf) == 1 and spf[0].lower().endswith("+all"):
        mend = "end it with -all or ~all"
        yield Finding(f"SPF of {domain}", ok=False, says="lets everybody send as this domain", mend=mend)
    yield _dmarc(domain, look)
    yield _dkim(domain, look)


def _dmarc(domain: str, look: Texts) -> Finding:
    """At the domain itself, or at the one above it (RFC 7489, 6.6.3)."""
    for name in (domain, domain.partition(".")[2]):
        found = [each for each in look(f"_dmarc.{name}") if each.replace(" ", "").upper().startswith("V=DMARC1")]
        if found and "." in name:
            policy = next((part.strip() for part in found[0].split(";") if part.strip().startswith("p=")), "p=?")
            return Finding(f"DMARC of {domain}", ok=True, says=policy)
    mend = f'publish a TXT record at _dmarc.{domain}, to begin with "v=DMARC1; p=none; rua=mailto:..."'
    return Finding(f"DMARC of {domain}", ok=False, says="no record: Gmail and Yahoo ask for one", mend=mend)


def _dkim(domain: str, look: Texts) -> Finding:
    if not settings.DKIM_SELECTOR:
        return Finding(
            f"DKIM of {domain}", ok=True, says="not looked up: set DKIM_SELECTOR to your mail server's selector"
        )
    name = f"{settings.DKIM_SELECTOR}._domainkey.{domain}"
    found = any("p=" in each for each in look(name))
    mend = f"publish your mail server's public key at {name}, or let it be a CNAME to the provider's"
    return Finding(f"DKIM of {domain}", ok=found, says="a key is published" if found else "no key", mend=mend)
