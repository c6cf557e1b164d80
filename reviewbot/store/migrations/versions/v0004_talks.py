"""What a posted run has read, in what words findings were told again, what was dismissed, and talks with people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("state", sa.Text))
    op.add_column("findings", sa.Column("body", sa.Text))
    op.create_table(
        "dismissals",
        sa.Column("target", sa.String(400), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("repository", sa.String(400), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
    )
    op.create_index("dismissals_by_repository", "dismissals", ["repository"])
    op.create_table(
        "talks",
        sa.Column("thread", sa.String(400), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("login", sa.String(100), nullable=False),
        sa.Column("head_sha", sa.String(64), nullable=False),
        sa.Column("response_id", sa.String(200), nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.Integer, nullable=False),
        sa.Column("output_tokens", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_index("talks_by_age", "talks", ["created_at"])
    op.create_index("talks_by_person", "talks", ["login", "created_at"])


def downgrade() -> None:
    op.drop_table("talks")
    op.drop_table("dismissals")
    op.drop_column("findings", "body")
    op.drop_column("runs", "state")
