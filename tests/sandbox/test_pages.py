"""The phones: a page that trusts no message and works without a script (design, item "the phones")."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from .setting import ALICE, CLINIC

HOSTILE = "<script>alert(1)</script> & \"'><img src=x onerror=y> {{7*7}} javascript:alert(1)"


class _Page(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def _get(outside, path):
    status, headers, body = outside.ask("GET", path, user=None)
    return status, headers, _Page(body)


def _mail_number(outside):
    return outside.log("mail")[-1]["number"]


def test_a_phone_shows_what_was_said_and_whether_it_arrived(outside):
    """P8 for eyes: bubbles, their state, links that can be clicked and open elsewhere."""
    outside.sandbox.faults(handsets={"+14155550151": {"status": "undelivered", "error_code": 30003}})
    outside.text(to="+14155550150", body="Your care: http://127.0.0.1:8000/c/abc.", from_=CLINIC)
    outside.text(to="+14155550151", body="Lost words", from_=CLINIC)
    outside.sandbox.wait_quiet()
    outside.sandbox.reply("+14155550150", "Gracias ❤")
    status, _, page = _get(outside, "/")
    assert status == 200
    for shown in ("+1 415 555 0150", "Your care: ", "Gracias ❤", "delivered", "never arrived (30003)"):
        assert shown in page.text
    (link,) = [attrs for tag, attrs in page.tags if tag == "a" and "/c/abc" in (attrs.get("href") or "")]
    assert link["href"] == "http://127.0.0.1:8000/c/abc"
    assert (link["target"], "noopener" in link["rel"]) == ("_blank", True)


@pytest.mark.parametrize("path", ["/", "/?still", "/phone/14155550152", "/phone/14155550152/thread", "/mail/{mail}"])
def test_no_message_reaches_the_page_as_markup(outside, path):
    """All content is hostile: everything is escaped, no script, no style, no handler, nothing from elsewhere."""
    outside.text(to="+14155550152", body=HOSTILE, from_=CLINIC)
    outside.mail(subject=HOSTILE, sender=f'"{"<b>x"}" <a@b.example>', text=HOSTILE, html="<p>html</p>")
    outside.sandbox.wait_quiet()
    status, headers, page = _get(outside, path.format(mail=_mail_number(outside)))
    assert status == 200
    assert not [tag for tag, _ in page.tags if tag in {"script", "img", "style", "b", "object"}]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert not [attrs for tag, attrs in page.tags if tag == "a" and attrs["href"].startswith("javascript")]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    sources = [attrs.get("src") or (attrs.get("href") if tag == "link" else None) for tag, attrs in page.tags]
    assert all(source.startswith("/") and not source.startswith("//") for source in sources if source)


def test_a_mails_html_is_shown_but_may_do_nothing(outside):
    """A sandboxed frame and a strict policy: no script, no form, no picture from outside, no base."""
    outside.mail(html="<html><head></head><body><script>x</script><a href='http://127.0.0.1/u/1'>bye</a></body></html>")
    number = _mail_number(outside)
    _, _, page = _get(outside, f"/mail/{number}")
    (frame,) = [attrs for tag, attrs in page.tags if tag == "iframe"]
    assert frame["src"] == f"/mail/{number}/html"
    assert set(frame["sandbox"].split()) == {"allow-popups", "allow-popups-to-escape-sandbox"}
    _, headers, inside = _get(outside, frame["src"])
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert ("base", {"target": "_blank"}) in inside.tags
    raw = outside.ask("GET", f"/mail/{number}/raw", user=None)
    assert raw[1]["Content-Type"].startswith("text/plain")
    assert raw[1]["X-Content-Type-Options"] == "nosniff"


def test_the_page_looks_again_until_it_is_told_to_hold_still(outside):
    """Works without JavaScript: meta refresh, a link that stops it, and a field to type in once it is still."""
    outside.text(to="+14155550153", from_=CLINIC)
    outside.sandbox.wait_quiet()
    _, _, moving = _get(outside, "/")
    _, _, still = _get(outside, "/?still")

    def refreshes(page):
        return [attrs for tag, attrs in page.tags if tag == "meta" and attrs.get("http-equiv") == "refresh"]

    assert refreshes(moving)
    assert ("a", {"href": "/?still"}) in moving.tags
    assert not refreshes(still)
    assert [attrs for tag, attrs in still.tags if tag == "input" and attrs["type"] == "text"]
    assert not refreshes(_get(outside, "/phone/14155550153")[2])


def test_every_field_and_frame_has_a_name(outside):
    """Accessible: a label for each field, a title for each frame, a name on each button, one main."""
    outside.text(to="+14155550154", from_=CLINIC)
    outside.sandbox.wait_quiet()
    for path in ("/?still", "/phone/14155550154"):
        _, _, page = _get(outside, path)
        labels = {attrs.get("for") for tag, attrs in page.tags if tag == "label"}
        fields = [attrs for tag, attrs in page.tags if tag == "input" and attrs["type"] != "hidden"]
        assert fields
        assert all(attrs["id"] in labels for attrs in fields)
        assert all(attrs.get("title") for tag, attrs in page.tags if tag == "iframe")
        assert [tag for tag, _ in page.tags].count("main") == 1
        assert ("html", {"lang": "en"}) in page.tags


def test_a_reply_typed_on_the_page_reaches_the_application(outside, receiver):
    """STOP by a press of a button: 303 back to where one was, and the webhook is on its way."""
    outside.text(to="+14155550155", from_=CLINIC)
    outside.sandbox.wait_quiet()
    status, headers, _ = outside.ask("POST", "/phone/14155550155/reply", {"body": "STOP", "back": "phone"}, user=None)
    assert (status, headers["Location"]) == (303, "/phone/14155550155")
    outside.sandbox.wait_quiet()
    assert [heard.form["Body"] for heard in receiver.heard] == ["STOP"]
    assert receiver.valid(receiver.heard[0])
    for back in ("//evil.example", "https://evil.example", ""):
        headers = outside.ask("POST", "/phone/14155550155/reply", {"body": "Hi", "back": back}, user=None)[1]
        assert headers["Location"] == "/"


def test_the_unsubscribe_button_unsubscribes_and_says_so(outside, receiver):
    """Rule 112 at a press of a button; the mailbox shows what the clinic answered."""
    link = f"<{receiver.url}/u/abc>"
    outside.mail(to="eve@example.com", List_Unsubscribe=link, List_Unsubscribe_Post="List-Unsubscribe=One-Click")
    number = _mail_number(outside)
    assert f"/mail/{number}/unsubscribe" in outside.ask("GET", "/", user=None)[2]
    status, headers, _ = outside.ask("POST", f"/mail/{number}/unsubscribe", {"back": "mail"}, user=None)
    assert (status, headers["Location"]) == (303, f"/mail/{number}")
    assert receiver.heard[0].path == "/u/abc"
    page = outside.ask("GET", "/", user=None)[2]
    assert "Unsubscribed" in page
    assert f"/mail/{number}/unsubscribe" not in page


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
def test_a_form_from_elsewhere_is_refused(outside, receiver, headers):
    """No other page may make this browser write as a client."""
    outside.text(to=ALICE, from_=CLINIC)
    outside.sandbox.wait_quiet()
    assert outside.ask("POST", "/phone/14155550111/reply", {"body": "STOP"}, user=None, headers=headers)[0] == 403
    outside.sandbox.wait_quiet()
    assert receiver.heard == []


@pytest.mark.parametrize("path", ["/phone/19999999999", "/mail/0", "/mail/99999", "/mail/x", "/../etc/passwd"])
def test_what_is_not_there_is_404(outside, path):
    """An address that shows nothing says so."""
    assert outside.ask("GET", path, user=None)[0] == 404


def test_a_phone_with_nobody_to_write_to_says_what_is_missing(outside):
    """P12: a page, not a crash."""
    outside.sandbox.reply("+14155550156", "Hello?", to=CLINIC)
    status, _, body = outside.ask("POST", "/phone/14155550156/reply", {"body": "Again"}, user=None)
    assert status == 400
    assert "nobody has written to this phone yet" in unescape(body)


def test_the_stylesheet_fetches_nothing(outside):
    """One stylesheet, no fonts, no pictures, no imports."""
    status, headers, body = outside.ask("GET", "/style.css", user=None)
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/css")
    assert not re.search(r"url\(|@import", body)
