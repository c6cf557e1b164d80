"""An analyzer that says what it is told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewbot.core.context.evidence import Diagnostic
from reviewbot.errors import AnalyzerError


@dataclass(frozen=True, slots=True)
class FakeAnalyzer:
    """Wants files with this ``ending``, and finds a bug on each line that holds ``word``; or fails with ``error``."""

    name: str = "fake"
    ending: str = ".py"
    word: bytes = b"BUG"
    certain: bool = True
    error: AnalyzerError | None = None

    def wants(self, path: str) -> bool:
        return path.endswith(self.ending)

    async def analyze(self, files: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        if self.error:
            raise self.error
        return tuple(
            Diagnostic(self.name, "F001", path, n, n, "This is a bug", "error", self.certain, "bug", "This is a bug")
            for path, text in files.items()
            if self.wants(path)
            for n, line in enumerate(text.split(b"\n"), 1)
            if self.word in line
        )
