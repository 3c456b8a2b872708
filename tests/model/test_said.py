"""A text that knows its parts is the English text to everybody else."""

from decimal import Decimal

from interplug.model.said import Figure, joined, said
from interplug.model.types import encode_json

PRICE = said("{price} per kWh", price=Figure(Decimal("0.35"), "€0.35", "EUR"))


def test_it_is_a_string_in_english() -> None:
    assert PRICE == "€0.35 per kWh" and isinstance(PRICE, str)
    assert encode_json({"price": PRICE}) == '{"price":"€0.35 per kWh"}'.encode()
    assert f"Price: {PRICE}" == "Price: €0.35 per kWh"


def test_braces_of_others_are_letters() -> None:
    assert said("a {not a place}") == "a {not a place}"
    assert said("told by {who}", who="{__class__}") == "told by {__class__}"


def test_parts_are_put_together() -> None:
    both = joined(", ", (PRICE, said("at most {price}", price=Figure(Decimal(9), "€9.00", "EUR"))))
    assert both == "€0.35 per kWh, at most €9.00"
    assert [part.template for part in both.values.values() if hasattr(part, "template")] == ["{price} per kWh", "at most {price}"]
    assert joined(", ", ()) == ""
