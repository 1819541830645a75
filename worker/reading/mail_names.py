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


class UnansweredError(Exception):
    """A resolver is there, and gets no answer about this one name: its name, and why."""


def texts(name: str) -> list[str]:
    """The TXT records of a name, none where there are none.

    Raises UnansweredError when the servers of that name fail, NoResolverError when no resolver says anything.
    """
    try:
        found = dns.resolver.resolve(name, "TXT", lifetime=PATIENCE)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        if (why := _said(error)) or _speaks():
            raise UnansweredError(name, why or "no answer in time") from None
        raise NoResolverError(type(error).__name__) from None
    return [b"".join(each.strings).decode("utf-8", "replace") for each in found]


def _said(error: Exception) -> str:
    """The word of a resolver that answered without an answer, such as SERVFAIL; "" when none said anything."""
    tried = getattr(error, "kwargs", {}).get("errors", ())
    return next((str(each[3]) for each in tried if each[4] is not None), "")


def _speaks() -> bool:
    """Anything at all about the root: a resolver that waits for the servers of one domain is silent about that one."""
    try:
        dns.resolver.resolve(".", "NS", lifetime=PATIENCE)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return True
    except (dns.exception.DNSException, OSError) as error:
        return bool(_said(error))
    return True


def mail_names(look: Texts = texts) -> Iterator[Finding]:
    """What is published for each clinic's mail domain; nothing to look up while mail goes to the sandbox.

    A domain whose servers fail is named and hides no other. Where nothing is answered at all, that is said once.
    """
    if settings.EMAIL_URL == "sandbox":
        return
    answered, failed = False, []
    for domain in sorted(set(Clinic.objects.values_list("mail_domain", flat=True)) - {""}):
        try:
            for each in _of(domain, look):
                answered = True
                yield each
        except UnansweredError as error:
            failed.append(_unanswered(domain, *error.args))
        except NoResolverError as error:
            if not answered:  # each further name would cost PATIENCE, and say the same
                yield _no_resolver(str(error))
                return
            failed.append(_unanswered(domain, domain, str(error)))
    if failed and not answered and not _answers(look):
        yield _no_resolver("it fails at every name")
    else:
        yield from failed


def _answers(look: Texts) -> bool:
    """Does it know the root? Docker's resolver, and systemd's, say SERVFAIL to everything while the network is away."""
    try:
        look(".")
    except (NoResolverError, UnansweredError):
        return False
    return True


def _no_resolver(why: str) -> Finding:
    return Finding("mail names", ok=True, says=f"not looked up: no resolver answers ({why})")


def _unanswered(domain: str, name: str, why: str) -> Finding:
    mend = f"let the name servers of {domain} answer: while they fail, receivers can't check its mail, and put it off"
    return Finding(f"DNS of {domain}", ok=False, says=f"{name} can't be looked up ({why})", mend=mend)


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
