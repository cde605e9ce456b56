"""Topics of any number and length, and which of them a person could have named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = ("conversations", "messages", "corrections")


def upgrade() -> None:
    """Lift the limit on topics, and add a column."""
    _change_type(sa.String(length=200), sa.String())
    op.add_column("corrections", sa.Column("own_topics", sa.String(), nullable=True))


def downgrade() -> None:
    """Take the column away, and set the limit again."""
    op.drop_column("corrections", "own_topics")
    _change_type(sa.String(), sa.String(length=200))


def _change_type(before: sa.String, after: sa.String) -> None:
    # SQLite holds nobody to a length, and could change it only by copying the tables.
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.alter_column(table, "topics", existing_type=before, type_=after)
