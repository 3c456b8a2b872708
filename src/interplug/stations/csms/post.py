"""The counterpart of one connected station: what it says is answered, stored and handed on; what is wanted of it is asked.

Messages about transactions are stored as they came before anything else, and answered once that is on disk, whatever their schema
says of them; only an answer that has to name a transaction or judge a token waits for the book. A repeated message gets the answer
that it was given. Everything else is strict, but for what the quirks of the model mend.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable

from interplug.config import BadSettings
from interplug.model.types import encode_json, format_time
from interplug.modules.node import Node
from interplug.stations.ocpp import schemas
from interplug.stations.ocpp.frames import Call, Payload, glimpse, parse
from interplug.stations.ocpp.link import Incoming, Link, Refused, Silent, Socket, check
from interplug.store.charging_stations import StationRow
from interplug.store.ocpp import Frame, Message

from . import inquiry, lists, meters, quirks, readers, v16
from .authority import Authority, NotSigned
from .clocks import StationClock
from .desk import Desk
from .events import Admission, IdToken, Standing, Superseded, Told, Trouble
from .inbox import Inbox
from .ledger import Ledger
from .speech import LATER, NOW, SOON, Speech
from .versions import of_version

log = logging.getLogger(__name__)

REMEMBERED = 64
"""Answers to messages about transactions that a station can have repeated."""
MINUTE = 60_000_000
POLICY = 1008
FRAMES = 256
UNREAD: Payload = {}
"""Of a message that only says how a transaction goes on; it is read when it is carried."""
Answers = OrderedDict[str, tuple[str, int, Payload]]
"""By the id of the message: its action, a hash of it, and the answer."""


class Post:
    """`station` is its row as this connection made it; `answers` are those of its last connections, too."""

    def __init__(
        self, desk: Desk, inbox: Inbox, station: StationRow, speech: Speech, socket: Socket, answers: Answers, clock: StationClock
    ) -> None:
        self.node: Node = desk.node
        self.desk = desk
        self._inbox = inbox
        self.station = station
        self.speech = speech
        self.quirk = quirks.of(station.about, desk.node.settings.stations.quirks)
        self.clock = clock
        self.frames: list[Frame] = []
        self.flush: Callable[[], None] = lambda: None
        self.ended = asyncio.Event()
        self._answers = answers
        timeout = self.node.settings.stations.call_timeout
        self.link = Link(socket, speech.dialect, self._answer, name=station.id, timeout=timeout, watch=self._watch, prompt=self._prompt)
        self._ledger = Ledger(self.node, station, self._read, self._carry)
        self._received_at = 0
        self._is_of_transaction = re.compile("|".join(f'"{action}"' for action in speech.transactions)).search
        self._inquired_at = self.node.clock()
        self._greeted = False
        """It has said something on this connection."""
        self._asked_keys = False

    # --- its life

    async def run(self) -> None:
        """Until the socket closes, and everything that was received is in the book."""
        ledger = asyncio.create_task(self._ledger.run(self.station.told))
        try:
            if self.station.state == "adopted":
                self.link.begin(self.desk.publish(self.station))
            await self.link.run()
            self._ledger.end()
            await ledger
        finally:
            ledger.cancel()
            await asyncio.gather(ledger, return_exceptions=True)
            self.ended.set()

    async def carried(self) -> None:
        """Waits until everything that the station was answered for is in the book."""
        await self._ledger.carried()

    async def lose(self, reason: str) -> None:
        """Another connection, or a decision, has taken over."""
        self._ledger.lose()
        await self.link.close(POLICY, reason)

    def look(self) -> None:
        """Now and then: whether charges of which nothing was heard for long still run."""
        before = self.node.after(-self.node.settings.stations.lost_after)
        if self._greeted and self._inquired_at <= before:
            self._inquired_at = self.node.clock()
            self.link.begin(self._inquire(before))

    async def _inquire(self, unheard_since: int | None) -> None:
        await inquiry.ask(self.desk, self.station, self.link, self.speech, self.carried, unheard_since=unheard_since)

    def _watch(self, incoming: bool, text: str) -> None:
        """Messages about transactions stand in the inbox, whole."""
        if incoming and self._is_of_transaction(text[:128]) is not None:
            return
        self.frames.append(Frame(self.node.clock(), incoming, text))
        if len(self.frames) >= FRAMES:
            self.flush()

    # --- what it says

    async def _answer(self, incoming: Incoming) -> Payload:
        if self.station.state != "adopted" and incoming.action not in ("BootNotification", "Heartbeat"):
            raise Refused("SecurityError", "this station waits to be adopted")
        self._received_at = self.node.clock()
        if not self._greeted and self.station.state == "adopted":
            self._greeted = True
            self.link.then(self.desk.limits.again(self.station))
            self.link.then(self._inquire(None))
        speech = self._speech(incoming)
        try:
            if incoming.payload is UNREAD and incoming.action in speech.transactions:
                return await self._stored(speech, incoming)  # told twice it is the same, and is answered the same
            if incoming.action in speech.transactions:
                return await self._once(speech, incoming)
            return await self._at_once(speech, incoming)
        except Superseded:
            self.link.begin(self.lose("another connection has taken over"))
            raise Refused("InternalError", "another connection has taken over") from None

    def _prompt(self, text: str) -> Incoming | None:
        """What is answered at once, or when it is on disk: a Heartbeat, or how a transaction goes on, which is read when it is carried."""
        glimpsed = None if self.quirk.speaks_16 else glimpse(text)
        if glimpsed is None:
            return None
        identity, action, payload = glimpsed
        if action in self.speech.transactions:
            return Incoming(identity, action, UNREAD, text) if self.speech.haste(action, text) == LATER else None
        if action == "Heartbeat" and payload == b"{}":
            self._watch(True, text)
            return Incoming(identity, action, UNREAD, text)
        return None

    def _speech(self, incoming: Incoming) -> Speech:
        """The version that was agreed on is the law, but for models that are known not to know it."""
        if self.quirk.speaks_16 and not _speaks(self.speech, incoming) and _speaks(v16.SPEECH, incoming):
            return v16.SPEECH
        return self.speech

    async def _at_once(self, speech: Speech, incoming: Incoming) -> Payload:
        if self.quirk.loose and incoming.action in schemas.actions(speech.dialect):
            quirks.mended(speech.dialect, incoming.action, incoming.payload)
        check(speech.dialect, incoming)
        handler = speech.handlers.get(incoming.action)
        if handler is None:
            raise Refused("NotSupported", f"{incoming.action} is not supported here")
        return await handler(self, incoming.payload)

    async def _once(self, speech: Speech, incoming: Incoming) -> Payload:
        digest = hash(incoming.raw)
        action, known, answer = self._answers.get(incoming.id, ("", 0, {}))
        if (action, known) == (incoming.action, digest):
            return answer
        answer = await self._stored(speech, incoming)
        self._answers[incoming.id] = (incoming.action, digest, answer)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer

    async def _stored(self, speech: Speech, incoming: Incoming) -> Payload:
        message = Message(self.station.id, speech.dialect.version, self._received_at, incoming.raw)
        no = await self._inbox.receive(self.station.epoch, message)
        if not no:
            raise Superseded(self.station.id)
        haste = LATER if incoming.payload is UNREAD else speech.haste(incoming.action, incoming.raw)
        if haste != NOW:
            self._ledger.put(no, message, urgent=haste == SOON)
            return speech.answer(incoming.action, incoming.payload, None, "")
        try:
            admission = await self._ledger.ask(no, message)
        except asyncio.CancelledError:
            if self._ledger.lost.is_set():
                raise Superseded(self.station.id) from None
            raise
        return speech.answer(incoming.action, incoming.payload, admission, format_time(self.node.clock() + MINUTE))

    def _read(self, message: Message) -> Told | None:
        """What a message in the inbox means; None where it means nothing at all."""
        speech = of_version(message.version)
        before, self._received_at = self._received_at, message.at
        try:
            told = speech.quick(self, message.raw) if speech.quick is not None else None
            return self._understood(speech, message) if told is None else told
        finally:
            self._received_at = before

    def _understood(self, speech: Speech, message: Message) -> Told | None:
        frame = parse(message.raw, speech.dialect)
        if not isinstance(frame, Call) or frame.action not in speech.transactions:
            log.warning("station %s: a message in the inbox says nothing: %s", self.station.id, getattr(frame, "description", ""))
            return None
        problem = schemas.check_request(speech.dialect, frame.action, frame.payload)
        if problem is not None:
            log.warning("station %s: %s is not as OCPP says: %s", self.station.id, frame.action, problem.description)
        return speech.transactions[frame.action](self, frame.payload)

    async def _carry(self, told: Told) -> Admission:
        if not self._asked_keys and self.station.id not in self.desk.shy and meters.lacking(self.station, told):
            await self._ask_keys()
        admission = await self.desk.transactions.tell(self.station, told, self.quirk)
        if told.kind != "went on" or told.token is not None or admission.begins:
            await self.desk.publish(self.station)
        return admission

    async def _ask_keys(self) -> None:
        """Once a connection."""
        self._asked_keys = True
        found = await meters.ask(self.station, self.link, self.speech)
        if found is None:
            self.desk.shy.add(self.station.id)
        if found:
            await self._about({**self.station.about, **found})

    async def _about(self, about: dict[str, str]) -> None:
        station = self.station
        station.about = about
        await self.node.store.write(lambda tx: tx.charging_stations.about(station.id, station.epoch, about))

    # --- what the files of the versions ask for

    def time(self, text: object) -> int:
        return self.clock.time(text, self._received_at)

    def heard(self, text: object) -> None:
        self.clock.heard(text, self._received_at)

    def now(self) -> str:
        return format_time(self.node.clock())

    @property
    def heartbeat(self) -> int:
        return self.node.settings.stations.heartbeat

    async def booted(self, about: dict[str, str], *, anew: bool = True) -> str:
        self.quirk = quirks.of(about, self.node.settings.stations.quirks)
        await self._about({**readers.taken(self.station.about), **about})
        self._asked_keys = False
        station = self.station
        if station.state != "adopted":
            return "Pending"
        if anew:
            await self.desk.restarted(station, self._received_at)
        self.link.then(lists.bring(self.node, station.id, self.link, self.speech))
        return "Accepted"

    async def admit(self, token: IdToken, evse: int | None) -> Admission:
        admission, _ = await self.desk.admissions.ask(self.station, token, None, reversed_uid=self.quirk.reversed_uid)
        return admission

    async def standing(self, standing: Standing) -> None:
        await self.desk.standing(self.station, standing, self.quirk)

    def goes_on(self, told: Told) -> None:
        self._ledger.note(told)

    async def trouble(self, trouble: Trouble) -> None:
        await self.desk.trouble(self.station, trouble)

    async def reservation_over(self, number: int, event: str) -> None:
        await self.desk.reservation_over(self.station, number, event)

    async def limited(self, evse: int) -> None:
        await self.desk.limits.moved(self.station.id, evse)

    async def certify(self, csr: str, named: Payload) -> bool:
        settings, station = self.node.settings.stations, self.station.id
        try:
            if (authority := await asyncio.to_thread(Authority.read, settings)) is None:
                raise NotSigned("there is no authority (stations.sign_certificate)")
            chain = await asyncio.to_thread(authority.issue, station, csr, settings.sign_days)
        except (NotSigned, BadSettings) as error:
            log.warning("station %s gets no certificate: %s", station, error)
            return False
        self.link.then(self._certified({"certificateChain": chain, **named}))
        return True

    async def _certified(self, said: Payload) -> None:
        try:
            taken = (await self.link.call("CertificateSigned", said)).get("status") == "Accepted"
        except (Refused, Silent):
            taken = False
        log.log(
            logging.INFO if taken else logging.WARNING, "station %s %s its new certificate", self.station.id, "has" if taken else "refuses"
        )

    def remark(self, what: str, said: Payload) -> None:
        log.warning("station %s: %s: %s", self.station.id, what, encode_json(said).decode())


def _speaks(speech: Speech, incoming: Incoming) -> bool:
    """Whether this is a message of that version, as its schema says."""
    known = incoming.action in schemas.actions(speech.dialect)
    return known and schemas.check_request(speech.dialect, incoming.action, incoming.payload) is None
