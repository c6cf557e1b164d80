"""Artifacts from a scripted GitHub and a scripted storage: which is taken, what is refused, where the token goes."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from reviewbot.errors import BundleError, GitHubError, GitHubForbidden, GitHubNotFound, GitHubUnreachable
from reviewbot.github import artifacts
from reviewbot.github.artifacts import Artifact, download_artifact, find_artifact

pytestmark = pytest.mark.anyio
SHA = "a" * 40
LIST = "/repos/o/r/actions/runs/77/artifacts"
ZIP = "/repos/o/r/actions/artifacts/5/zip"
GOOD = Artifact(5, 4, expired=False)


def row(number: int, name: str = "bundle", **changes: Any) -> dict[str, Any]:
    run = {"id": 77, "head_sha": SHA}
    return {"id": number, "name": name, "size_in_bytes": 9, "expired": False, "workflow_run": run, **changes}


async def found(hub: Any) -> Artifact | None:
    return await find_artifact(hub.client(), "o/r", "bundle", run_id=77, head_sha=SHA)


async def test_the_newest_of_the_exact_name_is_taken(hub: Any, answer: Any) -> None:
    rows = [
        row(3), row(5, digest="sha256:ff"), row(4), row(9, "Bundle"), row(8, "bundle2"), row(7, workflow_run=None),
        row(6, workflow_run={"id": 78, "head_sha": SHA}), row(10, workflow_run={"id": 77, "head_sha": "b" * 40}),
    ]  # fmt: skip
    hub.on("GET", LIST, answer({"total_count": len(rows), "artifacts": rows}))
    assert await found(hub) == Artifact(5, 9, expired=False, digest="ff")
    assert hub.asked[0].query == {"name": ["bundle"], "per_page": ["100"]}


async def test_there_is_none(hub: Any, answer: Any) -> None:
    hub.on("GET", LIST, answer({"total_count": 0, "artifacts": []}))
    assert await found(hub) is None


async def test_pages_are_followed_and_not_for_ever(hub: Any, answer: Any) -> None:
    link = {"Link": f'<{hub.url}{LIST}?page=2&per_page=100>; rel="next"'}
    hub.on("GET", LIST, answer({"artifacts": [row(1, "x")] * 100}, headers=link))
    assert await found(hub) is None
    assert len(hub.asked) == 5


async def test_a_token_that_may_not(hub: Any, answer: Any) -> None:
    hub.on("GET", LIST, answer({"message": "Resource not accessible by integration"}, 403))
    with pytest.raises(GitHubForbidden):
        await found(hub)


async def download(hub: Any, artifact: Artifact = GOOD, most: int = 100) -> bytes:
    return await download_artifact(hub.client(), "o/r", artifact, most=most)


def storage(hub: Any, answer: Any, *answers: Any) -> None:
    hub.on("GET", ZIP, answer(b"", 302, headers={"Location": f"{hub.url}/blob?sig=secret"}))
    hub.on("GET", "/blob", *answers)


async def test_the_storage_is_asked_without_the_token(hub: Any, answer: Any) -> None:
    storage(hub, answer, answer(b"PK.."))
    digest = hashlib.sha256(b"PK..").hexdigest()
    assert await download(hub, Artifact(5, 4, expired=False, digest=digest)) == b"PK.."
    asked, fetched = hub.asked
    assert "authorization" in asked.headers
    assert "authorization" not in fetched.headers
    assert fetched.query == {"sig": ["secret"]}


@pytest.mark.parametrize(
    ("artifact", "words"),
    [(Artifact(5, 101, expired=False), "over 100"), (Artifact(5, 4, expired=True), "expired"),
     (Artifact(5, 4, expired=False, digest="0" * 64), "not what was uploaded")],
)  # fmt: skip
async def test_what_is_not_taken(hub: Any, answer: Any, artifact: Artifact, words: str) -> None:
    storage(hub, answer, answer(b"PK.."))
    with pytest.raises(BundleError, match=words):
        await download(hub, artifact)


async def test_what_comes_is_counted(hub: Any, answer: Any) -> None:
    storage(hub, answer, answer(b"x" * 5_000_000))
    with pytest.raises(BundleError, match="over 100"):
        await download(hub)


async def test_what_comes_is_not_unpacked_on_its_way(hub: Any, answer: Any) -> None:
    storage(hub, answer, answer(b"\x1f\x8b..", headers={"Content-Encoding": "gzip"}))
    assert await download(hub) == b"\x1f\x8b.."


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"drop": True}])
async def test_a_storage_that_fails_is_asked_again_by_another_address(hub: Any, answer: Any, fault: Any) -> None:
    storage(hub, answer, answer(b"no", **fault), answer(b"no", **fault), answer(b"PK.."))
    assert await download(hub) == b"PK.."
    assert len(hub.sent("GET", ZIP)) == 3
    assert hub.slept == [1.0, 2.0]


async def test_it_is_given_up_and_the_address_is_not_told(hub: Any, answer: Any) -> None:
    storage(hub, answer, answer(b"sig=secret", 500))
    with pytest.raises(GitHubUnreachable, match="500") as caught:
        await download(hub)
    assert "secret" not in str(caught.value)
    assert len(hub.sent("GET", "/blob")) == 3


async def test_a_storage_that_is_too_slow(hub: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "_SECONDS", 0.0)
    storage(hub, answer, answer(b"PK.."))
    with pytest.raises(GitHubUnreachable, match="took over"):
        await download(hub)


async def test_one_redirect_and_no_more(hub: Any, answer: Any) -> None:
    storage(hub, answer, answer(b"", 302, headers={"Location": f"{hub.url}/elsewhere"}))
    with pytest.raises(GitHubError, match="leads elsewhere"):
        await download(hub)
    assert not hub.sent("GET", "/elsewhere")


@pytest.mark.parametrize(
    "address",
    ["", "/blob", "ftp://x/y", "file:///etc/passwd", "http://storage.example/x", "http://10.0.0.1/x", "https://", "//h/x",
     "https://a:b@storage.example/x", "http://127.0.0.1.example/x", "https://\x00/", "http://[::1", "x" * 70_000],
)  # fmt: skip
def test_addresses_that_are_not_asked(address: str) -> None:
    with pytest.raises(GitHubError, match="did not name an address"):
        artifacts._checked(address, plain=True)


def test_plain_http_is_for_this_machine_and_a_github_that_speaks_it() -> None:
    local = "http://127.0.0.1:8089/storage/x?sig=y"
    assert artifacts._checked(local, plain=True) == httpx.URL(local)
    assert artifacts._checked("https://storage.example/x", plain=False).host == "storage.example"
    with pytest.raises(GitHubError):
        artifacts._checked(local, plain=False)


async def test_no_redirect_and_gone(hub: Any, answer: Any) -> None:
    hub.on("GET", ZIP, answer(b"PK.."))
    with pytest.raises(GitHubError, match="did not name an address"):
        await download(hub)
    hub.on("GET", ZIP, answer({"message": "Artifact has expired"}, 410))
    with pytest.raises(GitHubNotFound, match="410"):
        await download(hub)


async def test_a_repository_that_was_renamed(hub: Any, answer: Any) -> None:
    storage(hub, answer, answer(b"PK.."))
    hub.on("GET", ZIP, answer({}, 301, headers={"Location": f"{hub.url}/repositories/1/zip"}))
    hub.on("GET", "/repositories/1/zip", answer(b"", 302, headers={"Location": f"{hub.url}/blob"}))
    assert await download(hub) == b"PK.."
