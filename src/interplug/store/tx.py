"""A transaction as its author sees it: the repositories, and the next change number.

The list below is the whole list. A repository gets the database and, where it takes change numbers, `numbers`; it keeps no state
that would outlive a transaction.
"""

from collections.abc import Callable

from interplug.store.accounts import Accounts, Attempts
from interplug.store.alerts import Alerts
from interplug.store.bills import Bills
from interplug.store.cards import Cards
from interplug.store.charging_stations import ChargingStations
from interplug.store.checks import Checks
from interplug.store.commands import Commands
from interplug.store.cursors import Cursors
from interplug.store.database import Database, Numbers
from interplug.store.drivers import Drivers
from interplug.store.faults import Faults
from interplug.store.favourites import Favourites
from interplug.store.finding import Finding
from interplug.store.history import History
from interplug.store.holds import Holds
from interplug.store.invoices import Invoices
from interplug.store.leases import Leases
from interplug.store.letters import Letters
from interplug.store.messages import Messages
from interplug.store.methods import Methods
from interplug.store.notices import Notices
from interplug.store.objects import Objects
from interplug.store.ocpp import Ocpp
from interplug.store.offers import Offers
from interplug.store.operators import Operators
from interplug.store.parties import Parties
from interplug.store.partners import Partners
from interplug.store.payments import Payments
from interplug.store.places import Places
from interplug.store.problems import Problems
from interplug.store.profiles import Profiles
from interplug.store.pulls import Pulls
from interplug.store.pulses import Pulses
from interplug.store.quarantine import Quarantine
from interplug.store.replies import Replies
from interplug.store.reservations import Reservations
from interplug.store.stations import Stations
from interplug.store.statuses import Statuses
from interplug.store.terminals import Terminals

BUMP = "insert into counter (name, no) values (?, 1) on conflict (name) do update set no = counter.no + 1 returning no"
MARK = "insert into counter (name, no) values (?, ?) on conflict (name) do update set no = excluded.no"
REACHED = "select no from counter where name = ?"


class Tx:
    def __init__(self, db: Database, numbers: Numbers, clock: Callable[[], int]) -> None:
        self.db = db
        self.clock = clock
        self._numbers = numbers
        self.objects = Objects(db, numbers, clock)
        self.history = History(db)
        self.cursors = Cursors(db)
        self.pulls = Pulls(db)
        self.quarantine = Quarantine(db)
        self.messages = Messages(db)
        self.pulses = Pulses(db)
        self.replies = Replies(db)
        self.parties = Parties(db)
        self.partners = Partners(db)
        self.drivers = Drivers(db, numbers)
        self.accounts = Accounts(db)
        self.attempts = Attempts(db)
        self.cards = Cards(db)
        self.favourites = Favourites(db)
        self.letters = Letters(db)
        self.notices = Notices(db)
        self.places = Places(db)
        self.finding = Finding(db)
        self.problems = Problems(db, numbers)
        self.reservations = Reservations(db, numbers)
        self.offers = Offers(db)
        self.bills = Bills(db, numbers)
        self.payments = Payments(db, numbers)
        self.methods = Methods(db, numbers)
        self.invoices = Invoices(db, numbers)
        self.commands = Commands(db, numbers)
        self.profiles = Profiles(db)
        self.stations = Stations(db)
        self.statuses = Statuses(db)
        self.charging_stations = ChargingStations(db)
        self.ocpp = Ocpp(db)
        self.faults = Faults(db)
        self.terminals = Terminals(db)
        self.alerts = Alerts(db, numbers)
        self.operators = Operators(db)
        self.checks = Checks(db)
        self.holds = Holds(db)
        self.leases = Leases(db)

    async def number(self) -> int:
        """The next number of the change log; it counts only if this transaction is committed."""
        return self._numbers.take()

    async def bump(self, name: str) -> int:
        """Moves a named generation (`partners`, `keys` …), so that caches of any process can see that they are old."""
        row = await self.db.one(BUMP, name)
        assert row is not None
        return int(row[0])

    async def mark(self, name: str, no: int) -> None:
        """Sets a generation to a number of the caller's."""
        await self.db.execute(MARK, name, no)

    async def generation(self, name: str) -> int:
        row = await self.db.one(REACHED, name)
        return 0 if row is None else int(row[0])
