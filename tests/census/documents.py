"""Random documents that a careful partner of one version could have sent: `strategy(version, name)`.

Shapes come from the tables; what a table cannot say (an id looks like an id, a period ends after it begins, the rules
between fields) is in plausible.py (single values) and in the finishing touches of settle.py (whole objects). Optional
fields are sometimes absent, lists are short, never empty and hold no id twice, times are in 2024 and end in `Z`.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from hypothesis import strategies as st

from tests.census.facts import Field, Table, table
from tests.census.plausible import scalar
from tests.census.settle import settle

Documents = st.SearchStrategy[dict[str, Any]]

CUSTOM_VALUES = ("NLABC_NEW_KIND", "X_CUSTOM")
_LONGEST_LIST = 2
# What tells two items of one list apart. Plain values and everything not named here: the item itself.
_IDENTITY: dict[str, tuple[str, ...]] = {
    "EVSE": ("uid",),
    "Connector": ("id",),
    "Parking": ("id",),
    "EVSEParking": ("parking_id",),
    "Tariff": ("id",),
    "RegularHours": ("weekday",),
    "PriceComponent": ("type",),
    "CdrDimension": ("type",),
    "EnergySource": ("source",),
    "CredentialsRole": ("role", "country_code", "party_id"),
    "Endpoint": ("identifier", "role"),
    "DisplayText": ("language",),
    "TaxAmount": ("name",),
    "SignedValue": ("nature",),
}


@cache
def strategy(version: str, name: str, *, custom: bool = False) -> Documents:
    """Valid documents for object `name` of `version`; `custom` adds values of their own to the open enums."""
    return _settled(version, name, custom)


@st.composite
def _settled(draw: st.DrawFn, version: str, name: str, custom: bool) -> dict[str, Any]:
    # A composite, because its repr stays short however deep the objects nest.
    return settle(table(version), name, draw(_shape(version, name, custom)))


@cache
def _shape(version: str, name: str, custom: bool) -> Documents:
    facts = table(version)
    required, optional = {}, {}
    for field in facts.objects[name].values():
        (required if field.required else optional)[field.name] = _field(facts, name, field, custom)
    return st.fixed_dictionaries(required, optional=optional)


def _field(facts: Table, owner: str, field: Field, custom: bool) -> st.SearchStrategy[Any]:
    one = _one(facts, owner, field, custom)
    if not field.many:
        return one
    return st.lists(one, min_size=1, max_size=_LONGEST_LIST, unique_by=partial(_identity, field.type))


def _one(facts: Table, owner: str, field: Field, custom: bool) -> st.SearchStrategy[Any]:
    if field.type in facts.objects:
        return strategy(facts.version, field.type, custom=custom)
    if field.type in facts.enums:
        return _enum(facts, owner, field, custom)
    return scalar(facts.version, owner, field)


def _enum(facts: Table, owner: str, field: Field, custom: bool) -> st.SearchStrategy[str]:
    enum = facts.enums[field.type]
    known = st.sampled_from(enum.values)
    return known | st.sampled_from(CUSTOM_VALUES) if custom and enum.open else known


def _identity(type_: str, item: Any) -> str:
    names = _IDENTITY.get(type_)
    return repr(item if names is None else [item.get(name) for name in names]).lower()
