"""A real Prometheus that scrapes a running house twice a second, with the rules and targets that we ship."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.processes.witness import until
from worker.sandbox.demo import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

MONITORING = Path(__file__).resolve().parents[2] / "config" / "monitoring"
PROGRAM = shutil.which("prometheus")


class Prometheus:
    """Starts with the `with` statement; `targets` replaces those of each shipped job, by its name."""

    def __init__(
        self, folder: Path, targets: Mapping[str, str], token: str, *, rules: Path = MONITORING / "alerts.yml",
        every: str = "500ms",
    ) -> None:  # fmt: skip
        self._folder = folder
        self.url = f"http://127.0.0.1:{free_ports(1)}"
        shipped = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
        shipped["global"] = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": "1s"}
        shipped["rule_files"] = [str(rules)]
        (folder / "token").write_text(token, encoding="ascii")
        for job in shipped["scrape_configs"]:
            job.pop("dns_sd_configs", None)
            job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
            job["authorization"] = {"credentials_file": str(folder / "token")}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(shipped), encoding="utf-8")

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        log = (self._folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [PROGRAM, f"--config.file={self._folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={self._folder / 'tsdb'}", f"--web.listen-address={self.url.removeprefix('http://')}"],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """What an instant query finds; nothing while Prometheus is not up yet."""
        url = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as refused:
            if refused.code == HTTPStatus.SERVICE_UNAVAILABLE:  # it is still starting
                return []
            raise AssertionError(f"{query}: {refused.read().decode()}") from None
        except OSError:
            return []

    def waits_for(self, query: str, *, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The same, once it finds something."""
        found: list[list[dict[str, Any]]] = []
        try:
            until(lambda: found.append(self.ask(query)) or found[-1], seconds=seconds, every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{query}: {error}") from None
        return found[-1]
