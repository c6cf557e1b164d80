"""Workers on Postgres notice when one of them is gone for good: DBOS leaves that to a service that is sold.

A worker holds an advisory lock named after its id for as long as it has its connection; the server frees it when the
process is gone, and after some seconds of silence when the machine is. Who owns jobs under way while the lock can be
had by others, twice and some seconds apart, is dead. A worker wrongly taken for dead loses nothing: the database lets
it write no more results of the jobs that were taken over.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from reviewbot.errors import StoreError

if TYPE_CHECKING:
    from psycopg import Connection

_IDLE, _BETWEEN, _PROBES = 5, 2, 3  # seconds, seconds and how many: the silence of a lost machine is noticed in 11
_log = logging.getLogger(__name__)


class Liveness:
    """``owners`` names the workers that have jobs under way, ``take_over`` puts those of a dead one back in their
    queues and says how many, ``mend`` looks after our own; they are called from a thread and may raise StoreError."""

    def __init__(
        self,
        url: str,
        worker_id: str,
        *,
        owners: Callable[[], Collection[str]],
        take_over: Callable[[str], int],
        mend: Callable[[], None],
        dead_after: float,
    ) -> None:
        self.url = url
        self.worker_id = worker_id
        self._owners = owners
        self._take_over = take_over
        self._mend = mend
        self._between = dead_after / 2
        self._suspects: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="liveness")
        self._connection: Connection[Any] | None = None

    def hold(self, patience: float) -> None:
        """Wait until nobody else has our id, so that a predecessor that still drains and we never run together.

        Raises StoreError when that takes longer than ``patience`` seconds.
        """
        import psycopg

        give_up = time.monotonic() + patience
        try:
            while not self._held():
                if time.monotonic() > give_up:
                    self._close()
                    raise StoreError(
                        f"Another worker has the id {self.worker_id}.", remedy="Give each worker an id of its own."
                    )
                time.sleep(0.5)
        except psycopg.Error as error:
            raise StoreError(f"The job database failed: {error}.", remedy="Look at the database's address.") from error

    def start(self) -> None:
        """Watch from now on; `hold` comes first."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the id: whatever is still ours may be taken over."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._close()

    def _run(self) -> None:
        import psycopg

        pause = self._between
        while not self._stop.wait(pause):
            try:
                pause = 1.0
                if self._held() and self._connection:
                    self._sweep(self._connection)
                    self._mend()
                    pause = self._between
            except (psycopg.Error, StoreError) as error:
                _log.warning("liveness: %s", error)
                self._close()
                self._suspects.clear()

    def _sweep(self, connection: Connection[Any]) -> None:
        others = set(self._owners()) - {self.worker_id}
        self._suspects = {name: since for name, since in self._suspects.items() if name in others}
        for name in others:
            if not _lock(connection, name):
                self._suspects.pop(name, None)
                continue
            try:
                since = self._suspects.setdefault(name, time.monotonic())
                if time.monotonic() - since > self._between * 0.9:
                    _log.warning("worker %s is gone: %d of its jobs are taken over", name, self._take_over(name))
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s)", (_key(name),))

    def _held(self) -> bool:
        """Whether our id is ours on a connection that lives; it is asked for again after a loss."""
        if self._connection is not None:
            self._connection.execute("SELECT true")
            return True
        import psycopg

        self._connection = psycopg.connect(
            self.url,
            autocommit=True,
            keepalives_idle=_IDLE,
            keepalives_interval=_BETWEEN,
            keepalives_count=_PROBES,
            options=f"-c tcp_keepalives_idle={_IDLE} -c tcp_keepalives_interval={_BETWEEN} "
            f"-c tcp_keepalives_count={_PROBES}",
        )
        if _lock(self._connection, self.worker_id):
            return True
        self._close()
        return False

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _lock(connection: Connection[Any], name: str) -> bool:
    """Try to get the lock of that worker."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(name),)).fetchone()
    return bool(row and row[0])


def _key(name: str) -> int:
    """The name as the number that advisory locks have."""
    return int.from_bytes(hashlib.sha256(b"reviewbot worker " + name.encode()).digest()[:8], "big", signed=True)
