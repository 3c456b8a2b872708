"""What the meter signed, in a CDR: is the signature right for the key that came with it, and does it say the energy that is billed.

The one format that is read is OCMF; others are handed on untouched, for the driver's transparency software. A right signature proves
that a value is the one that the owner of that key signed. Whether the key is that of the meter, nobody can say from a CDR: people compare
it with the one on the meter. No store, no clock.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from interplug.model.types import parse_time

from .sealed import NotChecked, Reading, Record, Wrong

Document = Mapping[str, Any]
Verdict = Literal["signed_right", "signature_wrong", "signed_energy", "signed_times", "signed_unchecked"]
OCMF_HEAD = "OCMF|"
SLACK = Decimal("0.01")
"""kWh by which a bill and the meter may differ, besides the last digit that the meter shows."""
CLOCKS = 15 * 60 * 1_000_000
"""Microseconds by which the meter's clock may differ from the operator's."""
MOST = 100
"""Signed values that are looked at."""
CONTEXTS = {"start": "Transaction.Begin", "end": "Transaction.End"}


class Proof(NamedTuple):
    """What is found, named as the finding is; `words` complete the sentence of that. `kwh` is what was signed, `key` that of the meter
    (DER, hex)."""

    verdict: Verdict
    words: str = ""
    kwh: Decimal | None = None
    key: str = ""


@dataclass(slots=True, frozen=True)
class Value:
    """A value as OCPI carries it, and the text that was signed."""

    nature: str
    text: str
    plain: str


def prove(cdr: Document) -> Proof | None:
    """None: nothing was signed."""
    signed = cdr.get("signed_data")
    if not isinstance(signed, Mapping):
        return None
    key = key_of(str(signed.get("public_key") or ""))
    try:
        records = _verified(signed, values(signed), key)
    except NotChecked as error:
        return Proof("signed_unchecked", str(error), key=key)
    except Wrong as error:
        return Proof("signature_wrong", str(error), key=key)
    key = key or next((key_of(record.key) for _, record in records), "")
    begin, end = _ends(records)
    try:
        return _agreeing(cdr, begin, end, key)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return Proof("signed_unchecked", "the CDR beside it cannot be read", key=key)


def values(signed: Document) -> list[Value]:
    """`signed_data` is base64; what is none is taken as it is."""
    listed = signed.get("signed_values")
    found = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return [Value(str(one.get("nature")), unpacked(str(one.get("signed_data"))), str(one.get("plain_data") or "")) for one in found]


def unpacked(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return data


def key_of(text: str) -> str:
    """DER in hexadecimal digits, of any of the spellings that are met: base64 or hex of it, PEM, and OCA's `oca:base16:asn1:…`, which may
    be wrapped in base64 once more. Empty where it is none of them."""
    text = "".join(line for line in text.splitlines() if not line.startswith("-----")).replace(" ", "")
    *words, last = text.split(":")
    if words and words[0] == "oca":
        return last.lower() if _hex(last) else key_of(last)
    if _hex(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if raw[:1] == b"\x30":
        inner = raw.decode("ascii", "replace")
        return inner.lower() if _hex(inner) else raw.hex()
    inner = raw.decode("ascii", "replace")
    return key_of(inner) if inner.startswith("oca:") or _hex(inner) else ""


def _hex(text: str) -> bool:
    return len(text) > 1 and len(text) % 2 == 0 and all(letter in "0123456789abcdefABCDEF" for letter in text)


# --- the signatures


def _verified(signed: Document, found: list[Value], key: str) -> list[tuple[str, Record]]:
    """Each value with its nature, once every signature is right."""
    if not found or not all(value.text.startswith(OCMF_HEAD) for value in found):
        method = str(signed.get("encoding_method"))
        if found and method.upper() == "OCMF":
            raise Wrong("it is said to be OCMF, and is not")
        raise NotChecked(f"the format {method} cannot be read here")
    if len(found) > MOST:
        raise NotChecked(f"there are more than {MOST} values")
    return [(value.nature.lower(), _record(value, key)) for value in found]


def _record(value: Value, key: str) -> Record:
    try:
        from . import ocmf
    except ImportError as error:
        raise NotChecked("pyocmf is not installed: pip install 'interplug[node]'") from error
    if value.plain.startswith(OCMF_HEAD) and value.plain != value.text:
        raise Wrong(f"the plain data of {value.nature} is not what was signed")
    return ocmf.read(value.text, key, value.nature)


# --- what was signed


def _ends(records: list[tuple[str, Record]]) -> tuple[Reading | None, Reading | None]:
    """The first reading that begins and the last one that ends a transaction: the meter says which those are, else the operator."""
    found = [(nature, reading) for nature, record in records for reading in record.readings]
    begins = [one for nature, one in found if one.mark == "begin" or (one.mark is None and nature == "start")]
    ends = [one for nature, one in found if one.mark == "end" or (one.mark is None and nature == "end")]
    return next(iter(begins), None), ends[-1] if ends else None


def _agreeing(cdr: Document, begin: Reading | None, end: Reading | None, key: str) -> Proof:
    if end is not None and begin is None and end.whole:
        kwh, digit = end.kwh, end.digit
    elif begin is None or end is None:
        lacking = "beginning" if begin is None else "end"
        return Proof("signed_right", f"; the energy cannot be compared, for the {lacking} is not among the signed values", None, key)
    else:
        kwh, digit = end.kwh - begin.kwh, max(begin.digit, end.digit)
    billed = Decimal(cdr["total_energy"])
    if abs(kwh - billed) > SLACK + digit:
        return Proof("signed_energy", f"{kwh:f} kWh were signed, {billed:f} kWh are billed", kwh, key)
    if beside := _beside(cdr, begin, end):
        return Proof("signed_times", f"it was signed at {beside}, which is not within the charge", kwh, key)
    return Proof("signed_right", f" and says {kwh:f} kWh", kwh, key)


def _beside(cdr: Document, *readings: Reading | None) -> str:
    """The time of a reading that is none of this charge."""
    start, end = parse_time(cdr["start_date_time"]), parse_time(cdr["end_date_time"])
    for reading in readings:
        at = reading.at if reading is not None else None
        if at is not None and not start - CLOCKS <= int(at.timestamp() * 1_000_000) <= end + CLOCKS:
            return f"{at:%Y-%m-%d %H:%M:%S%z}"
    return ""


# --- for the driver


def transparency(signed: Document) -> str:
    """The file that S.A.F.E.'s transparency software opens: every value as it was signed, with the key beside it."""
    key, method = key_of(str(signed.get("public_key") or "")), str(signed["encoding_method"])
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<values>"]
    for value in values(signed):
        context = CONTEXTS.get(value.nature.lower())
        said = f" context={quoteattr(context)}" if context else ""
        lines.append(f'  <value transactionId="1"{said}>')
        lines.append(f'    <signedData format={quoteattr(method)} encoding="plain">{escape(value.text)}</signedData>')
        lines += [f'    <publicKey encoding="plain">{key}</publicKey>'] if key else []
        lines.append("  </value>")
    return "\n".join([*lines, "</values>", ""])
