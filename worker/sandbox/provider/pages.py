"""The phones: a page for people, which works without JavaScript and trusts no message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web

from . import gallery
from .unsubscribe import unsubscribe

if TYPE_CHECKING:
    from .mail import Mail
    from .outside import Outside

_FOLDER = Path(__file__).resolve().parents[3] / "templates" / "sandbox"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# A mail's HTML may look as it likes, but it loads nothing, runs nothing and sees nothing of this page.
_MAIL_HEADERS = _HEADERS | {
    "Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
}
_PHONES, _TEXTS, _LETTERS = 60, 12, 8


class Pages:
    """The handlers."""

    def __init__(self, outside: Outside) -> None:
        """Serve `outside`."""
        self._outside = outside
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = (_FOLDER / "style.css").read_text(encoding="utf-8")

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self.phones),
            web.get("/style.css", self.style),
            web.get(r"/phone/{digits:\d{1,20}}", self.phone),
            web.get(r"/phone/{digits:\d{1,20}}/thread", self.thread),
            web.post(r"/phone/{digits:\d{1,20}}/reply", self.reply),
            web.get(r"/mail/{number:\d{1,9}}", self.mail),
            web.get(r"/mail/{number:\d{1,9}}/html", self.mail_html),
            web.get(r"/mail/{number:\d{1,9}}/raw", self.mail_raw),
            web.post(r"/mail/{number:\d{1,9}}/unsubscribe", self.leave),
        ]

    async def style(self, _request: web.Request) -> web.Response:
        """Serve the one stylesheet."""
        return web.Response(text=self._style, content_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    async def phones(self, request: web.Request) -> web.Response:
        """Show all phones and mailboxes; ?still stops the refreshing, so that one can type in peace."""
        still = "still" in request.query
        return self._page(
            "phones.html",
            still=still,
            refresh=None if still else gallery.REFRESH,
            handsets=gallery.handsets(self._outside, most=_PHONES, texts=_TEXTS),
            mailboxes=gallery.mailboxes(self._outside, most=_PHONES, letters=_LETTERS),
        )

    async def phone(self, request: web.Request) -> web.Response:
        """Show one phone: the thread refreshes itself in a frame, the field beside it does not."""
        return self._page("phone.html", refresh=None, handset=self._handset(request))

    async def thread(self, request: web.Request) -> web.Response:
        """Show the inside of that frame."""
        return self._page("thread.html", refresh=gallery.REFRESH, handset=self._handset(request))

    async def reply(self, request: web.Request) -> web.Response:
        """Write from this phone and go back to where the form was."""
        form = await _form(request)
        digits = request.match_info["digits"]
        try:
            message = self._outside.phones.write("+" + digits, form.get("body", ""))
        except ValueError as error:
            return self._page("sorry.html", status=400, refresh=None, error=str(error))
        self._outside.carrier.background(self._outside.phones.deliver(message))
        where = {"phone": f"/phone/{digits}", "still": "/?still"}.get(form.get("back", ""), "/")
        raise web.HTTPSeeOther(where)

    async def mail(self, request: web.Request) -> web.Response:
        """Show one mail: its text, and its HTML in a frame that may do nothing."""
        mail = self._mail(request)
        return self._page("mail.html", refresh=None, mail=mail, letter=gallery.letter(self._outside, mail))

    async def mail_html(self, request: web.Request) -> web.Response:
        """Show the HTML part alone; its links open beside this page."""
        html = self._mail(request).reading.html
        page = html.replace("<head>", '<head><base target="_blank">', 1) if "<head>" in html else html
        return web.Response(text=page, content_type="text/html", charset="utf-8", headers=_MAIL_HEADERS)

    async def mail_raw(self, request: web.Request) -> web.Response:
        """Show the bytes as they came."""
        raw = self._mail(request).raw.decode("utf-8", errors="replace")
        return web.Response(text=raw, content_type="text/plain", charset="utf-8", headers=_MAIL_HEADERS)

    async def leave(self, request: web.Request) -> web.Response:
        """Press this mail's unsubscribe button and go back to where it was."""
        form = await _form(request)
        mail = self._mail(request)
        try:
            await unsubscribe(self._outside, mail)
        except ValueError as error:
            return self._page("sorry.html", status=400, refresh=None, error=str(error))
        where = {"mail": f"/mail/{mail.number}", "still": "/?still"}.get(form.get("back", ""), "/")
        raise web.HTTPSeeOther(where)

    def _handset(self, request: web.Request) -> gallery.Handset:
        number = "+" + request.match_info["digits"]
        held = self._outside.store.by_phone.get(number)
        if held is None:
            raise web.HTTPNotFound(text="No such phone yet.")
        return gallery.handset(self._outside, number, held, texts=500)

    def _mail(self, request: web.Request) -> Mail:
        place = int(request.match_info["number"]) - 1
        if not 0 <= place < len(self._outside.mailroom.mails):
            raise web.HTTPNotFound(text="No such mail.")
        return self._outside.mailroom.mails[place]

    def _page(self, template: str, *, status: int = 200, **shown: Any) -> web.Response:
        now = self._outside.clock.calendar()
        text = self._templates.get_template(template).render(
            today=gallery.day(now),
            time=gallery.hour(now),
            stepped=abs(self._outside.clock.offset()) >= 1,
            outage=self._outside.weather.now.outage,
            quiet=self._outside.quiet(),
            home=self._outside.options.public_url,
            **shown,
        )
        return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


async def _form(request: web.Request) -> dict[str, str]:
    """Read a form that this page sent; one that another site made the browser send is refused (403)."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site not in {"same-origin", "none"} if site else bool(origin) and urlsplit(origin).netloc != request.host
    if foreign:
        raise web.HTTPForbidden(text="This form must be sent from the sandbox's own page.")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
