"""Random operations against a plain dict: what the store says must be what the dict says, after every step."""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from interplug.model.types import decode_json
from interplug.store.keys import GONE, OWN, PageQuery
from interplug.store.store import Store
from tests.store.samples import at, evse, key, location, tariff

names = st.sampled_from(["A", "B", "C"])
sources = st.sampled_from([OWN, 7])
moments = st.integers(0, 20)
NOW = at(20)
audiences = st.sampled_from([None, 0, 7, 8])
statuses = st.sampled_from(["AVAILABLE", "CHARGING"])
evse_sets = st.lists(st.tuples(st.sampled_from("XYZ"), statuses, moments), max_size=3, unique_by=lambda one: one[0])


Databases = Callable[[], AbstractContextManager[str]]
"""Makes an empty database; its URL."""


class Plain:
    """What is known of one object: the document as it must be read, and who sees it."""

    def __init__(self, document: dict[str, Any], moment: int, audience: int, created: int) -> None:
        self.document, self.moment, self.audience, self.created = document, moment, audience, created
        self.told = moment
        """Of a Location: the time that it said of itself last."""


class StoreAgainstDict(RuleBasedStateMachine):
    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self.databases = databases

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.rest = contextlib.ExitStack()
        self.store = Store.open(self.rest.enter_context(self.databases()), clock=lambda: NOW)
        self.plain: dict[tuple[str, int, str], Plain] = {}
        self.created = 0
        self.copy: dict[tuple[str, int, str], Any] = {}
        self.reached = 0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.loop.run_until_complete(self.store.close())
            self.loop.close()
            self.rest.close()

    def write(self, work: Callable[[Any], Any]) -> Any:
        return self.loop.run_until_complete(self.store.write(work))

    def read(self, work: Callable[[Any], Any]) -> Any:
        return self.loop.run_until_complete(self.store.read(work))

    @rule(name=names, source=sources, moment=moments, currency=st.sampled_from(["EUR", "SEK"]), audience=audiences)
    def save_tariff(self, name: str, source: int, moment: int, currency: str, audience: int | None) -> None:
        document, known = tariff(name, moment, currency=currency), self.plain.get(("tariffs", source, name))
        saved = self.write(lambda tx: tx.objects.save(key(name, source=source), document, last_updated=at(moment), audience=audience))
        if known is None:
            self.created += 1
            self.plain["tariffs", source, name] = Plain(document, at(moment), audience or 0, self.created)
            assert saved.created
            return
        assert saved.stale == (source != OWN and at(moment) < known.moment)
        if saved.stale:
            return
        before = known.audience
        if known.audience == GONE:
            known.audience = 0
        known.audience = known.audience if audience is None else audience
        same = {**known.document, "last_updated": ""} == {**document, "last_updated": ""}
        if source == OWN and at(moment) <= known.moment:
            if same and known.audience == before:
                return  # else it is new to somebody, and as new as now
            known.moment = max((known.moment // 1000 + 1) * 1000, NOW)
            known.document = tariff(name, (known.moment - at(0)) / 1_000_000, currency=currency)
        else:
            known.moment, known.document = at(moment), document

    @rule(name=names, moment=moments, evses=evse_sets, city=st.sampled_from(["Gieten", "Assen"]), audience=audiences)
    def save_location(self, name: str, moment: int, evses: list[tuple[str, str, int]], city: str, audience: int | None) -> None:
        given = {uid: evse(uid, when, status) for uid, status, when in evses}
        newest = max([at(moment), *(at(when) for _, _, when in evses)])
        place, known = ("locations", 7, name), self.plain.get(("locations", 7, name))
        body = location(name, moment, city=city)
        document = {**body, "evses": list(given.values())}
        saved = self.write(lambda tx: tx.objects.save(key(name, "locations", 7), document, last_updated=at(moment), audience=audience))
        if known is None:
            self.created += 1
            self.plain[place] = Plain({**body, "evses": given}, newest, audience or 0, self.created)
            self.plain[place].told = at(moment)
            return
        overtaken = newest < known.moment
        assert saved.stale == (overtaken and at(moment) <= known.told)
        if saved.stale:
            return
        if known.audience == GONE:
            known.audience = 0
        known.audience = known.audience if audience is None else audience
        old = known.document["evses"]
        kept = {uid: old[uid] if uid in old and old[uid]["last_updated"] > one["last_updated"] else one for uid, one in given.items()}
        for uid, one in old.items():
            if uid not in kept and overtaken and one["last_updated"] > body["last_updated"]:
                kept[uid] = one
            elif uid not in kept:
                when = max(body["last_updated"], one["last_updated"])
                kept[uid] = one if one["status"] == "REMOVED" else {**one, "status": "REMOVED", "last_updated": when}
        same = (known.document["city"], list(old.items())) == (city, list(kept.items())) and newest <= known.moment
        known.told = max(known.told, at(moment)) if same else at(moment)
        known.document = {**body, "evses": kept}
        known.moment = max(newest, known.moment)

    @rule(name=names, uid=st.sampled_from("XYZ"), status=statuses, moment=moments)
    def save_evse(self, name: str, uid: str, status: str, moment: int) -> None:
        known = self.plain.get(("locations", 7, name))
        if known is None or known.audience == GONE:
            return
        document, old = evse(uid, moment, status), known.document["evses"].get(uid)
        saved = self.write(lambda tx: tx.objects.save_evse(key(name, "locations", 7), uid, document, last_updated=at(moment)))
        assert saved.stale == (old is not None and old["last_updated"] > document["last_updated"])
        if not saved.stale:
            known.document["evses"][uid] = document
            known.moment = max(known.moment, at(moment))

    @rule(module=st.sampled_from(["tariffs", "locations"]), name=names)
    def remove(self, module: str, name: str) -> None:
        known = self.plain.get((module, 7, name))
        removed = self.write(lambda tx: tx.objects.remove(key(name, module, 7)))
        assert removed == (known is not None and known.audience != GONE)
        if known is not None:
            known.audience = GONE

    @rule(module=st.sampled_from(["tariffs", "locations"]), name=names, version=st.sampled_from(["2.3.0", "2.2.1", "2.1.1"]))
    def keep_a_rendition(self, module: str, name: str, version: str) -> None:
        async def work(tx: Any) -> None:
            stored = await tx.objects.get(key(name, module, 7))
            if stored is not None:
                await tx.objects.keep([(stored.pk, version, stored.changed_no, stored.raw if version == "2.1.1" else None)])

        self.write(work)

    def expected(self, known: Plain) -> dict[str, Any]:
        document = dict(known.document)
        if "evses" in document:
            document["last_updated"] = evse("", (known.moment - at(0)) / 1_000_000)["last_updated"]
            document["evses"] = list(document["evses"].values())
            if not document["evses"]:
                del document["evses"]
        return document

    @invariant()
    def each_document_is_the_same(self) -> None:
        for (module, source, name), known in getattr(self, "plain", {}).items():
            stored = self.read(lambda tx, m=module, s=source, n=name: tx.objects.get(key(n, m, s)))
            assert (stored is None) == (known.audience == GONE)
            if stored is not None:
                assert (stored.document, stored.audience) == (self.expected(known), known.audience)
                assert module == "tariffs" or stored.last_updated == known.moment

    @invariant()
    def each_feed_is_the_same(self) -> None:
        for module in ("tariffs", "locations") if hasattr(self, "plain") else ():
            for seen in ((0,), (0, 7, 8)):
                for version in ("2.3.0", "2.1.1"):
                    self.check_feed(module, seen, version)

    def check_feed(self, module: str, seen: tuple[int, ...], version: str) -> None:
        page = self.read(lambda tx: tx.objects.page(PageQuery(module, 50, version, audiences=seen)))
        own = [known for (where, source, _), known in self.plain.items() if (where, source) == (module, OWN)]
        mine = [known for known in own if known.audience in seen]
        wanted = [self.expected(known) for known in sorted(mine, key=lambda known: known.created)]
        assert page.total == len(wanted) == len(page.pks)
        for body, document in zip(page.bodies, wanted, strict=True):
            assert body is None or decode_json(body) == document
            assert body is not None or version != "2.3.0" or module == "locations"

    @rule()
    def a_reader_of_the_log_catches_up(self) -> None:
        """Its copy, made only of what the log names, is the store."""
        for change in self.read(lambda tx: tx.objects.changes(self.reached, 1000)):
            place = (change.module, change.source, change.key.id)
            if change.audience == GONE:
                self.copy.pop(place, None)
            elif change.module == "tariffs":
                self.copy[place] = self.read(lambda tx, change=change: tx.objects.get_pk(change.pk)).document
            else:
                self.copy.setdefault(place, {})
                self.follow(place, change)
            self.reached = change.no
        shown = {place: self.expected(known) for place, known in self.plain.items() if known.audience != GONE}
        assert {p: d for p, d in self.copy.items() if p[0] == "tariffs"} == {p: d for p, d in shown.items() if p[0] == "tariffs"}
        for place, document in shown.items():
            if place[0] == "locations":
                assert self.copy[place]["city"] == document["city"]
                assert self.copy[place]["status"] == {one["uid"]: one["status"] for one in document.get("evses", [])}

    def follow(self, place: tuple[str, int, str], change: Any) -> None:
        if change.evse_uid is not None:
            seen = self.read(lambda tx: tx.objects.get_evse(change.key, change.evse_uid))
            if seen is not None:
                self.copy[place].setdefault("status", {})[seen.uid] = seen.status
            return
        document = self.read(lambda tx: tx.objects.get_pk(change.pk)).document
        self.copy[place] = {"city": document["city"], "status": {one["uid"]: one["status"] for one in document.get("evses", [])}}


@contextlib.contextmanager
def file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/node.db"


@pytest.mark.parametrize(("engine", "share"), [("sqlite", 1), ("postgresql", 4)])
def test_the_store_is_a_dict(engine: str, share: int, request: pytest.FixtureRequest) -> None:
    databases: Databases = file if engine == "sqlite" else request.getfixturevalue("cluster").database
    examples = max(40, settings.default.max_examples // 3) // share
    run_state_machine_as_test(lambda: StoreAgainstDict(databases), settings=settings(max_examples=examples, stateful_step_count=25))
