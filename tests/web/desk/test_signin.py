"""Sign-in: throttled, with a second factor where the role asks for it, and sessions that end (P10)."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import auth as recovery_codes
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.test import Client as Browser
from django.urls import reverse

from worker import clock
from worker.actions.staff import accounts
from worker.models import Staff
from worker.models.staff import Role
from worker.rules.refusal import Refusals
from worker.web.signin.limits import SEEN, SINCE

PASSWORD = "a calm desk in spring"
# Who has an app, a password and no passkey yet is led elsewhere by these three.
ELSEWHERE = {"mfa_activate_totp": 302, "account_set_password": 302, "mfa_reauthenticate_webauthn": 302}


@pytest.fixture(autouse=True)
def _fresh(db, settings):
    """Nobody has failed to sign in before; letters stay here."""
    cache.clear()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    yield
    cache.clear()


def known(desk, role=Role.DESK) -> Staff:
    person = desk.people["lakeside", role]
    accounts.set_password(email=person.email, password=PASSWORD)
    return person


def sign_in(browser, person, password=PASSWORD):
    return browser.post("/login", {"login": person.email, "password": password})


def owner(desk) -> tuple[Browser, Staff]:
    """The only one of Lakeside, who has just shown who she is."""
    person, browser = known(desk, Role.OWNER), desk.browser(Role.OWNER)
    assert browser.post("/account/again", {"password": PASSWORD, "next": "/people"})["Location"] == "/people"
    return browser, person


def test_the_right_password_opens_the_desk(desk):
    """Email in any case, and the password."""
    person = known(desk)
    browser = Browser()
    answer = browser.post("/login", {"login": person.email.upper(), "password": PASSWORD})
    assert answer["Location"] == "/today"
    assert browser.get("/today").status_code == 200


def test_guessing_is_throttled(desk):
    """After a few failures even the right password has to wait (P10)."""
    person, browser = known(desk), Browser()
    codes = [sign_in(browser, person, "wrong password indeed").status_code for _ in range(6)]
    assert codes[0] == 200
    assert sign_in(browser, person).status_code != 302


def test_a_stranger_and_a_wrong_password_read_the_same(desk):
    """Nobody learns from the words who works here (P10)."""
    person = known(desk)
    browser = Browser()
    wrong = browser.post("/login", {"login": person.email, "password": "wrong password indeed"})
    nobody = browser.post("/login", {"login": "nobody@lakeside.example", "password": "wrong password indeed"})
    assert wrong.context["form"].errors == nobody.context["form"].errors


def test_nobody_signs_up_by_herself(desk):
    """There is no such address."""
    assert Browser().get("/signup").status_code in (302, 404)
    assert Browser().get("/account/signup").status_code in (302, 404)


@pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.OPERATOR, Role.OWNER])
def test_roles_that_open_doors_need_a_second_factor(desk, settings, role):
    """Without one every page leads to where it is made; with one the code is asked at the sign-in (P10)."""
    settings.SECOND_FACTOR_FOR = ("practitioner", "operator", "owner")
    person, browser = known(desk, role), Browser()
    sign_in(browser, person)
    assert browser.get("/today")["Location"] == "/account/security"

    page = browser.get("/account/app/add")
    secret = page.context["form"].secret
    code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    assert browser.post("/account/app/add", {"code": code}).status_code == 302

    assert browser.get("/today").status_code == 200
    assert secret not in str(Authenticator.objects.get(user=person, type="totp").data), "sealed at rest"
    again = Browser()
    assert sign_in(again, person)["Location"].startswith("/account/code")
    assert again.get("/today")["Location"].startswith("/login")


def test_who_takes_her_app_away_needs_another(desk, settings):
    """P10: without the app every page leads to where one is made, here and on her other devices."""
    settings.SECOND_FACTOR_FOR = ("owner",)
    person, browser = known(desk, Role.OWNER), Browser()
    sign_in(browser, person)
    totp.TOTP.activate(person, totp.generate_totp_secret())
    other = desk.browser(Role.OWNER)
    assert [each.get("/today").status_code for each in (browser, other)] == [200, 200]

    assert browser.post("/account/app/remove").status_code == 302

    assert not Authenticator.objects.filter(user=person).exists()
    assert [each.get("/today")["Location"] for each in (browser, other)] == ["/account/security"] * 2


def test_a_desk_role_alone_needs_none(desk, settings):
    """As the setting says."""
    settings.SECOND_FACTOR_FOR = ("practitioner", "operator", "owner")
    person, browser = known(desk), Browser()
    sign_in(browser, person)
    assert browser.get("/today").status_code == 200


@pytest.mark.parametrize(("name", "ago"), [(SEEN, 21 * 60), (SINCE, 13 * 3600)])
def test_a_desk_nobody_uses_signs_itself_out(desk, name, ago):
    """Idle too long, or a session older than a working day (P10)."""
    person, browser = known(desk), Browser()
    sign_in(browser, person)
    browser.get("/today")
    session = browser.session
    session[name] = clock.machine().timestamp() - ago
    session.save()
    assert browser.get("/today")["Location"].startswith("/login")


def test_signing_out_everywhere_ends_the_other_devices(desk):
    """One press ends every session of the person, and of nobody else."""
    person, other = known(desk), desk.browser(Role.OWNER)
    here, there = Browser(), Browser()
    for browser in (here, there):
        sign_in(browser, person)
    said = here.post("/sign-out-everywhere", follow=True)
    assert "You are signed out on every device." in said.content.decode(), "the session that would say it has ended"
    assert there.get("/today")["Location"].startswith("/login")
    assert other.get("/today").status_code == 200


def test_an_owner_invites_by_email_and_the_link_works_once(desk, settings):
    """The letter's link sets a password, once (P10)."""
    browser, _owner = owner(desk)
    browser.post("/people", {"name": "Nora Lind", "email": "nora@lakeside.example", "roles": ["desk"]})
    link = re.search(r"/invitation/\S+", mail.outbox[0].body)[0]
    fresh = Browser()
    passwords = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert "Nora Lind" in fresh.get(link).content.decode()

    assert fresh.post(link, passwords).status_code == 302
    assert sign_in(fresh, Staff.objects.get(email="nora@lakeside.example"))["Location"] == "/today"
    assert Browser().post(link, passwords).status_code == 404


def test_an_invitation_asks_who_invites(desk):
    """P10: letting somebody in opens a door, so it asks for the password again, as a change of roles does."""
    said = {"name": "Nora Lind", "email": "nora@lakeside.example", "roles": ["desk"]}
    known(desk, Role.OWNER)
    assert desk.browser(Role.OWNER).post("/people", said)["Location"].startswith("/account/again")
    assert not Staff.objects.filter(email=said["email"]).exists()


def test_an_invitation_changes_nobody_who_is_here(desk):
    """P10: neither the last owner's roles nor a licence; nor does it let in whoever was switched off."""
    browser, boss = owner(desk)
    read = desk.people["lakeside", Role.PRACTITIONER]
    gone = desk.people["lakeside", Role.DESK]
    accounts.switch(staff_id=gone.pk, clinic_id=desk.lakeside.pk, active=False, by="tests")
    for person, changed in (
        (boss, {"roles": ["desk"]}), (read, {"roles": ["practitioner"], "licence": "NY-1"}), (gone, {}),
    ):  # fmt: skip
        said = {"name": "Another", "email": person.email.upper(), "roles": ["desk"]} | changed
        form = browser.post("/people", said).context["form"]
        assert form.errors["email"] == ["is here already; change her on her own page"], person.email
        now, before = Staff.objects.get(pk=person.pk), (person.name, person.licence, person is not gone, person.held)
        assert (now.name, now.licence, now.is_active, now.held) == before
    assert mail.outbox == []


def test_a_lost_letter_is_sent_once_more(desk):
    """P10: inviting again with the same roles changes nothing and sends another link."""
    browser, _owner = owner(desk)
    said = {"name": "Nora Lind", "email": "nora@lakeside.example", "roles": ["desk"]}
    assert [browser.post("/people", said).status_code for _ in range(2)] == [302, 302]
    assert len(mail.outbox) == 2
    read = desk.people["lakeside", Role.PRACTITIONER]
    again = {"name": read.name, "email": read.email, "roles": ["practitioner"], "licence": read.licence}
    assert browser.post("/people", again).status_code == 302


def test_a_weak_password_is_refused(desk):
    """Short, common or made of one's own name: refused with the reason (P12)."""
    made = accounts.invite(clinic_id=desk.lakeside.pk, email="n@x.example", name="Nora", roles=[Role.DESK], by="tests")
    link = f"/invitation/{made.uid}/{made.token}"
    answer = Browser().post(link, {"new_password1": "password", "new_password2": "password"})
    assert answer.context["form"].errors


def test_the_last_owner_stays_one(desk):
    """A clinic that nobody owns could let nobody in (P12)."""
    owner = desk.people["lakeside", Role.OWNER]
    with pytest.raises(Refusals, match="without an owner"):
        accounts.change_roles(staff_id=owner.pk, clinic_id=desk.lakeside.pk, roles=[Role.DESK], licence="", by="tests")
    with pytest.raises(Refusals, match="without an owner"):
        accounts.switch(staff_id=owner.pk, clinic_id=desk.lakeside.pk, active=False, by="tests")


def test_nobody_is_taken_over_from_another_clinic(desk):
    """An address that works elsewhere is refused (P10)."""
    with pytest.raises(Refusals, match="another clinic"):
        accounts.invite(
            clinic_id=desk.lakeside.pk, email=desk.people["hillside", Role.DESK].email, name="X", roles=[Role.DESK],
            by="tests",
        )  # fmt: skip


def test_the_interface_speaks_spanish_to_a_spanish_browser(desk):
    """By the browser's wish, and by one press."""
    browser = desk.browser()
    assert 'lang="es"' in browser.get("/today", headers={"accept-language": "es"}).content.decode()
    browser.post("/language", {"language": "es", "next": "/today"})
    said = browser.get("/today").content.decode()
    assert "Hoy" in said
    assert browser.post("/language", {"language": "es", "next": "https://elsewhere.example/"})["Location"] == "/"


def test_forms_pass_behind_a_proxy_with_tls(desk, settings):
    """The proxy speaks TLS, we see HTTP, the browser names the public origin: its forms are not a stranger's."""
    assert settings.PUBLIC_URL in settings.CSRF_TRUSTED_ORIGINS
    settings.CSRF_TRUSTED_ORIGINS = ["https://care.example"]
    settings.ALLOWED_HOSTS = ["care.example"]
    browser = Browser(enforce_csrf_checks=True, SERVER_NAME="care.example")
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', browser.get("/login").content.decode())[1]
    person, said = known(desk), {"password": PASSWORD, "csrfmiddlewaretoken": token}
    ours = browser.post("/login", {"login": person.email, **said}, headers={"origin": "https://care.example"})
    assert ours["Location"] == "/today"
    theirs = browser.post("/login", {"login": person.email, **said}, headers={"origin": "https://elsewhere.example"})
    assert theirs.status_code == 403


def test_a_forgotten_password_is_set_anew(desk):
    """By the link of a letter, once; then the new one signs in and the old one does not (P10)."""
    person, browser = known(desk), Browser()
    assert browser.post("/account/password/forgotten", {"email": person.email})["Location"].endswith("/sent")
    [letter] = mail.outbox
    assert f"Hello {person.name}" in letter.body
    link = re.search(r"/account/password/forgotten/\S+", letter.body)[0]
    form = browser.get(link, follow=True)
    assert b'name="password1"' in form.content
    said = {"password1": "the sea is quiet at night", "password2": "the sea is quiet at night"}
    assert browser.post(form.redirect_chain[-1][0], said)["Location"] == "/account/password/forgotten/done"
    assert sign_in(Browser(), person).status_code == 200, "the old one opens nothing"
    assert sign_in(Browser(), person, said["password1"])["Location"] == "/today"
    assert b'name="password1"' not in Browser().get(link, follow=True).content, "a link works once"


def test_nobody_learns_who_works_here(desk):
    """A forgotten password is answered alike for a stranger's address, and he gets no letter (P10)."""
    ours, theirs = (
        Browser().post("/account/password/forgotten", {"email": email})
        for email in (known(desk).email, "nobody@elsewhere.example")
    )
    assert (ours.status_code, ours["Location"]) == (theirs.status_code, theirs["Location"])
    assert [letter.to for letter in mail.outbox] == [[known(desk).email]]


def test_the_first_owner_comes_by_the_command(desk, capsys):
    """`aftercare create-owner` prints a link that sets a password; her other roles stay (P10)."""
    from worker.management.cli import main

    sam = desk.people["lakeside", Role.DESK]
    accounts.switch(staff_id=sam.pk, clinic_id=desk.lakeside.pk, active=False, by="tests")
    assert main(["create-owner", sam.email, "--clinic", "lakeside"]) == 0
    link = re.search(r"/invitation/\S+", capsys.readouterr().out)[0]
    assert Browser().get(link).status_code == 200
    assert {each.role for each in sam.roles.all()} == {"desk", "owner"}


def test_every_page_about_signing_in_opens_for_somebody_who_has_everything(desk):
    """P10: an app, recovery codes and a passkey; the pages are allauth's, and each must find what it is made of."""
    person, browser = known(desk), Browser()
    sign_in(browser, person)
    totp.TOTP.activate(person, totp.generate_totp_secret())
    recovery_codes.RecoveryCodes.activate(person)
    names = (
        "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_add_webauthn",
        "account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_change_password",
        "account_set_password", "account_inactive", "account_reset_password", "account_reset_password_done",
        "account_logout",
    )  # fmt: skip
    answers = {name: browser.get(reverse(name)).status_code for name in names}
    key = Authenticator.objects.create(  # no real one: the pages above would read it, those below only name it
        user=person, type=Authenticator.Type.WEBAUTHN, data={"name": "Sam's phone", "credential": {}}
    )
    answers["list"] = browser.get(reverse("mfa_list_webauthn")).status_code
    for name in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
        answers[name] = browser.get(reverse(name, args=[key.pk])).status_code
    assert {name: code for name, code in answers.items() if code != 200} == ELSEWHERE
