"""Writes what the code knows into the pages: ``python docs/generate.py``.

A page holds blocks between ``<!-- from the code: NAME -->`` and ``<!-- end -->``. The text round them is written by
hand; what is inside is made here, and a test fails when a page is out of date.
"""

from __future__ import annotations

import enum
import json
import re
import sys
import tempfile
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typer

from reviewbot import errors
from reviewbot.action.table import INPUTS, OUTPUTS
from reviewbot.analyzers.catalogue import TOOLS
from reviewbot.analyzers.rules import Table
from reviewbot.cli import app
from reviewbot.core.change.scope import SkipRule
from reviewbot.core.commands import FORMS, Place, Verb
from reviewbot.core.config import Config, TriggerName
from reviewbot.core.findings.finding import RejectReason
from reviewbot.core.report.outputs.json import SCHEMA
from reviewbot.core.resolution import REPOSITORY_MAY_LOWER, REPOSITORY_MAY_NOT, json_schema, rows
from reviewbot.core.triggers import SkipReason
from reviewbot.model.catalogue import _TABLE as MODELS
from reviewbot.roles import HOLDS, Role
from reviewbot.sandbox.github import faults as github_faults
from reviewbot.sandbox.responses import faults as model_faults
from reviewbot.telemetry.logs import FIELDS as LOG_IDS
from reviewbot.telemetry.table import METRICS
from reviewbot.variables import VARIABLES

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from tests.house.server_apps import endpoints  # noqa: E402 - the folder of `tests` had to be named first

_BLOCK = re.compile(r"(<!-- from the code: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: What each skip rule means for a reader, and what turns it off. A rule without a line here fails the generator.
SKIP_RULES: Mapping[SkipRule, tuple[str, str]] = {
    SkipRule.SUBMODULE: ("A pointer to a commit of another repository.", "nothing"),
    SkipRule.BINARY: ("git shows no lines of it.", "nothing"),
    SkipRule.NO_CONTENT: ("A rename, copy or change of mode without a changed line.", "nothing"),
    SkipRule.SECRET_FILE: ("Its name says that it holds secrets: `.env`, `id_rsa`, `*.pem`, …", "nothing"),
    SkipRule.EXCLUDED: ("A pattern of `scope.exclude` names it.", "the pattern"),
    SkipRule.NOT_INCLUDED: ("`scope.include` is set and no pattern of it names the file.", "the pattern"),
    SkipRule.LOCK_FILE: ("Written by a package manager.", "`scope.lock_files`, or `-linguist-generated`"),
    SkipRule.VENDORED: (
        "It lies in a folder of other people's code, or `.gitattributes` says `linguist-vendored`.",
        "`scope.vendored`, or `-linguist-vendored`",
    ),
    SkipRule.GENERATED: (
        "Its name, its first 40 lines or `.gitattributes` (`linguist-generated`) say so.",
        "`scope.generated`, or `-linguist-generated`",
    ),
    SkipRule.MINIFIED: (
        "Its name says so, or most of what it adds is in very long lines.",
        "`scope.minified`, or `-linguist-generated`",
    ),
    SkipRule.TOO_LARGE: ("It has more changed lines than `scope.max_file_lines`.", "`scope.max_file_lines`"),
}

#: Why a finding is not an inline comment.
REJECT_REASONS: Mapping[RejectReason, str] = {
    RejectReason.LOW_CONFIDENCE: "The model's confidence is below `review.min_confidence`.",
    RejectReason.BELOW_SEVERITY: "Its severity is below `review.min_severity`.",
    RejectReason.OVER_LIMIT: "There are `review.max_comments` weightier ones. It still counts for the verdict.",
    RejectReason.DUPLICATE: "Another finding of this run says the same in the same place.",
    RejectReason.ALREADY_POSTED: "An earlier review says it. It still counts for the verdict.",
    RejectReason.DISMISSED: "People answered it (resolved, thumbs-down, in words), and its code is unchanged.",
    RejectReason.DISCUSSED: "People who may write here discuss the same line already.",
    RejectReason.OLD_CODE: "No line of it is new since the last review, and it is below `major`.",
    RejectReason.EMPTY: "It has neither a quote nor a text.",
}

#: What each trigger is on GitHub, and whether a person asked by hand. One without a line here fails the generator.
TRIGGERS: Mapping[TriggerName, tuple[str, str]] = {
    "opened": ("A pull request is opened.", "by itself"),
    "reopened": ("A closed one is opened again.", "by itself"),
    "ready_for_review": ("A draft is marked as ready.", "by itself"),
    "synchronize": ("Commits are pushed to its branch.", "by itself"),
    "labeled": ("The label of `triggers.label` is set.", "by hand"),
    "review_requested": ("The App's account is asked for a review, where GitHub offers that.", "by hand"),
    "rerequested": ("Re-run is pressed at our check, or at all checks.", "by hand"),
    "command": ("A comment begins with the word of `triggers.command`, or with a mention of the App.", "by hand"),
    "reply": ("A person answers in a thread that a finding of ours began, without a command.", "by hand"),
}

#: Why an event starts no review, and what decides it. A reason without a line here fails the generator.
SKIP_REASONS: Mapping[SkipReason, tuple[str, str]] = {
    SkipReason.NOT_A_TRIGGER: ("It has nothing to do with reviews: a comment that does not speak to us, say.", ""),
    SkipReason.INSTALLATION: ("The App was installed, suspended or removed; there is nothing to review.", ""),
    SkipReason.REPOSITORY_OFF: ("Reviews are turned off here.", "`triggers.enabled`"),
    SkipReason.TURNED_OFF: ("This trigger is turned off.", "`triggers.events`"),
    SkipReason.CLOSED: ("The pull request is closed or merged.", ""),
    SkipReason.DRAFT: ("It is a draft, and nobody asked by hand.", "`triggers.drafts`"),
    SkipReason.OWN: ("We did it ourselves.", ""),
    SkipReason.BOT: ("A bot is behind it that is not named.", "`triggers.bots`"),
    SkipReason.OUTSIDER: ("Who comments is nobody whose commands are looked at.", "`triggers.commenters`"),
    SkipReason.NOBODY: ("The event does not say who asks.", ""),
    SkipReason.NO_PULL_REQUEST: ("The check names no pull request; for a fork's branch GitHub names none.", ""),
    SkipReason.TITLE: ("A phrase in the title says no.", "`triggers.skip_titles`"),
    SkipReason.LABEL: ("A label says no.", "`triggers.skip_labels`"),
    SkipReason.AUTHOR: ("The author is left out.", "`triggers.skip_authors`"),
    SkipReason.BRANCH: ("The branch is left out.", "`triggers.skip_branches`, `triggers.base_branches`"),
    SkipReason.PATH: ("No changed file is wanted, or all are left out.", "`triggers.paths`, `triggers.skip_paths`"),
}

#: Who may ask an endpoint, and what it answers. One without a line here fails the generator.
ENDPOINTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("GET", "/healthz"): ("anybody", "200 while the process answers"),
    ("GET", "/readyz"): (
        "anybody",
        "200 when it can do its work, 503 when it cannot; what is wrong stands in the JSON",
    ),
    ("GET", "/metrics"): ("admin token, as a bearer token", "200 [metrics](metrics.md); 401"),
    ("POST", "/webhooks/github"): ("who signs with the webhook secret", "see below"),
    ("GET", "/"): (
        "a signed-in browser",
        "200 the status page; 303 to `/login`; 503 when the database does not answer",
    ),
    ("GET", "/login"): ("anybody", "200; 303 when signed in"),
    ("POST", "/login"): (
        "who knows the admin token",
        "303 and a cookie for 12 hours; 403 wrong; 429 after ten wrong ones in a minute, of the whole world",
    ),
    ("POST", "/logout"): ("a form of this page", "303"),
    ("POST", "/jobs/{job_id:path}/retry"): ("a signed-in browser, by a form of this page", "303; 503"),
    ("GET", "/status"): ("a signed-in browser", "200 the part of the page that changes; 401; 503"),
    ("GET", "/status.json"): ("admin token, as a bearer token", "200 the same as data; 401; 429; 503"),
    ("GET", "/assets/{name}"): ("anybody", "200 style, script and icon; 404"),
    ("GET", "/setup"): (
        "who gave the admin token there",
        "200; 403 when there is no token; 500 when the data folder cannot be used",
    ),
    ("POST", "/setup"): ("the same", "303 or 200; 401 wrong token; 422 a field that will not do; 429"),
    ("GET", "/setup/callback"): (
        "who began at `/setup`",
        "200; 400 no code; 403 not begun here; 409 another App is there; 410 the code is used or old; 500; 502 GitHub",
    ),
    ("POST", "/tokens"): (
        "who shows `REVIEWBOT_TOKEN_SECRET` as a bearer token",
        "200 a token that reads one repository; 400; 401; 502 with what GitHub said",
    ),
}

#: The fields of a log line, in their order. `error` and `traceback` come last.
LOG_FIELDS: Mapping[str, str] = {
    "time": "In UTC, with milliseconds.",
    "level": "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.",
    "logger": "The module that speaks.",
    "message": "What happened, in one sentence; 16,384 characters at most.",
    "delivery_id": "GitHub's name of the delivery; the same as on the App's Advanced page.",
    "run_id": "The run of a review; `reviewbot runs show` takes it.",
    "job_id": "The job, the same for all its attempts.",
    "pull_request": "`owner/repo#12`.",
    "role": "`receiver`, `worker` or `poster`.",
    "error": "Class and text of an exception.",
    "traceback": "Where it was raised.",
}

#: What each field of the JSON output means; every field of the schema is here.
FIELDS: Mapping[str, str] = {
    "schema": "The version of this description.",
    "run_id": "Names the run; `reviewbot runs show` takes it.",
    "pull_request.label": "`owner/repo#12`, or the folder of a work tree.",
    "pull_request.repository": "Base repository, or the folder.",
    "pull_request.number": "null for a work tree.",
    "pull_request.url": "Its page.",
    "pull_request.title": "For a work tree, the subject of the last commit.",
    "pull_request.author": "Login on GitHub.",
    "pull_request.base_ref": "Branch that it goes into.",
    "pull_request.base_sha": "Settings and rules were read there.",
    "pull_request.head_ref": "Branch that it comes from.",
    "pull_request.head_sha": "The commit that was reviewed; a tree for staged or uncommitted changes.",
    "model": "The model or models that answered.",
    "analyzers": "The static analyzers that looked at something.",
    "summary.verdict": "See [coverage and verdicts](../explanation/coverage-and-verdicts.md).",
    "summary.headline": "The verdict as one sentence.",
    "summary.explanation": "What the model said of the whole change.",
    "summary.skip_reason": "Why nothing was reviewed; else empty.",
    "summary.fails": "Whether a finding reaches `review.fail_on`.",
    "summary.notes": "What else a reader should know: a fallback, a chunk that was halved, a setting not allowed.",
    "findings": "New findings of this run. Those posted earlier are in `rejected`.",
    "rejected": "Findings that did not become a comment.",
    "rejected[].finding": "The same fields as in `findings`.",
    "rejected[].reason": "See the table below.",
    "rejected[].detail": "The reason in words.",
    "coverage.complete": "True when no line was over budget or failed.",
    "coverage.changed_lines": "As git counts them.",
    "coverage.reviewed_lines": "Shown to the model in this run, and answered.",
    "coverage.skipped_lines": "In files that a rule skipped.",
    "coverage.missed_lines": "Over budget or failed.",
    "coverage.earlier_lines": "Read by an earlier review, and unchanged since: not read again.",
    "coverage.problems": "Faults of the diff itself.",
    "coverage.files": "Every file of the change.",
    "coverage.files[].path": "New path.",
    "coverage.files[].status": "How it ended.",
    "coverage.files[].reason": "The skip rule, or the fault.",
    "coverage.files[].changed_lines": "The five counts below add up to this.",
    "coverage.files[].reviewed_lines": "",
    "coverage.files[].skipped_lines": "",
    "coverage.files[].over_budget_lines": "",
    "coverage.files[].failed_lines": "",
    "coverage.files[].earlier_lines": "",
    "coverage.files[].missed": "Runs of lines that were over budget or failed.",
    "coverage.files[].missed[].side": "`LEFT` is the old text, `RIGHT` the new.",
    "coverage.files[].missed[].first": "First line.",
    "coverage.files[].missed[].last": "Last line.",
    "since.head_sha": "The commit that the last review read; empty when there was none.",
    "since.rounds": "How many reviews of this pull request went before.",
    "since.late_findings": "Findings of all reviews so far, this one too, on code that an earlier one had read.",
    "since.full": "Everything was to be read again, as `--full` asks.",
    "since.reason": "Why everything was read again though a review went before; else empty.",
    "since.new_lines": "What this run had to read: lines that are new, or that the last review left over.",
    "since.earlier_lines": "The same as `coverage.earlier_lines`.",
    "usage.requests": "Answers that were charged.",
    "usage.input_tokens": "",
    "usage.cached_input_tokens": "null when the provider does not say.",
    "usage.output_tokens": "Reasoning included.",
    "usage.reasoning_tokens": "null when the provider does not say.",
    "usage.cost_usd": "By the list price; null when the price is not known.",
    "usage.saved_usd": "What stored answers would have cost.",
    "github.review_url": "Empty when no review was posted.",
    "github.summary_url": "The summary comment.",
    "github.check_url": "The check run.",
    "github.api_calls": "Requests to GitHub, repeated ones counted.",
    "github.notes": "What was not written, and why.",
    "timings": "Seconds by part of the run.",
    "findings[].id": "The first 12 digits of the fingerprint.",
    "findings[].fingerprint": "The same for the same point in every run; no line number in it.",
    "findings[].path": "Of the new text.",
    "findings[].side": "`LEFT` is the old text, `RIGHT` the new.",
    "findings[].start_line": "null on a single line.",
    "findings[].line": "Last line; null for a comment on the file or in the summary.",
    "findings[].severity": "",
    "findings[].category": "`bug`, `security`, `performance`, `concurrency`, `api`, `data`, `test`, `docs` or "
    "`maintainability`.",
    "findings[].confidence": "0 to 1, by the model.",
    "findings[].title": "",
    "findings[].body": "When it happens, and then what.",
    "findings[].evidence": "Why it holds, from the code shown; empty when `source` is `earlier`.",
    "findings[].quote": "The code that the model copied; empty when `source` is `earlier`.",
    "findings[].suggestion": "Replaces the lines exactly; only if it was proved.",
    "findings[].unproved_suggestion": "A replacement that did not hold, or was not tried.",
    "findings[].suggestion_note": "Why it was not proved.",
    "findings[].source": "`model`; `earlier` for one in `rejected` that only its open thread tells of.",
    "findings[].late": "It is on code that an earlier review had read, and missed.",
    "findings[].note": "What readers should know of its past: why it is raised again, say.",
    "findings[].placement.step": "See [placement](../explanation/placement.md).",
    "findings[].placement.reason": "Why not a step higher.",
}


def main() -> int:
    """Rewrite the pages that are out of date; prints their names."""
    for path, text in stale_pages():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(DOCS.parent)}\n")
    return 0


def stale_pages() -> Iterator[tuple[Path, str]]:
    """Pages whose blocks, and schemas that, are not what the code says now, with the text that they should have."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        fresh = _BLOCK.sub(_made, text)
        if fresh != text:
            yield path, fresh
    for name, schema in SCHEMAS.items():
        path, fresh = DOCS / name, f"{json.dumps(schema(), indent=2)}\n"
        if not path.exists() or path.read_text(encoding="utf-8") != fresh:
            yield path, fresh


def block_names() -> list[str]:
    """The names of all blocks that stand in pages."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md")))
    return [found["name"] for text in texts for found in _BLOCK.finditer(text)]


def _made(found: re.Match[str]) -> str:
    return f"{found[1]}\n{BLOCKS[found['name']]()}\n\n{found[3]}"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |".replace("|   |", "| |") for line in lines)


# ---- command line ----------------------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups left out."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
            return
        for word, sub in inner.items():
            yield from walk(f"{name} {word}", sub)

    return walk("reviewbot", typer.main.get_command(app))


def _command_line() -> str:
    parts = []
    for name, command in commands():
        said, _, example = str(command.help or "").partition("\n\nExamples:")
        parts.append(f"## `{name}`\n\n{' '.join(said.split())}")
        if example:
            parts.append("```sh\n" + "\n".join(line.strip() for line in example.strip().split("\n")) + "\n```")
        hints = typing.get_type_hints(command.callback)
        named = [parameter for parameter in command.params if parameter.name in hints]
        parameters = [_parameter(parameter, hints[parameter.name]) for parameter in named]
        if parameters:
            parts.append(table(("Name", "Value", "Default", "Meaning"), parameters))
    return "\n\n".join(parts)


def _parameter(parameter: Any, hint: Any) -> tuple[str, str, str, str]:
    argument = parameter.param_type_name == "argument"
    name = f"`{parameter.name.upper()}`" if argument else ", ".join(f"`{word}`" for word in parameter.opts)
    default = parameter.default() if callable(parameter.default) else parameter.default
    shown = "required" if parameter.required else "" if default is None or default is False else f"`{_plain(default)}`"
    return name, _value_of(parameter, hint), shown, str(parameter.help or "")


def _value_of(parameter: Any, hint: Any) -> str:
    kinds = [kind for kind in (typing.get_args(hint) or (hint,)) if kind is not type(None)]
    kind = kinds[0]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " ".join(f"`{member.value}`" for member in kind)
    if kind is bool:
        return "switch"
    if parameter.metavar:
        return f"`{parameter.metavar}`"
    return {Path: "path", int: "number", float: "number"}.get(kind, "text")


def _plain(value: Any) -> str:
    return str(value.value if isinstance(value, enum.Enum) else value)


# ---- settings and environment ----------------------------------------------------------------------------------------


def _settings() -> str:
    found = rows()
    parts = []
    for section, field in Config.model_fields.items():
        inside = [row for row in found if row[0] == section or row[0].startswith(f"{section}.")]
        if [row[0] for row in inside] == [section]:
            continue  # a list of tables: written by hand
        parts.append(f"## {section}\n\n{field.description}")
        lines = [(f"`{name}`", _default(value), kind, _by_file(name), said) for name, value, kind, said in inside]
        parts.append(table(("Setting", "Default", "Value", "In the file", "Meaning"), lines))
    return "\n\n".join(parts)


def _default(value: str) -> str:
    return {"null": "unset", "[]": "none", '""': "empty"}.get(value, f"`{value.strip(chr(34))}`")


def _by_file(name: str) -> str:
    if name in REPOSITORY_MAY_NOT:
        return "no"
    return "lower only" if name in REPOSITORY_MAY_LOWER else "yes"


def _environment() -> str:
    lines = [
        (f"`{each.name}`", each.meaning, "secret" if each.secret else each.default and f"default: {each.default}")
        for each in VARIABLES
    ]
    return table(("Variable", "Meaning", "Note"), lines)


# ---- rules, errors, models -------------------------------------------------------------------------------------------


def _skip_rules() -> str:
    return table(("Rule", "Which files", "Turned off by"), [(f"`{rule}`", *SKIP_RULES[rule]) for rule in SkipRule])


def _reject_reasons() -> str:
    return table(("Reason", "Meaning"), [(f"`{reason}`", REJECT_REASONS[reason]) for reason in RejectReason])


def error_classes() -> list[type[errors.ReviewbotError]]:
    """The error tree, in the order in which it is written."""
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, errors.ReviewbotError) and each is not errors.ReviewbotError]


def _errors() -> str:
    lines = [
        (f"`{each.__name__}`", str(each.exit_code), "yes" if each.retryable else "no", _first_sentence(each))
        for each in error_classes()
    ]
    return table(("Error", "Code", "A retry can help", "Meaning"), lines)


def _first_sentence(kind: type) -> str:
    said = " ".join((kind.__doc__ or "").split())
    return re.split(r"\.(?: |$)|; ``", said)[0].replace("``", "`") + "."


def _models() -> str:
    lines = []
    for facts in MODELS.values():
        price = facts.price
        cost = f"{price.input:g} / {price.cached_input:g} / {price.output:g}" if price else "not known"
        ends = dict(facts.shutdown).get("openai", "no date known")
        efforts = ", ".join(facts.efforts)
        lines.append((f"`{facts.id}`", f"{facts.input_limit:,}", f"{facts.output_limit:,}", efforts, cost, ends))
    head = ("Model", "Input tokens", "Output tokens", "Efforts it knows", "Dollars per million*", "Ends at OpenAI")
    return table(head, lines)


# ---- server --------------------------------------------------------------------------------------------------------


def _triggers() -> str:
    lines = [(f"`{name}`", *TRIGGERS[name]) for name in typing.get_args(TriggerName)]
    return table(("Trigger", "What happens on GitHub", "How"), lines)


def _commands() -> str:
    lines = []
    for verb in Verb:
        form = FORMS[verb]
        takes = f" <{form.takes}>" if form.takes and not form.takes.startswith("[") else f" {form.takes}".rstrip()
        where = "in the thread of a finding" if form.only is Place.THREAD else "anywhere"
        lines.append((f"`{verb}{takes}`", form.does, where))
    return table(("Words", "What is done", "Where"), lines)


def _skip_reasons() -> str:
    return table(("Reason", "Meaning", "Decided by"), [(f"`{each}`", *SKIP_REASONS[each]) for each in SkipReason])


def _metrics() -> str:
    lines = [
        (f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), each.help) for each in METRICS
    ]
    return table(("Metric", "Kind", "Labels", "Meaning"), lines)


def _log_fields() -> str:
    if tuple(LOG_FIELDS)[4:-2] != LOG_IDS:
        raise SystemExit("docs/generate.py: LOG_FIELDS and the fields of telemetry/logs.py differ")
    return table(("Field", "Meaning"), [(f"`{name}`", said) for name, said in LOG_FIELDS.items()])


@cache
def _endpoints_of(role: Role) -> frozenset[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        return frozenset(endpoints(role, Path(folder)))


def _endpoints(wanted: Role) -> str:
    """Those of every role, for Role.ALL; else those that one role has besides."""
    roles = (Role.RECEIVER, Role.WORKER, Role.POSTER)
    every = frozenset.intersection(*map(_endpoints_of, roles))
    if frozenset.union(*map(_endpoints_of, roles)) != ENDPOINTS.keys():
        raise SystemExit("docs/generate.py: ENDPOINTS and what the server answers differ")
    found = every if wanted is Role.ALL else _endpoints_of(wanted) - every
    lines = [(method, f"`{path}`", *said) for (method, path), said in ENDPOINTS.items() if (method, path) in found]
    return table(("Method", "Path", "Who may", "Answers"), lines)


def _role_secrets() -> str:
    roles = (Role.RECEIVER, Role.WORKER, Role.POSTER)
    lines = [
        (f"`{each.name}`", *("yes" if each.name in HOLDS[role] else "no" for role in roles))
        for each in VARIABLES
        if each.secret
    ]
    return table(("Secret", *(str(role) for role in roles)), lines)


# ---- outputs and sandbox ---------------------------------------------------------------------------------------------


def json_fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of schema 1 with its own schema, by dotted path; ``[]`` is an item of a list."""

    def walk(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, inner in schema.get("properties", {}).items():
            where = f"{path}.{name}" if path else name
            deep = inner.get("properties")
            if not deep or where == "rejected[].finding":
                yield where, inner
            if where != "rejected[].finding":
                yield from walk(where, inner)
                yield from walk(f"{where}[]", inner.get("items", {}))

    return walk("", SCHEMA)


def _json_output() -> str:
    found = dict(json_fields())
    missing = sorted(found.keys() ^ FIELDS.keys())
    if missing:
        raise SystemExit(f"docs/generate.py: FIELDS and the schema differ in {', '.join(missing)}")
    return table(("Field", "Value", "Meaning"), [(f"`{at}`", _kind(one), FIELDS[at]) for at, one in found.items()])


def _kind(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " ".join(f"`{word}`" for word in schema["enum"])
    kind = schema.get("type", "object")
    return " or ".join(kind) if isinstance(kind, list) else {"array": "list"}.get(kind, str(kind))


def _github_faults() -> str:
    lines = (github_faults.__doc__ or "").split("\n")
    return "\n".join(line.replace("``", "`") for line in lines if line.startswith("|"))


def _model_faults() -> str:
    source = Path(model_faults.__file__).read_text(encoding="utf-8")
    said = dict(re.findall(r'^    [A-Z_]+ = "([a-z-]+)"  # (.+)$', source, re.MULTILINE))
    words = {kind: text.replace("``", "`").replace("... ", "the same, ") for kind, text in said.items()}
    lines = [(f"`{kind}`", words[kind]) for kind in model_faults.FaultKind]
    return table(("`kind`", "What the client sees"), lines)


# ---- analyzers -------------------------------------------------------------------------------------------------------


def _analyzers() -> str:
    lines = [
        (
            f"`{each.name}`",
            each.package,
            f"`{each.extra}`" if each.extra else "reviewbot itself",
            each.files,
            each.about,
        )
        for each in TOOLS
    ]
    return table(("Analyzer", "Package", "Comes with", "Files", "What counts"), lines)


def _analyzer_rules() -> str:
    """A rule named by its beginning stands for all that begin so; where a longer one is in another row, that counts."""
    lines = []
    for each in TOOLS:
        for said, certain, levels in (
            ("by itself", True, "error warning"),
            ("to the model", False, "error warning note"),
        ):
            rules = _rules_of(each.rules, certain, levels) + [
                f"others that it calls *{weight.replace('/', '*, with confidence *')}*"
                for weight, value in each.weights.items()
                if value and value.certain is certain
            ]
            if rules:
                lines.append((f"`{each.name}`", said, ", ".join(rules)))
    return table(("Analyzer", "Told", "Rules"), lines)


def _rules_of(rules: Table, certain: bool, levels: str) -> list[str]:
    found = {rule: value for rule, value in rules.items() if value and value.certain is certain}
    shown = {rule: f"`{rule.partition('@')[0]}`" + (" (errors)" if "@" in rule else "") for rule in found}
    return [shown[rule] for level in levels.split() for rule in sorted(found) if found[rule].level == level]


# ---- action ----------------------------------------------------------------------------------------------------------


def _action_inputs() -> str:
    lines = []
    for each in INPUTS:
        takes = f" {', '.join(f'`{choice}`' for choice in each.choices)}." if each.choices else ""
        default = "the workflow's own" if each.default.startswith("${{") else each.default and f"`{each.default}`"
        lines.append((f"`{each.name}`", default, f"{each.meaning}{takes}"))
    return table(("Input", "Default", "Meaning"), lines)


def _action_outputs() -> str:
    return table(("Output", "Meaning"), [(f"`{each.name}`", each.meaning) for each in OUTPUTS])


def _workflow(name: str) -> str:
    text = (DOCS.parent / "examples" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    return f"```yaml\n{text}```"


BLOCKS: Mapping[str, Callable[[], str]] = {
    "action-inputs": _action_inputs,
    "action-outputs": _action_outputs,
    "analyzer-rules": _analyzer_rules,
    "analyzers": _analyzers,
    "command-line": _command_line,
    "commands": _commands,
    "endpoints": lambda: _endpoints(Role.ALL),
    "endpoints-poster": lambda: _endpoints(Role.POSTER),
    "endpoints-receiver": lambda: _endpoints(Role.RECEIVER),
    "environment": _environment,
    "errors": _errors,
    "github-faults": _github_faults,
    "json-output": _json_output,
    "log-fields": _log_fields,
    "metrics": _metrics,
    "model-faults": _model_faults,
    "models": _models,
    "reject-reasons": _reject_reasons,
    "role-secrets": _role_secrets,
    "settings": _settings,
    "skip-reasons": _skip_reasons,
    "skip-rules": _skip_rules,
    "triggers": _triggers,
    "workflow-code-scanning": lambda: _workflow("code-scanning"),
    "workflow-fork-collect": lambda: _workflow("fork-collect"),
    "workflow-fork-review": lambda: _workflow("fork-review"),
    "workflow-forks": lambda: _workflow("forks"),
    "workflow-on-request": lambda: _workflow("on-request"),
    "workflow-review": lambda: _workflow("review"),
}

#: Files beside the pages that are made whole.
SCHEMAS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "reference/result.schema.json": lambda: SCHEMA,
    "reference/settings.schema.json": json_schema,
}

if __name__ == "__main__":
    sys.exit(main())
