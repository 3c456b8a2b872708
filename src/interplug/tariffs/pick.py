"""Which tariff of a Connector a new session gets: the one to show before it starts, to pin when it does, and to price by until it ends.

A Tariff without a type is for every session; REGULAR for a token or card without a preference, or with REGULAR; PROFILE_x for a driver
who asked for x; AD_HOC_PAYMENT for direct payment alone (Tariffs, TariffType enum). A tariff made for the kind of session goes before
one for all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from interplug.tariffs.read import text, time


def pick(tariffs: Sequence[Mapping[str, Any]], at: int, *, preference: str | None = None, ad_hoc: bool = False) -> Mapping[str, Any] | None:
    """The tariff for a session that starts `at` (microseconds UTC); None if none of them is for it.

    `preference` is the profile_type of the charging preferences: CHEAP, FAST, GREEN or REGULAR.
    """
    wanted = "AD_HOC_PAYMENT" if ad_hoc else "REGULAR" if preference in (None, "REGULAR") else f"PROFILE_{preference}"
    valid = [tariff for tariff in tariffs if _valid(tariff, at)]
    for kind in (wanted, None):
        for tariff in valid:
            if text(tariff.get("type"), "/type") == kind:
                return tariff
    return None


def _valid(tariff: Mapping[str, Any], at: int) -> bool:
    start = time(tariff.get("start_date_time"), "/start_date_time", lambda _: None)
    end = time(tariff.get("end_date_time"), "/end_date_time", lambda _: None)
    return (start is None or start <= at) and (end is None or at < end)
