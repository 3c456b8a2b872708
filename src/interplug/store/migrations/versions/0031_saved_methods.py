"""Ways to pay that a driver has had remembered at the payment provider, and the invoices of a contract, which of them were paid."""

import sqlalchemy as sa
from alembic import op

revision = "0031_saved_methods"
down_revision = "0030_unwanted"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def upgrade() -> None:
    # `customer` is empty until the provider has made one, `driver` once the account is erased.
    op.create_table(
        "payer",
        key("id"),
        text("driver"),
        text("provider"),
        text("customer"),
        number("look_at"),
        number("woken"),
        number("tries"),
        number("erased_at"),
    )
    op.create_index("payer_driver", "payer", ["driver"])
    op.create_index("payer_customer", "payer", ["customer"])
    op.create_index("payer_look", "payer", ["look_at"])
    # No number of a card: what the provider says may be shown. `ended_at`: the provider has to forget it.
    op.create_table(
        "saved_method",
        key("id"),
        text("payer"),
        text("reference"),
        text("mark"),
        text("brand"),
        text("last4"),
        number("month"),
        number("year"),
        number("saved_at"),
        number("usual_at"),
        number("ended_at"),
    )
    op.create_index("saved_method_payer", "saved_method", ["payer"])
    op.add_column("payment", sa.Column("customer", sa.Text, nullable=False, server_default=""))
    op.add_column("payment", sa.Column("method", sa.Text, nullable=False, server_default=""))
    op.create_index("payment_customer", "payment", ["customer"])
    # An invoice is never changed: that it was paid stands beside it.
    op.create_table(
        "invoice_paid",
        key("series"),
        sa.Column("no", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        number("at"),
        text("how"),
    )
    op.create_index("invoice_contract", "invoice", ["contract", "issued_at"])
