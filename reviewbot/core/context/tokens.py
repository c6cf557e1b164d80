"""Pure: text -> number of o200k_base tokens, offline.

The vocabulary lies in this folder. Loading it costs about half a second, so it is loaded at the first exact count and
never by an import: callers ask `upper_bound` first, which settles the matter for a small change.
"""

from __future__ import annotations

import gzip
import hashlib
from binascii import a2b_base64
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from reviewbot.errors import ReviewbotError

if TYPE_CHECKING:
    import tiktoken

_VOCABULARY = "o200k_base.tiktoken.gz"
_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
# How o200k_base cuts text into words before it looks them up: part of the vocabulary (docs/vocabulary-notice.txt).
_WORDS = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
_BLOCK = 16_000


def count_tokens(text: str) -> int:
    """Tokens of ``text`` in o200k_base; names of special tokens in it are ordinary text.

    Exact up to one block (16,000 characters). Longer texts are counted in blocks cut at line ends, as the encoder's
    time is not linear on every text; each cut can only make the sum a token or two too high.
    Raises ReviewbotError when the packaged vocabulary is damaged.
    """
    encode = _encoding().encode_ordinary
    return sum(len(encode(block)) for block in _blocks(text))


def upper_bound(text: str) -> int:
    """A number of tokens that ``text`` cannot exceed: its UTF-8 bytes, as no token is shorter than one byte."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _blocks(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _BLOCK:
        stop = text.rfind("\n", start, start + _BLOCK) + 1 or start + _BLOCK
        yield text[start:stop]
        start = stop
    yield text[start:]


@cache
def _encoding() -> tiktoken.Encoding:
    import tiktoken

    packed = resources.files("reviewbot.core.context").joinpath(_VOCABULARY).read_bytes()
    raw = gzip.decompress(packed)
    if hashlib.sha256(raw).hexdigest() != _SHA256:
        raise ReviewbotError("The packaged token vocabulary is damaged.", remedy="Install reviewbot again.")
    ranks = {a2b_base64(token): int(rank) for token, rank in (line.split() for line in raw.splitlines())}
    return tiktoken.Encoding("o200k_base", pat_str=_WORDS, mergeable_ranks=ranks, special_tokens={})
