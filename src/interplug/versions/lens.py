"""How one difference between two versions is written down, and how it is applied.

A lens is a row for one class of objects: which fields pass and under which name, which single fields are said differently (`each`), and
at most one rule that looks at several fields (`whole`). A lens touches only keys that are present, so the same one serves a whole object
and a patch; what a whole object lacks in a version is added by a fill, which a patch never sees.

A document is never changed in place. What stays the same is shared with it, and where nothing differs the very same dict comes back: that
is what makes `chain.same` both exact and cheap. This file knows no version, no module and no field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import is_
from typing import Any

from .facts import REMOVE, WITHHELD, Document, Facts

# (value, facts) -> the new value; None takes the field away (in a list: the item), WITHHELD the whole object around it.
Step = Callable[[Any, Facts], Any]
# (the document before, the document so far, facts) -> the document
Whole = Callable[[Document, Document, Facts], Any]


def lens(
    fields: frozenset[str] | None = None,
    *,
    rename: Mapping[str, str] | None = None,
    each: Mapping[str, Step] | None = None,
    whole: Whole | None = None,
) -> Step:
    """`fields` are those of the side we come from that the other side knows; None lets all pass. `each` is keyed by the new names.

    The row becomes one closure: a Location runs through dozens of them, and this is the innermost loop of every translation.
    """
    named = _closed(fields, rename or {}) if fields is not None else _open(rename or {})
    steps = tuple((each or {}).items())

    def look(document: Any, facts: Facts) -> Any:
        if not isinstance(document, dict):
            return document
        out = named(document)
        for key, step in steps:
            value = out.get(key)
            if value is None or value is REMOVE:
                continue
            new = step(value, facts)
            if new is value:
                continue
            if new is WITHHELD:
                return WITHHELD
            if out is document:
                out = document.copy()
            if new is None:
                del out[key]
            else:
                out[key] = new
        return out if whole is None else whole(document, out, facts)

    return look


def _closed(fields: frozenset[str], rename: Mapping[str, str]) -> Callable[[Document], Document]:
    kept = fields - rename.keys()
    names = {name: rename.get(name, name) for name in fields}

    def named(document: Document) -> Document:
        if document.keys() <= kept:
            return document
        return {names[key]: value for key, value in document.items() if key in names}

    return named


def _open(rename: Mapping[str, str]) -> Callable[[Document], Document]:
    def named(document: Document) -> Document:
        if rename.keys().isdisjoint(document):
            return document
        return {rename.get(key, key): value for key, value in document.items()}

    return named


SAME = lens()
"""Where nothing is said differently."""

# (document, facts) -> the document, with what every whole object of that version must have.
Fill = Callable[[Document, Facts], Document]
# The same downward, where a patch may take away what must be there: (document, facts, patch).
FillDown = Callable[[Document, Facts, bool], Document]


@dataclass(frozen=True, slots=True)
class Difference:
    """One link of the chain: how a version differs from the next newer one. Every table is keyed by kind."""

    number: str
    down: Mapping[str, Step]
    up: Mapping[str, Step]
    # What only matters when this version is the one that is sent: added to whole objects, and said differently in all.
    fill_down: Mapping[str, FillDown] = field(default_factory=dict)
    last: Mapping[str, Step] = field(default_factory=dict)
    fill_up: Mapping[str, Fill] = field(default_factory=dict)
    # Names of the Facts that a step reads from outside the object, beside configuration.
    needs_down: Mapping[str, frozenset[str]] = field(default_factory=dict)
    needs_up: Mapping[str, frozenset[str]] = field(default_factory=dict)


def fields(struct: Any, *without: str) -> frozenset[str]:
    """The field names of a class of the newest model, but for those that the older version does not have."""
    return frozenset(struct.__struct_encode_fields__) - frozenset(without)


def every(step: Step) -> Step:
    """The step for each item of a list; items that the other version cannot say are left out."""

    def over(items: Any, facts: Facts) -> Any:
        if not isinstance(items, list):
            return items
        new = [step(item, facts) for item in items]
        if all(map(is_, new, items)):
            return items
        return [item for item in new if item is not None and item is not WITHHELD]

    return over


def some(step: Step) -> Step:
    """Like `every`, for a list that may not be empty: when nothing is left, the object around it is withheld."""
    over = every(step)

    def at_least_one(items: Any, facts: Facts) -> Any:
        left = over(items, facts)
        return WITHHELD if not left and items else left

    return at_least_one


def only(values: frozenset[str], other: Any = None) -> Step:
    """A value that the other version does not know becomes `other` (None: absent)."""

    def within(value: Any, facts: Facts) -> Any:
        return value if value in values else other

    return within


def known(values: frozenset[str]) -> Step:
    """A list of values, without those that the other version does not know."""

    def within(items: Any, facts: Facts) -> Any:
        if not isinstance(items, list) or values.issuperset(items):
            return items
        return [item for item in items if item in values]

    return within


def spelled(words: Mapping[str, str]) -> Step:
    """A value that is another word in the other version."""

    def translated(value: Any, facts: Facts) -> Any:
        return words.get(value, value) if isinstance(value, str) else value

    return translated
