"""What turns pages that are written for GitHub into pages of the site; MkDocs calls the ``on_`` functions (mkdocs.yml).

The Markdown files stay readable on GitHub. Five things differ there, and are turned here:

- Anchors are made by GitHub's rule, so that one link is right in both places.
- Links may leave ``docs/``. Pages of the root become the section Project; other files are copied to ``repository/``.
- A ``<picture>`` with one file for each colour scheme follows the switch of the page, not only the system.
- A Mermaid diagram is replaced by the picture of it that ``docs/diagrams.py`` drew: no script from elsewhere is loaded.
- What belongs to an item of a list is indented by four, since this Markdown counts so and GitHub's counts the marker.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
#: Pages of the root that the site has too: the navigation names them. The README is the front page on GitHub.
PROJECT = tuple(re.findall(r" project/(\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
ICON = ROOT / "webhooks" / "dashboard" / "assets" / "icon.svg"
DIAGRAMS = DOCS / "diagrams"

_FENCE = re.compile(r"^( *)(`{3,})")
_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?![a-z]+:|#)(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_DEAD = re.compile(r"\[(?P<text>[^\[\]]*)\]\(DEAD\)")
_ITEM = re.compile(r"^( *)([-*+]|\d+[.)])( +)")
_PICTURE = re.compile(
    r"<picture>\s*<source media=\"\(prefers-color-scheme: dark\)\" srcset=\"(?P<dark>[^\"]+)\">\s*"
    r"<img src=\"(?P<light>[^\"]+)\" alt=\"(?P<alt>[^\"]*)\"(?: width=\"(?P<width>\d+)\")?>\s*</picture>"
)
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


# ---- what MkDocs calls -----------------------------------------------------------------------------------------------


def on_config(config: Any) -> None:
    """Anchors by GitHub's rule."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slug


def on_files(files: Any, config: Any) -> None:
    """Add the pages of the root, what pages link to outside ``docs/``, and the icon."""
    added = {f"project/{name}": ROOT / name for name in PROJECT}
    sources = [Path(each.abs_src_path) for each in files.documentation_pages()]
    for source in [*sources, *added.values()]:
        for target in _targets(source):
            if _is_copied(target):
                added.setdefault(site_path(target), target)
    added["icon.svg"] = ICON
    for place, source in added.items():
        files.append(File.generated(config, place, abs_src_path=str(source)))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page as this Markdown is to read it. The first page needs no list of pages beside it."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation", "toc"]
    text = relinked(markdown, Path(page.file.abs_src_path), page.file.src_uri)
    return indented(drawn(pictured(text)))


# ---- links -----------------------------------------------------------------------------------------------------------


def slug(heading: str, separator: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", separator)


def site_path(target: Path) -> str:
    """Where a file of the repository stands in the site."""
    if DOCS in target.parents:
        return target.relative_to(DOCS).as_posix()
    name = target.relative_to(ROOT).as_posix()
    return f"project/{name}" if name in PROJECT else f"repository/{name}"


def _is_copied(target: Path) -> bool:
    """Whether this is a file outside ``docs/`` that the site gets: no folder, and no page without a place in it."""
    return target.is_file() and DOCS not in target.parents and (target.suffix != ".md" or target.name in PROJECT)


def _targets(source: Path) -> Iterator[Path]:
    for piece in _CODE.split(source.read_text(encoding="utf-8"))[::2]:
        for found in _LINK.finditer(piece):
            yield (source.parent / found["path"]).resolve()


def relinked(markdown: str, source: Path, place: str) -> str:
    """The page with its links to files as the site has them; one to what the site has not is plain text there."""

    def turned(found: re.Match[str]) -> str:
        target = (source.parent / found["path"]).resolve()
        if DOCS in source.parents and DOCS in target.parents:
            return found[0]
        if ROOT not in target.parents:
            raise PluginError(f"{source.name} links out of the repository: {found['path']}")
        if DOCS not in target.parents and not _is_copied(target):
            return "](DEAD)"
        return f"]({os.path.relpath(site_path(target), Path(place).parent)}{found['anchor'] or ''})"

    pieces = _CODE.split(markdown)
    pieces[::2] = [_LINK.sub(turned, piece) for piece in pieces[::2]]
    return _DEAD.sub(r"\g<text>", "".join(pieces))


# ---- pictures --------------------------------------------------------------------------------------------------------


def pictured(markdown: str) -> str:
    """Each picture as two images, of which the theme shows the one of the scheme that is on."""

    def both(found: re.Match[str]) -> str:
        alt = " ".join(found["alt"].split()).replace("[", "(").replace("]", ")")
        width = f"{{ width={found['width']} }}" if found["width"] else ""
        return f"![{alt}]({found['light']}#only-light){width}![{alt}]({found['dark']}#only-dark){width}"

    turned = _PICTURE.sub(both, markdown)
    if "<picture" in "".join(_CODE.split(turned)[::2]):
        raise PluginError("a <picture> is not in the form that docs/theme/hooks.py turns: see the README's")
    return turned


def diagram_name(source: str) -> str:
    """The file of a diagram's picture; another source is another file, so an old picture is never shown."""
    return f"{hashlib.sha256(source.encode()).hexdigest()[:12]}.svg"


def diagrams(markdown: str) -> list[str]:
    """The sources of the diagrams of a page."""
    return _MERMAID.findall(markdown)


def drawn(markdown: str) -> str:
    """Diagrams as inline SVG: it takes its colours from the page."""

    def picture(found: re.Match[str]) -> str:
        file = DIAGRAMS / diagram_name(found[1])
        if not file.exists():
            raise PluginError(f"there is no picture {file.name} of a diagram: run python docs/diagrams.py")
        return f'<div class="diagram">{file.read_text(encoding="utf-8").strip()}</div>'

    return _MERMAID.sub(picture, markdown)


# ---- lists -----------------------------------------------------------------------------------------------------------


def indented(markdown: str) -> str:
    """The text with four blanks for each list that a line stands in."""
    lines: list[str] = []
    inside: list[int] = []  # where the text of each list begins that the line stands in
    fence = ""
    for line in markdown.split("\n"):
        blanks = len(line) - len(line.lstrip(" "))
        if not line.strip():
            lines.append(line)
            continue
        if not fence:
            while inside and blanks < inside[-1]:
                inside.pop()
        before = inside[-1] if inside else 0
        lines.append(" " * (4 * len(inside) + max(0, blanks - before)) + line[blanks:])
        opened = _FENCE.match(line)
        if opened:
            fence = "" if fence == opened[2] else fence or opened[2]
        elif not fence and (item := _ITEM.match(line)):
            inside.append(item.end())
    return "\n".join(lines)
