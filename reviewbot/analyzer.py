"""The seam between a review and a program that looks at code without a model: Analyzer.

Beside `ports.py` and not in it, because a review can be understood without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reviewbot.core.context.evidence import Diagnostic


class Analyzer(Protocol):
    """One static analyzer."""

    @property
    def name(self) -> str: ...

    def wants(self, path: str) -> bool:
        """Whether it has something to say of a file of this name."""
        ...

    async def analyze(self, files: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        """What it says of the files, by path. Raises AnalyzerError."""
        ...
