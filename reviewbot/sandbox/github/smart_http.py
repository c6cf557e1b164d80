"""git over HTTP: ``git upload-pack`` behind the two addresses of the smart protocol, for reading only.

Protocol versions 0 to 2, partial clone filters, ``refs/pull/N/head``, and any object by its id.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import TYPE_CHECKING

from reviewbot.sandbox.github.calls import Answer, Refusal
from reviewbot.sandbox.github.repository import ENVIRONMENT, git_program
from reviewbot.sandbox.github.tokens import authenticate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.state import SandboxGitHub

_ADDRESS = re.compile(
    r"/(?P<owner>[^/]+)/(?P<repo>[^/]+?)(?:\.git)?/(?P<end>info/refs|git-upload-pack|git-receive-pack)"
)
_PROTOCOL = re.compile(r"[a-z0-9=.:_-]{1,100}")
_PIECE = 1 << 16


def addressed(path: str) -> re.Match[str] | None:
    """Whether the path is one of git's."""
    return _ADDRESS.fullmatch(path)


async def serve(
    github: SandboxGitHub, found: re.Match[str], query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> tuple[Answer, AsyncIterator[bytes]]:
    """The answer's head, and its body as git writes it."""
    service = query.get("service") if found["end"] == "info/refs" else found["end"]
    if service != "git-upload-pack":
        return Answer(403, b"Only fetching is served here.\n", "text/plain"), _nothing()
    with github.lock:
        try:
            hosted = _allowed(github, found, headers)
        except Refusal as refusal:
            challenge = {"www-authenticate": 'Basic realm="GitHub"'} if refusal.status == 401 else {}
            return Answer(refusal.status, f"{refusal.message}\n".encode(), "text/plain", challenge), _nothing()
        github.refresh(hosted)
    advertise = found["end"] == "info/refs"
    kind = "advertisement" if advertise else "result"
    head = Answer(200, b"", f"application/x-git-upload-pack-{kind}", {"cache-control": "no-cache"})
    wanted = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    return head, _upload_pack(hosted, headers.get("git-protocol", ""), wanted, advertise=advertise)


def _allowed(github: SandboxGitHub, found: re.Match[str], headers: Mapping[str, str]) -> Hosted:
    """A public repository is open to all; a private one asks for a token that may read it."""
    hosted = github.repositories.get(f"{found['owner']}/{found['repo']}".lower())
    token = authenticate(github, headers)
    if hosted is None or (hosted.private and token is None):
        raise Refusal(401, "Repository not found.") if token is None else Refusal(404, "Repository not found.")
    covered = token is None or token.repositories is None or hosted.full_name.lower() in token.repositories
    if hosted.private and token is not None and not (covered and token.allows("contents", "read")):
        raise Refusal(403, "Write access to repository not granted.")
    return hosted


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _upload_pack(hosted: Hosted, protocol: str, wanted: bytes, *, advertise: bool) -> AsyncIterator[bytes]:
    version = protocol if _PROTOCOL.fullmatch(protocol) else ""
    if advertise and "version=2" not in version:
        yield b"001e# service=git-upload-pack\n0000"
    options = ["--stateless-rpc", *(["--advertise-refs"] if advertise else [])]
    process = await asyncio.create_subprocess_exec(
        git_program(),
        "upload-pack",
        *options,
        str(hosted.repository.git_dir),
        env=ENVIRONMENT | ({"GIT_PROTOCOL": version} if version else {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if process.stdin is None or process.stdout is None:
        return
    try:
        feeding = asyncio.create_task(_feed(process.stdin, wanted))
        while piece := await process.stdout.read(_PIECE):
            yield piece
        await feeding
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    try:
        stdin.write(data)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return  # git has all it needs: it closes its end when the request is a bare advertisement
