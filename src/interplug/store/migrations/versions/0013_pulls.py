"""How the reading of partners' lists stands, so that it goes on where it ended, and what whole lists lacked."""

import sqlalchemy as sa
from alembic import op

revision = "0013_pulls"
down_revision = "0012_log_levels"


def part(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, nullable=False)


def named(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def doc() -> sa.Column[bytes]:
    return sa.Column("doc", sa.LargeBinary, nullable=False)


def upgrade() -> None:
    op.create_table("pull", part("connection"), named("module"), doc())
    op.create_table("pull_page", part("connection"), named("module"), part("page"), doc())
    op.create_table("absent", part("connection"), named("module"), part("object"), sa.Column("since", sa.BigInteger, nullable=False))
