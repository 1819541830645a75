"""What the wording of a message may not do (rules 5, 6, 13, 22, 28, 35, 36, 37, 38, 39)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.lint import (
    Finding,
    lint_call_to_action,
    lint_health,
    lint_html,
    lint_links,
    lint_marketing,
    lint_optin,
    lint_punishment,
    lint_sms,
    lint_stop_confirmation,
)

DAY_1 = "{{ clinic_name }}: your notes for today: {{ care_url }} Urgent? Call {{ clinic_phone }}. Reply STOP to end."
DAY_1_ES = (
    "{{ clinic_name }}: sus notas de hoy: {{ care_url }} ¿Urgente? Llame al {{ clinic_phone }}. "
    "Responda STOP para no recibir más."
)


def rules(findings) -> set[int]:
    return {finding.rule for finding in findings}


@pytest.mark.parametrize("text", [DAY_1, DAY_1_ES])
def test_a_proper_text_has_no_finding(text):
    """The checks leave honest wording alone."""
    found = lint_health(text, "sms") + lint_marketing(text, "sms") + lint_sms(text, "sms")
    assert found + lint_links(text, "sms", own_hosts=()) + lint_punishment(text, "sms") == ()


HEALTH = [
    *(
        "needling",
        "Micro-needling",
        "MICRONEEDLING",
        "micro  needling",
        "stretch marks",
        "Stretch-Mark",
        "scar",
        "scarring",
    ),
    *(
        "skin",
        "skincare",
        "wounds",
        "dermatologist",
        "collagen",
        "infection",
        "redness",
        "bleeding",
        "your thighs",
        "SPF",
    ),
    *("estrías", "ESTRIAS", "microagujas", "cicatriz", "cicatrices", "piel", "herida", "dermatología", "colágeno"),
    *("infección", "abdomen", "ｓｋｉｎ", "sk\u200bin", "diagnosis", "numbing"),
]


@pytest.mark.parametrize("word", HEALTH)
def test_health_words_are_found_in_an_sms_or_subject(word):
    """P9, rule 37: a locked screen shows them to anyone."""
    assert rules(lint_health(f"Clinic: about {word} today.", "day-1.en.sms")) == {37}


def test_the_treatments_own_name_is_found_wherever_it_stands():
    """Rule 37: the clinic's word for it counts like ours, even inside another word; an empty name finds nothing."""
    found = lint_health("Your HydraGlów+ plan", "subject", treatments=["hydraglow", ""])
    assert found == (Finding(37, "subject", 'names health or treatment: "hydraglow"; say it by link'),)
    assert str(found[0]).startswith("subject: names health")


@pytest.mark.parametrize(
    "text", ["escarpment", "asking", "{{ skin }}", "{% if scar %}x{% endif %}", "scarf", "facts", "curable"]
)
def test_words_that_only_look_alike_are_left_alone(text):
    """Rule 37: whole words only, and Jinja is not wording."""
    assert lint_health(text, "sms") == ()


def test_the_clinics_own_name_is_no_health_word():
    """Rule 36 asks for the name, so rule 37 cannot forbid it."""
    assert lint_health("Bright Skin Clinic: your notes", "sms", brand="Bright Skin Clinic") == ()
    assert rules(lint_health("Bright Skin Clinic: your skin", "sms", brand="Bright Skin Clinic")) == {37}


MARKETING = [
    *(
        "20% off",
        "20 %",
        "only $99",
        "for 99 €",
        "€99",
        "price list",
        "special offer",
        "a discount",
        "Book now",
        "buy two",
    ),
    *("visit our shop", "gift card", "limited time", "for free", "save 20", "50 dollars", "refer a friend"),
    *("20 % de descuento", "precio especial", "oferta", "Reserva ahora", "compre hoy", "nuestra tienda", "gratis"),
]


@pytest.mark.parametrize("words", MARKETING)
def test_selling_words_make_a_text_marketing(words):
    """Rule 13: one selling word changes the consent the whole text needs."""
    assert rules(lint_marketing(f"Clinic: {words}.", "sms")) == {13}


@pytest.mark.parametrize(
    "words", ["feel free to call", "call to book", "si sale sangre", "workshop", "{% if x %}", "may offset"]
)
def test_plain_words_are_not_marketing(words):
    """Rule 13: a nudge to call about the next visit stays service."""
    assert lint_marketing(words, "sms") == ()


@pytest.mark.parametrize(
    "link",
    [
        *("https://bit.ly/x", "bit.ly/x", "HTTPS://TinyURL.com/y", "https://sub.t.co/z", "see goo.gl/a."),
        *("http://clinic.example", "ftp://clinic.example/x", "http://{{ host }}/x"),
        *(
            "https://evil.example/x",
            "https://evilclinic.example",
            "evil.example",
            "https://clinic.example.evil.example/x",
        ),
    ],
)
def test_shorteners_plain_http_and_foreign_hosts_are_found(link):
    """Rule 38: own domain, https, no shortener."""
    assert rules(lint_links(f"Clinic: {link} Reply STOP", "sms", own_hosts=["clinic.example"])) == {38}


@pytest.mark.parametrize(
    "text",
    [
        "https://clinic.example/c/A",
        "https://www.clinic.example",
        "https://care.clinic.example/x",
        "mail alice@gmail.com",
        "at 10.30",
        "{{ care_url }}",
    ],
)
def test_own_links_and_addresses_pass(text):
    """Rule 38: the clinic's host and what lies under it."""
    assert lint_links(text, "sms", own_hosts=["clinic.example"]) == ()


def test_hosts_are_free_when_none_is_given():
    """Rule 38: without a list only the scheme and the shorteners are judged."""
    assert lint_links("https://clinic.example", "email") == ()
    assert rules(lint_links("http://clinic.example https://bit.ly", "email")) == {38}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Your notes. Reply STOP to end.", {36}),
        ("{{ clinic_name }}: your notes.", {36}),
        ("{{ clinic_name }}: your notes. Reply stop to end.", {36}),
        ("{{ clinic_name }}: your visit. Reply CANCEL to cancel. Reply STOP to end.", {28}),
        ("{{ clinic_name }}: su cita. Responda CANCELAR si no viene. Responda STOP.", {28}),
        ("{{ clinic_name }}: text back cancel. STOP to end.", {28}),
        ("{{ clinic_name }}: to cancel your visit call {{ clinic_phone }}. Reply STOP to end.", set()),
        ("Rosé Clinic: your notes. Reply STOP to end.", set()),
    ],
)
def test_an_sms_names_the_clinic_and_stop_and_never_asks_for_cancel(text, missing):
    """Rules 28, 36: CANCEL is a statutory STOP, so no text may ask for it."""
    assert rules(lint_sms(text, "sms", brand="Rose Clinic" if "Ros" in text else "")) == missing


def test_the_stop_line_may_be_left_out_where_it_makes_no_sense():
    """Rule 22: the STOP confirmation says START instead."""
    assert lint_sms("{{ clinic_name }}: no more texts.", "stop", stop_line=False) == ()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "If you stop, we cannot treat you.",
            "Opting out may delay your next session",
            "Those who unsubscribe lose their place",
        ),
        *("We charge a fee if you opt out.", "Si se da de baja, perderá su cita.", "Stop and your results get worse"),
    ],
)
def test_a_threat_to_those_who_stop_is_found(text):
    """Rule 35: revoking never changes care."""
    assert rules(lint_punishment(text, "email")) == {35}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "If you stop, your care does not change.",
            "Reply STOP to end.",
            "Opting out will not affect your visits, no fee.",
        ),
        *("Sun can make marks worse. Reply STOP to end.", "Darse de baja no afecta a su cita.", "Stop scrubbing."),
    ],
)
def test_reassurance_and_advice_are_no_threat(text):
    """Rule 35 reads sentence by sentence."""
    assert lint_punishment(text, "email") == ()


OPTIN = {
    "brand": "{{ clinic_name }}",
    "programme": "aftercare messages",
    "frequency": "up to {{ messages_promised }} per visit",
    "rates": "Msg & data rates may apply",
    "help": "Reply HELP for help",
    "stop": "Reply STOP to end",
}
OPTIN_ES = [
    *("{{ clinic_name }}", "mensajes de seguimiento", "hasta {{ messages_promised }} por visita"),
    *("Pueden aplicarse tarifas de mensajes y datos", "Responda HELP para ayuda", "Responda STOP para darse de baja"),
]


def test_a_complete_opt_in_confirmation_passes():
    """Rule 6, Twilio 30540: brand, programme, frequency, rates, HELP, STOP."""
    assert lint_optin(". ".join(OPTIN.values()), "optin") == ()
    assert lint_optin(". ".join(OPTIN_ES), "optin") == ()


@pytest.mark.parametrize("left_out", OPTIN)
def test_each_element_left_out_of_the_opt_in_is_one_finding(left_out):
    """Rules 5, 6: exactly the missing one is named."""
    text = ". ".join(part for name, part in OPTIN.items() if name != left_out)
    assert [finding.rule for finding in lint_optin(text, "optin")] == [6]
    assert [finding.rule for finding in lint_call_to_action(f"{text}. Terms and privacy: x", "form")] == [5]


@pytest.mark.parametrize(("more", "findings"), [("Terms, privacy", 0), ("Privacidad", 1), ("Condiciones", 1), ("", 2)])
def test_the_words_at_opt_in_also_name_terms_and_privacy(more, findings):
    """Rule 5: where the person agrees, both links stand."""
    assert len(lint_call_to_action(f"{'. '.join(OPTIN.values())}. {more}", "form")) == findings


PURE = (
    "{{ clinic_name }}: you will get no more texts from us. "
    "To get them again, reply START. Questions? Call {{ clinic_phone }}."
)
PURE_ES = (
    "{{ clinic_name }}: ya no le enviaremos mensajes. "
    "Para recibirlos otra vez, responda START. ¿Preguntas? Llame al {{ clinic_phone }}."
)


@pytest.mark.parametrize("text", [PURE, PURE_ES])
def test_a_pure_stop_confirmation_passes(text):
    """Rule 22: brand, no more, START, whom to call."""
    assert lint_stop_confirmation(text, "stop") == ()


@pytest.mark.parametrize(
    "text",
    [
        *(PURE.replace("{{ clinic_name }}", "We"), PURE.replace("no more", "our"), PURE.replace("START", "us")),
        *(
            PURE.replace("{{ clinic_phone }}", "us"),
            PURE + " Are you sure?",
            PURE + " Tell us why.",
            PURE + " 20% off.",
        ),
        *(PURE + " Book now", PURE + " {{ care_url }}", PURE + " https://clinic.example", PURE + " ’", PURE + "a" * 60),
    ],
)
def test_anything_more_or_less_than_a_confirmation_is_found(text):
    """Rule 22: 47 CFR 64.1200(a)(12) allows one text that confirms and nothing else."""
    assert rules(lint_stop_confirmation(text, "stop")) == {22}


@given(st.text(max_size=80))
def test_no_text_breaks_a_check(text):
    """Every input is hostile: checks find or do not find, and never raise."""
    for check in (lint_health, lint_marketing, lint_links, lint_sms, lint_punishment, lint_optin, lint_html):
        assert all(finding.where == "x" for finding in check(text, "x"))
    assert lint_stop_confirmation(text, "x") != ()
