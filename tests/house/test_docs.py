"""The documentation is complete, fresh and true: what the code has is described, what is described exists."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shlex
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from reviewbot import errors
from reviewbot.cli import app, run
from reviewbot.core.change.scope import SkipRule
from reviewbot.core.config import TriggerName
from reviewbot.core.findings.finding import RejectReason
from reviewbot.core.resolution import Layer, parse_toml, resolve, rows
from reviewbot.core.triggers import SkipReason
from reviewbot.roles import Role
from reviewbot.telemetry.logs import FIELDS
from reviewbot.telemetry.table import METRICS
from reviewbot.variables import VARIABLES
from tests.house.server_apps import endpoints  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
each_page = pytest.mark.parametrize("page", PAGES, ids=IDS)

_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<link>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
_SOURCE = re.compile(r"\b(?:src|srcset)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FOLDERS = "|".join(("work", "home", "root", "tmp", "Users", "mnt", "opt", "usr", "var", "srv"))


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


def reference(name: str) -> str:
    return TEXTS[DOCS / "reference" / f"{name}.md"]


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))


# ---- fresh and complete ----------------------------------------------------------------------------------------------


def test_pages_made_from_the_code_are_fresh() -> None:
    stale = [str(path.relative_to(ROOT)) for path, _ in GENERATOR.stale_pages()]
    assert stale == [], "run: python docs/generate.py"


def test_every_block_has_one_place() -> None:
    assert sorted(GENERATOR.block_names()) == sorted(GENERATOR.BLOCKS)


def test_settings_are_documented() -> None:
    missing = [name for name, *_ in rows() if f"`{name}`" not in reference("settings") and f"## {name}" not in
               reference("settings")]  # fmt: skip
    assert missing == []


def test_variables_are_documented() -> None:
    assert [each.name for each in VARIABLES if f"`{each.name}`" not in reference("environment")] == []


def test_commands_and_options_are_documented() -> None:
    text = reference("cli")
    for name, command in GENERATOR.commands():
        section = re.search(rf"^## `{name}`$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section, f"{name} has no section"
        for parameter in command.params:
            word = f"`{parameter.opts[0]}`" if parameter.param_type_name == "option" else f"`{parameter.name.upper()}`"
            assert word in section[1], f"{name}: {word}"
    for parameter in typer.main.get_command(app).params:
        assert f"`{parameter.opts[0]}`" in text


def test_every_command_and_option_says_what_it_is_for() -> None:
    for name, command in GENERATOR.commands():
        assert command.help, name


def test_exit_codes_are_documented() -> None:
    table = reference("exit-codes").partition("## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    raised = {kind.exit_code for kind in GENERATOR.error_classes()}
    assert documented == raised | {0, 1, 3, 130}


def test_every_error_has_its_exit_code_in_the_page_and_in_the_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) .*exit (\d)$", errors.__doc__ or "", re.MULTILINE))
    assert drawn
    for kind in GENERATOR.error_classes():
        assert f"| `{kind.__name__}` | {kind.exit_code} |" in reference("exit-codes")
        if kind.__name__ in drawn:
            assert int(drawn[kind.__name__]) == kind.exit_code


def test_skip_rules_and_reasons_are_documented() -> None:
    assert [rule for rule in SkipRule if f"| `{rule}` |" not in reference("skip-rules")] == []
    assert [reason for reason in RejectReason if f"| `{reason}` |" not in reference("json-output")] == []


def test_json_fields_are_documented() -> None:
    assert [at for at, _ in GENERATOR.json_fields() if f"| `{at}` |" not in reference("json-output")] == []


def test_triggers_and_reasons_are_documented() -> None:
    page = reference("triggers")
    assert [name for name in typing.get_args(TriggerName) if f"| `{name}` |" not in page] == []
    assert [reason for reason in SkipReason if f"| `{reason}` |" not in page] == []


def test_metrics_and_log_fields_are_documented() -> None:
    assert [each.name for each in METRICS if f"| `{each.name}` |" not in reference("metrics")] == []
    assert [name for name in FIELDS if f"| `{name}` |" not in reference("logs")] == []


def section(text: str, heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {heading}"
    return found[1]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ALL])
def test_endpoints_are_documented_and_exist(role: Role, tmp_path: Path) -> None:
    page = reference("http")
    text = section(page, "Every role") + section(page, str(role).capitalize())
    documented = re.findall(r"^\| (GET|POST) \| `([^`]+)` \|", text, re.MULTILINE)
    assert sorted(documented) == sorted(endpoints(role, tmp_path))


def test_statuses_of_the_webhook_are_documented() -> None:
    code = "".join((ROOT / "webhooks" / name).read_text() for name in ("receiver.py", "body_limit.py"))
    raised = set(re.findall(r"(?:Refused|_said|_BodyRefused)\((\d{3}), ", code)) | {"400", "503"}
    table = reference("http").partition("### POST /webhooks/github")[2].partition("## Worker")[0]
    assert raised == set(re.findall(r"^\| (\d{3}) \|", table, re.MULTILINE))


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, todo = set(), [ROOT / "README.md", DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached or page not in TEXTS:
            continue
        reached.add(page)
        todo += [target for target, _ in targets(page)]
    decisions = {page for page in PAGES if page.parent.name == "decisions"}
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached | decisions] == []


# ---- true ------------------------------------------------------------------------------------------------------------


def targets(page: Path) -> Iterator[tuple[Path, str]]:
    """The files, with anchors, that a page links to."""
    text = without_code(TEXTS[page])
    links = [found["link"] or found["image"] for found in _LINK.finditer(text)] + _SOURCE.findall(text)
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        yield (page.parent / path).resolve() if path else page, anchor


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        number = sum(each == slug or each.startswith(f"{slug}-") for each in found)
        found.add(f"{slug}-{number}" if slug in found else slug)
    return found


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in targets(page):
        assert target.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(TEXTS[target]), f"{target.name} has no heading #{anchor}"


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of every reviewbot command in a page, in code blocks and in code spans, without ``reviewbot``."""
    blocks = [found["text"] for found in _FENCE.finditer(text) if found["kind"] in ("sh", "text", "yaml")]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").split("\n")]
    lines += re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    for line in lines:
        bare = re.split(r"\s(?:#\s|\|\||&&|[|;>])", f" {line}")[0]
        found = re.match(r"\s*(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?reviewbot(?P<words>(?:\s.*)?)$", bare)
        if found:
            yield shlex.split(found["words"])


def parse(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The command that is meant and its parameters, as the command line reads them; nothing is run."""
    command: Any = typer.main.get_command(app)
    name = "reviewbot"
    while words and words[0] in getattr(command, "commands", {}):
        name = f"{name} {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    try:
        return name, dict(command.make_context(name, list(words)).params)
    except typer.Exit:  # --help, --version
        return name, {}


ALL_LINES = [(page, words) for page in PAGES for words in command_lines(TEXTS[page])]


def is_mention(words: list[str]) -> bool:
    """A command that is only named, as in "`reviewbot review` and `reviewbot demo`", or several, as in `a|b`."""
    return all(re.fullmatch(r"[a-z]+(?:\|[a-z]+)*", word) for word in words)


@pytest.mark.parametrize(("page", "words"), ALL_LINES, ids=[f"{p.stem}: {' '.join(w)[:60]}" for p, w in ALL_LINES])
def test_commands_in_the_documentation_exist(page: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if is_mention(words):
        known = {name for name, _ in GENERATOR.commands()}
        known |= {name.rpartition(" ")[0] for name in known}
        for choice in itertools.product(*(word.split("|") for word in words)):
            assert " ".join(["reviewbot", *choice]) in known
        return
    try:
        name, parameters = parse(words)
    except TyperException as error:
        pytest.fail(f"{page.name}: reviewbot {' '.join(words)}: {error.format_message()}")
    for setting in parameters.get("settings") or ():
        if setting != "NAME=VALUE":
            assert run(["config", "show", str(DOCS), "--set", setting]) == 0, f"{name}: {capsys.readouterr().err}"


def test_the_documentation_shows_every_command() -> None:
    shown = {" ".join(words[:2]) for _, words in ALL_LINES} | {words[0] for _, words in ALL_LINES if words}
    missing = [name for name, _ in GENERATOR.commands() if name.removeprefix("reviewbot ") not in shown]
    assert missing == []


TOML = [(page, found["text"]) for page in PAGES for found in _FENCE.finditer(TEXTS[page]) if found["kind"] == "toml"]


@pytest.mark.parametrize(("page", "text"), TOML, ids=[page.stem for page, _ in TOML])
def test_settings_files_in_the_documentation_are_right(page: Path, text: str) -> None:
    resolved = resolve([Layer(".reviewbot.toml", parse_toml(text, page.name), repository=True)])
    assert resolved.notes == ()


@each_page
def test_names_of_settings_and_variables_in_a_page_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md" or page.parent.name == "decisions":
        return
    known = {name for name, *_ in rows()}
    sections = "|".join(sorted({name.partition(".")[0] for name in known}))
    spans = re.findall(r"`([^`\n]+)`", _FENCE.sub("", TEXTS[page]))
    for span in spans:
        if re.fullmatch(rf"(?:{sections})\.[a-z_]+", span) and not span.endswith((".html", ".py", ".json")):
            assert span in known, span
        if re.fullmatch(r"(?:REVIEWBOT|AIMLAPI|OPENAI|AZURE_OPENAI|GITHUB)_[A-Z_]+", span):
            assert span in {each.name for each in VARIABLES}, span
        if re.fullmatch(r"reviewbot_[a-z_]+", span):
            assert span in {each.name for each in METRICS}, span


def glossary() -> list[str]:
    table = re.findall(r"^\| ([^|]+) \|", TEXTS[DOCS / "glossary.md"], re.MULTILINE)
    return [word.strip() for cell in table[2:] for word in cell.split(",")]


def test_words_of_the_glossary_are_used_and_in_order() -> None:
    words = glossary()
    assert len(words) > 20
    code = " ".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("reviewbot/**/*.py")))
    pages = " ".join(text for page, text in TEXTS.items() if page.name != "glossary.md")
    used = " ".join(f"{code} {pages}".lower().replace("_", " ").replace("-", " ").split())
    assert [word for word in words if word.lower().replace("-", " ") not in used] == []
    firsts = [cell.lower() for cell in re.findall(r"^\| ([^|]+) \|", TEXTS[DOCS / "glossary.md"], re.MULTILINE)[2:]]
    assert firsts == sorted(firsts)


@each_page
def test_no_page_names_a_path_of_a_machine(page: Path) -> None:
    assert re.findall(rf"(?<![\w./-])/(?:{_FOLDERS})/\S*", TEXTS[page]) == []


@each_page
def test_pages_are_plain(page: Path) -> None:
    """One title, lines that fit a screen (tables and links apart), no trailing blanks."""
    text = _FENCE.sub("", TEXTS[page])
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    for line in text.split("\n"):
        assert line == line.rstrip(), line
        assert len(line) <= 120 or line.startswith("|") or "](" in line, line


def test_pictures_are_small() -> None:
    assert {
        path.name: path.stat().st_size for path in (DOCS / "pictures").iterdir() if path.stat().st_size > 250_000
    } == {}
