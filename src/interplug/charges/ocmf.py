"""OCMF, the Open Charge Metering Format, as the library `pyocmf` reads it. Imported where a record is met, for it is large."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from pyocmf import OCMF
from pyocmf.core import Reading as Said
from pyocmf.enums.reading import MeterReadingReason, is_end_reason
from pyocmf.exceptions import PyOCMFError, SignatureVerificationError, SpecWarning
from pyocmf.models.public_key import PublicKey

from .sealed import NotChecked, Reading, Record, Wrong

SET = ("S", "I")
"""Clocks that were set, or told well enough what time it is."""


def read(text: str, key: str, name: str) -> Record:
    """The record, if its signature is right for that key, or the one in it. Raises NotChecked and Wrong; the words call it `name`."""
    # Where a text is not quite as OCMF says, that is no reason to doubt its signature.
    warnings.filterwarnings("ignore", category=SpecWarning)
    try:
        ocmf = OCMF.from_string(text)
    except (PyOCMFError, ValueError, ArithmeticError, RecursionError) as error:
        raise Wrong(f"{name} cannot be read as OCMF") from error
    known = key or ocmf.embedded_public_key or ""
    if not known:
        raise NotChecked("the key of the meter is not known")
    if not _right(ocmf, known, name):
        raise Wrong(f"the signature of {name} is wrong: it was changed, or signed with another key")
    return Record(tuple(_reading(one) for one in _of_energy(ocmf)), known)


def _right(ocmf: OCMF, key: str, name: str) -> bool:
    try:
        PublicKey.from_string(key)
        return ocmf.verify_signature(key)
    except SignatureVerificationError as error:
        if error.reason == "invalid_signature_format":
            return False
        raise NotChecked(f"the signature of {name} is of a kind that cannot be checked here") from error
    except (PyOCMFError, ValueError) as error:
        raise NotChecked("the key of the meter cannot be read") from error


def _of_energy(ocmf: OCMF) -> Iterator[Said]:
    """Losses in the cable are taken off where the meter does so; that is the register that counts."""
    found = [one for one in ocmf.payload.RD if one.RV is not None and one.RV.is_finite() and str(one.RU) in ("kWh", "Wh")]
    compensated = [one for one in found if one.RI is not None and one.RI.is_loss_compensated]
    lawful = [one for one in found if one.RI is not None and one.RI.is_law_relevant]
    yield from compensated or lawful or (one for one in found if one.RI is None)


def _reading(said: Said) -> Reading:
    value = said.RV
    assert value is not None
    exponent = value.as_tuple().exponent
    unit = 1000 if str(said.RU) == "Wh" else 1
    digit = Decimal(1).scaleb(min(0, exponent) if isinstance(exponent, int) else 0)
    clocked = str(said.time_status) in SET and said.timestamp.tzinfo is not None
    whole = said.RI is not None and said.RI.is_transaction_register
    return Reading(value / unit, digit / unit, said.timestamp if clocked else None, _mark(said), whole)


def _mark(said: Said) -> Literal["begin", "end", ""] | None:
    if said.TX is None:
        return None
    return "begin" if said.TX == MeterReadingReason.BEGIN else "end" if is_end_reason(said.TX) else ""
