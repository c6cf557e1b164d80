"""Makes the pictures of a pull request's life: ``python docs/pictures.py``.

Plays the story of `tests/acceptance/server/life.py`, which a test proves: a real server between the sandbox GitHub and
the sandbox model. A headless Chromium takes the pictures from the page that the sandbox serves. Prints what each step
asked of the model and what that cost, for the page that shows the pictures. Needs a font with emoji, such as Debian's
fonts-noto-color-emoji.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from playwright.sync_api import Locator, Page, sync_playwright

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from reviewbot.core.marker import is_status  # noqa: E402 - the folder of `tests` had to be named first
from reviewbot.sandbox.loopback import running  # noqa: E402
from tests.acceptance.conftest import Stage  # noqa: E402
from tests.acceptance.server import life as story  # noqa: E402
from tests.acceptance.server.conftest import NAME, deployed, make_key  # noqa: E402
from tests.acceptance.server.life import Life, make_repository  # noqa: E402

WIDTH = 840
Where = Callable[[Life, Page], Locator]


def thread(words: str) -> Where:
    """The last thread whose title has these words."""

    def found(life: Life, page: Page) -> Locator:
        first = page.locator(f"#discussion_r{life.thread(words).id}")
        return page.locator("section", has=first)

    return found


def summary(life: Life, page: Page) -> Locator:
    return page.locator(f"#issuecomment-{life.server.summaries(life.number)[0].id}")


def answers(life: Life, page: Page) -> Locator:
    (found,) = [comment.id for comment in life.server.hosted.comments.values() if is_status(comment.body)]
    return page.locator(f"#issuecomment-{found}")


#: After which step which pictures are taken.
SHOTS: Mapping[Callable[[Life], None], Mapping[str, Where]] = MappingProxyType(
    {
        story.mended_and_more: {"life-closed": thread("SQL is built"), "life-summary": summary},
        story.talked: {"life-talk": thread("compared with ==")},
        story.resumed: {"life-answers": answers},
    }
)


@contextmanager
def a_life(room: Path) -> Iterator[tuple[Life, str]]:
    """The pull request before it is opened, and the address of the sandbox GitHub."""
    git, github, model = make_repository(room / "shop"), Stage(), Stage()
    (room / "server").mkdir()
    with (
        running(github) as web,
        running(model) as api,
        deployed((github, web, model, api), {NAME: git.path}, make_key(), room / "server") as server,
    ):
        server.configure(review={"fail_on": "minor"})
        server.start()
        server.ready()
        yield Life(server, git), web
        server.stop()


def main() -> int:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.stderr.write("There is no chromium, chromium-browser or google-chrome on the PATH.\n")
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        a_life(Path(folder)) as (life, web),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for step in story.STEPS:
            asked, spent = len(life.questions), life.cost
            step(life)
            new = life.questions[asked:]
            tokens = f"{sum(each.input_tokens for each in new):6,} in {sum(each.output_tokens for each in new):6,} out"
            row = f"{step.__name__:16} {len(new)} questions {tokens}  ${life.cost - spent:.4f}  {life.check}\n"
            sys.stdout.write(row)
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport={"width": WIDTH, "height": 700}, color_scheme=scheme)
                page.goto(f"{web}/{NAME}/pull/{life.number}")
                for name, where in SHOTS.get(step, {}).items():
                    file = f"{name}.png" if scheme == "light" else f"{name}-dark.png"
                    where(life, page).screenshot(path=DOCS / "pictures" / file)
                page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
