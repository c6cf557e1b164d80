"""The examples in deploy/ are held to the code: what they name exists, and no process is given another's secrets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from reviewbot import __version__
from reviewbot.cli import app
from reviewbot.core.config import ServerSettings
from reviewbot.core.context.redaction import find_secrets
from reviewbot.core.resolution import Layer, parse_toml, resolve
from reviewbot.roles import HOLDS, Role
from reviewbot.telemetry.table import METRICS
from reviewbot.variables import VARIABLES
from tests.house.server_apps import endpoints  # type: ignore[import-not-found]
from webhooks.app import MOST_BYTES

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def _is_example(path: Path) -> bool:
    """Not what somebody filled in here for himself."""
    return (
        path.is_file() and not path.name.startswith(".") and path.suffix != ".env" and path.stem != "postgres-password"
    )


FILES = sorted(path for path in DEPLOY.rglob("*") if _is_example(path))
TEXTS = {path: path.read_text(encoding="utf-8") for path in FILES}
OURS = {each.name for each in VARIABLES}
SECRETS = {each.name for each in VARIABLES if each.secret} | {"REVIEWBOT_DATABASE_URL"}  # it has a password in it
OTHERS = {"SSL_CERT_FILE", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}
DRAIN = ServerSettings().drain_seconds + 30  # what serve.py waits for a process before it kills it


@dataclass(frozen=True)
class Process:
    """One `reviewbot serve` of an example. ``given`` has values where the file has them, None for a reference."""

    name: str
    words: Sequence[str]
    given: Mapping[str, str | None]
    grace: float
    raw: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """What the command line makes of it."""
        command: Any = typer.main.get_command(app)
        assert self.words[0] == "serve"
        return dict(command.commands["serve"].make_context("serve", list(self.words[1:])).params)

    @property
    def role(self) -> Role:
        return Role(self.parameters["role"])


def documents(path: Path) -> list[Any]:
    return [each for each in yaml.safe_load_all(TEXTS[path]) if each is not None]


def env_file(text: str) -> dict[str, str | None]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


# ---- what the examples start -----------------------------------------------------------------------------------------


def composed() -> Iterator[Process]:
    for path in sorted((DEPLOY / "compose").glob("*.yaml")):
        for name, service in documents(path)[0]["services"].items():
            if "env_file" not in service:
                continue
            from_file = env_file(TEXTS[path.with_name(f"{service['env_file']}.example")])
            grace = float(service["stop_grace_period"].removesuffix("s"))
            assert service["entrypoint"] == ["reviewbot"]
            given = {**from_file, **service["environment"]}
            yield Process(f"{path.name} {name}", service["command"], given, grace, service)


def pods() -> Iterator[Process]:
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for found in documents(path):
            if found["kind"] not in ("Deployment", "StatefulSet"):
                continue
            spec = found["spec"]["template"]["spec"]
            box = next(each for each in spec["containers"] if each["name"] == "reviewbot")
            assert box["command"] == ["tini", "--", "reviewbot"]
            given = {each["name"]: each.get("value") for each in box["env"]}
            grace = float(spec["terminationGracePeriodSeconds"]) - 5 * ("lifecycle" in box)
            yield Process(path.name, box["args"], given, grace, {**found, "box": box, "pod": spec})


def unit(path: Path) -> dict[str, list[str]]:
    """The lines of [Service], by name; a name may come several times."""
    found: dict[str, list[str]] = {}
    for line in TEXTS[path].partition("[Service]")[2].partition("\n[")[0].splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def units() -> Iterator[Process]:
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        lines = unit(path)
        roles = [str(role) for role in Role if role is not Role.ALL] if "@" in path.name else [""]
        for role in roles:
            program, *words = shlex.split(lines["ExecStart"][0].replace("%i", role))
            assert program.endswith("/reviewbot")
            given = dict(line.split("=", 1) for line in lines.get("Environment", []))
            yield Process(f"{path.name} {role}", words, given, float(lines["TimeoutStopSec"][0]), lines)


COMPOSED, PODS, UNITS = list(composed()), list(pods()), list(units())
ALL = [*COMPOSED, *PODS, *UNITS]
each_process = pytest.mark.parametrize("process", ALL, ids=[each.name for each in ALL])
each_pod = pytest.mark.parametrize("process", PODS, ids=[each.name for each in PODS])


def test_there_is_an_example_of_every_kind() -> None:
    roles = {role for role in Role if role is not Role.ALL}
    assert {each.role for each in COMPOSED} == {*roles, Role.ALL}
    assert {each.role for each in PODS} == roles
    assert {each.role for each in UNITS} == {*roles, Role.ALL}


# ---- every process ---------------------------------------------------------------------------------------------------


@each_process
def test_variables_exist_and_secrets_are_those_of_the_role(process: Process) -> None:
    given = set(process.given)
    assert given - OURS - OTHERS == set()
    held = HOLDS[process.role] | {"REVIEWBOT_DATABASE_URL"}
    assert (given & SECRETS) - held == set()
    assert [name for name in given & SECRETS if process.given[name]] == [], "a secret has a value in the file"
    if process.role in (Role.RECEIVER, Role.WORKER):
        assert "REVIEWBOT_PRIVATE_KEY_FILE" not in given


@pytest.mark.parametrize("process", [each for each in (*COMPOSED, *PODS) if each.role is not Role.ALL],
                         ids=lambda process: process.name)  # fmt: skip
def test_every_role_has_what_it_needs(process: Process) -> None:
    needed = {
        Role.RECEIVER: {"REVIEWBOT_WEBHOOK_SECRET", "REVIEWBOT_APP_SLUG", "REVIEWBOT_PUBLIC_URL"},
        Role.WORKER: {"OPENAI_API_KEY", "REVIEWBOT_TOKEN_URL", "REVIEWBOT_TOKEN_SECRET"},
        Role.POSTER: {"REVIEWBOT_APP_ID", "REVIEWBOT_TOKEN_SECRET"},
    }
    everybody = {"REVIEWBOT_DATABASE_URL", "REVIEWBOT_WORKER_ID", "REVIEWBOT_ADMIN_TOKEN", "REVIEWBOT_DATA_DIR"}
    assert (needed[process.role] | everybody) - set(process.given) == set()
    if process.role is Role.POSTER:
        assert {"REVIEWBOT_PRIVATE_KEY", "REVIEWBOT_PRIVATE_KEY_FILE"} & set(process.given)
    assert str(process.given.get("REVIEWBOT_TOKEN_URL") or "https://").startswith("https://")


def test_names_of_workers_differ() -> None:
    names = [each.given["REVIEWBOT_WORKER_ID"] for each in COMPOSED if each.role is not Role.ALL]
    assert len(set(names)) == len(names)
    for process in PODS:
        box = process.raw["box"]
        source = next(each for each in box["env"] if each["name"] == "REVIEWBOT_WORKER_ID")["valueFrom"]
        assert source == {"fieldRef": {"fieldPath": "metadata.name"}}


@each_process
def test_a_process_has_time_to_drain(process: Process) -> None:
    """Under one supervisor the worker drains first and the poster after it."""
    assert process.grace > DRAIN * (2 if process.role is Role.ALL else 1)


@each_process
def test_logs_are_for_machines(process: Process) -> None:
    assert process.parameters["log"].value == "json"
    assert process.parameters["port"] == 8080


@pytest.mark.parametrize("process", [*COMPOSED, *PODS], ids=lambda process: process.name)
def test_images_are_of_this_version(process: Process) -> None:
    image = process.raw.get("image") or process.raw["box"]["image"]
    assert image == f"reviewbot:{__version__}"


# ---- compose ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", COMPOSED, ids=lambda process: process.name)
def test_containers_are_locked_up_and_asked_how_they_are(process: Process, tmp_path: Path) -> None:
    service = process.raw
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "ports" not in service
    probed = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", service["healthcheck"]["test"][-1])
    assert probed
    assert int(probed[1]) == process.parameters["port"]
    role = Role.RECEIVER if process.role is Role.ALL else process.role
    assert ("GET", probed[2]) in endpoints(role, tmp_path)


def test_receivers_have_no_way_out_and_posters_are_asked_inside_only() -> None:
    found = documents(DEPLOY / "compose" / "many.yaml")[0]
    for name, service in found["services"].items():
        if name.startswith("receiver"):
            assert all(found["networks"][each] == {"internal": True} for each in service["networks"])
        assert not any("8443" in port for port in service.get("ports", ()))


def test_env_examples_name_variables_that_exist() -> None:
    examples = [path for path in FILES if path.name.endswith(".env.example")]
    assert examples
    for path in examples:
        assert set(env_file(TEXTS[path])) - OURS == set(), path.name


# ---- kubernetes ------------------------------------------------------------------------------------------------------


def test_all_manifests_are_in_the_kustomization() -> None:
    found = documents(DEPLOY / "kubernetes" / "kustomization.yaml")[0]
    others = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(found["resources"]) == others
    toml = (DEPLOY / "kubernetes" / "deployment.toml").read_text()
    assert resolve([Layer("deployment.toml", parse_toml(toml, "deployment.toml"))]).notes == ()


@each_pod
def test_probes_lead_somewhere(process: Process, tmp_path: Path) -> None:
    box = process.raw["box"]
    ports = {each["name"]: each["containerPort"] for each in box["ports"]}
    paths = {}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = box[kind]["httpGet"]
        assert ports[asked["port"]] == process.parameters["port"]
        assert ("GET", asked["path"]) in endpoints(process.role, tmp_path)
        paths[kind] = asked["path"]
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert process.parameters["host"] == "0.0.0.0"


@each_pod
def test_pods_are_locked_up(process: Process) -> None:
    pod = process.raw["pod"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for box in pod["containers"]:
        inside = box["securityContext"]
        assert inside["readOnlyRootFilesystem"] is True
        assert inside["allowPrivilegeEscalation"] is False
        assert inside["capabilities"] == {"drop": ["ALL"]}
        volumes = {each["name"]: each for each in pod["volumes"]}
        for mount in box["volumeMounts"]:
            assert mount.get("readOnly") or "emptyDir" in volumes[mount["name"]]


@each_pod
def test_secrets_come_from_the_secret_of_the_role(process: Process) -> None:
    own = f"reviewbot-{process.role}"
    for each in process.raw["box"]["env"]:
        source = each.get("valueFrom", {}).get("secretKeyRef")
        if source:
            assert source["name"] == own
    for volume in process.raw["pod"]["volumes"]:
        if "secret" in volume:
            assert process.role is Role.POSTER
            assert volume["secret"]["secretName"].startswith(own)


def test_every_secret_key_is_made_in_the_documentation() -> None:
    page = (ROOT / "docs" / "how-to" / "run-the-server-on-many-machines.md").read_text(encoding="utf-8")
    commands = page.replace("\\\n", " ").splitlines()
    for process in PODS:
        (line,) = [each for each in commands if f"secret generic reviewbot-{process.role} " in each]
        made = set(re.findall(r"--from-file=(\S+)", line))
        env = [each["valueFrom"]["secretKeyRef"]["key"] for each in process.raw["box"]["env"]
               if "secretKeyRef" in each.get("valueFrom", {})]  # fmt: skip
        files = [
            item["key"] for each in process.raw["pod"]["volumes"] for item in each.get("secret", {}).get("items", ())
        ]
        assert made == {*env, *files}


def test_services_budgets_and_policies_name_pods_that_exist() -> None:
    labels = [each.raw["spec"]["template"]["metadata"]["labels"] for each in PODS]
    found = [each for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) for each in documents(path)]
    kinds = [each["kind"] for each in found]
    assert kinds.count("PodDisruptionBudget") == kinds.count("Service") == len(PODS)
    for each in found:
        spec = each.get("spec", {})
        selector = {
            "Service": lambda s: s["selector"],
            "PodDisruptionBudget": lambda s: s["selector"]["matchLabels"],
            "NetworkPolicy": lambda s: s["podSelector"].get("matchLabels", {}),
        }.get(each["kind"])
        if selector:
            wanted = selector(spec).items()
            assert any(wanted <= label.items() for label in labels), each["metadata"]["name"]


def test_the_token_service_is_what_workers_ask() -> None:
    (worker,) = [each for each in PODS if each.role is Role.WORKER]
    assert worker.given["REVIEWBOT_TOKEN_URL"] == "https://reviewbot-poster.reviewbot.svc"
    text = TEXTS[DEPLOY / "kubernetes" / "poster.yaml"]
    assert "location = /tokens" in text
    assert "- {name: https, port: 443, targetPort: https}" in text


# ---- systemd, proxies, prometheus ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_units_are_locked_up(path: Path) -> None:
    lines = {name: values[-1] for name, values in unit(path).items()}
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
              "CapabilityBoundingSet": "", "UMask": "0077", "StateDirectoryMode": "0700", "KillMode": "mixed"}  # fmt: skip
    assert {name: lines.get(name) for name in wanted} == wanted
    assert lines["User"].startswith("reviewbot")
    assert f"REVIEWBOT_DATA_DIR=%S/{lines['StateDirectory']}" in unit(path)["Environment"]


@pytest.mark.parametrize("path", sorted((DEPLOY / "proxy").iterdir()), ids=lambda path: path.name)
def test_proxies_let_whole_deliveries_through(path: Path) -> None:
    text = TEXTS[path]
    limit = re.search(r"(?:client_max_body_size|max_size) (\d+)(?:m;|MiB)", text)
    assert limit
    assert int(limit[1]) * 1024 * 1024 >= MOST_BYTES
    assert set(re.findall(r"(?:127\.0\.0\.1|reviewbot|(?:receiver|poster)-\d):(\d+)", text)) == {"8080"}
    if path.suffix == ".conf":
        assert "proxy_set_header Host $host;" in text


def test_alerts_name_metrics_that_exist() -> None:
    kinds = {each.name: each for each in METRICS}
    groups = documents(DEPLOY / "prometheus" / "alerts.yaml")[0]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 5
    page = (ROOT / "docs" / "how-to" / "watch-a-server.md").read_text(encoding="utf-8")
    for rule in rules:
        assert f"| `{rule['alert']}` |" in page
        assert rule["annotations"]["summary"]
        for name, labels in re.findall(r"(reviewbot_\w+)(?:\{([^}]*)\})?", rule["expr"]):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            metric = kinds.get(name) or kinds[base]
            assert (metric.kind == "histogram") == (name not in kinds)
            assert set(re.findall(r"(\w+)=", labels)) <= set(metric.labels)
    documented = re.findall(r"^\| `(Reviewbot\w+)` \|", page, re.MULTILINE)
    assert sorted(documented) == sorted(rule["alert"] for rule in rules)


def test_prometheus_asks_what_is_there() -> None:
    job = documents(DEPLOY / "prometheus" / "scrape.yaml")[0]["scrape_configs"][0]
    assert job["metrics_path"] == "/metrics"
    names = {each.name.rpartition(" ")[2] for each in COMPOSED if each.role is not Role.ALL}
    assert {target.partition(":")[0] for target in job["static_configs"][0]["targets"]} == names


# ---- no secrets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_no_file_holds_a_secret(path: Path) -> None:
    found = [TEXTS[path][secret.start : secret.stop] for secret in find_secrets(TEXTS[path])]
    assert [each for each in found if each != "PASSWORD"] == []
    assert "PRIVATE KEY-----" not in TEXTS[path]


def test_every_file_is_linked_or_used() -> None:
    """Nothing lies about that no page leads to."""
    pages = " ".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    named = pages + " ".join(TEXTS.values())
    lost = [path.name for path in FILES if path.name.removesuffix(".example") not in named]
    assert lost == []
