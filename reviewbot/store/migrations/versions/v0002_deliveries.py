"""Webhook deliveries, and the jobs that they ask for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("installation_id", sa.BigInteger),
        sa.Column("repository", sa.String(201), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("head_sha", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("job_key", sa.String(64)),
        sa.Column("priority", sa.Integer),
        sa.Column("job", sa.Text),
        sa.Column("dispatched_at", sa.DateTime),
    )
    undone = sa.text("job IS NOT NULL AND dispatched_at IS NULL")
    op.create_index("deliveries_by_age", "deliveries", ["received_at"])
    op.create_index("deliveries_by_job", "deliveries", ["job_key"], unique=True)
    op.create_index(
        "deliveries_undone", "deliveries", ["priority", "received_at"], sqlite_where=undone, postgresql_where=undone
    )


def downgrade() -> None:
    op.drop_table("deliveries")
