"""Where a run stands and why nothing was reviewed; the processes of a server, and leases among them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("url", sa.String(400)))
    op.add_column("runs", sa.Column("stage", sa.String(20)))
    op.add_column("runs", sa.Column("done", sa.Integer))
    op.add_column("runs", sa.Column("total", sa.Integer))
    op.add_column("runs", sa.Column("note", sa.Text))
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_table(
        "processes",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("ends_at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("processes")
    op.drop_index("runs_by_status", "runs")
    for name in ("url", "stage", "done", "total", "note"):
        op.drop_column("runs", name)
