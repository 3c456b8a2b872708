"""A tariff in plain words: what is charged, when exactly, and what typical sessions cost.

Unlike `words`, which says a tariff in one line in its own order, this says the regions: for each price the conditions that are left after
all earlier elements have taken theirs, so that no line depends on another. A tariff with too many regions for that is told element by
element.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from interplug.tariffs.compiled import DIMENSIONS, ENERGY, FLAT, PARKING, TIME, Component, Limit, Tariff, compile_tariff
from interplug.tariffs.described import Describer, merged
from interplug.tariffs.money import WIDE, Money, plain
from interplug.tariffs.options import Options
from interplug.tariffs.phrases import CATALOGUES, Catalogue
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import record
from interplug.tariffs.regions import Box, Regions, TooMany
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, WEEKDAYS
from interplug.tariffs.typical import KNOWN, Bench, Typical
from interplug.tariffs.words import spell_money

_SECTIONS = (
    *((SESSION, dimension) for dimension in (ENERGY, TIME, PARKING, FLAT)),
    *((phase, dimension) for phase in (RESERVATION, EXPIRED) for dimension in (TIME, FLAT)),
)
_PREFIX = {SESSION: "", RESERVATION: "reserved_", EXPIRED: "expired_"}
# More boxes than this are no help to a reader.
_SAID = 3


class Price(NamedTuple):
    price: str
    # Empty: always.
    when: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    prices: tuple[Price, ...]
    notes: tuple[str, ...] = ()


class Example(NamedTuple):
    session: str
    cost: Money
    currency: str


@dataclass(frozen=True, slots=True)
class Explanation:
    head: tuple[str, ...]
    sections: tuple[Section, ...]
    limits: tuple[str, ...]
    examples: tuple[Example, ...]
    phrases: Catalogue

    def text(self) -> str:
        lines = list(self.head)
        for section in self.sections:
            lines += ["", section.title]
            lines += [f"  {entry.when}: {entry.price}" if entry.when else f"  {entry.price}" for entry in section.prices]
            lines += [f"  {note}" for note in section.notes]
        lines += ["", *self.limits] if self.limits else []
        if self.examples:
            wide = max(len(example.session) for example in self.examples)
            lines += ["", self.phrases["examples"]]
            lines += [f"  {example.session:{wide}}  {self._cost(example)}" for example in self.examples]
        return "\n".join(lines)

    def markdown(self) -> str:
        lines = list(self.head)
        for section in self.sections:
            lines += ["", f"**{section.title}**", ""]
            lines += [f"- {entry.when}: {entry.price}" if entry.when else f"- {entry.price}" for entry in section.prices]
            lines += ["", " ".join(section.notes)] if section.notes else []
        lines += ["", " ".join(self.limits)] if self.limits else []
        if self.examples:
            names = [self.phrases[name] for name in ("session", "excl", "incl")]
            lines += ["", f"**{self.phrases['examples']}**", "", "| " + " | ".join(names) + " |", "|---|---:|---:|"]
            lines += [f"| {example.session} | {self._side(example, 'excl')} | {self._side(example, 'incl')} |" for example in self.examples]
        return "\n".join(lines)

    def to_document(self) -> dict[str, Any]:
        return {
            "head": list(self.head),
            "sections": [
                {"title": section.title, "prices": [entry._asdict() for entry in section.prices], "notes": list(section.notes)}
                for section in self.sections
            ],
            "limits": list(self.limits),
            "examples": [
                {"session": example.session, "total_cost": example.cost.to_document(), "currency": example.currency}
                for example in self.examples
            ],
        }

    def _cost(self, example: Example) -> str:
        excl, incl = self._side(example, "excl"), self._side(example, "incl")
        if example.cost.excl == example.cost.incl:
            return excl
        return f"{excl} {self.phrases['excl']}, {incl} {self.phrases['incl']}"

    def _side(self, example: Example, side: str) -> str:
        value: Decimal | None = getattr(example.cost, side)
        return self.phrases["unknown"] if value is None else spell_money(value, example.currency)


def explain(
    tariff: Mapping[str, Any],
    *,
    version: str = "2.3.0",
    timezone: str | None = None,
    day: str | None = None,
    language: str | Catalogue = "en",
) -> Explanation:
    """`day`, a local date: the examples are in the week after it. `language`: one of `CATALOGUES`, or a catalogue."""
    document = record(tariff, "/tariff")
    phrases = _phrases(language)
    with localcontext(WIDE):
        compiled = compile_tariff(document, version)
        speaker = _Speaker(compiled, phrases)
        sections = tuple(section for phase, dimension in _SECTIONS if (section := speaker.section(phase, dimension)) is not None)
        bench = Bench(document, version, timezone=timezone, day=day, options=Options(rounding="currency"))
        examples = tuple(speaker.example(session, bench) for session in KNOWN) if sections else ()
        head = [*_head(document, compiled, phrases), *(() if sections else (phrases["nothing"],))]
        return Explanation(tuple(head), sections, tuple(speaker.limits()), examples, phrases)


def _phrases(language: str | Catalogue) -> Catalogue:
    if isinstance(language, Mapping):
        return language
    found = CATALOGUES.get(language)
    if found is None:
        raise TariffError("unknown_language", f"language is none of {', '.join(CATALOGUES)}", "/language")
    return found


def _head(document: Mapping[str, Any], tariff: Tariff, phrases: Catalogue) -> Iterator[str]:
    party = "-".join(str(document[name]) for name in ("country_code", "party_id") if document.get(name))
    yield phrases["head"].format(id=tariff.spelled_id, party=party or "?", currency=tariff.currency)
    for name, at in (("start", document.get("start_date_time")), ("end", document.get("end_date_time"))):
        if at is not None:
            yield phrases["valid_from" if name == "start" else "valid_until"].format(**{name: at})


class _Speaker:
    def __init__(self, tariff: Tariff, phrases: Catalogue) -> None:
        self._tariff = tariff
        self._phrases = phrases
        self._regions = Regions(tariff)
        self._describer = Describer(self._regions, phrases)

    def section(self, phase: int, dimension: int) -> Section | None:
        own = [component for element in self._tariff.elements if element.phase == phase for component in element.components]
        found = [component for component in own if component.dimension == dimension]
        if not found or (dimension != ENERGY and not any(component.price for component in found)):
            return None
        try:
            prices = self._by_region(phase, dimension)
        except TooMany:
            prices = self._by_element(found)
        title = self._phrases[_PREFIX[phase] + DIMENSIONS[dimension]]
        steps = _steps(found)
        uniform = dimension != FLAT and len(steps) == 1 and max(steps) > 1
        notes = [self._phrases[f"steps_{_unit(dimension)}"].format(step=self._step(found))] if uniform else []
        return Section(title, tuple(prices), tuple(notes))

    def _by_region(self, phase: int, dimension: int) -> list[Price]:
        groups: dict[tuple[Any, ...], tuple[Component | None, list[Box]]] = {}
        for element in self._tariff.order(phase):
            for component in element.components:
                if component.dimension == dimension and (left := self._regions.remaining(phase, dimension, element)):
                    key = (component.price, component.step, component.tax)
                    groups.setdefault(key, (component, []))[1].extend(box for box in left if all(box))
        unpriced = self._regions.unpriced(phase, dimension)
        if unpriced and dimension != FLAT:
            groups[()] = (None, unpriced)
        told = [(component, merged(boxes)) for component, boxes in groups.values() if boxes]
        last = len(told) - 1 if len(told) > 1 and (dimension != FLAT or not unpriced) else None
        several = len(_steps([component for component, _ in told if component])) > 1
        return [Price(self._price(component, several), self._when(boxes, place == last)) for place, (component, boxes) in enumerate(told)]

    def _when(self, boxes: list[Box], last: bool) -> str:
        if len(boxes) == 1 or (len(boxes) <= _SAID and not last):
            return f" {self._phrases['or']} ".join(self._describer.box(box) for box in boxes)
        if last:
            beyond = any(
                mask != everything for box in boxes for mask, everything in list(zip(box, self._regions.everything, strict=True))[2:]
            )
            return self._phrases["otherwise_used" if beyond else "otherwise"]
        said = "; ".join(self._describer.box(box) for box in boxes[:_SAID])
        return f"{said}; …"

    def _by_element(self, components: list[Component]) -> list[Price]:
        said: list[Price] = []
        for component in components:
            condition = self._describer.box(self._regions.boxes[component.element])
            when = self._phrases["listed"].format(condition=condition or self._phrases["always"]) if said else condition
            said.append(Price(self._price(component, True), when))
        return said

    def _price(self, component: Component | None, with_step: bool) -> str:
        if component is None or not component.price:
            return self._phrases["free"]
        unit = {ENERGY: "per_ENERGY", FLAT: "per_FLAT"}.get(component.dimension, "per_hour")
        currency, tax = self._tariff.currency, component.tax
        said = self._phrases[unit].format(money=spell_money(component.price, currency))
        excl, incl = tax.sides(component.price)
        if tax.rate and tax.kind == "net" and incl is not None:
            said += " " + self._phrases["gross"].format(money=spell_money(incl, currency), rate=plain(tax.rate))
        elif tax.rate and tax.kind == "gross" and excl is not None:
            said += " " + self._phrases["within"].format(money=spell_money(excl, currency), rate=plain(tax.rate))
        elif tax.kind == "net_only":
            said += " " + self._phrases["plus"]
        if with_step and component.dimension != FLAT and component.step > 1:
            said += "; " + self._phrases[f"ends_{_unit(component.dimension)}"].format(step=self._step([component]))
        return said

    def _step(self, components: list[Component]) -> str:
        component = next(component for component in components if component.price and component.step > 1)
        return plain(component.step / 1000) if component.dimension == ENERGY else self._describer.duration(component.step)

    def limits(self) -> Iterator[str]:
        for name, limit in (("min", self._tariff.min_price), ("max", self._tariff.max_price)):
            if limit is not None:
                yield self._phrases[name].format(money=self._limit(limit))

    def _limit(self, limit: Limit) -> str:
        sides = (("before", limit.excl), ("after", limit.incl))
        said = [self._phrases[name].format(money=spell_money(bound, self._tariff.currency)) for name, bound in sides if bound is not None]
        return f" {self._phrases['and']} ".join(said)

    def example(self, session: Typical, bench: Bench) -> Example:
        name = "example_parked" if session.parked else "example"
        said = self._phrases[name].format(
            kwh=plain(session.kwh),
            charging=self._describer.duration(Decimal(session.charging)),
            parked=self._describer.duration(Decimal(session.parked)),
            day=self._phrases[WEEKDAYS[session.weekday]],
            time=f"{session.second // 3600:02}:{session.second // 60 % 60:02}",
        )
        return Example(said, bench.price(session).total_cost, self._tariff.currency)


def _unit(dimension: int) -> str:
    return "ENERGY" if dimension == ENERGY else "TIME"


def _steps(components: list[Component]) -> set[Decimal]:
    """The steps of what costs something; free volume is not rounded."""
    return {max(component.step, Decimal(1)) for component in components if component.price}
