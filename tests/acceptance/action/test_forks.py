"""A fork's pull request in two workflows: the good way, and what a stranger may hand over."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reviewbot.github.artifacts import download_artifact, find_artifact
from reviewbot.github.client import GitHubClient
from reviewbot.sandbox.github import running
from tests.acceptance.action.conftest import READS, RUN, SECOND, Workflow, zipped
from tests.acceptance.action.runner import Ended
from tests.acceptance.conftest import NAME, Git, World
from tests.acceptance.tls import forward_proxy, make_authority

EVIL = "shop/money.py"


@pytest.fixture
def fork(world: World, repository: Git, tmp_path: Path) -> Git:
    """A fork with a branch, and pull request 1 of it."""
    Git(repository.path)("clone", "-q", "--branch", "vouchers", str(repository.path), str(tmp_path / "fork"))
    git = Git(tmp_path / "fork")
    git("switch", "-q", "-c", "work")
    world.github.add_repository("guest/shop", git.path, fork_of=NAME)
    world.open("work", head_repo="guest/shop", author="guest")
    return git


@pytest.fixture
def files(workflow: Workflow, fork: Git) -> dict[str, bytes]:
    """A good bundle of pull request 1."""
    return bundle_of(workflow.collect())


def bundle_of(ended: Ended) -> dict[str, bytes]:
    assert ended.code == 0, ended.log.text
    return {file.name: file.read_bytes() for file in Path(ended.outputs["bundle"]).iterdir()}


def changed(files: dict[str, bytes], diff: bytes | None = None, **fields: Any) -> dict[str, bytes]:
    """The bundle with other facts, or with another diff that fits them."""
    facts = json.loads(files["bundle.json"]) | fields
    if diff is not None:
        facts |= {"diff_size": len(diff), "diff_sha256": hashlib.sha256(diff).hexdigest()}
    return {"bundle.json": json.dumps(facts).encode(), "change.diff": files["change.diff"] if diff is None else diff}


def untouched(world: World) -> None:
    assert world.asked == 0, "the model was asked"
    assert world.writes == [], "something was posted"


def refused(world: World, ended: Ended, *words: str) -> None:
    untouched(world)
    assert ended.outputs["verdict"] == "failed", ended.log.text
    assert ended.code != 0
    (error,) = ended.log.of("error")
    assert all(word in error.text for word in words), error.text
    assert ended.summary.startswith("### Not reviewed")


def test_the_good_way(world: World, workflow: Workflow, fork: Git) -> None:
    first = workflow.collect()
    assert (first.code, first.outputs["verdict"]) == (0, "")
    untouched(world)
    workflow.upload(Path(first.outputs["bundle"]))
    second = workflow.handed_over()
    assert (second.code, second.outputs["verdict"]) == (0, "findings"), second.log.text
    assert second.log.of("warning", "error") == []
    assert len(world.comments) == 10
    assert len(world.reviews) == len(world.summaries) == len(world.checks) == 1
    assert sum(sent.path.startswith("/storage/") for sent in world.stage.sent) == 1


def test_a_bundle_is_made_by_the_rules(world: World, workflow: Workflow, fork: Git) -> None:
    world.github.set_draft(NAME, 1)
    ended = workflow.collect()
    assert (ended.code, ended.outputs["verdict"], ended.outputs["bundle"]) == (0, "skipped", "")
    assert "draft" in ended.log.of("notice")[0].text
    world.github.set_draft(NAME, 1, draft=False)
    before = workflow.of_pull(1, "opened")
    fork.commit("More", {EVIL: "RATE = 5\n"})
    ended = workflow.run("pull_request", before, mode="bundle")
    assert (ended.code, ended.outputs["bundle"]) == (0, "")
    assert "newer head" in ended.log.of("notice")[0].text
    for event in ("pull_request_target", "workflow_dispatch", "workflow_run"):
        assert workflow.run(event, {}, mode="bundle", pull_request="1").code == 2
    untouched(world)


def test_a_diff_that_is_too_much_for_github_is_left_out(world: World, workflow: Workflow, fork: Git) -> None:
    world.github.faults.add(r"^GET /repos/octo/shop/pulls/1$", "status:406", passing=1)
    files = bundle_of(workflow.collect())
    assert (json.loads(files["bundle.json"])["no_diff"], files["change.diff"]) == ("too-big", b"")
    world.github.faults.clear()
    workflow.upload(zipped(files))
    ended = workflow.handed_over()
    assert (ended.code, ended.outputs["verdict"]) == (0, "findings"), ended.log.text
    assert ended.log.of("warning") == []


def test_other_facts_than_github_tells(world: World, workflow: Workflow, files: dict[str, bytes]) -> None:
    world.open("clean", author="maria")
    own = world.hosted.issues[2]
    cases = {
        "another repository than the run": {"number": 2},
        "another repository.": {"repository": "octo/bank"},
        "another commit": {"head_sha": own.head_sha},
        "another fork": {"head_repository": "eve/shop"},
        "not there": {"number": 99},
    }
    for words, fields in cases.items():
        workflow.upload(zipped(changed(files, **fields)))
        refused(world, workflow.handed_over(), words)


def test_archives_that_are_traps(world: World, workflow: Workflow, files: dict[str, bytes]) -> None:
    diff = b"diff --git a/../../x b/../../x\n--- a/../../x\n+++ b/../../x\n@@ -0,0 +1 @@\n+x\n"
    link = bytearray(zipped(files))
    at = link.index(b"PK\x01\x02")
    link[at + 38 : at + 42] = struct.pack("<L", 0o120777 << 16)
    cases = {
        "leads out": zipped(changed(files, diff)),
        "each once": zipped({"bundle.json": files["bundle.json"], "../change.diff": b""}),
        "regular file": bytes(link),
        "change.diff is over": bomb(files["bundle.json"]),
        "artifact with the bundle is over": b"PK" + bytes(9_000_000),
    }
    for words, archive in cases.items():
        workflow.upload(archive)
        refused(world, workflow.handed_over(), words)


def bomb(facts: bytes) -> bytes:
    """Seven megabytes that become seven gigabytes, and say of themselves that they are seven bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = piece * 7_000 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    rows, parts, at = [], [], 0
    for name, method, data, size in ((b"bundle.json", 0, facts, len(facts)), (b"change.diff", 8, packed, 7)):
        head = struct.pack("<4H3L2H", 0, method, 0, 0, zlib.crc32(data), len(data), size, len(name), 0) + b""
        parts.append(b"PK\x03\x04" + struct.pack("<H", 20) + head + name + data)
        rows.append(b"PK\x01\x02" + struct.pack("<2H", 20, 20) + head + struct.pack("<3H2L", 0, 0, 0, 0, at) + name)
        at += len(parts[-1])
    directory = b"".join(rows)
    return b"".join(parts) + directory + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 2, 2, len(directory), at, 0)


def test_what_is_no_reason_for_a_review(world: World, workflow: Workflow, fork: Git, files: dict[str, bytes]) -> None:
    def stopped(ended: Ended, words: str) -> None:
        untouched(world)
        assert (ended.code, ended.outputs["verdict"]) == (0, "skipped"), ended.log.text
        assert words in ended.log.of("notice")[0].text

    workflow.upload(zipped(files), name="reviewbot-bundle-2")
    stopped(workflow.handed_over(), "no bundle")
    stopped(workflow.handed_over(workflow.of_run(conclusion="failure")), "did not succeed")
    before = workflow.of_run()
    workflow.upload(zipped(changed(files, action="labeled")))
    stopped(workflow.handed_over(), "label")
    world.github.set_draft(NAME, 1)
    workflow.upload(zipped(files))
    stopped(workflow.handed_over(), "draft")
    world.github.set_draft(NAME, 1, draft=False)
    fork.commit("More", {EVIL: "RATE = 5\n"})
    stopped(workflow.handed_over(before), "newer head")


def test_an_artifact_that_cannot_be_had(world: World, workflow: Workflow, files: dict[str, bytes]) -> None:
    workflow.upload(zipped(files), expired=True)
    refused(world, workflow.handed_over(), "expired")
    refused(world, workflow.handed_over(permissions=READS), "403", "actions")


def test_a_diff_that_is_a_lie_changes_nothing(world: World, workflow: Workflow, files: dict[str, bytes]) -> None:
    lie = b"diff --git a/README.md b/README.md\n--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-a\n+b\n"
    workflow.upload(zipped(changed(files, lie)))
    ended = workflow.handed_over()
    assert (ended.code, ended.outputs["verdict"]) == (0, "findings"), ended.log.text
    assert "not the one that GitHub shows" in ended.log.of("warning")[0].text
    assert "not the one that GitHub shows" in ended.summary
    assert len(world.comments) == 10
    assert "README.md" not in {comment.path for comment in world.comments}


def test_a_fork_that_is_gone(world: World, workflow: Workflow, files: dict[str, bytes]) -> None:
    world.github.delete_repository("guest/shop")
    payload = workflow.of_run()
    assert payload["workflow_run"]["head_repository"] is None
    workflow.upload(zipped(files))
    ended = workflow.handed_over(payload)
    assert (ended.code, ended.outputs["verdict"]) == (0, "findings"), ended.log.text
    assert len(world.comments) == 10


@pytest.mark.anyio
async def test_the_storage_is_reached_through_a_proxy_with_a_private_authority(
    world: World, workflow: Workflow, fork: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow.upload(b"PK..")
    authority = make_authority(tmp_path / "authority", "github.example.com")
    with running(world.stage, tls=authority.server) as there:
        port = urlsplit(there).port or 0
        with forward_proxy({"github.example.com": port}) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
            token = world.github.add_token(kind="actions", permissions=SECOND)
            client = GitHubClient(token, api_url="https://github.example.com")
            pull = world.hosted.issues[1]
            artifact = await find_artifact(client, NAME, "reviewbot-bundle", run_id=RUN, head_sha=pull.head_sha)
            assert artifact is not None
            assert await download_artifact(client, NAME, artifact, most=100) == b"PK.."
            await client.aclose()
    assert len(proxy.asked) >= 2, "GitHub, and the storage"


def test_the_event_of_another_repository(world: World, workflow: Workflow, fork: Git) -> None:
    payload = workflow.of_run()
    payload["repository"]["full_name"] = "octo/bank"
    refused(world, workflow.handed_over(payload), "another repository")
    refused(world, workflow.handed_over({"action": "completed", "workflow_run": {"id": RUN}}), "payload")
