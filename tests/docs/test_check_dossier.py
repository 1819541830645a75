"""The script that outsiders run: it needs nothing of ours, believes the true dossier and no other (P8)."""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.actions.privacy.life import NEXT_DAY, lived
from tests.builders import ALICES_PHONE, SAM, text_from
from worker import heads
from worker.actions.privacy.dossier import FORMAT, dossier
from worker.actions.privacy.erase import erase
from worker.actions.record.heads import publish_all

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "check_dossier.py"
LATER = NEXT_DAY + timedelta(hours=2)
PROVED = ("consents", "record", "chain")
UNPROVED = ("code", "version")  # of a wording: its number is the clinic's word, its text and language are proved


def loaded():
    """The script as a module: a process for each of some thousand mutations would cost minutes."""
    spec = importlib.util.spec_from_file_location("check_dossier", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPTED = loaded()


@pytest.fixture
def true(house):
    """Alice's dossier, with her stop, the texts that were sent and two heads, as its reader gets it."""
    client = lived(house).client
    publish_all(now=NEXT_DAY)
    text_from(house.lakeside, ALICES_PHONE, "Stop, please!", now=LATER)
    return json.loads(json.dumps(dossier(client_id=client.pk, by=SAM, bodies=True, now=LATER).said))


def run(said, tmp_path, *more):
    """The script in a bare interpreter: no site-packages, no environment, none of our folders."""
    file = tmp_path / "dossier.json"
    file.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    command = [sys.executable, "-I", "-S", "-W", "error", str(SCRIPT), str(file), *more]
    return subprocess.run(
        command, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, timeout=60
    )


def faults(said, *, trusted=()):
    """What the script finds, in this process; a file that it can't walk through is a fault as well."""
    check = SCRIPTED.Check(said, set(trusted))
    try:
        check.all()
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        return [repr(error)]
    return check.wrong


def signed_anew(said):
    """What a clinic could do that changes its own file and signs it again: only the chain stands in its way."""
    said = {name: value for name, value in said.items() if name != "signature"}
    return {**said, "signature": heads.sign(FORMAT, said)}


def leaves(value, path=()):
    """Every value in it that holds no others."""
    if isinstance(value, dict | list) and value:
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in named:
            yield from leaves(inner, (*path, name))
    else:
        yield path


def mutated(said, path):
    """A copy with one value changed: a character, a number, a yes for a no, something for nothing."""
    changed = copy.deepcopy(said)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    value = inner[path[-1]]
    if isinstance(value, bool):
        inner[path[-1]] = not value
    elif isinstance(value, str) and value:
        at = len(value) // 2
        inner[path[-1]] = value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]
    elif isinstance(value, int):
        inner[path[-1]] = value + 1
    else:
        inner[path[-1]] = "x"
    return changed


def test_the_true_dossier_holds(true, tmp_path):
    """Exit 0; what is proved and what is not in plain words; without --key the key to compare."""
    key = next(iter(true["keys"].values()))
    done = run(true, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "It holds. Proved:" in done.stdout
    assert "Not proved by this file" in done.stdout
    assert key in done.stdout
    assert "Not proved, only stated" not in done.stdout
    told = run(true, tmp_path, "--key", key.upper())
    assert told.returncode == 0
    assert "by another way" not in told.stdout


def test_it_says_that_it_cannot_miss_a_row_that_was_left_out(true, tmp_path):
    """P8: links of other clients stand in the chain without their rows, so one of hers could be among them."""
    assert "left\nout" in run(true, tmp_path).stdout


def test_an_erased_clients_dossier_holds(house, tmp_path):
    """Rule 62: commitments without their evidence are still links of the chain."""
    client = lived(house).client
    erase(client_id=client.pk, by=SAM, now=LATER)
    done = run(dossier(client_id=client.pk, by=SAM, now=LATER + timedelta(hours=1)).said, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "4 erased" in done.stdout


def test_every_single_value_counts(true):
    """No change of any value in the file passes, wherever it stands."""
    paths = list(leaves(true))
    assert len(paths) > 500
    passed = [path for path in paths if not quick(mutated(true, path))]
    assert passed == []


def quick(said):
    """Whether anything is wrong; the signature over the whole alone costs a hundredth of a second each time."""
    check = SCRIPTED.Check(said, set())
    try:
        check.signature()
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return True
    return bool(check.wrong)


@how(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 10**6))
def test_no_proved_value_can_be_changed_even_by_whoever_has_the_key(true, which):
    """P8: changed and signed anew, a row, its words, its evidence, a link or a head still don't fit together."""
    proved = [path for path in leaves(true) if path[0] in PROVED]
    paths = [path for path in proved if not ("wording" in path and path[-1] in UNPROVED)]
    path = paths[which % len(paths)]
    assert faults(signed_anew(mutated(true, path))), path


@pytest.mark.parametrize("name", ["clinic", "head", "key", "published_at", "seal", "signature"])
def test_a_head_is_as_it_was_published(true, name):
    """P8: no field of it, above all not its date, can be another."""
    for at in range(len(true["chain"])):
        assert faults(signed_anew(mutated(true, ("chain", at, "head", name))))


@how(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.sampled_from(["consents", "record"]), which=st.integers(0, 10**6), fake=st.integers(1, 10**6))
def test_no_row_can_be_added(true, page, which, fake):
    """P8: a row that the chain does not know, signed by the clinic's own key."""
    changed = copy.deepcopy(true)
    row = copy.deepcopy(changed[page][which % len(changed[page])])
    row["row"]["id"] += fake + 10**6
    changed[page].append(row)
    assert any("is not in the chain" in each for each in faults(signed_anew(changed)))


def test_a_dossier_under_another_key_is_found_by_the_key(true, settings, tmp_path):
    """P8: all of it made anew by a forger holds in itself; the clinic's public key tells."""
    key = next(iter(true["keys"].values()))
    settings.SECRET_KEY = "a-forger"
    forged = copy.deepcopy(true)
    forged["keys"] = heads.public_keys()
    forged["key"] = next(iter(forged["keys"]))
    for part in forged["chain"]:
        rest = {name: value for name, value in part["head"].items() if name != "signature"}
        rest["key"] = forged["key"]
        part["head"] = {**rest, "signature": heads.sign(heads.FORM, rest)}
    forged = signed_anew(forged)
    assert run(forged, tmp_path).returncode == 0
    done = run(forged, tmp_path, "--key", key)
    assert done.returncode == 1
    assert "is not the one you gave" in done.stdout


def test_each_fault_is_named(true, tmp_path):
    """P12: which row, and what about it."""
    changed = copy.deepcopy(true)
    changed["consents"][0]["row"]["method"] = "web"
    changed["consents"][1]["evidence"]["said"]["name"] = "Somebody Else"
    changed["consents"][2]["wording"]["text"] += " And to everything else."
    done = run(signed_anew(changed), tmp_path)
    assert done.returncode == 1
    one, two, three = (each["row"]["id"] for each in changed["consents"][:3])
    assert "IT DOES NOT HOLD" in done.stdout
    for fault in (
        f"consent row {one} is not as it was sealed",
        f"consent row {two}: the evidence is not what was committed to",
        f"consent row {three}: the words are not those that were shown",
    ):
        assert fault in done.stdout


@pytest.mark.parametrize(
    "said",
    ["", "[]", "{}", '{"format": "aftercare consent dossier 1"}', "[" * 100_000, '{"a": 1, "a": 2}', '{"a": NaN}', "\0",
     '{"format": "aftercare consent dossier 1", "keys": [], "chain": [{}]}'],
)  # fmt: skip
def test_what_is_no_dossier_is_refused_in_one_line(said, tmp_path):
    """P12: exit 1 and a sentence, never a traceback."""
    done = run(said, tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("IT DOES NOT HOLD")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """P12."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "can't be read" in done.stdout


def test_it_is_python_3_9_and_the_standard_library_alone():
    """Whoever checks a dossier has some Python, not ours."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 9))
    named = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    named |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
    assert named <= set(sys.stdlib_module_names) | {"__future__"}


RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(key, message, signature):
    """Section 7.1: the true signature is one, a bent one is none."""
    key, message, signature = (bytes.fromhex(each) for each in (key, message, signature))
    assert SCRIPTED.signed(key, message, signature)
    assert not SCRIPTED.signed(key, message + b"x", signature)
    for at in (0, 31, 32, 63):
        bent = bytearray(signature)
        bent[at] ^= 1
        assert not SCRIPTED.signed(key, message, bytes(bent))


@how(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.integers(0, 511))
def test_it_agrees_with_the_library(seed, message, bit):
    """Whatever `cryptography` signs is genuine, and no bit of it may be another."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert SCRIPTED.signed(key, message, signature)
    bent = bytearray(signature)
    bent[bit // 8] ^= 1 << bit % 8
    assert not SCRIPTED.signed(key, message, bytes(bent))


def test_a_signature_has_one_form_only():
    """RFC 8032, 5.1.7: S below the order, coordinates below p; lengths as they are."""
    key, message, signature = (bytes.fromhex(each) for each in RFC_8032[1])
    s = int.from_bytes(signature[32:], "little") + SCRIPTED.ORDER
    assert not SCRIPTED.signed(key, message, signature[:32] + s.to_bytes(32, "little"))
    assert not SCRIPTED.signed(b"\xff" * 32, message, signature)
    assert not SCRIPTED.signed(key, message, signature + b"\0")
    assert not SCRIPTED.signed(key[:31], message, signature)
