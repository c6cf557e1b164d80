"""The documentation is complete, fresh and true: what the code has is described, what is described exists."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shlex
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml
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

_FENCE = re.compile(r"^(?P<blanks> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=blanks)```$", re.MULTILINE | re.DOTALL)
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


def blocks(text: str, *kinds: str) -> Iterator[str]:
    """The code blocks of these kinds, those in lists too."""
    for found in _FENCE.finditer(text):
        if found["kind"] in kinds:
            yield textwrap.dedent(found["text"])


def spans(text: str) -> list[str]:
    """What stands between backticks in a line."""
    return re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


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


def shell_lines(text: str) -> list[str]:
    """Lines of blocks that may be commands; one that goes on in the next is one line."""
    found = [*blocks(text, "sh", "text", "yaml", "dockerfile")]
    found += ["\n".join(re.findall(r"^\$ (.*)$", block, re.MULTILINE)) for block in blocks(text, "console")]
    return [line for block in found for line in block.replace("\\\n", " ").split("\n")]


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of every reviewbot command in a page, in code blocks and in code spans, without ``reviewbot``."""
    for line in [*shell_lines(text), *spans(text)]:
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
    if hasattr(command, "commands"):  # options of a group act as they are read: completion is installed
        known = {word for parameter in command.params for word in parameter.opts} | {"--help"}
        assert set(words) <= known, f"{name}: {words}"
        return name, {}
    try:
        return name, dict(command.make_context(name, list(words)).params)
    except typer.Exit:  # --help
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


def test_targets_of_make_exist() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        (page.name, found[1])
        for page, text in TEXTS.items()
        for line in [*shell_lines(text), *spans(text)]
        if (found := re.match(r"\s*make ([a-z-]+)\b", line))
    }
    assert ("README.md", "demo") in named
    assert {each for each in named if each[1] not in known} == set()


_OURS = "bench|deploy|docs|reviewbot|tests|webhooks"


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    """Paths of the repository in code spans, and the scripts and modules that commands run."""
    text = TEXTS[page]
    named = {found[1] for span in spans(text) if (found := re.fullmatch(rf"((?:{_OURS})/[\w./@-]+)", span))}
    for line in [*shell_lines(text), *spans(text)]:
        named |= set(re.findall(rf"(?<![\w/.-])((?:{_OURS})/[\w./@-]*[\w@-]\.[a-z]{{2,8}})\b", line))
        for module in re.findall(rf"-m ((?:{_OURS})(?:\.\w+)*)", line):
            base = ROOT / module.replace(".", "/")
            assert base.with_suffix(".py").exists() or (base / "__main__.py").exists(), module
    assert [name for name in sorted(named) if not (ROOT / name).exists() and not is_made(name)] == []


def is_made(name: str) -> bool:
    """A file that a reader makes from its example."""
    return (ROOT / f"{name}.example").exists()


def are_settings(text: str, name: str) -> bool:
    """Whether a settings file is right: one of a repository, or one of whoever runs reviewbot, which may say more."""
    return any(
        resolve([Layer(".reviewbot.toml", parse_toml(text, name), repository=repository)]).notes == ()
        for repository in (True, False)
    )


def in_blocks(*kinds: str) -> pytest.MarkDecorator:
    found = [(page, text) for page in PAGES for text in blocks(TEXTS[page], *kinds)]
    return pytest.mark.parametrize(("page", "text"), found, ids=[page.stem for page, _ in found])


@in_blocks("toml")
def test_settings_files_in_the_documentation_are_right(page: Path, text: str) -> None:
    assert are_settings(text, page.name)


@in_blocks("yaml", "yml", "json")
def test_data_in_the_documentation_can_be_read(page: Path, text: str) -> None:
    kind = next(kind for kind in ("json", "yaml", "yml") if text in blocks(TEXTS[page], kind))
    assert json.loads(text) if kind == "json" else yaml.safe_load(text)


@in_blocks("yaml", "yml")
def test_steps_in_the_documentation_fit_the_action(page: Path, text: str) -> None:
    """What is given to the Action, and what is read from it, is in `action.yml`."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    steps = list(steps_of(yaml.safe_load(text)))
    ours = [step for step in steps if re.search(r"(?:^|/)reviewbot@|^\./?$", str(step.get("uses", "")))]
    for step in ours:
        assert set(step.get("with", {})) <= set(action["inputs"])
        for output in re.findall(rf"steps\.{step.get('id', '-')}\.outputs\.([\w-]+)", text):
            assert output in action["outputs"]
    if not steps and "with" in (loose := yaml.safe_load(text)):  # a part of a step
        assert set(loose["with"]) <= set(action["inputs"])


def steps_of(data: Any) -> Iterator[dict[str, Any]]:
    """The steps of a workflow, of a job, or of a list of steps."""
    if isinstance(data, list):
        yield from (each for each in data if isinstance(each, dict) and "uses" in each)
    elif isinstance(data, dict):
        for name, inner in data.items():
            if name in ("jobs", "steps") or isinstance(inner, dict):
                yield from steps_of(inner)


@each_page
def test_code_blocks_say_what_they_are(page: Path) -> None:
    kinds = {found["kind"] for found in _FENCE.finditer(TEXTS[page])}
    assert kinds <= {"console", "dockerfile", "json", "mermaid", "sh", "text", "toml", "yaml"}


@each_page
def test_variables_in_code_blocks_exist(page: Path) -> None:
    known = {each.name for each in VARIABLES}
    for block in blocks(TEXTS[page], "sh", "text", "yaml", "dockerfile"):
        named = set(re.findall(r"\b(?:REVIEWBOT|AIMLAPI|OPENAI|AZURE_OPENAI)_[A-Z_]*[A-Z]\b", block))
        named |= set(re.findall(r"^export (GITHUB_[A-Z_]+|GH_[A-Z_]+)=", block, re.MULTILINE))
        assert named <= known


@each_page
def test_names_of_settings_and_variables_in_a_page_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md" or page.parent.name == "decisions":
        return
    known = {name for name, *_ in rows()}
    sections = "|".join(sorted({name.partition(".")[0] for name in known}))
    for span in spans(TEXTS[page]):
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
    text = TEXTS[page].replace("/usr/share/doc", "")  # where Debian's images, and so ours, keep licences
    assert re.findall(rf"(?<![\w./-])/(?:{_FOLDERS})/\S*", text) == []


@each_page
def test_pages_are_plain(page: Path) -> None:
    """One title, lines that fit a screen (tables and links apart), no trailing blanks."""
    text = _FENCE.sub("", TEXTS[page])
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    for line in text.split("\n"):
        assert line == line.rstrip(), line
        assert len(line) <= 120 or line.startswith("|") or "](" in line, line


def test_the_navigation_of_the_site_has_every_page_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = re.findall(r"^ +- [^\n]+: (\S+\.md)$", text, re.MULTILINE)
    assert len(named) == len(set(named))
    there = {str(page.relative_to(DOCS)) for page in PAGES if DOCS in page.parents}
    there |= {f"project/{page.name}" for page in PAGES if page.parent == ROOT}
    assert {page for page in set(named) ^ there if page in named or not page.startswith("project/")} == set()


QUICKSTARTS = sorted(DOCS.glob("quickstart*.md"))


@pytest.mark.parametrize("page", QUICKSTARTS, ids=[page.stem for page in QUICKSTARTS])
def test_a_quickstart_is_read_in_under_five_minutes(page: Path) -> None:
    """At 200 words a minute, commands counted."""
    assert len(TEXTS[page].split()) <= 900


def test_there_is_a_quickstart_for_each_way_in() -> None:
    assert {page.stem for page in QUICKSTARTS} == {"quickstart", "quickstart-github-action", "quickstart-github-app"}


def test_the_comparison_is_dated_and_says_what_others_do_better() -> None:
    page = TEXTS[DOCS / "comparison.md"]
    assert re.search(r"\*\*As of \d{4}-\d{2}-\d{2}\.\*\*", page)
    assert len(section(page, "What the others do better")) > 500
    assert len(re.findall(r"\]\(https://", section(page, "Where these facts come from"))) >= 10


def test_pictures_are_small() -> None:
    assert {
        path.name: path.stat().st_size for path in (DOCS / "pictures").iterdir() if path.stat().st_size > 250_000
    } == {}
