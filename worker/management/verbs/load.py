"""aftercare load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

    from worker.intake.clinic import ClinicFile

HELP = "load a clinic (TOML): clinic, staff, senders, wordings, protocols as drafts"


def add(parser: argparse.ArgumentParser) -> None:
    """The file."""
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--preview", action="store_true", help="say what its hours would do to planned messages; change nothing"
    )
    parser.add_argument(
        "--hours-by", type=person(), metavar="EMAIL", help="the practitioner or owner who looked at that"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Load it; the same file again changes nothing."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.protocols.load import load
    from worker.intake.clinic import ClinicFile
    from worker.intake.shape import checked, read_toml

    file = checked(ClinicFile, read_toml(options.file))
    if options.preview:
        return _preview(file, options)
    loaded = load(file, beside=options.file.parent, by="command", now=clock.now(), hours_by=options.hours_by or "")
    drafts = [
        {
            "protocol": version.protocol.code,
            "version": version.number,
            "sha256": version.sha256,
            "new": new,
            "approved": version.approvals.filter(withdrawn_at__isnull=True).exists(),
            "newest": version.protocol.versions.latest("number").number,
        }
        for version, new in loaded.drafts
    ]
    lines = [f"clinic {loaded.clinic.slug} is loaded", *map(_line, drafts)]
    show({"clinic": loaded.clinic.slug, "protocols": drafts}, as_json=options.json, lines=lines)
    return 0


def _line(draft: dict[str, Any]) -> str:
    """What was loaded, and how to approve just that: an old file loaded again is not the newest version (P3)."""
    code, number, newest = draft["protocol"], draft["version"], draft["newest"]
    next_ = f"a draft; read it, then: aftercare approve {code} --version {number} --by EMAIL"
    old = "" if number == newest else f" (not the newest: that is version {newest})"
    return f"  {code} version {number}: {'approved' if draft['approved'] else next_}{old}"


def _preview(file: ClinicFile, options: argparse.Namespace) -> int:
    """Step by step, what would wait for another hour and what would come too late."""
    from worker import clock
    from worker.management.cli import show
    from worker.reading.shadow import hours_difference

    found = hours_difference(file.clinic, now=clock.now())
    head = f"clinic {file.clinic.slug}: {found['held_up']} planned message(s) could not go at their hour"
    steps = [f"  {each['messages']:>6}  {each['step']} ({each['channel']}) {each['change']}" for each in found["steps"]]
    show(found, as_json=options.json, lines=[head, *(steps or ["  nothing would change"])])
    return 0
