"""The documentation as a site: built strictly, without the network, and looked at in a real browser.

Needs MkDocs and Material, which come with the `docs` group. Without Chromium or Chrome the tests in a browser are
skipped, but in CI they fail.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from reviewbot.sandbox.loopback import running

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SKIM = ("", "comparison/", "reference/settings/", "reference/http/", "explanation/how-a-review-comes-about/")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it, by a process that can reach no network: every proxy is a closed port."""
    folder = tmp_path_factory.mktemp("site")
    closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    environment = {"PATH": os.environ["PATH"], "NO_MKDOCS_2_WARNING": "1", **closed}
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


class Shape(HTMLParser):
    """Counts the elements of an article that a reader would miss, and what is loaded from where."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()
        self.loaded: list[str] = []
        self.inside = False
        self.items = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get("src") or (values.get("href") if tag == "link" else None)
        if address:
            self.loaded.append(address)
        if tag == "article":
            self.inside = True
        elif self.inside and tag in {"h1", "h2", "h3", "h4", "li", "table", "td", "pre", "p"}:
            self.seen[tag] += tag != "p" or not self.items  # whether an item has paragraphs is a matter of taste
        self.items += tag == "li"

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.inside = False
        self.items -= tag == "li"


def shape(html: str) -> Shape:
    parser = Shape()
    parser.feed(html)
    return parser


PROJECT = re.findall(r" project/(\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in PROJECT)])
READER = MarkdownIt("commonmark").enable("table")


def built(site: Path, page: Path) -> str:
    place = page.relative_to(DOCS) if DOCS in page.parents else Path("project", page.name)
    folder = place.parent if place.name == "index.md" else place.with_suffix("")
    return (site / folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_page_has_on_the_site_what_it_has_on_github(site: Path, page: Path) -> None:
    """The two read Markdown differently: lists, indented blocks. What a page is made of must come to the same."""
    text = page.read_text(encoding="utf-8")
    pictures, diagrams = text.count("<picture>"), text.count("```mermaid")
    github = shape(f"<article>{READER.render(text)}</article>").seen
    github.update({"p": pictures, "pre": -diagrams})  # a picture is a paragraph there, a diagram no code
    assert +shape(built(site, page)).seen == +github


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert PROJECT
    assert len(pages) > len(PAGES)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert [address for address in shape(text).loaded if re.match(r"(?:https?:)?//", address)] == [], page
        assert "fonts.googleapis.com" not in text
    for style in site.rglob("*.css"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*", style.read_text(encoding="utf-8")) == []


def test_what_is_no_page_is_not_published(site: Path) -> None:
    kinds = {path.suffix for path in site.rglob("*") if path.is_file()}
    assert kinds.isdisjoint({".py", ".pyc", ".md"})


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    app = Starlette()
    app.mount("/", StaticFiles(directory=site, html=True))
    with running(app) as address:
        yield f"{address}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "there is no chromium, chromium-browser or google-chrome on the PATH"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, and in CI the site must be tested")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


def opened(browser: Browser, url: str, complaints: list[str], **options: Any) -> Page:
    """A page of a context of its own, whose complaints, and requests to elsewhere, are kept."""
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}).new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith((url, "data:", "blob:")) else complaints.append(sent.url)
    )
    page.goto(url)
    return page


def test_the_search_finds_a_setting(browser: Browser, url: str, complaints: list[str]) -> None:
    page = opened(browser, url, complaints)
    field = page.get_by_role("textbox", name="Search")
    field.click()
    expect(page.locator(".md-search-result__meta")).to_have_text("Type to start searching")  # the index is there
    field.press_sequentially("max_cost_usd")
    result = page.locator("a.md-search-result__link[href*='reference/settings/']").first
    expect(result).to_be_visible()
    result.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Settings")
    assert complaints == []
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, url: str, complaints: list[str], width: int) -> None:
    page = opened(browser, url, complaints, viewport={"width": width, "height": 800})
    for place in SKIM:
        page.goto(f"{url}{place}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    assert complaints == []
    page.context.close()


def test_pictures_follow_the_switch_of_the_page(browser: Browser, url: str, complaints: list[str]) -> None:
    """Not only the system: the page's own switch of the colour scheme, which a ``<picture>`` knows nothing of."""
    page = opened(browser, f"{url}how-to/watch-a-server/", complaints, color_scheme="light")
    light, dark = (page.locator(f"img[src*='{name}.png']") for name in ("/status", "/status-dark"))
    expect(light).to_be_visible()
    expect(dark).to_be_hidden()
    for _ in range(2):  # from the system's colours to light, and from there to dark
        page.locator("label[for^='__palette']:visible").click()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    expect(dark).to_be_visible()
    expect(light).to_be_hidden()
    page.context.close()


def test_a_diagram_is_drawn_without_a_script(browser: Browser, url: str, complaints: list[str]) -> None:
    page = opened(browser, f"{url}explanation/how-a-review-comes-about/", complaints, java_script_enabled=False)
    diagram = page.locator(".diagram svg")
    expect(diagram).to_be_visible()
    expect(diagram).to_contain_text("Coverage")
    box = diagram.bounding_box()
    assert box is not None
    assert box["width"] > 300
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser: Browser, url: str, complaints: list[str], scheme: Any) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1 between each text and what is behind it."""
    page = opened(browser, url, complaints, color_scheme=scheme)
    for place in ("", "quickstart/", "reference/settings/", "how-to/read-a-result/"):
        page.goto(f"{url}{place}")
        assert page.evaluate(FAINT) == [], place
    page.context.close()


FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = (color, [r, g, b]) => {  // the color as it is seen on an opaque ground
    canvas.fillStyle = `rgb(${r} ${g} ${b})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const ground = at => at ? over(getComputedStyle(at).backgroundColor, ground(at.parentElement)) : [255, 255, 255];
  const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  return [...document.querySelectorAll(".md-content *, .md-footer *, .md-sidebar *, .md-tabs *")]
    .filter(at => at.checkVisibility({opacityProperty: true, visibilityProperty: true})
      && !at.matches(".headerlink, .md-clipboard")
      && [...at.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())).map(at => {
    const [a, b] = [light(over(getComputedStyle(at).color, ground(at))), light(ground(at))].sort((x, y) => y - x);
    return [Math.round((a + 0.05) / (b + 0.05) * 10) / 10, at.className, at.textContent.trim().slice(0, 40)];
  }).filter(([contrast]) => contrast < 4.5);
}"""
