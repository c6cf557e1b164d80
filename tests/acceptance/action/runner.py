"""A runner for composite actions, no more than action.yml needs and strict about it: what it does not know is a fault.

It does what GitHub's runner does round a step: the variables, the files for outputs and for the summary, the commands in
the log, the masks. `uses` steps are stood in for. What is not GitHub's: everything else of this machine stays out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_CONDITION = re.compile(r"(steps\.[\w.-]+) (==|!=) '([^']*)'")
_COMMAND = re.compile(r"::(?P<name>[A-Za-z0-9_-]+)(?: (?P<properties>[^:]*))?::(?P<text>.*)", re.DOTALL)
_UNESCAPE = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass(frozen=True)
class Command:
    """A workflow command that the runner took."""

    name: str
    text: str
    properties: Mapping[str, str]


@dataclass
class Log:
    """The output of a job as the runner reads it. ``shown`` is what people see."""

    shown: list[str] = field(default_factory=list)
    taken: list[Command] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    _stopped: str = ""

    def read(self, text: str) -> None:
        for line in text.split("\n"):
            self._line(line.rstrip("\r"))

    def _line(self, line: str) -> None:
        found = _COMMAND.fullmatch(line.lstrip())
        if self._stopped:
            if found and found["name"] == self._stopped:
                self._stopped = ""
                return
        elif found:
            self._take(found)
            return
        else:
            assert "##[" not in line, "a command of the old form"
        assert not any(secret in line for secret in self.secrets), "a mask is the last defence, not the first"
        self.shown.append(line)

    def _take(self, found: re.Match[str]) -> None:
        pairs = [each.partition("=") for each in (found["properties"] or "").split(",") if each]
        command = Command(found["name"], _plain(found["text"]), {key: _plain(value) for key, _, value in pairs})
        if command.name == "stop-commands":
            assert command.text
            assert command.text.lower() not in {"pause-logging", ""}
            self._stopped = command.text
        elif command.name == "add-mask":
            assert command.text.strip()
            self.secrets.add(command.text)
        else:
            assert command.name in {"group", "endgroup", "error", "warning", "notice", "debug"}, command
            self.taken.append(command)
            for secret in self.secrets:
                assert secret not in command.text

    def of(self, *names: str) -> list[Command]:
        return [command for command in self.taken if command.name in names]

    @property
    def text(self) -> str:
        return "\n".join(self.shown)


def _plain(text: str) -> str:
    for escape, character in _UNESCAPE:
        text = text.replace(escape, character)
    return text


@dataclass(frozen=True)
class Ended:
    """What a run of the action came to."""

    code: int
    log: Log
    outputs: Mapping[str, str]
    summary: str


@dataclass
class Composite:
    """One action on one machine. ``workspace`` is where the workflow's own steps work, ``cache`` what actions/cache
    keeps from run to run."""

    action: Path
    temp: Path
    workspace: Path
    cache: Path
    environ: Mapping[str, str]
    python: str = sys.executable
    prepared: bool = True
    seconds: float = 60
    hits: list[bool] = field(default_factory=list)

    def run(
        self, inputs: Mapping[str, str], token: str, meanwhile: Callable[[subprocess.Popen[str]], None] | None = None
    ) -> Ended:
        """All steps; ``meanwhile`` is called with the process of the last one."""
        document = yaml.safe_load((self.action / "action.yml").read_text(encoding="utf-8"))
        assert document["runs"]["using"] == "composite"
        unknown = set(inputs) - set(document["inputs"])
        assert not unknown, f"no such input: {unknown}"
        given = {name: self._default(each, token) for name, each in document["inputs"].items()} | dict(inputs)
        job = _Job(self, given)
        code = 0
        for step in document["runs"]["steps"]:
            last = step is document["runs"]["steps"][-1]
            if code == 0 and job.holds(step.get("if")):
                code = job.step(step, meanwhile if last else None)
        if not self.prepared and code == 0:
            job.save_cache()
        outputs = {name: job.fill(each["value"]) for name, each in document["outputs"].items()}
        return Ended(code, job.log, outputs, job.summary)

    @staticmethod
    def _default(declared: Mapping[str, Any], token: str) -> str:
        assert set(declared) == {"description", "required", "default"}
        return token if declared["default"] == "${{ github.token }}" else str(declared["default"])


@dataclass
class _Job:
    machine: Composite
    inputs: Mapping[str, str]
    log: Log = field(default_factory=Log)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""

    def fill(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self.value(found[1]), text)

    def value(self, expression: str) -> str:
        match expression.split("."):
            case ["inputs", name]:
                return self.inputs[name]
            case ["steps", step, "outputs", name]:
                return self.outputs.get(step, {}).get(name, "")
        raise AssertionError(f"this runner does not know {expression!r}")

    def holds(self, condition: str | None) -> bool:
        if condition is None:
            return True
        found = _CONDITION.fullmatch(condition)
        assert found, condition
        return (self.value(found[1]) == found[3]) == (found[2] == "==")

    def step(self, step: Mapping[str, Any], meanwhile: Callable[[subprocess.Popen[str]], None] | None) -> int:
        if "uses" in step:
            assert set(step) <= {"name", "id", "if", "uses", "with"}
            self._use(step)
            return 0
        assert set(step) <= {"name", "id", "if", "shell", "env", "run"}
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "a value in a shell line"
        code = self._bash(step, meanwhile)
        if step.get("id") == "place" and self.machine.prepared and self.outputs["place"].get("ready") == "false":
            self._prepare(Path(self.outputs["place"]["venv"]))
            code = self._bash(step, None)
        return code

    def _use(self, step: Mapping[str, Any]) -> None:
        name, _, commit = step["uses"].partition("@")
        assert re.fullmatch("[0-9a-f]{40}", commit), f"{name} is not pinned"
        given = {key: self.fill(str(value)) for key, value in step["with"].items()}
        if name == "actions/setup-python":
            assert given == {"python-version": "3.12", "update-environment": "False"}
            self.outputs[step["id"]] = {"python-path": self.machine.python}
        elif name == "actions/cache":
            assert set(given) == {"path", "key"}
            kept = self.machine.cache / given["key"]
            self.machine.hits.append(kept.exists())
            if kept.exists():
                shutil.copytree(kept, given["path"])
        else:
            raise AssertionError(f"this runner has no {name}")

    def save_cache(self) -> None:
        """What actions/cache does when the job is over."""
        place = self.outputs["place"]
        if not (self.machine.cache / place["key"]).exists():
            shutil.copytree(place["wheels"], self.machine.cache / place["key"])

    def _prepare(self, venv: Path) -> None:
        """As if an earlier step of the job had installed the libraries: those of this test."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        (site,) = venv.glob("lib/python*/site-packages")
        here = next(path for path in sys.path if path.endswith("site-packages"))
        (site / "reviewbot.pth").write_text(f"{self.machine.action}\n{here}\n")
        (venv / "ready").write_text(f"{self.machine.action}\n")

    def _bash(self, step: Mapping[str, Any], meanwhile: Callable[[subprocess.Popen[str]], None] | None) -> int:
        script, output, summary = (self.machine.temp / f"{kind}-{uuid.uuid4()}" for kind in ("step", "out", "summary"))
        script.write_text(step["run"])
        output.touch()
        summary.touch()
        environ = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "RUNNER_OS": "Linux",
            **self.machine.environ,
            "RUNNER_TEMP": str(self.machine.temp),
            "GITHUB_ACTION_PATH": str(self.machine.action),
            "GITHUB_WORKSPACE": str(self.machine.workspace),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            **{name: self.fill(str(value)) for name, value in step.get("env", {}).items()},
        }
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            env=environ,
            cwd=self.machine.workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
        if meanwhile:
            meanwhile(process)
        said, _ = process.communicate(timeout=self.machine.seconds)
        self.log.read(said)
        assert "Traceback" not in said, said
        if step.get("id"):
            self.outputs[step["id"]] = read_outputs(output.read_bytes().decode())
        self.summary += summary.read_text(encoding="utf-8")
        return process.returncode


def read_outputs(text: str) -> dict[str, str]:
    """The file of outputs, by the rules of the runner: ``name=value``, or ``name<<WORD``, lines, ``WORD``."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equal, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equal < 0 or heredoc < equal):
            name, _, word = line.partition("<<")
            value: list[str] = []
            for each in lines:
                if each == word:
                    break
                value.append(each)
            else:
                raise AssertionError(f"{name} does not end")
            found[name] = "\n".join(value)
        else:
            assert equal > 0, line
            found[line[:equal]] = line[equal + 1 :]
    return found
