"""Pure: git's quoting of odd paths, undone."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-7]{1,3})')
_ESCAPED = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13, b'"': 34, b"\\": 92}


def unquote(name: bytes) -> bytes:
    """Undo git's C-style quoting (core.quotePath); a name without quotes comes back as it is."""
    if len(name) < 2 or name[:1] != b'"' or name[-1:] != b'"':
        return name
    return _ESCAPE.sub(lambda match: bytes([_ESCAPED.get(match[1]) or int(match[1], 8) & 255]), name[1:-1])
