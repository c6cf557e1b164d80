"""Where a run stands, its page, and why nothing was reviewed."""

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


def downgrade() -> None:
    op.drop_index("runs_by_status", "runs")
    for name in ("url", "stage", "done", "total", "note"):
        op.drop_column("runs", name)
