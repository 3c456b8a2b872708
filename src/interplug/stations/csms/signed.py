"""Meter values that the meter signed, from what a station sends to what a CDR holds (`signed_data`): byte for byte.

OCPP 2.x has a structure for them; 1.6 has a text, which is the signed record itself or the structure of 2.x as JSON (the Open Charge
Alliance's note on signed meter values). What belongs together in OCPI has one encoding and one key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from interplug.charges.signed import OCMF_HEAD, key_of, unpacked

from .events import Signed

Document = dict[str, Any]
NATURES = {"Transaction.Begin": "Start", "Transaction.End": "End"}
BETWEEN = "Intermediate"
MOST_BETWEEN = 10
"""Signed values between the beginning and the end that are kept, the newest: they matter only where the end is lost."""
LONGEST, LONGEST_KEY, LONGEST_METHOD = 5000, 512, 36
HEADS = {OCMF_HEAD: "OCMF", "AP;": "Alfen Eichrecht"}
"""How records begin that say themselves what they are."""


class _Structure(msgspec.Struct):
    signedMeterData: str
    encodingMethod: str = ""
    signingMethod: str = ""
    publicKey: str = ""


_structure = msgspec.json.Decoder(_Structure).decode


def of_text(context: str, at: int, value: str) -> Signed:
    """A value of 1.6."""
    try:
        one = _structure(value)
    except msgspec.MsgspecError:
        return Signed(context, at, value)
    return Signed(context, at, one.signedMeterData, one.encodingMethod, one.signingMethod, one.publicKey)


def added(before: list[Signed], more: Iterable[Signed]) -> list[Signed]:
    """With what is new, in its order; a station may send the same again, at the end say all of it."""
    found = {one.data: one for one in before}
    for one in more:
        if one.data and (one.data not in found or (one.context in NATURES and found[one.data].context not in NATURES)):
            found[one.data] = one
    between = [one.data for one in found.values() if one.context not in NATURES]
    dropped = set(between[:-MOST_BETWEEN])
    return [one for one in found.values() if one.data not in dropped]


def document(values: Iterable[Signed], key: str) -> Document | None:
    """`key`: that of the meter where the values do not bring it, as the station spells it."""
    listed = [one for one in values if len(packed(one.data)) <= LONGEST]
    if not listed:
        return None
    encoding = next((one.encoding for one in listed if _sayable(one.encoding, LONGEST_METHOD)), "") or _recognised(listed[0].data)
    known = next((one.public_key for one in listed if _sayable(one.public_key, LONGEST_KEY)), "") or _spelled(key)
    data: Document = {"encoding_method": encoding}
    if known:
        data["public_key"] = known
    data["signed_values"] = [
        {"nature": NATURES.get(one.context, BETWEEN), "plain_data": _plain(packed(one.data)), "signed_data": packed(one.data)}
        for one in listed
    ]
    return data


def packed(data: str) -> str:
    """As base64. What a station sends as such stays as it is; 1.6 sends the record itself, and some do so in 2.x."""
    if not data.startswith(tuple(HEADS)):
        try:
            base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            pass
        else:
            return data
    return base64.b64encode(data.encode()).decode()


def _sayable(text: str, longest: int) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and len(text) <= longest


def _plain(data: str) -> str:
    """The record as it was signed, where it is a text; else there is nothing plainer."""
    text = unpacked(data)
    return text if text.isprintable() and text else data


def _recognised(data: str) -> str:
    text = unpacked(packed(data))
    return next((name for head, name in HEADS.items() if text.startswith(head)), "unknown")


def _spelled(key: str) -> str:
    """As OCPI wants it: base64."""
    found = key_of(key)
    spelled = base64.b64encode(bytes.fromhex(found)).decode()
    return spelled if len(spelled) <= LONGEST_KEY else ""
