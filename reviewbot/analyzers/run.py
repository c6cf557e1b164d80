"""Runs analyzers over the files of a change: each in a scratch folder and a confined process of its own.

Nothing of the repository is there but the texts, under names of ours; `launch.py` says what the process may do. What
it writes is read as data, and believed only about files that it was given.
"""

from __future__ import annotations

import os
import re
import signal
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from json import loads
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from anyio.abc import Process

from reviewbot.analyzer import Analyzer
from reviewbot.analyzers.catalogue import TOOLS, Tool
from reviewbot.analyzers.launch import CANNOT_START, hide_from_children
from reviewbot.analyzers.reading import diagnostics
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.errors import AnalyzerError

SECONDS: Final = 20.0
MOST_WRITTEN: Final = 4_000_000
MOST_READ: Final = 50_000_000
MOST_FILES: Final = 5_000
_LAUNCH: Final = str(Path(__file__).with_name("launch.py"))
# What is a line for some analyzers and none for git; as blanks they keep all others where they are.
_OTHER_LINES: Final = re.compile(rb"\r(?!\n)|\xe2\x80[\xa8\xa9]|\xc2\x85|[\x0b\x0c]")


def installed(names: Sequence[str] | None = None) -> tuple[Analyzer, ...]:
    """The analyzers of these names, or all, whose programs are there. No process is started for it."""
    if os.name != "posix":
        return ()  # there are no process groups to kill
    wanted = [tool for tool in TOOLS if names is None or tool.name in names]
    found = ((tool, program_of(tool)) for tool in wanted)
    return tuple(Installed(tool, program) for tool, program in found if program)


def facts() -> Iterator[tuple[str, bool, str]]:
    """Of each analyzer its name, whether it is installed, and its version."""
    for tool in TOOLS:
        there = program_of(tool) is not None
        found = ""
        if there:
            with suppress(PackageNotFoundError):
                found = version(tool.package)
        yield tool.name, there, found


def program_of(tool: Tool) -> Path | None:
    """The program in the environment that reviewbot runs in. PATH and the working folder, which may be the change
    itself, are not looked at."""
    folders = [Path(place, tool.inside) for place in _libraries()] if tool.inside else list(_programs())
    for folder in folders:
        file = folder / (tool.program or tool.name)
        if file.is_absolute() and file.is_file() and os.access(file, os.X_OK):
            return file
    return None


def _programs() -> Iterator[Path]:
    if sys.executable:
        yield Path(sys.executable).parent
    yield Path(sysconfig.get_path("scripts"))
    if site.ENABLE_USER_SITE:
        yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))


def _libraries() -> Iterator[Path]:
    yield Path(sysconfig.get_path("platlib"))
    yield Path(sysconfig.get_path("purelib"))
    if site.ENABLE_USER_SITE:
        yield Path(sysconfig.get_path("platlib", sysconfig.get_preferred_scheme("user")))


@dataclass(frozen=True, slots=True)
class Installed:
    """An `Analyzer`: a tool of the catalogue, and where its program is."""

    tool: Tool
    program: Path

    @property
    def name(self) -> str:
        return self.tool.name

    def wants(self, path: str) -> bool:
        return self.tool.place(path, 0) is not None

    async def analyze(self, files: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        """See `Analyzer`. At most MOST_READ bytes in MOST_FILES files; more is an error, so that none is left out
        unseen."""
        placed = {name: path for n, path in enumerate(files) if (name := self.tool.place(path, n))}
        if not placed:
            return ()
        if len(placed) > MOST_FILES or sum(len(files[path]) for path in placed.values()) > MOST_READ:
            raise AnalyzerError(f"there are more than {MOST_FILES:,} files or {MOST_READ:,} bytes.")
        with suppress(OSError):  # another system than Linux has other guards, or none
            hide_from_children()
        try:
            folder = await anyio.to_thread.run_sync(_scratch_folder)
        except OSError as error:
            raise AnalyzerError(f"there is no scratch folder: {error.strerror}.") from None
        try:
            scratch = Path(folder.name)
            texts = {name: files[path] for name, path in placed.items()}
            await anyio.to_thread.run_sync(lay_out, scratch, texts, self.tool.own)
            output = await self._written(scratch, sorted(placed))
        except OSError as error:
            raise AnalyzerError(f"its scratch folder cannot be used: {error.strerror}.") from None
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(folder.cleanup)
        if not output:
            return ()
        prefix = scratch / "files"
        real = placed | {str(prefix / name): path for name, path in placed.items()}
        lines = {path: files[path].count(b"\n") + (not files[path].endswith(b"\n")) for path in placed.values()}
        return diagnostics(self.tool, output, real, lines)

    async def _written(self, scratch: Path, names: Sequence[str]) -> bytes:
        """What the tool writes about the files; nothing when none of them is of its kind."""
        arguments = [each.replace("{own}", str(scratch / "own")) for each in self.tool.arguments]
        code, output = await confined(scratch, self.program, [*arguments, *(["."] if self.tool.whole else names)])
        if code in self.tool.nothing:
            return b""
        if code == CANNOT_START:
            raise AnalyzerError("it cannot be started here.")
        if code not in self.tool.answers:
            ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with {code}"
            raise AnalyzerError(f"it {ended}.")
        return output


def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    real = os.path.realpath(tempfile.gettempdir())  # a tool may name its files by the path without links
    return tempfile.TemporaryDirectory(prefix="reviewbot-analyzer-", dir=real, ignore_cleanup_errors=True)


def lay_out(scratch: Path, files: Mapping[str, bytes], own: Mapping[str, str]) -> None:
    """Fill a scratch folder for `confined`: files/ to look at, own/ for configuration of ours, tmp/ to write to."""
    for folder in ("files", "own", "tmp"):
        (scratch / folder).mkdir()
    for name, text in files.items():
        file = scratch / "files" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(_evened(text))
    for name, words in own.items():
        (scratch / "own" / name).write_text(words, encoding="utf-8")


def _evened(text: bytes) -> bytes:
    """UTF-8 with the same lines, whatever it was: one file that a tool cannot read would hide all others from it."""
    return _OTHER_LINES.sub(b" ", text.decode("utf-8", "replace").encode())


async def confined(
    scratch: Path, program: Path, arguments: Sequence[str], seconds: float = SECONDS, most: int = MOST_WRITTEN
) -> tuple[int, bytes]:
    """Exit code and standard output of a program that `launch.py` confines to the scratch folder. It and all that it
    started are killed at the end, on cancellation, at the time limit and past ``most`` bytes; the last two are an
    AnalyzerError."""
    try:
        process = await anyio.open_process(
            [sys.executable, "-I", "-S", _LAUNCH, str(scratch), str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=scratch,
            start_new_session=True,
        )
    except OSError as error:
        raise AnalyzerError(f"it cannot be started: {error.strerror}.") from None
    try:
        with anyio.fail_after(seconds):
            output = await _all_of(process, most)
            return await process.wait(), output
    except TimeoutError:
        raise AnalyzerError(f"it took more than {seconds:g} s.") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.aclose()


async def _all_of(process: Process, most: int) -> bytes:
    chunks: list[bytes] = []
    left = most
    if process.stdout is not None:
        async for chunk in process.stdout:
            left -= len(chunk)
            if left < 0:
                raise AnalyzerError(f"it wrote more than {most:,} bytes.")
            chunks.append(chunk)
    return b"".join(chunks)


async def confinements() -> Mapping[str, str]:
    """Each confinement of `launch.py`, and why it does not hold on this machine; "" where it does."""
    with _scratch_folder() as folder:
        scratch = Path(folder)
        lay_out(scratch, {}, {})
        words = [sys.executable, "-I", "-S", _LAUNCH, "--holds", str(scratch)]
        try:
            done = await anyio.run_process(words, stderr=subprocess.DEVNULL, env={}, check=False)
            found = loads(done.stdout)
        except (OSError, ValueError) as error:
            return {"all": f"the launcher does not answer: {type(error).__name__}"}
    return {str(name): str(reason) for name, reason in found.items()} if isinstance(found, dict) else {}
