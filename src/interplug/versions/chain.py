"""From any version to the newest and back: a walk along the chain 2.3.0 - 2.2.1 - 2.1.1, one difference at a time.

    up(kind, document, version, facts)     what a partner of that version sent, in the newest form
    down(kind, document, version, facts)   what such a partner is sent; None: it cannot be said in that version, so it is withheld
    same(kind, document, version)          the stored document is already right for that version
    newest(kind, version)                  what such a partner sends is in the newest form as it is
    needs(kind, version)                   which facts decide what `down` says (a result that depends on facts must not be kept)

A whole object and a patch go through the same steps. With `patch=True` nothing is added that is not there: no filler for a field that the
version requires. A PATCH is raised and merged into the stored document; the value REMOVE in it means "take this field away", since null
means nothing (17). Nothing here changes its argument, and everything that stays the same is shared with it. Translating never validates:
a value of a wrong type passes through untouched, and the model refuses it afterwards with its name.
"""

from functools import cache

from .facts import NO_FACTS, REMOVE, WITHHELD, Document, Facts
from .lens import SAME, Difference
from .table import NEWEST, VERSIONS
from .v211 import DIFFERENCE as V211
from .v221 import DIFFERENCE as V221

__all__ = ["KINDS", "NO_FACTS", "REMOVE", "Document", "Facts", "down", "needs", "newest", "same", "up"]

_CHAIN: tuple[Difference, ...] = (V221, V211)

# For each version the differences that lie between it and the newest, newest first.
_WAY: dict[str, tuple[Difference, ...]] = {number: _CHAIN[:place] for place, number in enumerate(VERSIONS)}

KINDS = frozenset(V221.down)


def down(kind: str, document: Document, version: str, facts: Facts = NO_FACTS, *, patch: bool = False) -> Document | None:
    """See the top. `version` is one of `table.VERSIONS`; `patch`: only the fields that are there."""
    way = _WAY[version]
    out = document
    for difference in way:
        out = difference.down[kind](out, facts)
        if out is WITHHELD:
            return None
    if not way:
        return out
    last = way[-1]
    if (fill := last.fill_down.get(kind)) is not None:
        out = fill(out, facts, patch)
    if (finish := last.last.get(kind)) is not None:
        out = finish(out, facts)
    return out


def up(kind: str, document: Document, version: str, facts: Facts = NO_FACTS, *, patch: bool = False) -> Document:
    """See the top. `version` is one of `table.VERSIONS`; `patch`: what is missing is not filled in, and REMOVE stays."""
    out = document
    for difference in reversed(_WAY[version]):
        out = difference.up[kind](out, facts)
        if not patch and (fill := difference.fill_up.get(kind)) is not None:
            out = fill(out, facts)
    if not patch and REMOVE in out.values():
        out = {key: value for key, value in out.items() if value is not REMOVE}
    return out


def same(kind: str, document: Document, version: str) -> bool:
    """Steps return the very document where nothing differs, so this is exact and needs no comparison."""
    return version == NEWEST or (not needs(kind, version) and down(kind, document, version) is document)


@cache
def newest(kind: str, version: str) -> bool:
    return all(difference.up[kind] is SAME and kind not in difference.fill_up for difference in _WAY[version])


@cache
def needs(kind: str, version: str, *, upward: bool = False) -> frozenset[str]:
    """Names of Facts, configuration aside."""
    named = (difference.needs_up if upward else difference.needs_down for difference in _WAY[version])
    return frozenset().union(*(table.get(kind, frozenset()) for table in named))
