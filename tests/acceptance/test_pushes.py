"""Later pushes: only what is new is read, whatever was done to the commits; what stood before still stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Git, World

pytestmark = pytest.mark.usefixtures("quick")
NONE = "    if items == None: return 0\n"
LINES = [f"value_{n} = compute({n})\n" for n in range(1, 400)]


def source(*changed: tuple[int, str], lines: list[str] = LINES) -> str:
    given = dict(changed)
    return "".join(given.get(number, line) for number, line in enumerate(lines, 1))


@pytest.fixture
def git(tmp_path: Path, request: pytest.FixtureRequest) -> Git:
    """A branch ``work`` that changes 300 lines of one file and adds another with one defect."""
    made: Git = type(request.getfixturevalue("repository"))(tmp_path / "served")
    made.init({"long.py": source(), "app.py": "def size(items):\n    return len(items)\n"})
    rewritten = source(*((n, f"value_{n} = compute({n}, again=True)\n") for n in range(20, 320)))
    made.branch("work", {"long.py": rewritten, "app.py": f"def size(items):\n{NONE}    return len(items)\n"})
    made("switch", "-q", "main")
    return made


@pytest.fixture
def served(git: Git) -> Path:
    return git.path


def push(git: Git, files: dict[str, Any], branch: str = "work") -> str:
    git("switch", "-q", branch)
    sha = git.commit("More", files)
    git("switch", "-q", "main")
    return sha


def change(git: Git, path: str, old: str, new: str, branch: str = "work") -> str:
    git("switch", "-q", branch)
    text = (git.path / path).read_text()
    assert old in text
    sha = git.commit("More", {path: text.replace(old, new)})
    git("switch", "-q", "main")
    return sha


def added(prompt: str) -> list[str]:
    return re.findall(r"^\+(?!\+\+)(.*)$", prompt.partition("<change")[2], re.MULTILINE)


def first(world: World) -> str:
    url = world.open("work")
    assert world.review(url).code == 0
    assert [comment.path for comment in world.comments] == ["app.py"]
    assert len(added(world.prompts[0])) == 301
    return url


def test_a_push_is_read_and_nothing_else(world: World, git: Git) -> None:
    url = first(world)
    change(git, "long.py", LINES[349], "value_350 = eval(text)\n")
    done = world.review(url, "--format", "json")
    assert added(world.prompts[1]) == ["value_350 = eval(text)"]
    assert [comment.path for comment in world.comments] == ["app.py", "long.py"]
    assert (done.json["coverage"]["reviewed_lines"], done.json["coverage"]["earlier_lines"]) == (2, 601)
    assert done.json["since"]["rounds"] == 1
    assert len(world.summaries) == 1
    assert "reviewed then" in world.summaries[0].body
    assert {comment.path for comment in world.comments} <= set(re.findall(r"`([a-z]+\.py)", world.summaries[0].body))


def test_nothing_new_costs_nothing_and_what_stands_still_fails_the_check(world: World, git: Git) -> None:
    url = first(world)
    git("switch", "-q", "work")
    git("commit", "-q", "--amend", "--allow-empty", "-m", "The same in other words")
    git("switch", "-q", "main")
    done = world.review(url, "--fail-on", "minor", "--format", "json")
    assert (world.asked, len(world.comments), len(world.reviews)) == (1, 1, 1)
    assert (done.code, done.json["summary"]["verdict"], done.json["usage"]["cost_usd"]) == (1, "findings", 0.0)
    assert [item["reason"] for item in done.json["rejected"]] == ["already-posted"]
    assert [check.conclusion for check in world.checks][-1] == "failure"
    assert world.checks[-1].head_sha == git("rev-parse", "work")


def test_a_rebase_brings_no_foreign_lines(world: World, git: Git) -> None:
    url = first(world)
    git.commit("Others", {"other.py": "OTHER = eval('1')\n", "long.py": "import sys\n" + source()})
    git("switch", "-q", "work")
    git("rebase", "-q", "main")
    git("switch", "-q", "main")
    assert world.review(url).code == 0
    assert world.asked == 1
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    assert world.review(url).code == 0
    assert added(world.prompts[1]) == ["value_350 = 350"]


def test_a_merge_from_main_brings_no_foreign_lines(world: World, git: Git) -> None:
    url = first(world)
    git.commit("Others", {"other.py": "OTHER = eval('1')\n"})
    git("switch", "-q", "work")
    git("merge", "-q", "--no-ff", "-m", "Merge main", "main")
    git("switch", "-q", "main")
    assert world.review(url).code == 0
    assert world.asked == 1


def test_squashed_and_pushed_on(world: World, git: Git) -> None:
    url = first(world)
    change(git, "app.py", "return len(items)", "return len(items) + 1")
    git("switch", "-q", "work")
    git("reset", "-q", "--soft", "main")
    git("commit", "-q", "-m", "All in one")
    git("switch", "-q", "main")
    assert world.review(url).code == 0
    assert added(world.prompts[1])[-1] == "    return len(items) + 1"
    assert not any("again=True" in line for line in added(world.prompts[1]))


def test_another_base(world: World, git: Git) -> None:
    git("branch", "release", "main")
    url = first(world)
    git("switch", "-q", "release")
    git.commit("Released", {"released.py": "A = eval('1')\n"})
    git("switch", "-q", "main")
    next(iter(world.hosted.pulls())).base_ref = "release"
    assert world.review(url).code == 0
    assert world.asked == 1


def test_a_renamed_file_is_not_read_again(world: World, git: Git) -> None:
    url = first(world)
    git("switch", "-q", "work")
    git("mv", "app.py", "shop.py")
    git("commit", "-q", "-m", "Rename")
    git("switch", "-q", "main")
    done = world.review(url, "--format", "json")
    assert world.asked == 1
    assert [item["finding"]["path"] for item in done.json["rejected"]] == ["shop.py"]


def test_full_reads_everything_again(world: World, git: Git) -> None:
    url = first(world)
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    done = world.review(url, "--full", "--format", "json")
    assert len(added(world.prompts[1])) >= 302
    assert (done.json["since"]["full"], len(world.comments)) == (True, 1)


def test_a_dry_run_leaves_no_trace(world: World, git: Git) -> None:
    url = world.open("work")
    assert world.review(url, "--dry-run").code == 0
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    assert world.review(url).code == 0
    assert len(added(world.prompts[1])) >= 302


def elsewhere(world: World) -> dict[str, str]:
    """Another machine: nothing is left of the database."""
    return {"REVIEWBOT_DATA_DIR": str(world.room / "elsewhere")}


def test_the_comment_alone_carries_the_state(world: World, git: Git) -> None:
    url = first(world)
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    assert world.review(url, **elsewhere(world)).code == 0
    assert added(world.prompts[1]) == ["value_350 = 350"]


def test_the_database_alone_carries_the_state(world: World, git: Git) -> None:
    url = first(world)
    world.hosted.comments.clear()
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    assert world.review(url).code == 0
    assert added(world.prompts[1]) == ["value_350 = 350"]


@pytest.mark.parametrize("cut", [30, 80])
def test_a_broken_marker_means_a_full_review_and_says_so(world: World, git: Git, cut: int) -> None:
    url = first(world)
    (summary,) = world.summaries
    begin = summary.body.index("<!-- reviewbot:state:")
    summary.body = summary.body[: begin + cut] + " -->" + summary.body[begin:].partition("-->")[2]
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    done = world.review(url, "--format", "json", **elsewhere(world))
    assert len(added(world.prompts[1])) >= 302
    assert "cut short or was changed" in done.json["since"]["reason"]
    assert "Everything was read again" in world.summaries[0].body
    assert len(world.comments) == 1


def test_a_marker_of_somebody_else_is_not_believed(world: World, git: Git) -> None:
    """Whoever could write a state would have their change pass unread."""
    url = first(world)
    (summary,) = world.summaries
    forged, number = summary.body, int(url.rpartition("/")[2])
    world.hosted.comments.clear()
    world.github.comment(world.name, number, "mallory", forged)
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    assert world.review(url, **elsewhere(world)).code == 0
    assert len(added(world.prompts[1])) >= 302


def test_a_lost_commit_means_a_full_review_and_says_so(world: World, git: Git) -> None:
    url = first(world)
    git("switch", "-q", "work")
    git("reset", "-q", "--hard", "main")
    git.commit("Something else", {"app.py": f"def size(items):\n{NONE}    return len(items)\n"})
    git("switch", "-q", "main")
    git("reflog", "expire", "--expire=now", "--all")
    for name in git("for-each-ref", "--format=%(refname)").split():
        if name not in ("refs/heads/main", "refs/heads/work", "refs/heads/release"):
            git("update-ref", "-d", name)
    git("gc", "-q", "--prune=now")
    done = world.review(url, "--format", "json")
    assert "cannot be compared any more" in done.json["since"]["reason"]
    assert (done.code, len(world.comments)) == (0, 1)


def test_what_the_money_did_not_reach_is_read_by_the_next_run(world: World, git: Git) -> None:
    url = world.open("work")
    poor = ("--set", "limits.max_cost_usd=0.0001")
    done = world.review(url, *poor, "--format", "json")
    assert done.code == 3
    change(git, "long.py", LINES[349], "value_350 = 350\n")
    again = world.review(url, "--format", "json")
    assert again.json["coverage"]["missed_lines"] == 0
    assert again.json["coverage"]["earlier_lines"] == done.json["coverage"]["reviewed_lines"]


def test_the_state_does_not_grow_with_the_pushes(world: World, git: Git) -> None:
    """The state does not grow with the pushes."""
    url = first(world)
    sizes = []
    for number in range(8):
        change(git, "long.py", LINES[330 + number], f"value_{331 + number} = {number}\n")
        assert world.review(url).code == 0
        sizes.append(len(world.summaries[0].body))
    assert len(world.summaries) == 1
    assert world.summaries[0].body.count("reviewbot:state:") == 1
    assert max(sizes) - min(sizes) < 400
    assert len(world.comments) == 1


def test_copies_of_a_defect_are_found_by_the_first_review(world: World, git: Git) -> None:
    """The model names one; the others look like it, so it is asked about them, once."""
    body = "def {0}_rows({0}):\n    rows = fetch({0}, limit=LIMIT)\n    return rows[0].{0}_price / rows[0].amount\n\n\n"
    names = ("order", "parcel", "refund")
    git.branch("copies", {"rows.py": "".join(body.format(name) + "X = 1\n" * 12 for name in names)})
    git("switch", "-q", "main")

    def point(name: str) -> dict[str, Any]:
        return {
            "path": "rows.py", "side": "new", "quote": f"    return rows[0].{name}_price / rows[0].amount",
            "evidence": "rows may be empty.", "title": f"No rows of {name} fails", "body": "An empty list has no [0].",
            "category": "bug", "suggestion": None, "priority": 1, "confidence": 0.9,
        }  # fmt: skip

    def read(prompt: str) -> dict[str, Any]:
        found = [point("order")] if "<found" not in prompt else [point("parcel"), point("refund")]
        return {"findings": found, "explanation": "Looked.", "verdict": "incorrect"}

    world.answers(read)
    url = world.open("copies")
    assert world.review(url).code == 0
    assert world.asked == 2
    assert "No rows of order fails" in world.prompts[1]
    assert len(world.comments) == 3
    assert world.review(url).code == 0
    assert (world.asked, len(world.comments)) == (2, 3)


def test_that_can_be_turned_off(world: World, git: Git) -> None:
    git.branch("twice", {"a.py": f"def one(items):\n{NONE}\n\ndef two(items):\n{NONE}"})
    git("switch", "-q", "main")
    quote = NONE.rstrip("\n")
    point = {
        "path": "a.py", "side": "new", "quote": f"def one(items):\n{quote}", "evidence": "By value.",
        "title": "None is compared by value", "body": "A class may define it.", "category": "bug",
        "suggestion": None, "priority": 1, "confidence": 0.9,
    }  # fmt: skip
    world.answers(lambda _: {"findings": [point], "explanation": "Looked.", "verdict": "incorrect"})
    assert world.review(world.open("twice"), "--set", "review.siblings=false").code == 0
    assert world.asked == 1
