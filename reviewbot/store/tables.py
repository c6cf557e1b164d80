"""The tables of the run database. Migrations make them; a test holds the two equal."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("target", String(400), nullable=False),
    Column("head_sha", String(64), nullable=False),
    Column("model", String(200), nullable=False),
    Column("status", String(20), nullable=False),  # running, finished, failed
    Column("verdict", String(20)),
    Column("error", Text),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("changed_lines", Integer),
    Column("reviewed_lines", Integer),
    Column("requests", Integer),
    Column("input_tokens", Integer),
    Column("cached_input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("cost_usd", Float),
    Column("review_url", String(400)),
    Column("url", String(400)),  # the pull request's page
    Column("stage", String(20)),
    Column("done", Integer),
    Column("total", Integer),
    Column("note", Text),  # why nothing was reviewed
    Column("state", Text),  # what a posted run has read, as a marker
    Index("runs_by_start", "started_at"),
    Index("runs_by_status", "status"),
)

answers = Table(
    "answers",
    metadata,
    Column("request_key", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("model", String(200), nullable=False),
    Column("response_id", String(200), nullable=False),
    Column("requests", Integer, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("cached_input_tokens", Integer),
    Column("output_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer),
    Column("cost_usd", Float),
    Column("created_at", DateTime, nullable=False),
    Index("answers_by_age", "created_at"),
    Index("answers_by_run", "run_id"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer),
    Column("side", String(5), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("placement", String(20), nullable=False),
    Column("decision", String(40), nullable=False),  # posted, kept (a dry run, a work tree), or the reason why not
    Column("detail", Text, nullable=False),
    Column("body", Text),  # of one that was surely told before, for the words
    Index("findings_by_run", "run_id"),
)

_UNDONE = text("job IS NOT NULL AND dispatched_at IS NULL")
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("event", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("installation_id", BigInteger),
    Column("repository", String(201), nullable=False),
    Column("number", Integer, nullable=False),
    Column("head_sha", String(64), nullable=False),
    Column("note", Text, nullable=False),  # why there is no job
    Column("received_at", DateTime, nullable=False),
    Column("job_key", String(64)),
    Column("priority", Integer),
    Column("job", Text),
    Column("dispatched_at", DateTime),
    Index("deliveries_by_age", "received_at"),
    Index("deliveries_by_job", "job_key", unique=True),
    Index("deliveries_undone", "priority", "received_at", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
)

dismissals = Table(
    "dismissals",
    metadata,
    Column("target", String(400), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("repository", String(400), nullable=False),
    Column("category", String(40), nullable=False),
    Column("path", Text, nullable=False),
    Index("dismissals_by_repository", "repository"),
)

talks = Table(
    "talks",
    metadata,
    Column("thread", String(400), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String(64), nullable=False),  # the id of the comment that was answered
    Column("login", String(100), nullable=False),
    Column("head_sha", String(64), nullable=False),
    Column("response_id", String(200), nullable=False),
    Column("items", Text, nullable=False),  # what the model put out, as a list in JSON
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Index("talks_by_age", "created_at"),
    Index("talks_by_person", "login", "created_at"),
)

processes = Table(
    "processes",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("version", String(40), nullable=False),
    Column("detail", Text, nullable=False),  # what is wrong there, or empty
    Column("started_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("ends_at", DateTime, nullable=False),
)
