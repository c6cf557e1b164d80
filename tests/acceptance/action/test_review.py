"""The steps of action.yml on the events of a repository: what is posted, said, put out, and answered to the runner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reviewbot.action.table import OUTPUTS
from tests.acceptance.action.conftest import READS, Workflow
from tests.acceptance.conftest import NAME, Git, World, finding, reply

SEVERITIES = ("critical", "major", "minor", "nit")


def test_a_pull_request_is_reviewed(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    ended = workflow.pull_request()
    assert ended.code == 0
    assert set(ended.outputs) == {each.name for each in OUTPUTS}
    assert ended.outputs["verdict"] == "findings"
    assert sum(int(ended.outputs[severity]) for severity in SEVERITIES) == len(world.comments) == 10
    assert ended.outputs["review-url"].startswith(f"{world.web}/{NAME}/pull/1#pullrequestreview-")
    assert ended.outputs["coverage-complete"] == "true"
    assert float(ended.outputs["cost-usd"]) > 0
    assert len(world.reviews) == len(world.summaries) == len(world.checks) == 1
    assert ended.summary.startswith("## Review of octo/shop#")
    assert len(ended.summary.encode()) < 1024 * 1024
    assert [each.text for each in ended.log.of("group")] == ["Review of octo/shop#1", "Result"]
    assert ended.log.of("error", "warning", "notice") == [], "what stands on the pull request is not said again"
    assert json.loads(Path(ended.outputs["json-file"]).read_text())["summary"]["verdict"] == "findings"
    assert json.loads(Path(ended.outputs["sarif-file"]).read_text())["version"] == "2.1.0"
    assert (ended.outputs["markdown-file"], ended.outputs["html-file"]) == ("", "")


@pytest.mark.parametrize(
    ("inputs", "code"), [({"fail_on": "critical"}, 1), ({"fail_on": "never"}, 0), ({"max_cost": "0.000001"}, 3)]
)
def test_exit_codes_are_those_of_the_command_line(
    world: World, workflow: Workflow, inputs: dict[str, str], code: int
) -> None:
    url = world.open("vouchers")
    ended = workflow.pull_request(**inputs)
    words = [word for name, value in inputs.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert ended.code == world.review(url, *words).code == code
    if code == 1:
        assert "fail-on" in ended.log.of("error")[0].text
    if code == 3:
        assert (ended.outputs["verdict"], ended.outputs["coverage-complete"]) == ("incomplete", "false")
        assert ended.log.of("warning")


def test_a_clean_change(world: World, workflow: Workflow) -> None:
    world.open("clean")
    ended = workflow.pull_request(fail_on="minor")
    assert (ended.code, ended.outputs["verdict"]) == (0, "clean")
    assert [ended.outputs[severity] for severity in SEVERITIES] == ["0"] * 4


def test_a_dry_run_posts_nothing_and_annotates(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    ended = workflow.pull_request(dry_run="true", files="json, sarif markdown html")
    assert ended.code == 0
    assert world.writes == []
    assert len(ended.log.of("error", "warning", "notice")) == 10
    assert all(ended.outputs[f"{form}-file"] for form in ("json", "sarif", "markdown", "html"))
    assert ended.outputs["review-url"] == ""


def test_settings_and_full(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    inputs = {
        "settings": '# what we care for\nreview.siblings=false\n\nscope.exclude=["web/*"]',
        "model": "gpt-5.6-sol",
    }
    ended = workflow.pull_request(**inputs)
    assert ended.code == 0
    assert {comment.path for comment in world.comments} == {"shop/db.py", "shop/orders.py", "shop/payments.py"}
    assert world.model.answered[0].body["model"] == "gpt-5.6-sol"
    asked = world.asked
    assert workflow.pull_request(action="synchronize", **inputs).code == 0
    assert world.asked == asked, "nothing is new"
    assert workflow.pull_request(action="synchronize", full="true", **inputs).code == 0
    assert world.asked > asked
    assert len(world.reviews) == 1


def test_a_token_that_may_only_read_loses_nothing(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    workflow.token = world.github.add_token(kind="actions", permissions=READS)
    ended = workflow.pull_request(fail_on="major")
    assert ended.code == 1, "the exit code is that of the review"
    assert world.reviews == world.summaries == world.checks == []
    said = ended.log.of("error", "warning", "notice")
    assert "nothing was posted" in said[0].text
    assert len(said) == 1 + 10 + 1, "the reason, the findings, the verdict"
    assert {each.properties["file"] for each in said[1:-1]} >= {"shop/db.py", "shop/orders.py"}
    assert "nothing was posted" in ended.summary
    assert "the notes say why" in ended.log.text
    assert ended.summary.count("\n---\n") == 10
    assert sum(int(ended.outputs[severity]) for severity in SEVERITIES) == 10
    assert len(json.loads(Path(ended.outputs["json-file"]).read_text())["findings"]) == 10
    assert Path(ended.outputs["sarif-file"]).exists()
    assert ended.outputs["review-url"] == ""


def test_a_fork_without_secrets_is_a_stated_skip(world: World, workflow: Workflow) -> None:
    world.github.add_repository("eve/shop", world.hosted.repository.path, fork_of=NAME)
    world.open("vouchers", head_repo="eve/shop")
    ended = workflow.pull_request(api_key="")
    assert (ended.code, ended.outputs["verdict"], ended.outputs["sarif-file"]) == (0, "skipped", "")
    assert "gives its workflow no secrets" in ended.log.of("warning")[0].text
    assert ended.summary.startswith("### Not reviewed")
    assert world.asked == 0


def test_no_key_elsewhere_is_wrong_configuration(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    ended = workflow.pull_request(api_key="")
    assert (ended.code, ended.outputs["verdict"]) == (2, "failed")
    assert "No key for a model provider" in ended.log.of("error")[0].text


def test_failures_of_github_and_of_the_provider(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    workflow.token = "ghs_wrong"
    ended = workflow.pull_request()
    assert (ended.code, ended.outputs["verdict"], ended.outputs["cost-usd"]) == (4, "failed", "0.0000")
    workflow = Workflow(world, workflow.machine)
    ended = workflow.pull_request(api_key="another-key")
    assert (ended.code, ended.outputs["verdict"]) == (5, "failed")
    assert ended.log.of("error")
    assert ended.summary.startswith("### Not reviewed")
    assert world.writes == []


def test_a_runner_that_is_not_served_is_told_so(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    workflow.machine.environ = {**workflow.machine.environ, "RUNNER_OS": "Windows"}
    ended = workflow.pull_request()
    assert (ended.code, ended.outputs["verdict"]) == (2, "")
    assert "Linux and macOS" in ended.log.of("error")[0].text


def test_a_missing_right_beside_the_review_is_a_notice(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    workflow.token = world.github.add_token(kind="actions", permissions={**READS, "pull_requests": "write"})
    ended = workflow.pull_request()
    assert (ended.code, len(world.reviews), world.checks) == (0, 1, [])
    assert any("no check run" in each.text for each in ended.log.of("notice"))


def test_two_runs_for_one_head_post_one_review(world: World, workflow: Workflow, tmp_path: Path) -> None:
    world.open("vouchers")
    nested: list[int] = []

    def read(_: str) -> object:
        if not nested:
            nested.append(0)
            nested.append(workflow.pull_request(action="synchronize").code)
        return reply(finding())

    world.answers(read)  # type: ignore[arg-type]
    ended = workflow.pull_request()
    assert (ended.code, nested) == (0, [0, 0])
    assert len(world.reviews) == len(world.summaries) == 1
    assert len(world.comments) == 1


class TestWhatTheTreeHolds:
    """The workspace may hold the change itself. Nothing of it is run, and no link in it is followed."""

    HOSTILE = "import pathlib; pathlib.Path('{}').write_text('run')\n"

    def test_no_module_of_the_workspace_is_run(self, world: World, workflow: Workflow, tmp_path: Path) -> None:
        world.open("clean")
        proof = tmp_path / "proof"
        code = self.HOSTILE.format(proof)
        for name in ("reviewbot/__init__.py", "anyio.py", "sitecustomize.py", "pip/__init__.py", "hashlib.py"):
            path = workflow.machine.workspace / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
        workflow.machine.environ = {**workflow.machine.environ, "PYTHONPATH": str(workflow.machine.workspace)}
        assert workflow.pull_request().code == 0
        assert not proof.exists()


class TestWords:
    """People and models write what they like; it stays text."""

    @pytest.fixture
    def served(self, tmp_path: Path) -> Path:
        git = Git(tmp_path / "own").init({"a.py": "x = 1\n"})
        git.branch("bad", {"::add-mask::x,%0A::error::.py": "y = 2\n"}, "::error::title\n\n::set-output name=a::b")
        git("switch", "-q", "main")
        return git.path

    def test_no_text_becomes_a_command_or_an_output(self, world: World, workflow: Workflow) -> None:
        world.open("bad", title="::error::mine", body="::error::mine\n::warning file=x::y")
        words = "::error::from the model\n::add-mask::e\n  ::warning::x\n##[error]old\nverdict<<x\nx"
        world.answers(
            lambda _: reply(
                finding(path="::add-mask::x,%0A::error::.py", quote="y = 2", title=words[:70], body=words),
                explanation=words,
            )
        )
        for annotate in ("never", "always"):
            ended = workflow.pull_request(annotations=annotate)
            assert ended.code == 0
            assert ended.outputs["verdict"] == "findings"
            said = ended.log.of("error", "warning", "notice")
            assert [each.properties.get("file") for each in said] == ["::add-mask::x,%0A::error::.py"] * len(said)
            assert len(said) == (annotate == "always")
            assert "::error::" in ended.log.text
