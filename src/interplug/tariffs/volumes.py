"""The volumes that a CDR totals up, against its own periods and clock.

What they do not sum to is a difference like one of money. The time of a session is read in more than one way (by the clock or by what the
periods state, with the reservation or without), and each of them is right. Where the periods are silent on what the total states, it cannot
be checked: that leaves a doubt if the tariff prices it, and is else remarked upon.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interplug.tariffs.claims import Difference
from interplug.tariffs.documents import volume_documents
from interplug.tariffs.money import decimals_of
from interplug.tariffs.problems import Problem, TariffError
from interplug.tariffs.read import ZERO, number
from interplug.tariffs.restrictions import SESSION
from interplug.tariffs.result import Priced
from interplug.tariffs.session import ENERGY, HOUR, PARKING, RESERVED, TIME, ChargingSession

# Figures of energy and hours are written with three or four decimals; with two, half of the last one is left open.
_FINE, _COARSE = Decimal("0.001"), Decimal("0.005")
_KINDS = {"total_energy": ENERGY, "total_parking_time": PARKING}


def check_volumes(document: Mapping[str, Any], priced: Priced) -> tuple[list[Difference], list[Problem]]:
    """Where a document claims other volumes (kWh, hours) than its periods give; and what could not be compared, as problems."""
    differences: list[Difference] = []
    problems: list[Problem] = []
    computed = {"total_parking_time": ZERO, **volume_documents(priced.session)}
    for name, ours in computed.items():
        try:
            claimed = number(document.get(name), f"/cdr/{name}", lambda _: None)
        except TariffError as error:
            problems.append(Problem(error.code, error.path))
            continue
        if claimed is None or _agrees(claimed, ours) or (name == "total_time" and _is_some_time(claimed, priced.session)):
            continue
        kind = _KINDS.get(name)
        if kind is None or any(period.volumes[kind] is not None for period in priced.session.periods):
            differences.append(Difference(name, None, claimed, ours))
        elif any(kind in tariff.prices[SESSION] for tariff in priced.tariffs):
            problems.append(Problem("volume_missing", f"/cdr/{name}"))
        else:
            problems.append(Problem("volume_mismatch", f"/cdr/{name}"))
    return differences, problems


def _agrees(claimed: Decimal, ours: Decimal) -> bool:
    return abs(claimed - ours) <= (_FINE if decimals_of(claimed) > 2 else _COARSE)


def _is_some_time(claimed: Decimal, session: ChargingSession) -> bool:
    return any(_agrees(claimed, hours) for hours in _times(session))


def _times(session: ChargingSession) -> Iterator[Decimal]:
    charged, parked, reserved = (
        sum((period.volumes[kind] or ZERO for period in session.periods), ZERO) for kind in (TIME, PARKING, RESERVED)
    )
    yield charged + parked
    yield charged + parked + reserved
    began = next((period.start for period in session.periods if not period.is_reservation), None)
    if began is not None and session.end is not None:
        yield Decimal(session.end - began) / HOUR
