"""Check a consent dossier offline, with Python 3.9 or newer and nothing else.

    python check_dossier.py dossier.json [--key PUBLIC-KEY]...

PUBLIC-KEY is the clinic's, 64 hexadecimal digits, got by another way than the dossier (`aftercare verify` prints it).
Exit status 0: everything holds. 1: something does not, and it is named. 2: the command was wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path

DOSSIER, HEAD = "aftercare consent dossier 1", "aftercare chain head 1"
START = "0" * 64
STATES = ("open", "erased", "withheld", "none")  # of evidence

# Ed25519 (RFC 8032, section 5.1): points on a curve as (X, Y, Z, T), numbers modulo P.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """A point added to itself `number` times."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def point_of(raw):
    """The point that 32 bytes stand for, or None."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(raw) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, message, signature):
    """Whether the owner of the public key (bytes) signed the message."""
    if len(key) != 32 or len(signature) != 64:
        return False
    owner, claim, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if owner is None or claim is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    one, other = times(s, BASE), add(claim, times(k, owner))
    return not ((one[0] * other[2] - other[0] * one[2]) % P or (one[1] * other[2] - other[1] * one[2]) % P)


def plain(value):
    """A value as the one JSON text that is hashed and signed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sha256(text):
    """SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class Check:
    """One dossier under examination: what was found wrong, and what could be proved."""

    def __init__(self, said, trusted):
        self.said, self.trusted, self.wrong, self.proved, self.open = said, trusted, [], [], []
        self.sealed = {}  # (table, row id) -> (hash, seal number, when its head was published)

    def all(self):
        """Every check, in the order in which each leans on the one before."""
        for step in (self.keys, self.signature, self.chain, self.rows, self.consents, self.sent):
            step()
        return not self.wrong

    def must(self, holds, fault):
        """Note a fault unless it holds."""
        if not holds:
            self.wrong.append(fault)
        return holds

    def keys(self):
        """Each key is named by its own hash, and is one that the reader trusts."""
        for name, key in self.said["keys"].items():
            self.must(hashlib.sha256(bytes.fromhex(key)).hexdigest()[:16] == name, f"key {name} is another key")
            self.must(not self.trusted or key in self.trusted, f"key {name} is not the one you gave with --key")

    def genuine(self, form, said, name):
        """Whether the key of that name signed a document, which holds its own signature."""
        key, rest = self.said["keys"].get(name), {each: said[each] for each in said if each != "signature"}
        message = f"{form}\n{plain(rest)}".encode()
        return key is not None and signed(bytes.fromhex(key), message, bytes.fromhex(said["signature"]))

    def signature(self):
        """The whole file is as the clinic's installation made it."""
        if self.must(
            self.genuine(DOSSIER, self.said, self.said["key"]), "the file was changed after it was made: bad signature"
        ):
            self.proved.append(f"the whole file is as it was made and signed on {self.said['made_at']}")

    def chain(self):
        """The links lead from the rows to heads that were signed."""
        links = 0
        for part in self.said["chain"]:
            head, number, told = part["before"], part["first"], part["head"]
            self.must(number > 1 or head == START, "the chain does not begin at its beginning")
            for table, row_id, digest in part["links"]:
                head = sha256(f"{head}\n{number}\n{table}\n{row_id}\n{digest}")
                self.sealed[table, row_id] = digest, number, told["published_at"]
                links, number = links + 1, number + 1
            where = f"the head of seal {told['seal']}"
            self.must(head == told["head"] and number == told["seal"] + 1, f"the links do not lead to {where}")
            self.must(told["clinic"] == self.said["clinic"]["slug"], f"{where} is another clinic's")
            self.must(self.genuine(HEAD, told, told["key"]), f"{where} is not signed by its key")
        self.proved.append(f"{links} links lead without a gap to {len(self.said['chain'])} signed head(s)")

    def rows(self):
        """Every row, letter for letter, is the one that was sealed."""
        for table, page in (("consent", "consents"), ("event", "record")):
            for row in (each["row"] for each in self.said[page]):
                found = self.sealed.get((table, row["id"]))
                name = f"{table} row {row['id']}"
                if self.must(found, f"{name} is not in the chain"):
                    self.must(found[0] == sha256(plain(row)), f"{name} is not as it was sealed")
                self.must(row["clinic_id"] == self.said["clinic"]["id"], f"{name} is another clinic's")
            self.proved.append(f"{len(self.said[page])} {table} rows are, to the letter, what was sealed at the time")

    def consents(self):
        """The words shown and the evidence are those of the row."""
        for each in self.said["consents"]:
            row, wording, evidence = each["row"], each["wording"], each["evidence"]
            name = f"consent row {row['id']}"
            self.must(row["client_id"] in (self.said["client"]["id"], None), f"{name} is about another client")
            moment = datetime.fromisoformat(each["local_time"])
            self.must(moment == datetime.fromisoformat(row["happened_at"]), f"{name}: the local time is another moment")
            if self.must((wording is None) == (row["wording_id"] is None), f"{name}: words are missing or too many"):
                self.words(name, row, wording)
            self.evidence(name, row["commitment"], evidence)
        states = [each["evidence"]["state"] for each in self.said["consents"]]
        told = ", ".join(f"{states.count(state)} {state}" for state in STATES)
        self.proved.append(f"the words shown and the evidence ({told}) are those that were sealed")

    def words(self, name, row, wording):
        """The text has the hash that the row names."""
        if wording is not None:
            same = wording["sha256"] == row["wording_sha256"] == sha256(wording["text"])
            same = same and (wording["id"], wording["language"]) == (row["wording_id"], row["language"])
            self.must(same, f"{name}: the words are not those that were shown")

    def evidence(self, name, commitment, evidence):
        """What was said opens the commitment; what was erased or withheld leaves it standing."""
        state, opened = evidence["state"], evidence.keys() == {"state", "said", "salt"}
        self.must(state in STATES and opened == (state == "open"), f"{name}: the evidence is in no known state")
        self.must((state == "none") == (commitment == ""), f"{name}: evidence is missing or too much")
        if opened:
            said = json.dumps(evidence["said"], sort_keys=True, ensure_ascii=False).encode()
            made = hashlib.sha256(bytes.fromhex(evidence["salt"]) + said).hexdigest()
            self.must(made == commitment, f"{name}: the evidence is not what was committed to")

    def sent(self):
        """What was sent was decided on record, under an approval on record."""
        events = [each["row"] for each in self.said["record"]]
        decided = {row["facts"].get("attempt") for row in events if row["code"] == "sent"}
        approved = {row["facts"].get("sha256") for row in events if row["kind"] == "approved"}
        for each in self.said["messages"]:
            for attempt in each["attempts"]:
                if attempt["id"] not in decided:
                    self.open.append(f"message {each['id']}: no sealed decision for attempt {attempt['id']}")
                text = attempt.get("text")
                same = text is None or sha256(text) == attempt["text_sha256"]
                self.must(same, f"message {each['id']}: the text is not the one that was sent")
            if each["version_sha256"] not in approved:
                self.open.append(f"message {each['id']}: no sealed approval of its text")
        if not self.open:
            count = len(self.said["messages"])
            self.proved.append(f"{count} messages went after a sealed decision, in texts a practitioner had approved")


def read(path):
    """The dossier in a file. Raises ValueError for anything that has two meanings, and OSError."""

    def once(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name stands twice in it")
        return dict(pairs)

    def never(_):
        raise ValueError("it holds a number that is none")

    with Path(path).open(encoding="utf-8") as file:
        said = json.load(file, object_pairs_hook=once, parse_constant=never)
    if not isinstance(said, dict) or said.get("format") != DOSSIER:
        raise ValueError(f"it does not say that it is an {DOSSIER}")
    return said


def report(check):
    """Print what holds and what does not."""
    said = check.said
    print(f"Consent dossier of client {said['client']['id']}, {said['clinic']['name']}, made on {said['made_at']}\n")
    print("It holds. Proved:" if not check.wrong else "IT DOES NOT HOLD:")
    print("\n".join(f"  - {each}" for each in (check.wrong or check.proved)))
    if check.wrong:
        return
    if check.open:
        print("Not proved, only stated by the clinic:")
        print("\n".join(f"  - {each}" for each in check.open))
    first, last = said["chain"][0]["head"]["published_at"], said["chain"][-1]["head"]["published_at"]
    print(f"The rows were there, as they are, when their heads were published: from {first} to {last}.")
    print(
        "Not proved by this file: that what was typed in at the desk is true; that no row about this client was left\n"
        "out (links without a row may be anybody's); what the provider did with a message; names, addresses,\n"
        "suppressions and the standing today, which the clinic states and signs; and that a head was known to others\n"
        "then: compare it with a copy of the heads that was kept elsewhere."
    )
    if not check.trusted:
        print("\nWhose key it is you must find out by another way. Compare it, or give it with --key:")
        print("\n".join(f"  {key}" for key in said["keys"].values()))


def main(arguments=None):
    """Check one file; the exit status."""
    parser = argparse.ArgumentParser(description="Check a consent dossier offline.")
    parser.add_argument("dossier", help="the JSON file")
    parser.add_argument("--key", action="append", default=[], help="the clinic's public key, 64 hexadecimal digits")
    options = parser.parse_args(arguments)
    try:
        check = Check(read(options.dossier), {each.strip().lower() for each in options.key})
        check.all()
        report(check)
    except OSError as error:
        print(f"{options.dossier}: can't be read ({error.strerror})")
        return 1
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        print(f"IT DOES NOT HOLD: this is no whole dossier ({type(error).__name__}: {error})")
        return 1
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
