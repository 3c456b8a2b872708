"""What drivers are told of a drive: by which browsers and whether by e-mail, what waits to be told, and what has been."""

import sqlalchemy as sa
from alembic import op

revision = "0028_notices"
down_revision = "0027_drives_at_terminals"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def upgrade() -> None:
    # A browser that wants to be told: its push service, and the keys with which nobody else can read it.
    op.create_table("browser", key("endpoint"), text("driver"), text("public_key"), text("secret"), text("language"), number("created_at"))
    op.create_index("browser_driver", "browser", ["driver"])
    op.create_table("mailed", key("driver"), text("language"))
    op.create_table(
        "notice",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        text("endpoint"),
        text("document"),
        number("tries"),
        number("due_at"),
        number("until"),
        sqlite_autoincrement=True,
    )
    op.create_index("notice_due", "notice", ["due_at", "no"])
    op.create_table("told", key("drive"), key("what"), number("at"))
    op.create_index("told_at", "told", ["at"])
