"""The rules once more, as plainly as they can be written: fractions, one loop, nothing remembered, nothing of the engine used.

It reads documents as the generators of test_oracle.py write them (sorted or not, but well spelled), and prices them by the list of
decisions: E1 start rate, E2 and E3 selection, F1 fees, S1 to S6 steps, P1 to P3 limits, D1 to D3 the clock, W1 and W2 power, U1 duration,
V1 and V2 reservations, T1 to T3 tariffs, X1 and X2 taxes, R1 rounding.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
UNITS = {"ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600, "RESERVATION_TIME": 3600}
Sides = tuple[Fraction | None, Fraction | None]


def instant(spelled: str) -> datetime:
    return datetime.fromisoformat(spelled.replace("Z", "+00:00"))


def window(restrictions: dict[str, Any], local: datetime) -> bool:
    """D1, D2: minutes of the local day; 00:00 as an end is 24:00; start = end is the whole day."""
    start, end = (_minutes(restrictions.get(name)) for name in ("start_time", "end_time"))
    start = 0 if start is None else start
    end = 1440 if end in (None, 0) else end
    now = local.hour * 60 + local.minute
    if start % 1440 == end % 1440:
        return True
    return start <= now < end if start < end else now >= start or now < end


def _minutes(spelled: str | None) -> int | None:
    return None if spelled is None else int(spelled[:2]) * 60 + int(spelled[3:])


def holds(restrictions: dict[str, Any], at: dict[str, Any]) -> bool:
    local = at["local"]
    day = local.date().isoformat()
    if restrictions.get("day_of_week") and DAYS[local.weekday()] not in restrictions["day_of_week"]:
        return False
    if not restrictions.get("start_date", day) <= day or day >= restrictions.get("end_date", "9999"):
        return False
    for name, low, high in (("kwh", "kwh", "kwh"), ("duration", "seconds", "seconds"), ("power", "low", "high")):
        least, most = restrictions.get(f"min_{name}"), restrictions.get(f"max_{name}")
        if least is not None and (at[low] is None or at[low] < Fraction(least)):
            return False
        if most is not None and (at[high] is None or at[high] >= Fraction(most)):
            return False
    return window(restrictions, local)


def find(tariff: dict[str, Any], phase: str, dimension: str, at: dict[str, Any]) -> dict[str, Any] | None:
    """E3: the first element that has the dimension and matches. V1: of an expired reservation, EXPIRES elements first. V2: nothing else."""
    wanted = {"session": [None], "reserved": ["RESERVATION"], "expired": ["RESERVATION_EXPIRES", "RESERVATION"]}[phase]
    for reservation in wanted:
        for element in tariff["elements"]:
            restrictions = element.get("restrictions", {})
            if restrictions.get("reservation") == reservation and holds(restrictions, at):
                for component in element["price_components"]:
                    if component["type"] == dimension:
                        return component
    return None


def walk(cdr: dict[str, Any], tariffs: list[dict[str, Any]], zone: str) -> list[dict[str, Any]]:
    """What is priced by what: tariff, phase, kind, component, volume, and the volume as written."""
    periods = sorted(cdr["charging_periods"], key=lambda period: instant(period["start_date_time"]))
    volumes = [{entry["type"]: entry["volume"] for entry in period["dimensions"]} for period in periods]
    used = [any(volume.get(kind) for kind in ("ENERGY", "TIME", "PARKING_TIME")) for volume in volumes]
    expired = not any(used) and any(volume.get("RESERVATION_TIME") for volume in volumes)
    starts = [instant(period["start_date_time"]) for period in periods]
    ends = [*starts[1:], instant(cdr["end_date_time"])]
    reservation_only = ["RESERVATION_TIME" in volume and not is_used for volume, is_used in zip(volumes, used, strict=True)]
    began = next((start for start, only in zip(starts, reservation_only, strict=True) if not only), starts[0])
    named = [period.get("tariff_id") for period in periods]
    kwh, found, charged = Fraction(0), [], set()
    for index, volume in enumerate(volumes):
        tariff = first_valid(cdr, tariffs) if not any(named) else next((t for t in tariffs if t["id"] == named[index]), None)
        phases = [("expired" if expired else "reserved", starts[0])] if "RESERVATION_TIME" in volume else []
        phases += [] if expired or reservation_only[index] else [("session", began)]
        for phase, since in phases if tariff else []:
            length = Fraction(int((ends[index] - starts[index]).total_seconds()), 3600)
            at = {"local": starts[index].astimezone(ZoneInfo(zone)), "kwh": kwh}
            at |= {"seconds": int((starts[index] - since).total_seconds()), **power(volume, length)}
            fee = find(tariff, phase, "FLAT", at)
            if fee is not None and phase not in charged:
                charged.add(phase)
                found.append({"tariff": tariff, "phase": phase, "kind": "FLAT", "component": fee, "volume": Fraction(1)})
            for kind in ("ENERGY", "TIME", "PARKING_TIME") if phase == "session" else ("RESERVATION_TIME",):
                component = find(tariff, phase, "TIME" if kind == "RESERVATION_TIME" else kind, at)
                if kind in volume and component is not None:
                    entry = {"tariff": tariff, "phase": phase, "kind": kind, "component": component, "volume": Fraction(volume[kind])}
                    found.append({**entry, "written": volume[kind]})
        kwh += Fraction(volume.get("ENERGY", 0))
    return found


def power(volume: dict[str, Any], hours: Fraction) -> dict[str, Fraction | None]:
    """W1, W2: as stated, else the average; a car that is only parked takes nothing; else nobody knows."""
    if "MIN_POWER" in volume:
        return {"low": Fraction(volume["MIN_POWER"]), "high": Fraction(volume["MAX_POWER"])}
    energy = volume.get("ENERGY", 0 if volume.get("PARKING_TIME") and not volume.get("TIME") else None)
    average = None if energy is None or not hours else Fraction(energy) / hours
    return {"low": average, "high": average}


def first_valid(cdr: dict[str, Any], tariffs: list[dict[str, Any]]) -> dict[str, Any]:
    start = instant(cdr["start_date_time"])
    return next(
        tariff
        for tariff in tariffs
        if instant(tariff.get("start_date_time", "2000-01-01T00:00:00Z")) <= start
        and start < instant(tariff.get("end_date_time", "2100-01-01T00:00:00Z"))
    )


def round_up(entries: list[dict[str, Any]], exact: bool) -> dict[str, Fraction]:
    """S1 to S6: `billed` of each entry; returns the sums, kWh and seconds."""
    parked = any(entry["kind"] == "PARKING_TIME" and entry["volume"] for entry in entries)
    billed = {}
    for kind, unit in UNITS.items():
        bucket = [entry for entry in entries if entry["kind"] == kind]
        for entry in bucket:
            entry["billed"] = entry["volume"]
        total = sum((entry["volume"] for entry in bucket), Fraction(0))
        last = next((entry for entry in reversed(bucket) if entry["volume"]), None)
        step = Fraction(last["component"]["step_size"]) / unit if last else 0
        if not exact and step and total > 0 and not (kind == "TIME" and parked):
            blocks, rest = divmod(total, step)
            noise = sum((slack(entry["written"]) for entry in bucket), Fraction(0)) if kind != "ENERGY" else 0
            rounded = step * (blocks if rest <= noise and blocks else blocks + (rest > 0))
            last["billed"] += rounded - total
            total = rounded
        billed[kind] = total * (1 if kind == "ENERGY" else 3600)
    return billed


def slack(written: Any) -> Fraction:
    """S5: one unit of the last written digit, at most 0.36 s; in hours."""
    if not written:
        return Fraction(0)
    digits = format(written.normalize(), "f").partition(".")[2]
    return min(Fraction(1, 10 ** len(digits)), Fraction(1, 10_000))


def sides(value: Fraction, rate: Any, tariff: dict[str, Any], version: str) -> Sides:
    """X1, X2: before and after taxes."""
    rates = [component.get("vat") for element in tariff["elements"] for component in element["price_components"]]
    included = tariff.get("tax_included", "NO") if version == "2.3.0" else "NO"
    if version == "2.1.1":
        return value, None
    if included == "N/A":
        return value, value
    if included == "YES":
        return (None if rate is None else value / (1 + Fraction(rate) / 100)), value
    if version == "2.3.0" and all(known is None for known in rates):
        return value, None
    return value, value * (1 + Fraction(rate or 0) / 100)


def plus(left: Sides, right: Sides) -> Sides:
    before, after = ([a, b] for a, b in zip(left, right, strict=True))
    return (None if None in before else sum(before)), (None if None in after else sum(after))


def limited(cost: Sides, tariff: dict[str, Any], version: str) -> Sides:
    """P1 to P3: each bound for itself; a bound before taxes alone scales the tax; maximum last."""
    for name, choose in (("min_price", max), ("max_price", min)):
        bound = tariff.get(name) or {}
        net, gross = (bound.get("before_taxes", bound.get("excl_vat")), bound.get("after_taxes", bound.get("incl_vat")))
        before, after = cost
        new_before = before if net is None or before is None else choose(before, Fraction(net))
        new_after = after if gross is None or after is None else choose(after, Fraction(gross))
        if gross is None and new_before != before:
            new_after = None if after is None else after * new_before / before if before else unmetered(new_before, tariff, version)
        cost = new_before, new_after
    return cost


def unmetered(value: Fraction, tariff: dict[str, Any], version: str) -> Fraction | None:
    """P2: nothing was used, so only a rate that all prices share tells the tax."""
    included = tariff.get("tax_included", "NO") if version == "2.3.0" else "NO"
    rates = {component.get("vat") for element in tariff["elements"] for component in first_of_each(element).values()}
    if included == "N/A":
        return value
    if included == "YES" and None in rates:
        return None
    after = {sides(value, rate, {**tariff, "tax_included": "NO"}, version)[1] for rate in rates}
    return after.pop() if len(after) == 1 else None


def first_of_each(element: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """E2: the second price of a dimension in an element is dead."""
    return {component["type"]: component for component in reversed(element["price_components"])}


def price(cdr: dict[str, Any], tariffs: list[dict[str, Any]], version: str, zone: str, *, exact: bool = False) -> dict[str, Any]:
    entries = walk(cdr, tariffs, zone)
    billed = round_up(entries, exact)
    total: Sides = (Fraction(0), Fraction(0))
    periods = cdr["charging_periods"]
    ids = {period.get("tariff_id") for period in periods}
    used = [tariff for tariff in tariffs if tariff["id"] in ids] if any(ids) else [first_valid(cdr, tariffs)]
    parts: dict[str, Sides] = {}
    for tariff in used:
        own: Sides = (Fraction(0), Fraction(0))
        for entry in entries:
            if entry["tariff"] is tariff:
                value = Fraction(entry["component"]["price"]) * entry.get("billed", entry["volume"])
                cost = sides(value, entry["component"].get("vat"), tariff, version)
                name = "reservation" if entry["phase"] != "session" else NAMES[entry["kind"]]
                parts[name] = plus(parts.get(name, (Fraction(0), Fraction(0))), cost)
                own = plus(own, cost)
        total = plus(total, limited(own, tariff, version))
    return {"total": total, "parts": parts, "billed": billed}


NAMES = {"ENERGY": "energy", "TIME": "time", "PARKING_TIME": "parking", "FLAT": "fixed"}


def rounded(value: Fraction | None) -> str | None:
    """R1: four decimals, half away from zero."""
    if value is None:
        return None
    tens = int(abs(value) * 10_000 + Fraction(1, 2))
    return f"{'-' if value < 0 and tens else ''}{tens // 10_000}.{tens % 10_000:04}"


# --- the course of a session, minute by minute --------------------------------------------------------------------------------------------


def by_minute(tariff: dict[str, Any], start: str, legs: list[tuple[int, Fraction, bool]], zone: str, seconds: int = 60) -> Fraction:
    """What it costs if each minute is priced by what holds in it. `legs`: minutes, kWh a minute, whether parked. Without steps."""
    at = began = instant(start)
    kwh, cost, charged = Fraction(0), Fraction(0), False
    for minutes, pace, parked in legs:
        for _ in range(minutes * 60 // seconds):
            state = {
                "local": at.astimezone(ZoneInfo(zone)),
                "kwh": kwh,
                "seconds": int((at - began).total_seconds()),
                "low": None,
                "high": None,
            }
            fee = find(tariff, "session", "FLAT", state)
            if fee is not None and not charged:
                cost, charged = cost + Fraction(fee["price"]), True
            energy = pace * Fraction(seconds, 60)
            volumes = {"PARKING_TIME": Fraction(seconds, 3600)} if parked else {"TIME": Fraction(seconds, 3600), "ENERGY": energy}
            for kind, volume in volumes.items():
                component = find(tariff, "session", kind, state)
                cost += Fraction(component["price"]) * volume if component is not None else 0
            kwh += energy
            at = (at.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(UTC)
    return cost
