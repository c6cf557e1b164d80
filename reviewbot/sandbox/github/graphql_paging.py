"""GraphQL's connections and errors: pages of a list by cursor, with GitHub's own limits."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Fields = dict[str, Any]
_MOST_RECORDS = 100


class Problem(Exception):
    """An entry of ``errors``; ``kind`` is GitHub's ``type``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def connection(name: str, items: Sequence[Any], shape: Callable[[Any], Fields]) -> Callable[..., Fields]:
    """A connection's resolver: one page of a list, by ``first`` and ``after`` or by ``last`` and ``before``."""

    def resolve(_info: object, **arguments: Any) -> Fields:
        start, stop = _window(name, len(items), arguments)
        info = {
            "hasNextPage": stop < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(start) if stop > start else None,
            "endCursor": _cursor(stop - 1) if stop > start else None,
        }
        return {"nodes": [shape(item) for item in items[start:stop]], "pageInfo": info, "totalCount": len(items)}

    return resolve


def _cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def _index(cursor: str | None, otherwise: int) -> int:
    if cursor is None:
        return otherwise
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("cursor:"))
    except ValueError:
        raise Problem("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None


def _window(name: str, total: int, arguments: Fields) -> tuple[int, int]:
    """The slice of a list that a connection's arguments ask for; GitHub wants a size, and none over 100."""
    first, last = arguments.get("first"), arguments.get("last")
    size = first if first is not None else last
    if size is None:
        said = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise Problem("MISSING_PAGINATION_BOUNDARIES", said)
    which = "first" if first is not None else "last"
    if size > _MOST_RECORDS:
        said = f"Requesting {size} records on the `{name}` connection exceeds the `{which}` limit of 100 records."
        raise Problem("EXCESSIVE_PAGINATION", said)
    if size < 0:
        raise Problem("ARGUMENT_OUT_OF_RANGE", f"`{which}` on the `{name}` connection cannot be less than zero.")
    start = _index(arguments.get("after"), -1) + 1
    stop = _index(arguments.get("before"), total)
    if first is not None:
        return start, max(start, min(start + size, stop, total))
    return max(start, stop - size), stop
