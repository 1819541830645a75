"""What people do at the desk, from the first key to the phone of a client, in a real browser and a real house."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.browser import signed
from tests.browser.conftest import sign_in
from tests.browser.test_every_page import look, visit
from tests.processes import people

PLACE = ZoneInfo("America/New_York")
PATIENCE = 60.0


def fill(page, site, *, name: str, phone: str) -> None:
    """Who she is and what was done; treated a quarter of an hour ago."""
    treated = (site.house.now() - timedelta(minutes=15)).astimezone(PLACE)
    page.goto("/enrol")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Mobile phone").fill(phone)
    page.get_by_label("Treated on").fill(f"{treated:%Y-%m-%d}")
    page.locator("#id_treated_time").fill(f"{treated:%H:%M}")
    page.get_by_label("Aftercare by text message").check()


def texts(site, phone: str) -> list[str]:
    """What a phone got."""
    log = site.house.sandbox.log("create")
    return [each["params"]["Body"] for each in log if each["accepted"] and each["params"]["To"] == phone]


def until(ask, what: str):
    """Ask until the answer is true; a busy machine gets a minute."""
    end = time.monotonic() + PATIENCE
    while not (found := ask()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


def test_from_the_form_to_the_phone(open_page, site):
    """Sam types, sees what will come, lets her sign, presses once; her phone gets the confirmation (P1)."""
    page, phone = open_page(), people.phone(1701)
    fill(page, site, name="Carla Ruiz", phone=phone)
    expect(page.locator("#preview .coming li").first).to_be_visible()
    page.get_by_label("She signs here, on this screen").check()
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 20, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Enrol her").click()

    expect(page.get_by_role("heading", name="Carla Ruiz")).to_be_visible()
    expect(page.get_by_text("Carla Ruiz is enrolled")).to_be_visible()
    expect(page.get_by_label("signature").first).to_be_visible()
    assert "STOP" in until(lambda: texts(site, phone), "the confirmation did not come")[0]


def test_without_scripts_all_of_it_can_be_done(open_page, site):
    """Preview by a button, a typed name for the signature, one press (issue 6, point 8)."""
    page, phone = open_page(scripts=False), people.phone(1702)
    fill(page, site, name="Dora Bell", phone=phone)
    page.get_by_label("She signs here, on this screen").check()
    page.get_by_label("Her name, typed by her").fill("Dora Bell")
    page.get_by_role("button", name="Show what will come").click()
    expect(page.locator("#preview .coming li").first).to_be_visible()
    assert not texts(site, phone)
    page.get_by_role("button", name="Enrol her").click()
    expect(page.get_by_role("heading", name="Dora Bell")).to_be_visible()


def test_a_stop_is_seen_at_the_desk_at_once(open_page, site):
    """The moment the webhook has answered, the desk's page says so, and nothing is planned any more (P2)."""
    her = site.house.enrol(name="Erin Stone")
    site.house.quiet()
    page = open_page()
    page.goto(f"/clients/{her.id}")
    expect(page.get_by_text("stopped", exact=True)).to_have_count(0)

    answered = site.house.sandbox.reply(her.phone, "STOP")
    page.reload()

    assert answered["hook"]["status"] == 200
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    coming = page.get_by_role("region", name="What will come").get_by_role("link").all_inner_texts()
    assert set(coming) <= {"stop-confirmation"}, "only the one confirmation may still leave (rule 22)"


def test_a_red_flag_is_told_answered_and_closed(open_page, site):
    """Rules 41, 17: Dr Okafor's phone rings, he answers on the page, hers shows it; closed, her course goes on (P7)."""
    house, okafors = site.house, people.phone(1704)
    her = house.enrol(name="Ines Roth")
    house.quiet()
    house.cli("on-call", "--clinic", "lakeside", "agree", okafors, "--by", signed.OKAFOR, "--i-agree")
    house.sandbox.reply(her.phone, "there is pus and I have a fever")
    until(lambda: any("/inbox" in said for said in texts(site, okafors)), "Dr Okafor was not told")

    page, words = open_page(signed.OKAFOR, scripts=False, width=320), "Please call us now, we want to hear more."
    page.goto("/inbox")
    page.get_by_role("link", name="Ines Roth").click()
    expect(page.get_by_text("there is pus and I have a fever")).to_be_visible()
    page.get_by_label("Your words to her").fill(words)
    page.get_by_label("I read her words").first.check()
    page.get_by_role("button", name="Send", exact=True).click()
    until(lambda: any(words in said for said in texts(site, her.phone)), "her phone did not show it")
    page.get_by_role("button", name="Close it").click()

    expect(page.get_by_text("Her course goes on")).to_be_visible()
    expect(page.get_by_role("link", name="Ines Roth")).to_have_count(0)
    assert not house.messages(her, state="held")
    assert house.messages(her, state="planned")


def test_she_fills_it_in_on_her_own_phone(open_page, site):
    """The code leads her phone to the form; when she has signed, the desk moves on by itself (rule 2)."""
    desk, phone = open_page(), people.phone(1703)
    fill(desk, site, name="Gina Holt", phone=phone)
    desk.get_by_role("button", name="Show a code for her phone").click()
    link = desk.get_by_text(re.compile(r"http\S+/e/")).inner_text()
    assert look(desk) == []

    hers = open_page(None, width=320)
    hers.goto(link)
    expect(hers.get_by_label("Name", exact=True)).to_have_value("Gina Holt")
    hers.get_by_label("Aftercare by text message").check()
    hers.get_by_label("or type your name").fill("Gina Holt")
    hers.get_by_role("button", name="Send").click()

    expect(hers.get_by_role("heading", name="Thank you")).to_be_visible()
    desk.wait_for_url(re.compile(r"/clients/\d+$"))
    expect(desk.get_by_role("heading", name="Gina Holt")).to_be_visible()


def test_a_visit_is_moved_and_cancelled_and_the_cancelling_undone(open_page, site):
    """Each says what will happen first; the cancelling is taken back by one press (P7)."""
    her = site.house.enrol(name="Hana Ito", session=timedelta(days=35))
    page = open_page()
    page.goto(f"/clients/{her.id}")
    page.get_by_role("link", name="Move", exact=True).click()
    day = (site.house.now() + timedelta(days=37)).astimezone(PLACE)
    page.get_by_label("Day").fill(f"{day:%Y-%m-%d}")
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_text("The visit is moved")).to_be_visible()

    page.get_by_role("link", name="Cancel", exact=True).click()
    expect(page.get_by_text("What will happen")).to_be_visible()
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The visit stands again")).to_be_visible()


def test_the_desk_can_be_worked_by_keyboard_alone(open_page, told):
    """The first key leads past the menu; search, Enter, and her page opens (WCAG 2.1.1, 2.4.1)."""
    page = open_page()
    page.goto("/today")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.goto("/clients")
    expect(page.get_by_label("Name, phone, its last four digits, or email")).to_be_focused()
    page.keyboard.type("moreau")
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Alice Moreau")
    expect(link.first).to_be_visible()
    link.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/clients/\d+$"))


def test_a_passkey_opens_the_desk(chromium, site):
    """Added once, it signs in without a password (P10)."""
    context = chromium.new_context(base_url=site.url.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/login")
    page.get_by_label("Email").fill(signed.PIA)
    page.get_by_label("Password", exact=True).fill(signed.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/account/passkeys/add")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("/account/(codes|security)"))
    page.goto("/account/passkeys")
    hers = page.locator("main a[href*='/passkeys/']").all()
    pages = [page.url, *(each.evaluate("each => each.href") for each in hers)]
    assert {url.rpartition("/")[2] for url in pages} >= {"edit", "remove"}
    assert [fault for url in pages for fault in (*visit(page, url), *look(page))] == []
    context.clear_cookies()

    page.goto("/login")
    page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url("**/today")
    context.close()


def test_the_day_it_is_is_the_clinics(open_page, site):
    """Today's page names the clinic's day (P6)."""
    page = open_page()
    page.goto("/today")
    now: datetime = site.house.now().astimezone(PLACE)
    expect(page.locator("main .lead").first).to_contain_text(str(now.day))


def test_a_changed_text_is_seen_saved_and_approved(open_page, site):
    """The preview follows the keys, a fault is said at once, the draft waits, and her yes puts it in force (P3)."""
    page = open_page(None)
    sign_in(page, signed.OKAFOR)  # a session of her own: nobody has given the password once more in it
    page.get_by_role("link", name="Protocols").click()
    page.get_by_role("link", name="Micro-needling of stretch marks").click()
    page.get_by_role("link", name="Edit week-3").click()
    english = page.get_by_role("region", name="English")
    field = english.get_by_label("Text message")
    words = field.input_value()
    field.fill(f"{words} Save 20% on our peel!")
    expect(english.get_by_role("status")).to_contain_text("marketing")
    field.fill(words.replace(":", ": hello,", 1))
    expect(english.locator(".phone .bubble")).to_contain_text(": hello,")
    expect(english.get_by_role("status")).to_have_text(re.compile("no fault found"))
    page.get_by_role("button", name="Save as a draft").click()
    expect(page.get_by_text("is saved as a draft")).to_be_visible()

    page.get_by_role("link", name="Read and approve").click()
    expect(page.locator(".diff ins").first).to_be_visible()
    expect(page.get_by_role("region", name="For courses that are under way")).to_be_visible()
    page.get_by_label("I have read every text of it").check()
    page.get_by_role("button", name="Approve it").click()
    page.get_by_label("Password").fill(signed.PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("is approved. New clients")).to_be_visible(timeout=PATIENCE * 1000)
    expect(page.get_by_text("waits for a practitioner")).to_have_count(0)


def test_a_file_of_clients_is_looked_at_confirmed_and_reaches_their_phones(open_page, site):
    """Who said stop is refused with the day; only after the press her phone gets the confirmation (P1, P2)."""
    gone, new = people.phone(1711), people.phone(1712)
    site.house.enrol(name="Gwen Hart", phone=gone)
    site.house.quiet()
    site.house.sandbox.reply(gone, "STOP")
    rows = "external_id,given_name,family_name,mobile,treatment_code,treated_at,consent_sms_aftercare,consent_at,how\n"
    treated = (site.house.now() - timedelta(hours=1)).astimezone(PLACE)
    for number, (name, phone) in enumerate((("Gwen", gone), ("Lia", new)), start=1):
        rows += (
            f"J-{number},{name},Hart,{phone},{people.PROTOCOL},{treated:%Y-%m-%d %H:%M},yes,{treated:%Y-%m-%d},paper\n"
        )
    page = open_page(scripts=False)
    page.goto("/imports")
    page.get_by_label("CSV file").set_input_files({"name": "c.csv", "mimeType": "text/csv", "buffer": rows.encode()})
    page.get_by_role("button", name="Upload and look").click()
    page.get_by_label("How she agreed").select_option("how")
    page.get_by_role("button", name="Look at every row").click()
    press_until(page, "waits for your yes")
    expect(page.get_by_text(re.compile("may not be written to since")).first).to_be_visible()
    assert not texts(site, new)

    page.get_by_role("link", name="Enrol 1 client").click()
    page.get_by_role("button", name="Enrol them").click()
    press_until(page, "done")
    assert "STOP" in until(lambda: texts(site, new), "the confirmation did not come")[0]


def press_until(page, state: str) -> None:
    """Look again until the file is there: what somebody without scripts does, however busy the machine is."""
    end = time.monotonic() + PATIENCE
    while not page.get_by_text(state, exact=True).count():
        assert time.monotonic() < end, f"the file never came to: {state}"
        again = page.get_by_role("button", name="Look again")
        if again.count():
            again.click()
        else:
            page.reload()
