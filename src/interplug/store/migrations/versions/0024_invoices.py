"""Invoices, whose numbers have no gap, and what stands on them of each charge."""

import sqlalchemy as sa
from alembic import op

revision = "0024_invoices"
down_revision = "0023_payments"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    # The last number that was taken; the row is changed in the transaction that writes the invoice.
    op.create_table(
        "invoice_series",
        sa.Column("series", sa.Text, primary_key=True, nullable=False),
        number("last"),
    )
    op.create_table(
        "invoice",
        sa.Column("series", sa.Text, primary_key=True, nullable=False),
        sa.Column("no", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        text("contract"),
        text("drive"),
        number("issued_at"),
        text("currency"),
        text("net"),
        text("gross"),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_index("invoice_issued", "invoice", ["issued_at"])
    op.create_index("invoice_drive", "invoice", ["drive"])
    # What of a charge stands on which invoice: the next one has the difference.
    op.create_table(
        "invoiced",
        sa.Column("subject", sa.Text, primary_key=True, nullable=False),
        sa.Column("series", sa.Text, primary_key=True, nullable=False),
        sa.Column("no", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("rates", sa.LargeBinary, nullable=False),
    )
