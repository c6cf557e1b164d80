"""Planted configuration: what a repository could bring to quiet an analyzer, or to make it do something.

Two things keep it away, and each is tested alone. Names: no file of the change has a name of its own in the scratch
folder. Arguments: with the canary planted there all the same, the tool does not look at it. Each canary is first shown
to sing: with an argument taken away, it works.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewbot.analyzers.catalogue import TOOLS
from reviewbot.analyzers.run import Installed, confined, confinements, installed, lay_out
from tests.contract.test_analyzer import SAMPLES, WORKFLOW, key  # type: ignore[import-not-found]

pytestmark = pytest.mark.anyio
READY = {each.name: each for each in installed() if isinstance(each, Installed)}


@dataclass(frozen=True)
class Canary:
    """Files that quiet ``tool`` about ``name``, a file with ``text``, once the arguments ``without`` are gone."""

    tool: str
    files: dict[str, bytes]
    name: str
    text: bytes
    without: tuple[str, ...]


CANARIES = {
    "ruff, ruff.toml": Canary(
        "ruff", {"ruff.toml": b'lint.per-file-ignores = {"*" = ["F"]}\n'}, "f00000.py", SAMPLES["ruff"].bad, ("--isolated",)
    ),
    "ruff, pyproject.toml": Canary(
        "ruff", {"pyproject.toml": b"[tool.ruff]\nforce-exclude = true\nexclude = ['*.py']\n"}, "f00000.py", SAMPLES["ruff"].bad,
        ("--isolated",),
    ),
    "oxlint, of the folder": Canary(
        "oxlint", {".oxlintrc.json": b'{"rules": {"no-const-assign": "off"}}'}, "f00000.ts", SAMPLES["oxlint"].bad,
        ("-c={own}/oxlint.json", "--disable-nested-config"),
    ),
    "oxlint, ignored": Canary(
        "oxlint", {".eslintignore": b"*.ts\n"}, "f00000.ts", SAMPLES["oxlint"].bad, ("--no-ignore",)
    ),
    "shellcheck": Canary(
        "shellcheck", {".shellcheckrc": b"disable=all\n"}, "f00000.sh", SAMPLES["shellcheck"].bad, ("--norc",)
    ),
    "zizmor, zizmor.yml": Canary(
        "zizmor", {"zizmor.yml": b"rules:\n  template-injection:\n    disable: true\n"}, "f00000.yml",
        SAMPLES["zizmor"].bad, ("--no-config", "--no-ignores"),
    ),
    "zizmor, a comment": Canary(
        "zizmor", {}, "f00000.yml",
        WORKFLOW.replace(b'"$TITLE"', b'${{ github.event.pull_request.title }} # zizmor: ignore[template-injection]'),
        ("--no-ignores",),
    ),
    "betterleaks, a comment": Canary(
        "betterleaks", {}, "f00000.txt", b"key = " + key() + b" # betterleaks:allow gitleaks:allow\n",
        ("--no-allow-signatures",),
    ),
}  # fmt: skip


def ready(name: str) -> Installed:
    if name not in READY:
        pytest.skip(f"{name} is not installed: pip install '.[analyzers]'")
    return READY[name]


async def output(analyzer: Installed, scratch: Path, name: str, without: tuple[str, ...] = ()) -> bytes:
    words = [each.replace("{own}", str(scratch / "own")) for each in analyzer.tool.arguments if each not in without]
    code, said = await confined(scratch, analyzer.program, [*words, "." if analyzer.tool.whole else name])
    assert code in analyzer.tool.answers
    return said


RULES = {name: sample.rule.removeprefix("SC").encode() for name, sample in SAMPLES.items()}


@pytest.mark.parametrize("name", CANARIES)
async def test_its_arguments_make_it_deaf(name: str, tmp_path: Path) -> None:
    canary = CANARIES[name]
    analyzer = ready(canary.tool)
    lay_out(tmp_path, {canary.name: canary.text, **canary.files}, analyzer.tool.own)
    assert RULES[canary.tool] in await output(analyzer, tmp_path, canary.name)
    quieted = await output(analyzer, tmp_path, canary.name, canary.without)
    assert RULES[canary.tool] not in quieted, "the canary does not sing: is the argument still needed?"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
async def test_configuration_in_the_change_changes_nothing(tool: object, tmp_path: Path) -> None:
    """As a review calls it: canaries of all tools beside the file, at the root and in its folder."""
    analyzer = ready(getattr(tool, "name", ""))
    sample = SAMPLES[analyzer.name]
    folder = sample.path.rpartition("/")[0]
    birds = {path: text for canary in CANARIES.values() for path, text in canary.files.items()}
    birds |= {f".{path.lstrip('.')}": text for path, text in birds.items()}
    birds |= dict.fromkeys((".betterleaks.toml", ".gitleaks.toml"), b"[allowlist]\npaths = ['''.*''']\n")
    birds |= {".gitignore": b"*\n", ".ignore": b"*\n", ".github/zizmor.yml": birds["zizmor.yml"]}
    files = {sample.path: sample.bad} | birds | {f"{folder}/{path}": text for path, text in birds.items()}
    found = await analyzer.analyze({path: text for path, text in files.items() if analyzer.wants(path)})
    assert [(each.path, each.rule) for each in found if each.certain] == [(sample.path, sample.rule)]


async def test_no_file_is_rewritten(tmp_path: Path) -> None:
    """A repository can ask ruff to repair what it finds."""
    analyzer = ready("ruff")
    text = b"x = 1\nif x is 'a': pass\n"
    lay_out(tmp_path, {"f00000.py": text, "ruff.toml": b"fix = true\nunsafe-fixes = true\n"}, {})
    file = tmp_path / "files" / "f00000.py"
    assert b"F632" in await output(analyzer, tmp_path, file.name)
    assert file.read_bytes() == text
    if (await confinements())["landlock"] == "":
        await confined(tmp_path, analyzer.program, ["check", "--select=F632", file.name])
        assert file.read_bytes() == text
    subprocess.run([analyzer.program, "check", "--select=F632", file.name], cwd=file.parent, check=False)
    assert file.read_bytes() != text, "the canary does not sing"


async def test_a_module_of_the_change_is_not_imported(tmp_path: Path) -> None:
    """The launcher is Python; `json.py` beside it would be taken for the library's by `python -m`."""
    analyzer = ready("ruff")
    evil = b"import pathlib; pathlib.Path('../tmp/ran').write_text('')\n"
    names = ("json.py", "ctypes.py", "struct.py", "sitecustomize.py", "usercustomize.py")
    lay_out(tmp_path, {"f00000.py": SAMPLES["ruff"].bad, **dict.fromkeys(names, evil)}, {})
    assert b"F821" in await output(analyzer, tmp_path, "f00000.py")
    assert list((tmp_path / "tmp").iterdir()) == []


async def test_an_archive_is_not_unpacked_and_a_link_not_followed(tmp_path: Path) -> None:
    analyzer = ready("betterleaks")
    (tmp_path / "outside").write_bytes(b"key = " + key() + b"\n")
    room = tmp_path / "room"
    room.mkdir()
    lay_out(room, {}, {})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", (tmp_path / "outside").read_bytes())
    (room / "files" / "f00001.zip").write_bytes(packed.getvalue())
    (room / "files" / "f00000.txt").symlink_to(tmp_path / "outside")
    assert RULES["betterleaks"] not in await output(analyzer, room, "f00000.txt")
