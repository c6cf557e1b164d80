"""RunStore in a SQL database: paid answers, and what became of every run and finding.

SQLAlchemy blocks, so each call runs in a worker thread; the database is opened, and migrated, at the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from anyio.to_thread import run_sync

from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Usage
from reviewbot.core.findings.identity import Wordings
from reviewbot.core.findings.triage import sure
from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.errors import StoreError
from reviewbot.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_T = TypeVar("_T")
ANSWERS_KEPT = timedelta(days=30)
_MOST_DISMISSALS = 5_000
_MOST_WORDINGS = 500  # of one pull request, the newest
_SPENT = ("requests", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cost_usd")
_OF_AN_ATTEMPT = (
    "verdict",
    "error",
    "finished_at",
    "changed_lines",
    "reviewed_lines",
    "stage",
    "done",
    "total",
    "note",
)


class SqlRunStore:
    """``url`` is SQLAlchemy's; ``now`` gives the time in UTC. Answers are kept for ``kept``."""

    def __init__(
        self, url: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), kept: timedelta = ANSWERS_KEPT
    ) -> None:
        self.url = url
        self._kept = kept
        self._now = now
        self._database = Database(url, "run database")

    async def answer(self, key: str, *, only_of: str = "") -> Answer | None:
        """The paid answer of this request, if it is not too old, marked as reused."""

        def read(connection: Connection) -> Answer | None:
            from reviewbot.store.tables import answers

            wanted = [answers.c.request_key == key, answers.c.created_at >= self._stamp() - self._kept]
            wanted += [answers.c.run_id == only_of] if only_of else []
            row = connection.execute(answers.select().where(*wanted)).mappings().first()
            return _answer(dict(row)) if row else None

        return await self._do(read)

    async def keep_answer(self, run_id: str, key: str, answer: Answer) -> None:
        """Store a paid answer; one of the same request is replaced. Old ones are deleted on the way."""

        def write(connection: Connection) -> None:
            from reviewbot.store.tables import answers

            connection.execute(answers.delete().where(answers.c.created_at < self._stamp() - self._kept))
            connection.execute(answers.delete().where(answers.c.request_key == key))
            connection.execute(answers.insert().values(_storable(_answer_row(run_id, key, answer, self._stamp()))))

        await self._do(write)

    async def start_run(self, run_id: str, pull: PullRequest, model: str) -> None:
        """A further attempt finds what the earlier ones spent: what they booked or, when their process died, what the
        answers cost that they kept."""

        def write(connection: Connection) -> None:
            from reviewbot.store.tables import findings, runs

            before = _spent_before(connection, run_id)
            connection.execute(findings.delete().where(findings.c.run_id == run_id))
            values = {
                "target": pull.label,
                "url": pull.html_url[:400] or None,
                "head_sha": pull.head_sha,
                "model": model,
                "status": "running",
                "started_at": self._stamp(),
            }
            values = _storable({**dict.fromkeys(_OF_AN_ATTEMPT), **values, **before})
            if before:
                connection.execute(runs.update().where(runs.c.id == run_id).values(values))
            else:
                connection.execute(runs.insert().values(id=run_id, **values))

        await self._do(write)

    async def note_progress(self, run_id: str, stage: str, done: int, total: int) -> None:
        await self._update(run_id, {"stage": stage, "done": done, "total": total})

    async def finish_run(self, outcome: ReviewOutcome) -> None:
        """Book the outcome, with the fate of every finding."""

        def write(connection: Connection) -> None:
            from reviewbot.store.tables import findings, runs

            row = {**_run_row(outcome), **_with_before(connection, outcome.run_id, outcome.usage, outcome.cost_usd)}
            if outcome.draft and outcome.draft.state and _is_told(outcome):
                row["state"] = outcome.draft.state
            values = _storable(row) | {"finished_at": self._stamp()}
            connection.execute(runs.update().where(runs.c.id == outcome.run_id).values(values))
            rows = _finding_rows(outcome)
            if rows:
                connection.execute(findings.insert(), [_storable(row) for row in rows])
            _keep_dismissals(connection, outcome)

        await self._do(write)

    async def book_posted(self, run_id: str, posted: Posted, state: str = "") -> None:
        def write(connection: Connection) -> None:
            from reviewbot.store.tables import findings, runs

            if state and posted != Posted():
                connection.execute(runs.update().where(runs.c.id == run_id).values(state=state))
            if not posted.review_url:  # a summary or a check run, or only word that the job was given up
                return
            connection.execute(runs.update().where(runs.c.id == run_id).values(review_url=posted.review_url))
            kept = (findings.c.run_id == run_id, findings.c.decision == "kept")
            connection.execute(findings.update().where(*kept).values(decision="posted"))

        await self._do(write)

    async def reviewed_state(self, pull: PullRequest) -> str:
        """Told apart by the page of the pull request, which names the host too."""

        def read(connection: Connection) -> str:
            from sqlalchemy import func, select

            from reviewbot.store.tables import runs

            mine = (runs.c.target == pull.label, runs.c.url == (pull.html_url[:400] or None), runs.c.state.is_not(None))
            # A run that is tried again has not finished, and databases do not agree where such a row sorts.
            when = func.coalesce(runs.c.finished_at, runs.c.started_at)
            newest = select(runs.c.state).where(*mine).order_by(when.desc(), runs.c.id.desc()).limit(1)
            return str(connection.execute(newest).scalar() or "")

        return await self._do(read)

    async def wordings(self, pull: PullRequest) -> Wordings:
        def read(connection: Connection) -> Wordings:
            from sqlalchemy import select

            from reviewbot.store.tables import findings, runs

            mine = (runs.c.target == pull.label, runs.c.url == (pull.html_url[:400] or None))
            rows = (
                select(findings.c.fingerprint, findings.c.title, findings.c.body)
                .join(runs, runs.c.id == findings.c.run_id)
                .where(*mine, findings.c.body.is_not(None))
                .order_by(findings.c.id.desc())
                .limit(_MOST_WORDINGS)
            )
            found: dict[str, list[tuple[str, str]]] = {}
            for mark, title, body in reversed(connection.execute(rows).all()):
                found.setdefault(mark, []).append((title, body))
            return found

        return await self._do(read)

    async def dismissals(self, pull: PullRequest) -> Sequence[tuple[str, str]]:
        def read(connection: Connection) -> Sequence[tuple[str, str]]:
            from sqlalchemy import select

            from reviewbot.store.tables import dismissals as table

            others = (table.c.repository == _repository(pull), table.c.target != _page(pull))
            rows = connection.execute(select(table.c.category, table.c.path).where(*others).limit(_MOST_DISMISSALS))
            return [(category, path) for category, path in rows]

        return await self._do(read)

    async def fail_run(self, run_id: str, error: str, usage: Usage, cost_usd: float) -> None:
        def write(connection: Connection) -> None:
            from reviewbot.store.tables import runs

            ended = {"status": "failed", "error": error, "finished_at": self._stamp()}
            values = _storable({**ended, **_with_before(connection, run_id, usage, cost_usd)})
            connection.execute(runs.update().where(runs.c.id == run_id).values(values))

        await self._do(write)

    async def prune(self, before: datetime) -> int:
        """Delete runs that began before, with their findings, and answers and talks of that age; how many runs."""

        def write(connection: Connection) -> int:
            from reviewbot.store.tables import answers, runs, talks

            line = before.astimezone(UTC).replace(tzinfo=None)
            connection.execute(answers.delete().where(answers.c.created_at < line))
            connection.execute(talks.delete().where(talks.c.created_at < line))
            return connection.execute(runs.delete().where(runs.c.started_at < line)).rowcount

        return await self._do(write)

    async def list_runs(self, limit: int) -> list[Mapping[str, Any]]:
        """The newest runs, as rows."""

        def read(connection: Connection) -> list[Mapping[str, Any]]:
            from reviewbot.store.tables import runs

            query = runs.select().order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
            return [dict(row) for row in connection.execute(query).mappings()]

        return await self._do(read)

    async def show_run(self, run_id: str) -> Mapping[str, Any]:
        """One run with its ``answers`` and ``findings``. Raises StoreError when there is none of that name."""

        def read(connection: Connection) -> Mapping[str, Any]:
            from reviewbot.store.tables import answers, findings, runs

            row = connection.execute(runs.select().where(runs.c.id == run_id)).mappings().first()
            if row is None:
                raise StoreError(f"There is no run {run_id!r}.", remedy="`reviewbot runs list` names the runs.")
            asked = connection.execute(answers.select().where(answers.c.run_id == run_id)).mappings()
            found = connection.execute(findings.select().where(findings.c.run_id == run_id)).mappings()
            return {**row, "answers": [dict(item) for item in asked], "findings": [dict(item) for item in found]}

        return await self._do(read)

    async def _update(self, run_id: str, values: Mapping[str, Any]) -> None:
        def write(connection: Connection) -> None:
            from reviewbot.store.tables import runs

            connection.execute(runs.update().where(runs.c.id == run_id).values(_storable(values)))

        await self._do(write)

    def _stamp(self) -> datetime:
        return self._now().astimezone(UTC).replace(tzinfo=None)

    async def _do(self, work: Callable[[Connection], _T]) -> _T:
        return await run_sync(self._database.run, work)


def _spent_before(connection: Connection, run_id: str) -> dict[str, Any]:
    """What earlier attempts at the run used and spent; empty when there was none."""
    from sqlalchemy import func, select

    from reviewbot.store.tables import answers, runs

    row = connection.execute(runs.select().where(runs.c.id == run_id)).mappings().first()
    if row is None:
        return {}
    sums = [func.sum(answers.c[name]).label(name) for name in _SPENT]
    kept = connection.execute(select(*sums).where(answers.c.run_id == run_id)).mappings().one()
    # What was booked holds failed answers too; what a process that died spent, only its kept answers tell.
    return {name: max(row[name] or 0, kept[name] or 0) for name in _SPENT}


def _with_before(connection: Connection, run_id: str, usage: Usage, cost_usd: float | None) -> dict[str, Any]:
    """The figures of this attempt, added to those that the run began with. A price that is not known stays unknown."""
    from reviewbot.store.tables import runs

    row = connection.execute(runs.select().where(runs.c.id == run_id)).mappings().first()
    before: Mapping[str, Any] = dict(row) if row else {}
    now = {**_usage_row(usage), "cost_usd": cost_usd}
    return {name: None if value is None else value + (before.get(name) or 0) for name, value in now.items()}


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with texts that any database takes: a lone surrogate does not encode, and Postgres keeps no NUL."""
    return {name: _text(value) if isinstance(value, str) else value for name, value in values.items()}


def _text(value: str) -> str:
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def _answer(row: Mapping[str, Any]) -> Answer:
    usage = Usage(
        row["requests"], row["input_tokens"], row["output_tokens"], row["cached_input_tokens"], row["reasoning_tokens"]
    )
    return Answer(row["text"], row["model"], usage, row["cost_usd"], row["response_id"], reused=True)


def _answer_row(run_id: str, key: str, answer: Answer, stamp: datetime) -> dict[str, Any]:
    return {
        "request_key": key,
        "run_id": run_id,
        "text": answer.text,
        "model": answer.model,
        "response_id": answer.response_id,
        "cost_usd": answer.cost_usd,
        "created_at": stamp,
        **_usage_row(answer.usage),
    }


def _usage_row(usage: Usage) -> dict[str, Any]:
    return {
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _run_row(outcome: ReviewOutcome) -> dict[str, Any]:
    return {
        "status": "finished",
        "verdict": outcome.verdict,
        "model": outcome.model,
        "changed_lines": outcome.coverage.changed_lines,
        "reviewed_lines": outcome.coverage.reviewed_lines + outcome.coverage.earlier_lines,
        "cost_usd": outcome.cost_usd,
        "review_url": outcome.posted.review_url if outcome.posted else None,
        "note": outcome.skip_reason or None,
    }


def _page(pull: PullRequest) -> str:
    return (pull.html_url or pull.label)[:400]


def _repository(pull: PullRequest) -> str:
    """With the host, where it is known."""
    return _page(pull).rpartition("/pull/")[0] or pull.base_repo


def _keep_dismissals(connection: Connection, outcome: ReviewOutcome) -> None:
    """Each once, however many runs see it."""
    from reviewbot.store.tables import dismissals as table

    target = _page(outcome.pull)
    for mark, category, path in {each[0]: each for each in outcome.dismissed if each[1]}.values():
        mine = (table.c.target == target, table.c.fingerprint == mark)
        connection.execute(table.delete().where(*mine))
        values = {"repository": _repository(outcome.pull), "category": category, "path": path}
        connection.execute(table.insert().values(target=target, fingerprint=mark, **_storable(values)))


def _is_told(outcome: ReviewOutcome) -> bool:
    """Whether anything of it stands on GitHub: a dry run writes nothing."""
    return outcome.posted is not None and outcome.posted != Posted()


def _finding_rows(outcome: ReviewOutcome) -> list[dict[str, Any]]:
    told_again = {id(item.placed) for item in outcome.rejected if sure(item)}
    fates = [(item, "posted" if _is_told(outcome) else "kept", "") for item in outcome.findings]
    fates += [(item.placed, item.reason.value, item.detail) for item in outcome.rejected]
    return [
        {
            "run_id": outcome.run_id,
            "fingerprint": placed.fingerprint,
            "path": placed.location.path,
            "line": placed.location.line,
            "side": placed.location.side.value,
            "severity": placed.finding.severity.value,
            "title": placed.finding.title,
            "placement": placed.location.step.value,
            "decision": decision,
            "detail": detail,
            "body": placed.finding.body if id(placed) in told_again else None,
        }
        for placed, decision, detail in fates
    ]
