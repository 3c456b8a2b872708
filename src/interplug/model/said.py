"""What is said to people, so that whoever shows it can say it in another language: a text in English that still knows its parts.

A `Said` is a string like any other for who stores, compares or sends it. Its `template` is what translators see, with the places of its
`values` in braces; a value that is a `Said` is translated with it, a `Figure` is written as the language writes numbers, anything else
(names, words of an operator) stays as it is. No language but English is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple


class Figure(NamedTuple):
    """A number, or an amount of money, with how it is written in English."""

    value: Decimal
    text: str
    currency: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def decimals(self) -> int:
        return max(0, -int(Decimal(self.value).as_tuple().exponent))


class Said(str):
    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, values: Mapping[str, object]) -> Said:
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made


def said(template: str, /, **values: object) -> Said:
    """Marks a text for the translators, too: the template has to stand here as it is."""
    return Said(template, values)


def joined(between: str, parts: Iterable[str]) -> Said:
    """Texts one after the other."""
    values = {f"part{place}": part for place, part in enumerate(parts)}
    return Said(between.join(f"{{{name}}}" for name in values), values)
