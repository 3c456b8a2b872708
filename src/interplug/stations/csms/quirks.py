"""What models of stations do that OCPP does not say, as a table. The first row that fits a station's own words counts.

A quirk is given to a model, never to everybody: what one station means by a strange message, another one may mean otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from interplug.stations.ocpp import schemas
from interplug.stations.ocpp.dialects import Dialect

Payload = dict[str, Any]


class Quirk(NamedTuple):
    vendor: str = ""
    model: str = ""
    loose: bool = False
    """Numbers as strings, values that the version does not know, fields of its own: mended where that can be done."""
    reversed_uid: bool = False
    """The reader gives the bytes of a card the other way round."""
    available_means_nothing: bool = False
    """Available is said with the cable in and the charge running."""
    speaks_16: bool = False
    """Sends messages of 1.6 on a socket of 2.x."""


NONE = Quirk()
QUIRKS = (
    Quirk("foxess", "", available_means_nothing=True, speaks_16=True, loose=True),
    Quirk("etrel", "", loose=True),
    Quirk("grizzl|united chargers", "", loose=True),
    Quirk("autel", "", loose=True),
    Quirk("ocular|wallbox", "", loose=True),
)


def of(about: dict[str, str], configured: Mapping[str, str]) -> Quirk:
    """`configured`: by a part of "vendor model", the names of quirks with a + between them; it comes before the table."""
    vendor, model = about.get("vendor", "").lower(), about.get("model", "").lower()
    for part, names in configured.items():
        if part.lower() in f"{vendor} {model}":
            has = names.split("+")
            return Quirk(
                loose="loose" in has,
                reversed_uid="reversed_uid" in has,
                available_means_nothing="available_means_nothing" in has,
                speaks_16="speaks_16" in has,
            )
    found = (one for one in QUIRKS if re.search(one.vendor, vendor) and re.search(one.model, model))
    return next(found, NONE)


MOST = 20


def mended(dialect: Dialect, action: str, payload: Payload) -> Payload:
    """The payload as it should have been, as far as that can be told; one that is right is left alone."""
    for _ in range(MOST):
        wrong = schemas.first(dialect, action, payload)
        if wrong is None or not _mend(payload, list(wrong.instance_path), wrong.kind):
            break
    return payload


def _mend(payload: Any, path: list[Any], kind: Any) -> bool:
    if isinstance(kind, schemas.Kind.AdditionalProperties):
        holder = _at(payload, path)
        for name in kind.unexpected:
            holder.pop(name, None)
        return bool(kind.unexpected)
    if not path:
        return False
    holder, last = _at(payload, path[:-1]), path[-1]
    if isinstance(kind, schemas.Kind.Type) and isinstance(holder[last], str) and re.fullmatch(r"-?\d{1,15}", holder[last].strip()):
        holder[last] = int(holder[last])
        return True
    if isinstance(kind, schemas.Kind.Enum) and isinstance(holder, dict):
        del holder[last]  # what is optional is not needed; what is not will be missed
        return True
    return False


def _at(value: Any, path: list[Any]) -> Any:
    for step in path:
        value = value[step]
    return value
