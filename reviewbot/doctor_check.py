"""One thing that doctor looked at, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. A ``problem`` stops a review, a ``warning`` will or limits one. The first word of ``name``
    says whose fault a problem is: GitHub's, git's, the provider's, or that of this deployment."""

    name: str
    state: Literal["ok", "warning", "problem"]
    detail: str
    remedy: str = ""
