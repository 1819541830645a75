"""docker-compose.yml is well-formed, hardened, and names nothing that does not exist (P9, P10, P12)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
HOUSE = yaml.safe_load(COMPOSE)
SERVICES = HOUSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
VERBS = {name: service["command"][1:] for name, service in OURS.items() if service["command"][0] == "aftercare"}
# Read by a program that is not ours, and explained by its own documentation.
FOREIGN = ("POSTGRES_", "GF_")
# Named for a file by themselves, not for a secret in one.
FILES = ("HEARTBEAT_FILE", "HEADS_FILE")


def documented():
    """Return the names that .env.example explains."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))


def read_by_the_settings():
    """Return the names that our code reads from the environment."""
    files = [path for folder in ("config", "worker") for path in (ROOT / folder).rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r'\b(?:text|secrets?|number|flag|choice|url|listening)\(\s*"([A-Z][A-Z0-9_]*)"', code))


def test_follows_the_compose_specification():
    """Every key is one that the specification knows, of the type that it asks for."""
    schema = json.loads((HERE / "compose.schema.json").read_text(encoding="utf-8"))

    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(HOUSE)] == []


@pytest.mark.parametrize(
    "slip",
    [
        {"heathcheck": {}},
        {"depends_on": {"redis": {"condition": "healthy"}}},
        {"stop_grace_period": "45"},
        {"environment": {"PORT": 8000}},
        {"restart": "sometimes"},
    ],
)
def test_the_check_itself_refuses_slips(slip):
    """A misspelt key, an unknown condition and a number without its unit are all refused."""
    schema = json.loads((HERE / "compose.schema.json").read_text(encoding="utf-8"))
    bent = {**HOUSE, "services": {"web": {**SERVICES["web"], **slip}}}

    assert list(jsonschema.Draft7Validator(schema).iter_errors(bent))


def test_names_nothing_that_is_not_there():
    """Each secret, volume, network, dependency and build stage that a service names exists."""
    stages = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= set(HOUSE["secrets"])
        assert set(service.get("networks", ())) <= set(HOUSE["networks"])
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        assert service.get("build", {"target": "production"})["target"] in stages
        for source, _, _ in (volume.partition(":") for volume in service.get("volumes", ())):
            assert (ROOT / source).exists() if source.startswith(".") else source in HOUSE["volumes"]


def test_every_variable_is_explained():
    """What a person may set, and what our parts are given, is in .env.example (P12)."""
    settable = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", COMPOSE))
    given = {name for service in OURS.values() for name in service["environment"]}
    given = {name.removesuffix("_FILE") if name not in FILES else name for name in given}

    assert settable | given <= documented()


def test_every_variable_that_is_given_is_read():
    """A variable that no part reads is a promise that nobody keeps."""
    given = {name for service in OURS.values() for name in service["environment"]}
    given = {name.removesuffix("_FILE") if name not in FILES else name for name in given}

    assert given <= read_by_the_settings()


def test_every_setting_is_explained():
    """Each name that our code reads is in .env.example (P12)."""
    assert len(read_by_the_settings()) > 20
    assert read_by_the_settings() <= documented()


def test_no_secret_travels_as_a_variable():
    """Secrets are files: variables show in `docker inspect` and in crash reports (P9)."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"KEY|TOKEN|PASSWORD|DATABASE_URL|REDIS_URL|EMAIL_URL|AUTH$", name):
                assert name.endswith("_FILE"), name
                secret = value.removeprefix("/run/secrets/")
                assert secret in service["secrets"], name


def test_make_secrets_makes_each_secret():
    """`make secrets` and docker-compose.yml name the same files."""
    from scripts.make_secrets import contents

    assert {f"./secrets/{name}" for name in contents()} == {one["file"] for one in HOUSE["secrets"].values()}


def test_our_parts_are_hardened():
    """Our parts run without root, without privileges and without a disk to write to (P10)."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "USER 10001:10001" in dockerfile
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service


def test_only_the_proxy_can_be_seen_from_outside():
    """The database and Redis publish nothing and reach nothing, Flower nothing; the rest is on loopback (P10)."""
    assert HOUSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
    assert {name for name, service in SERVICES.items() if "ports" not in service} == {
        "postgres", "redis", "migrate", "worker", "beat", "flower", "provider",
    }  # fmt: skip
    assert SERVICES["proxy"]["ports"] == ["${PROXY_HTTP_PORT:-80}:80", "${PROXY_HTTPS_PORT:-443}:443"]
    others = [port for name, service in SERVICES.items() if name != "proxy" for port in service.get("ports", ())]
    assert len(others) == 4
    assert all(port.startswith("127.0.0.1:") for port in others)


def test_the_proxy_reaches_the_web_part_and_flower_alone():
    """It is the part that strangers speak to: no root's powers, no secret, no way to the database (P10)."""
    proxy = SERVICES["proxy"]
    assert proxy["networks"] == ["front"]
    assert {name for name, service in SERVICES.items() if "front" in service.get("networks", ())} == {
        "proxy", "web", "flower",
    }  # fmt: skip
    assert "secrets" not in proxy
    assert (proxy["read_only"], proxy["cap_drop"], proxy["cap_add"]) == (True, ["ALL"], ["NET_BIND_SERVICE"])
    assert proxy["security_opt"] == ["no-new-privileges:true"]


def test_the_proxy_names_parts_that_listen_there():
    """Where the Caddyfile leads when nothing else is said, and what it is given, is what docker-compose.yml starts."""
    caddyfile = (ROOT / "config" / "proxy" / "Caddyfile").read_text(encoding="utf-8")
    asked = dict(re.findall(r"\{\$([A-Z_]+):?([^}]*)\}", caddyfile))
    assert (asked["PROXY_WEB"], asked["PROXY_FLOWER"]) == ("web:8000", "flower:5555")
    assert {name for name, default in asked.items() if not default} == {*SERVICES["proxy"]["environment"]}
    flower = SERVICES["flower"]["command"][-1]
    assert all(word in flower for word in ("--port=5555", "--url_prefix=flower", "--read_only"))
    assert f":{asked['PROXY_ALIVE_PORT']}/alive" in SERVICES["proxy"]["healthcheck"]["test"][-1]


def test_every_lasting_part_tells_how_it_is():
    """Each service has a health check, save the one that ends by itself."""
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"migrate"}


def test_redis_never_evicts():
    """noeviction: any other policy can throw away a whole queue in silence (P5)."""
    command = " ".join(SERVICES["redis"]["command"])
    assert "maxmemory-policy noeviction" in command
    assert "appendonly yes" in command


def test_senders_get_time_to_finish():
    """A worker that is asked to end may finish its call: a cut call is an unknown outcome (P4)."""
    for name in ("worker", "beat", "web"):
        assert SERVICES[name]["stop_grace_period"] == "45s"
    assert settings.STOP_SECONDS + settings.PROVIDER_TIMEOUT_SECONDS < 45, "and the answers are written down"


def test_the_web_part_does_not_wait_for_redis():
    """STOP needs the database only, so the web part starts and lives without Redis (P2)."""
    assert "redis" not in SERVICES["web"]["depends_on"]


def test_postgres_is_new_enough():
    """PostgreSQL 15 is the oldest that the house is tried with."""
    assert int(re.fullmatch(r"postgres:(\d+)-alpine", SERVICES["postgres"]["image"])[1]) >= 15


@pytest.mark.parametrize(("service", "verb"), VERBS.items())
def test_every_command_exists(service, verb):
    """`aftercare VERB --help` answers for each command that a service runs (P12)."""
    told = subprocess.run(
        (Path(sys.executable).with_name("aftercare"), *verb, "--help"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, "Traceback" in told.stderr) == (0, False), f"{service}: {told.stderr}"
    assert verb[0] in told.stdout


def test_the_four_verbs_are_used():
    """Each part of the house has its own verb."""
    assert VERBS == {"migrate": ["migrate"], "web": ["web"], "worker": ["worker"], "beat": ["beat"]}
