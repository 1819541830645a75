"""Whatever happens to a consent, in any order: the model says who may be written to, and rows and gate agree (P1, P2).

The model knows nothing of our code: per clinic, person and purpose it keeps what a careful person would write on a
card. After every step each grant, the chain, and now and then the real gate are held against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests import builders
from tests.actions import post
from tests.builders import NOW, standing_of, text_from
from tests.lives import live
from worker.actions.clients.contact import change_contact
from worker.actions.consent import preferences
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.optin_expiry import expire_unanswered
from worker.actions.consent.stale import find_stale
from worker.actions.privacy.erase import erase
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import Clinic, Contact, Grant, Standing
from worker.reading.chain import faults
from worker.rules.names import Channel, Purpose
from worker.rules.refusal import Refusals

PHONES = {"+12125550121": "(212) 555-0121", "+12125550122": "(212) 555-0122", "+12125550123": "(212) 555-0123"}
PHONE = st.sampled_from(sorted(PHONES))
PURPOSES = ("aftercare", "reminders")
WHO = st.integers(0, 3)


@dataclass
class Card:
    """One client as the model knows her: her number, and what each purpose is there."""

    pk: int
    phone: str
    asking: bool
    says: dict[str, str]
    since: object
    put: bool = False
    keyword: dict[str, str] = field(default_factory=dict)  # what stood before her number's last keywords
    erased: bool = False


class Consents(RuleBasedStateMachine):
    """Sam, the clients, the clock."""

    @initialize(asks=st.booleans())
    def begin(self, asks):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.house = builders.house()
        self.asks = asks
        Clinic.objects.filter(slug="lakeside").update(double_opt_in=["sms"] if asks else [], stale_after_months=6)
        self.old = False
        self.now = NOW
        self.cards: list[Card] = []
        self.stopped: dict[str, set[str]] = {}  # phone -> reasons
        self.forgotten: dict[str, datetime] = {}  # phone -> when the last who ever had it was erased
        self.number = 0

    def teardown(self):
        try:
            # Nothing mends a broken chain: asking once finds what any step broke, and each asking costs 0.1 s.
            assert faults() == []
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def passes(self, **how):
        self.now += timedelta(**how)

    def card(self, who):
        return self.cards[who] if who < len(self.cards) else None

    def at(self, phone):
        return [card for card in self.cards if card.phone == phone and not card.erased]

    def consents(self):
        given = {"affirmed": True, "method": "paper", "given_at": self.now.isoformat(), "wording": "service@1"}
        return [{"channel": "sms", "purpose": purpose, **given} for purpose in PURPOSES]

    @precondition(lambda self: len(self.cards) < 4)
    @rule(phone=PHONE, agrees=st.booleans(), minutes_ago=st.sampled_from([0, 30]))
    def give(self, phone, agrees, minutes_ago):
        self.passes(minutes=1)
        self.number += 1
        consents = [("sms", purpose) for purpose in PURPOSES] if agrees else []
        said_at = self.now - timedelta(minutes=minutes_ago)
        forgotten = agrees and phone in self.forgotten and said_at < self.forgotten[phone]
        try:
            made = builders.alice(
                now=self.now, consents=consents, treated=self.now, external_id=f"A-{self.number}",
                given_at=said_at, phone=PHONES[phone], email=f"a{self.number}@example.com",
            ).client  # fmt: skip
        except Refusals:
            assert self.stopped.get(phone) or forgotten
            return
        assert not forgotten
        assert not (agrees and self.stopped.get(phone))
        state = ("pending" if self.asks else "active") if agrees else ""
        self.cards.append(Card(made.pk, phone, False, dict.fromkeys(PURPOSES, state), self.now))

    @rule()
    def the_questions_leave(self):
        self.passes(minutes=1)
        post.round_of_post(self.now)
        for card in self.cards:
            if "pending" in card.says.values() and not self.stopped.get(card.phone) and not card.erased:
                card.put = True

    @rule(phone=PHONE)
    def yes(self, phone):
        self.passes(minutes=1)
        waits = [
            card for card in self.at(phone)
            if card.put and "pending" in card.says.values() and self.now < card.since + timedelta(hours=48)
        ]  # fmt: skip
        text_from(self.house.lakeside, phone, "YES", now=self.now)
        if len(waits) == 1 and not self.stopped.get(phone):
            self.becomes(waits[0], "active", only="pending")

    @rule(phone=PHONE, body=st.sampled_from(["STOP", "please stop texting me", "quit"]))
    def stop(self, phone, body):
        self.passes(minutes=1)
        text_from(self.house.lakeside, phone, body, now=self.now)
        self.stopped.setdefault(phone, set()).add("keyword")
        for card in self.at(phone):
            for purpose, state in card.says.items():
                if state:
                    card.keyword.setdefault(purpose, state)
                    card.says[purpose] = "revoked"

    @rule(phone=PHONE, body=st.sampled_from(["START", "unstop"]))
    def start(self, phone, body):
        self.passes(minutes=11)  # sooner, it would wait for the provider's list (test_reconcile)
        text_from(self.house.lakeside, phone, body, now=self.now)
        known = any(card.phone == phone or phone in getattr(card, "left", ()) for card in self.cards)
        if self.stopped.get(phone) != {"keyword"} or (known and not self.at(phone)):
            return
        self.stopped.pop(phone)
        for card in self.at(phone):
            for purpose, before in card.keyword.items():
                if before == "active":
                    card.says[purpose] = "active"
            card.keyword.clear()

    @rule(phone=PHONE)
    def the_desk_writes_down_a_stop(self, phone):
        self.passes(minutes=1)
        from_desk(
            clinic_slug="lakeside", phone=phone, email="", client_id=None, reason="said so", received_at=None,
            now=self.now,
        )  # fmt: skip
        self.stopped.setdefault(phone, set()).add("desk")
        for card in self.at(phone):
            for purpose, state in card.says.items():
                if state:
                    card.says[purpose] = "revoked"
            card.keyword.clear()

    @rule(who=WHO, purpose=st.sampled_from(PURPOSES))
    def her_link_ends_a_purpose(self, who, purpose):
        card = self.card(who)
        if card is None or card.erased:
            return
        self.passes(minutes=1)
        contact = Contact.objects.get(client=card.pk, channel="email")
        preferences.end_purpose(contact=contact, channel=Channel.SMS, purpose=Purpose(purpose), now=self.now)
        if card.says[purpose] not in ("", "revoked"):
            card.says[purpose] = "revoked"
            card.keyword.pop(purpose, None)

    @rule(who=WHO, phone=PHONE, agrees=st.booleans())
    def another_number(self, who, phone, agrees):
        card = self.card(who)
        if card is None:
            return
        self.passes(minutes=1)
        raw = {"changed_by": builders.SAM, "phone": PHONES[phone], "consents": self.consents() if agrees else []}
        try:
            change_contact(client_id=card.pk, file=checked(ContactFile, raw), now=self.now)
        except Refusals:
            assert card.erased or self.stopped.get(phone) or (phone == card.phone and not agrees)
            return
        assert not card.erased
        assert not self.stopped.get(phone)
        had = {purpose for purpose, state in card.says.items() if state in ("active", "pending")}
        if phone != card.phone:
            card.left = {*getattr(card, "left", ()), card.phone}
        card.phone, card.since, card.put = phone, self.now, False
        card.keyword.clear()
        if agrees:
            card.says = dict.fromkeys(PURPOSES, "pending" if self.asks else "active")
        else:
            card.says = {each: "pending" if self.asks and each in had else "" for each in PURPOSES}

    @rule(hours=st.sampled_from([1, 47, 49]))
    def hours_pass(self, hours):
        self.passes(hours=hours)
        expire_unanswered(now=self.now)
        for card in self.cards:
            if self.now >= card.since + timedelta(hours=48):
                self.becomes(card, "expired", only="pending")

    @precondition(lambda self: not self.old)  # once: after a year the approval would be overdue
    @rule()
    def seven_months_pass(self):
        self.old = True
        self.passes(days=214)
        expire_unanswered(now=self.now)
        find_stale(now=self.now)
        for card in self.cards:
            self.becomes(card, "expired", only="pending")
            self.becomes(card, "needs_reconfirmation", only="active")

    @rule(who=WHO)
    def forget_her(self, who):
        card = self.card(who)
        if card is None:
            return
        self.passes(minutes=1)
        erase(client_id=card.pk, by=builders.SAM, now=self.now)
        if not card.erased:
            self.forgotten |= dict.fromkeys((card.phone, *getattr(card, "left", ())), self.now)
        card.erased = True
        card.says = dict.fromkeys(PURPOSES, "gone")

    def becomes(self, card, state, *, only):
        for purpose, now in card.says.items():
            if now == only:
                card.says[purpose] = state

    @invariant()
    def every_grant_is_what_the_card_says(self):
        for card in getattr(self, "cards", ()):
            grants = Grant.objects.filter(client=card.pk, standing__channel="sms")
            if card.erased:
                assert not grants.filter(state__in=("active", "pending")).exists()
                continue
            here = dict(grants.filter(standing=standing_of(card.pk)).values_list("purpose", "state"))
            elsewhere = grants.exclude(standing=standing_of(card.pk))
            assert not elsewhere.filter(state__in=("active", "pending", "needs_reconfirmation")).exists()
            for purpose, says in card.says.items():
                if says:
                    assert here.get(purpose) == says, (purpose, card)
                else:
                    assert here.get(purpose) in (None, "revoked", "expired"), (purpose, card)

    @invariant()
    def every_number_is_stopped_as_the_card_says(self):
        for phone, reasons in getattr(self, "stopped", {}).items():
            row = Standing.objects.get(pk=standing_row(self.house.lakeside, phone, self.now))
            assert (row.suppressed_at is not None) == bool(reasons)

    @rule()
    def the_gate_agrees(self):
        """Everything that is due goes through the real gate: whoever gets something may be written to."""
        self.passes(hours=3)
        provider = post.Provider()
        post.round_of_post(self.now, provider)
        for out in provider.taken:
            here = self.at(out.to)
            spoken = any("active" in card.says.values() for card in here)
            asked = "reply YES" in out.body and any("pending" in card.says.values() for card in here)
            answer = any(word in out.body for word in ("no more texts", "HELP", "again"))
            assert spoken or asked or answer, out.body
            if self.stopped.get(out.to):
                assert "no more texts" in out.body
        for card in self.cards:
            if "pending" in card.says.values() and not self.stopped.get(card.phone) and not card.erased:
                card.put = True


def standing_row(clinic, phone, now):
    from worker.actions.consent import standing

    return standing.ensure(clinic_id=clinic.pk, channel=Channel.SMS, address=phone, now=now)


@pytest.mark.usefixtures("db")
def test_the_life_of_a_consent():
    """P1, P2, rules 1-9, 25, 30, 34, 62 over random lives."""
    live(Consents, lives=8, steps=22)
