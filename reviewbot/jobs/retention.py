"""Deletes jobs that ended long ago."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reviewbot.jobs.job import names
from reviewbot.jobs.workflows import ACTIVE, ENDED, TURN, seen_id

_MOST_TOGETHER = 500


def delete_ended(line: datetime) -> int:
    """Delete the jobs all of whose attempts ended before."""
    from dbos import DBOS

    plain: dict[str, Any] = {"name": TURN, "load_input": False, "load_output": False}
    stamp = line.isoformat()
    kept = DBOS.list_workflows(status=ACTIVE, **plain) + DBOS.list_workflows(completed_after=stamp, **plain)
    living = {names(row.workflow_id)[:2] for row in kept}
    ended = DBOS.list_workflows(status=ENDED, completed_before=stamp, **plain)
    ids = [row.workflow_id for row in ended if names(row.workflow_id)[:2] not in living]
    for start in range(0, len(ids), _MOST_TOGETHER):
        those = ids[start : start + _MOST_TOGETHER]
        DBOS.delete_workflows([*those, *map(seen_id, those)], delete_children=True)
    return len(ids)
