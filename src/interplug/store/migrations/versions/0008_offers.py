"""What an eMSP sells: its offers as they held over time, the one under which a drive was started, and what was billed for each CDR."""

import sqlalchemy as sa
from alembic import op

revision = "0008_offers"
down_revision = "0007_cdr_checks"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def upgrade() -> None:
    # Nothing is changed in place: what held when a session started can be told for ever. `until` is 0 while it holds.
    op.create_table(
        "offer",
        sa.Column("no", sa.Integer, primary_key=True),
        text("id"),
        number("since"),
        number("until"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("offer_id", "offer", ["until", "id"])
    # `null`, as JSON: the drives until now were started at the operators' prices.
    null = "x'6e756c6c'" if op.get_bind().dialect.name == "sqlite" else "'null'"
    op.add_column("drive", sa.Column("offer", sa.LargeBinary, nullable=False, server_default=sa.text(null)))
    # Amounts as text, to the last digit; null is unknown, which is not zero.
    op.create_table(
        "bill",
        sa.Column("cdr", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        number("cdr_no"),
        number("source"),
        text("cdr_id"),
        text("credits"),
        text("drive"),
        text("contract"),
        text("offer"),
        text("kwh"),
        text("bought_currency"),
        text("bought_net", nullable=True),
        text("bought_gross", nullable=True),
        text("sold_currency"),
        text("sold_net", nullable=True),
        text("sold_gross", nullable=True),
        text("reason"),
        number("ended_at"),
        number("billed_at"),
        sa.Column("lines", sa.LargeBinary, nullable=False),
    )
    op.create_index("bill_drive", "bill", ["drive", "cdr"])
    op.create_index("bill_cdr_id", "bill", ["source", "cdr_id"])
    op.create_index("bill_credits", "bill", ["source", "credits"])
    op.create_index("bill_ended", "bill", ["ended_at"])
