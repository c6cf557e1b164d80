"""Draws the Mermaid diagrams of the pages for the site: ``python docs/diagrams.py mermaid.min.js``.

GitHub draws them itself; the site loads no script, so it shows a picture of each that was drawn beforehand. Needs
Chromium, and the script of the npm package ``mermaid`` (``npm pack mermaid``: ``dist/mermaid.min.js`` in it). Colours
become those of the page, so one picture serves both colour schemes. A picture is named after the source of its diagram;
those that no page has any more are removed.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS / "theme"))

from hooks import DIAGRAMS, diagram_name, diagrams  # noqa: E402 - its folder had to be named first

#: Stand for the colours of the page while Mermaid computes; nothing else in its output has these values.
COLOURS = {
    "#010203": "var(--md-default-fg-color)",
    "#020304": "var(--diagram-line)",
    "#030405": "var(--diagram-fill)",
    "#040506": "var(--md-default-bg-color)",
}
TEXT, LINE, FILL, BEHIND = COLOURS
SETTINGS = {
    "startOnLoad": False,
    "theme": "base",
    "htmlLabels": False,
    "flowchart": {"htmlLabels": False, "useMaxWidth": True, "curve": "basis"},
    "themeVariables": {
        "fontFamily": "inherit", "fontSize": "15px",
        "primaryColor": FILL, "primaryBorderColor": LINE, "primaryTextColor": TEXT, "nodeBorder": LINE,
        "lineColor": LINE, "textColor": TEXT, "edgeLabelBackground": BEHIND, "mainBkg": FILL,
    },
}  # fmt: skip
DRAW = "([name, source, settings]) => { mermaid.initialize(settings); return mermaid.render(name, source) }"


def main() -> int:
    """Draw what is missing; prints the names of the files."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if len(sys.argv) != 2 or chromium is None:
        sys.stderr.write("docs/diagrams.py: needs Chromium, and mermaid.min.js as its argument\n")
        return 2
    sources = {}
    for page in sorted(DOCS.rglob("*.md")):
        sources |= {diagram_name(source): source for source in diagrams(page.read_text(encoding="utf-8"))}
    DIAGRAMS.mkdir(exist_ok=True)
    for old in DIAGRAMS.glob("*.svg"):
        if old.name not in sources:
            old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<body style='font-family: DejaVu Sans, sans-serif'></body>")
        page.add_script_tag(path=sys.argv[1])
        for name, source in sources.items():
            drawn = page.evaluate(DRAW, [f"d{name[:8]}", source, SETTINGS])["svg"]
            (DIAGRAMS / name).write_text(f"{recoloured(drawn)}\n", encoding="utf-8")
            sys.stdout.write(f"{(DIAGRAMS / name).relative_to(DOCS.parent)}\n")
        browser.close()
    return 0


def recoloured(svg: str) -> str:
    """The picture with the page's colours, on one line: a blank line would end the HTML of a Markdown page."""
    for stand_in, colour in COLOURS.items():
        red, green, blue = (int(stand_in[at : at + 2], 16) for at in (1, 3, 5))
        svg = re.sub(rf"{stand_in}\b|rgba?\({red}, ?{green}, ?{blue}(?:, ?[\d.]+)?\)", colour, svg)
    return " ".join(svg.split())


if __name__ == "__main__":
    sys.exit(main())
