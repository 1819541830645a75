"""What comes back is what was made: every row and field of it, into the same database, for the same asking."""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial

import pytest
import structlog
from django.apps import apps
from django.conf import settings as settings_of_django
from django.db import connection, transaction

from tests import builders, kept
from tests.builders import NOW
from tests.conftest import _forget
from worker import sealed
from worker.models import Clinic, Sender
from worker.models.rows import change
from worker.rules.refusal import Refusals

VISIT = NOW + timedelta(days=35)
_names = (f"Kept {number}" for number in itertools.count(1))


@pytest.fixture
def name():
    """A name that nobody was enrolled under, so that nothing of hers is kept."""
    return next(_names)


@pytest.fixture
def enrolled(monkeypatch):
    """Who was enrolled really, in their order."""
    names, enrol = [], builders.enrol
    monkeypatch.setattr(builders, "enrol", lambda file, *, now: names.append(file.name) or enrol(file, now=now))
    return names


def _rows():
    """All rows with all fields, and on SQLite which numbers come next."""
    models = list(apps.get_app_config("aftercare").get_models())
    found = {model.__name__: [_plain(row) for row in model.objects.order_by("pk").values()] for model in models}
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            found["next"] = sorted(cursor.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    return found


def _plain(row):
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}


def _in_a_house(act):
    """What `act` answers in a house of its own, and the rows there are then; all of it is rolled back."""
    with transaction.atomic():
        builders.house()
        answer = act()
        found = _rows()
        transaction.set_rollback(True)
    return answer, found


def _said(enrolled):
    """All that an answer says, row by row."""
    rows = [enrolled.client, enrolled.client.clinic, *enrolled.result.messages]
    steps = [(each.step.code, each.contact.address_sealed) for each in enrolled.result.messages]
    return [kept._values(row) for row in rows], steps, enrolled.result.hand_over, enrolled.asked, enrolled.repeated


WAYS = {
    "treated": {},
    "treated too late for some of it": {"treated": NOW - timedelta(days=20), "visit": VISIT},
    "a visit alone": {"treated": None, "visit": VISIT},
    "by mail": {"phone": None, "consents": builders.SERVICE[2:]},
    "a no": {"consents": builders.SERVICE[:2], "refused": builders.SERVICE[2:]},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", [builders.alice, builders.bob])
def test_she_comes_back_as_she_was_enrolled(db, enrolled, name, who, way):
    """Really the first time and the second; put back by the ORM the third, and by its statements from then on."""
    enrol = partial(who, name=name, **WAYS[way])
    (_, first), (really, second), *later = [_in_a_house(enrol) for _ in range(5)]
    assert enrolled == [name] * 2
    assert {model: len(rows) for model, rows in first.items()} == {model: len(rows) for model, rows in second.items()}
    for answer, rows in later:
        assert rows == second
        assert _said(answer) == _said(really)


def test_one_comes_back_beside_the_other(db, enrolled, name):
    """Bob after Alice; and Bob without her is another matter."""

    def both():
        return builders.alice(name=name), builders.bob(name=f"{name} too")

    _, (really, second), *later = [_in_a_house(both) for _ in range(5)]
    assert len(enrolled) == 4
    for answer, rows in later:
        assert rows == second
        assert [*map(_said, answer)] == [*map(_said, really)]
    _in_a_house(lambda: builders.bob(name=f"{name} too"))
    assert len(enrolled) == 5


def test_no_test_has_what_another_had(db, name):
    """What one test changes of its answer is not changed in the next one's."""
    answers = [_in_a_house(partial(builders.alice, name=name))[0] for _ in range(5)]
    for answer in answers:
        assert answer.client.language == "en"
        answer.client.language = "fr"
        assert answer.result.messages
        answer.result.messages.clear()
    assert len(set(map(id, (answer.client for answer in answers)))) == len(answers)


OTHERS = {
    "another name": {"external_id": "K-1"},
    "another language": {"language": "es"},
    "fewer consents": {"consents": builders.SERVICE[:1]},
    "a visit": {"visit": VISIT},
    "another moment": {"now": NOW + timedelta(minutes=5)},
}


@pytest.mark.parametrize("other", OTHERS)
def test_who_is_asked_for_otherwise_is_another(db, enrolled, name, other):
    """Each way of asking has rows of its own, and gets no others."""
    ways = [partial(builders.alice, name=name), partial(builders.alice, name=name, **OTHERS[other])]
    _, *rounds = [[_in_a_house(way)[1] for way in ways] for _ in range(5)]
    assert enrolled == [name] * 4
    assert rounds == [rounds[0]] * 4
    one, another = rounds[0]
    assert one["Client"] != another["Client"]


def _taken_back():
    with transaction.atomic():
        Clinic.objects.update(name="Seaside")
        transaction.set_rollback(True)


WRITES = {
    "by the ORM": lambda: Clinic.objects.filter(slug="lakeside").update(slug="lakeside"),
    "by plain SQL": lambda: change("UPDATE aftercare_clinic SET slug = slug WHERE slug = %s", ["hillside"]),
    "a removal": lambda: Sender.objects.filter(clinic__slug="hillside").delete(),
    "taken back": _taken_back,
}


def _kept(enrolled, name):
    """Alice of that name, so often that she need not be enrolled again."""
    for _ in range(4):
        _in_a_house(partial(builders.alice, name=name))
    assert enrolled == [name] * 2
    enrolled.clear()


@pytest.mark.parametrize("write", WRITES)
def test_whatever_was_written_since_is_seen(db, enrolled, name, write):
    """In another database than it was she is enrolled really."""
    _kept(enrolled, name)
    builders.house()
    WRITES[write]()
    builders.alice(name=name)
    assert enrolled == [name]


def test_what_changed_old_rows_is_never_kept(db):
    """Only rows that were added can be put back: who renames a clinic does it each time."""
    done = []

    def rename():
        done.append(Clinic.objects.filter(slug="lakeside").update(name="Seaside"))
        return builders.alice()

    for _ in range(4):
        _in_a_house(lambda: kept.again("renamed", rename))
    assert len(done) == 4


def test_other_keys_and_another_rule_for_numbers_are_seen(db, enrolled, name, keys, settings):
    """A process that was restarted with new lists seals and finds otherwise."""
    _kept(enrolled, name)
    for change_it in (
        lambda: keys(field="nf"),
        lambda: keys(prints="qp"),
        lambda: setattr(settings, "ALLOW_FICTION_NUMBERS", "yes"),
    ):
        change_it()
        _in_a_house(partial(builders.alice, name=name))
    assert enrolled == [name] * 3


def test_another_request_is_seen(db, enrolled, name):
    """What is recorded while a request is answered names it (P8)."""
    _kept(enrolled, name)
    with structlog.contextvars.bound_contextvars(request="abc123"):
        _in_a_house(partial(builders.alice, name=name))
    assert enrolled == [name]


def test_an_enrolment_asks_for_no_other_setting(house, monkeypatch):
    """Those by which she is kept, and Django's own for the database."""
    asked = set()

    class Watched:
        def __getattr__(self, setting):
            asked.add(setting)
            return getattr(before, setting)

    before = settings_of_django._wrapped
    sealed.forget_keys()
    monkeypatch.setattr(settings_of_django, "_wrapped", Watched())
    builders.alice(name="Nobody else")
    assert asked - {"DEBUG", "USE_TZ", "TIME_ZONE"} == {"FIELD_KEYS", "FINGERPRINT_KEYS", "ALLOW_FICTION_NUMBERS"}


def test_who_wants_it_done_really_gets_it(db, enrolled, name, really):
    """For tests of the enrolment itself."""
    for _ in range(4):
        _in_a_house(partial(builders.alice, name=name))
    assert enrolled == [name] * 4


def test_what_commits_is_done_really(committed, enrolled, name):
    """Other threads and processes see it, and it is no state of one connection."""
    builders.house()
    assert kept._here is None
    builders.alice(name=name)
    assert enrolled == [name]


def test_a_state_ends_with_its_test(db, enrolled, name):
    """What was rolled back is nowhere, though nothing was written since."""
    _kept(enrolled, name)
    _forget()
    with pytest.raises(Refusals):
        builders.alice(name=name)
    assert enrolled == [name]
