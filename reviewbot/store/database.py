"""One database as a store uses it: opened at the first use, one transaction to a call, its errors told as ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from reviewbot.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_T = TypeVar("_T")
_REMEDY = "Look at the disk and at REVIEWBOT_DATABASE_URL; `reviewbot doctor` tries it."


class Database:
    """``url`` is SQLAlchemy's, ``name`` what errors call it. Blocks: call `run` in a thread, of any number."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    def run(self, work: Callable[[Connection], _T], *, collisions: int = 0) -> _T:
        """One transaction. It is begun again up to ``collisions`` times when another process wrote the same row just
        before. Raises StoreError."""
        from sqlalchemy.exc import DBAPIError, IntegrityError

        while True:
            try:
                with self._opened().begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if isinstance(error, IntegrityError) and collisions:
                    collisions -= 1
                    continue
                said = str(error.orig).splitlines()[0]
                raise StoreError(f"The {self._name} failed: {said}.", remedy=_REMEDY) from error

    def _opened(self) -> Engine:
        from reviewbot.store.schema import open_engine

        with self._opening:
            if self._engine is None:
                self._engine = open_engine(self._url)
            return self._engine
