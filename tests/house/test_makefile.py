"""`make` on a bare machine: one line that names the mend, never a traceback, and nothing done twice (P12)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TOOLS = ("make", "sh", "awk", "cat", "cksum", "dirname", "touch", "rm", "env", "mkdir", "chmod")
VERSION_OF_39 = 'case "$*" in *raise*) exit 1 ;; *print*) echo "Python 3.9.18" ;; *) exit 1 ;; esac\n'
# Answers as a real Python does, except that Debian's python3-venv is missing.
NO_VENV = f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'
# Makes a .venv whose pip and uv only write down that they were called.
FAKE_VENV = f"""case "$*" in
*"-m venv"*)
	mkdir -p .venv/bin
	cp_self() {{ cat "$0" >.venv/bin/python; chmod +x .venv/bin/python; }}
	cp_self
	;;
*"import pip"*) ;;
*"-m pip"*) echo "pip $*" >>calls; case "$*" in *uv*)
	echo 'echo uv "$@" >>calls' >.venv/bin/uv; chmod +x .venv/bin/uv ;;
	esac ;;
*) exec {sys.executable} "$@" ;;
esac
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def machine(tmp_path):
    """A bare machine: the project's files that an installation reads, and a PATH with nothing but the basics."""
    project, programs = tmp_path / "project", tmp_path / "bin"
    (project / "scripts").mkdir(parents=True)
    programs.mkdir()
    for name in ("Makefile", "scripts/bootstrap", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, project / name)
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool))
    return Machine(project, programs)


class Machine:
    """Runs make there."""

    def __init__(self, project, programs):
        self.project = project
        self.programs = programs

    def install_program(self, name, script):
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)

    def make(self, *words, **options):
        return subprocess.run(
            ("make", *words),
            cwd=self.project,
            env={"PATH": str(self.programs), "HOME": str(self.project)},
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    def calls(self):
        calls = self.project / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


def refusal(told):
    """Return the one line that we say; make adds its own."""
    assert told.returncode != 0
    assert "Traceback" not in told.stderr
    ours = [line for line in told.stderr.splitlines() if not line.startswith("make")]
    assert len(ours) == 1, told.stderr
    return ours[0]


def test_help_is_the_default_and_names_every_target(machine):
    """`make` alone explains itself: every target with what it does, and it needs no Python for that."""
    told = machine.make()

    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    assert [line.split()[1] for line in told.stdout.splitlines()] == targets
    assert set(targets) >= {"install", "run", "demo", "test", "lint", "bench", "format", "clean"}


def test_an_old_python_is_named_with_the_mend(machine):
    """Python 3.9 alone is refused by its version, with what to install (P12)."""
    machine.install_program("python3", VERSION_OF_39)

    line = refusal(machine.make("test"))

    assert "python3 here is Python 3.9.18" in line
    assert "3.11, 3.12 or 3.13" in line
    assert "apt-get install python3 python3-venv" in line
    assert not (machine.project / ".venv").exists()


def test_an_old_python_that_was_asked_for_is_refused(machine):
    """PYTHON= is believed or refused, never silently replaced (P12)."""
    machine.install_program("python3.9", VERSION_OF_39)
    machine.install_program("python3", f'exec {sys.executable} "$@"\n')

    assert "PYTHON=python3.9 is Python 3.9.18" in refusal(machine.make("install", "PYTHON=python3.9"))


def test_no_python_at_all_is_told(machine):
    """A machine without Python is told what to install (P12)."""
    assert "apt-get install python3 python3-venv" in refusal(machine.make("run"))


def test_a_python_without_venv_is_told_the_package(machine):
    """Debian ships venv apart: the package is named before anything is made (P12)."""
    machine.install_program("python3", NO_VENV)

    assert "apt-get install python3-venv" in refusal(machine.make("install"))
    assert not (machine.project / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_named(machine):
    """A read-only checkout is refused by its path (P12)."""
    machine.install_program("python3", f'exec {sys.executable} "$@"\n')
    machine.project.chmod(0o555)
    for folder in (*machine.project.parents,):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    nobody = {"user": 65534, "group": 65534, "extra_groups": ()} if os.getuid() == 0 else {}

    assert f"cannot write in {machine.project}" in refusal(machine.make("install", **nobody))


def test_a_second_make_does_nothing(machine):
    """An installation that is done is left alone, however often make runs and whatever git did to the dates."""
    machine.install_program("python3", FAKE_VENV)
    assert machine.make("install").returncode == 0
    done = machine.calls()
    (machine.project / "pyproject.toml").touch()

    told = machine.make("install")

    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    assert machine.calls() == done
    assert [call.split()[0] for call in done] == ["pip", "uv"]
    assert "sync --quiet --frozen --all-extras" in done[1]


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock"])
def test_a_changed_dependency_is_installed(machine, name):
    """A pull that brings another package brings it into .venv by itself."""
    machine.install_program("python3", FAKE_VENV)
    machine.make("install")
    done = len(machine.calls())
    with (machine.project / name).open("a") as file:
        file.write("# changed\n")

    machine.make("install")

    assert len(machine.calls()) == done + 1


def test_an_installation_that_failed_is_tried_again(machine):
    """Only a finished installation is marked as done."""
    machine.install_program("python3", FAKE_VENV.replace("echo uv ", "exit 1; echo uv "))
    assert "could not install the packages" in refusal(machine.make("install"))

    (machine.project / ".venv" / "bin" / "uv").write_text("#!/bin/sh\necho again >>calls\n")
    assert machine.make("install").returncode == 0
    assert "again" in machine.calls()


def test_pip_is_used_when_it_is_asked_for(machine):
    """Where uv may not be used, pip installs from pyproject.toml."""
    machine.install_program("python3", FAKE_VENV)
    machine.make("install", "INSTALLER=pip")

    assert len(machine.calls()) == 1
    assert machine.calls()[0].endswith("install --quiet -e .[dev]")


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("run", ".venv/bin/aftercare up --demo"),
        ("demo", ".venv/bin/aftercare demo"),
        ("test", ".venv/bin/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder"),
        ("bench", ".venv/bin/python -m tests.bench"),
    ],
)
def test_each_target_runs_what_it_says(machine, target, command):
    """The targets are one command each, after the installation."""
    told = machine.make("--dry-run", target)

    assert [line.strip() for line in told.stdout.splitlines()] == ["sh scripts/bootstrap", command]


def test_clean_keeps_the_data(machine):
    """`make clean` removes what make made; a clinic's data stay (P5)."""
    for name in (".venv/bin", "var", "worker/__pycache__"):
        (machine.project / name).mkdir(parents=True)
    (machine.project / "var" / "aftercare.sqlite3").write_text("data")
    (machine.programs / "find").symlink_to(shutil.which("find"))

    assert machine.make("clean").returncode == 0

    assert (machine.project / "var" / "aftercare.sqlite3").read_text() == "data"
    assert not (machine.project / ".venv").exists()
    assert not (machine.project / "worker" / "__pycache__").exists()


@pytest.fixture
def checks(machine):
    """The machine with .ci/run and a make that only writes down what it was asked for."""
    (machine.project / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", machine.project / ".ci" / "run")
    (machine.programs / "make").unlink()
    for tool in ("bash", "ls", "id"):
        (machine.programs / tool).symlink_to(shutil.which(tool))
    for there in ("postgres", "chromium", "prometheus", "promtool", "caddy"):
        machine.install_program(there, "")

    def run(make):
        machine.install_program("make", make)
        return subprocess.run(
            ("bash", ".ci/run"),
            cwd=machine.project,
            env={"PATH": str(machine.programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_what_must_pass_is_lint_then_tests(checks):
    """The check before landing runs both, and shows what they print."""
    told = checks('echo "make $*"\n')

    assert (told.returncode, told.stdout) == (0, "make lint\nmake test\n")


@pytest.mark.parametrize("target", ["lint", "test"])
def test_one_failure_fails_the_whole(checks, target):
    """A red lint or a red test is a red run."""
    assert checks(f'[ "$1" != {target} ]\n').returncode != 0


def test_what_failed_beside_others_is_asked_again_alone_and_both_answers_are_shown(checks):
    """A test that leans on its neighbours fails the first run only: it is named, and does not hide behind a pass."""
    told = checks('[ "$1" != test ] || [ -n "$2" ]\n')

    assert told.returncode == 0
    assert "FAILED ONCE" in told.stderr
    assert "PASSED ONLY AT THE SECOND TRY" in told.stderr
