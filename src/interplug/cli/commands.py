"""Every command of `interplug`, in one list."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App

from interplug import __version__

from .ending import FAILED, Codes, carry_out

GROUPS = {
    "partner": "Partners: invite, register, look at, renew, end.",
    "party": "Our own parties.",
    "offer": "What our eMSP charges its drivers, where and for whom.",
    "payment": "What drivers pay by card: holds, captures, refunds.",
    "invoice": "Invoices with VAT, of what was paid by card and of contracts.",
    "audience": "Locations, Tariffs and Tokens that are not for every partner.",
    "command": "Commands to stations: to those of partners, and from partners to ours.",
    "profile": "The power of a Session over time: charging profiles, and what drivers prefer.",
    "quarantine": "What arrived and could not be taken.",
    "message": "What was said to and by partners.",
    "cdr": "Charge detail records.",
    "station": "Charging stations that speak OCPP.",
    "terminal": "Payment terminals at stations.",
    "alert": "What is wrong with our own stations.",
    "problem": "What drivers report at stations of partners.",
    "operator": "People who look after stations, and may sign in to the operators' page.",
    "driver": "Drivers of our provider who have an account, and their cards.",
    "driver card": "Cards of drivers: orders, and cards that are lost or found.",
    "db": "The database.",
}
COMMANDS = (
    ("serve", "serving:serve", "Run the node until it is told to stop (Ctrl-C, SIGTERM)."),
    ("demo", "demo.performance:demo", "Four nodes in four processes, cars that charge, drivers who pay."),
    ("status", "standing:status", "What this node is, whom it works with, what it holds, and what stands in its way."),
    ("doctor", "doctor:doctor", "Look for what is wrong with this node and its partners."),
    ("routes", "routes:routes", "Every URL that partners may call, and the function behind it."),
    ("partner invite", "inviting:invite", "Make a registration token for a partner, who then registers with us."),
    ("partner register", "inviting:register", "Register with a partner who has invited us."),
    ("partner list", "partners:list_", "List partners and their connections."),
    ("partner show", "partners:show_", "Show one partner: endpoints, parties, what it may write, what stands in its way."),
    ("partner rotate", "partners:rotate", "Renew the tokens of both sides (and the version, if one is named)."),
    ("partner suspend", "partners:suspend", "Take no requests from a partner and send none, until `resume`."),
    ("partner resume", "partners:resume", "End a suspension."),
    ("partner retry", "partners:retry", "Try again at once what a partner did not take, or tell it of everything."),
    ("partner remove", "partners:remove", "End the work with a partner."),
    ("party add", "parties:add", "Add a party of our own, or change its name."),
    ("party list", "parties:list_", "List our own parties."),
    ("audience list", "audiences:list_", "List audiences and who belongs to them."),
    ("audience join", "audiences:join", "Let a partner belong to an audience."),
    ("audience leave", "audiences:leave", "Let a partner belong to an audience no longer."),
    ("audience set", "audiences:set_", "Say who sees objects of ours."),
    ("offer add", "offers:add", "Add an offer, or replace one."),
    ("offer list", "offers:list_", "List the offers that hold now."),
    ("offer show", "offers:show_", "Show an offer."),
    ("offer remove", "offers:remove", "End an offer."),
    ("offer explain", "offers:explain", "Which offer holds at a plug for a driver, and why the others do not."),
    ("apply", "applying:apply", "Bring parties and offers to what a file says."),
    ("payment list", "payments:list_", "List payments, newest first."),
    ("payment show", "payments:show_", "Show a payment, and all that was asked and answered."),
    ("payment reconcile", "payments:reconcile_", "Where the money that was taken differs from CDRs and from the provider."),
    ("payment provider", "payments:provider", "Run the test provider as a service of its own."),
    ("invoice list", "invoices:list_", "List invoices, newest first."),
    ("invoice show", "invoices:show_", "Show an invoice."),
    ("invoice pdf", "invoices:pdf", "Write an invoice as PDF."),
    ("invoice paid", "invoices:paid", "Say that an invoice was paid."),
    ("invoice unpaid", "invoices:unpaid", "Take back that an invoice was paid."),
    ("invoice run", "invoices:run", "Write the invoices of contracts that are due."),
    ("margin", "margins:report", "What was bought from partners beside what was sold to drivers."),
    ("import", "moving:import_", "Take Locations, Tariffs, Tokens, Sessions or CDRs from files as our own."),
    ("export", "moving:export", "Write objects as JSON lines."),
    ("pull", "moving:pull", "Bring our copies of a partner's objects level with its lists."),
    ("cdr list", "records:list_", "List CDRs with their verdicts, newest first."),
    ("cdr show", "records:show_", "Show a CDR as it is stored, with what was found and its price worked by hand."),
    ("cdr check", "records:check", "Judge CDRs again, with what is known now."),
    ("cdr hold", "bills:hold", "Keep a CDR of ours from leaving."),
    ("cdr release", "bills:release", "Let a held CDR leave, whatever was found."),
    ("cdr credit", "bills:credit", "Take a CDR of ours back by a credit CDR."),
    ("cdr correct", "bills:correct", "Take a CDR of ours back and put the right one in its place."),
    ("cdr dispute", "bills:dispute", "Note that a CDR is argued about, or that this is settled."),
    ("cdr verify", "verifying:verify", "Whether the CDRs in files agree with their tariffs; what is wrong, by partner and cause."),
    ("evidence", "evidence:evidence", "Pack everything about a CDR into one archive, to argue about it."),
    ("station add", "provisioning:add", "Add a station that may connect from now on."),
    ("station import", "provisioning:import_", "Add many stations from a file."),
    ("station adopt", "provisioning:adopt", "Adopt a station that has connected and waits."),
    ("station list", "stations:list_", "List stations, those that wait to be adopted, too."),
    ("station show", "stations:show_", "Show one station: its outlets, what charges there, what is wrong."),
    ("station uptime", "uptimes:uptime_", "Show how much of the time our EVSEs and Locations could be used."),
    ("station messages", "stations:messages", "Show what a station said and was told, as it was said."),
    ("station call", "stations:call", "Make any call of OCPP to a station that is connected."),
    ("station change", "provisioning:change", "Give a station another password, or another security profile."),
    ("station remove", "provisioning:remove", "Let a station in no longer; what it has said is kept."),
    ("terminal list", "terminals:list_", "List payment terminals: those at our stations, and those that we provide."),
    ("terminal show", "terminals:show_", "Show one terminal, what it serves, and the last payments at it."),
    ("terminal activate", "terminals:activate", "Ask the provider of a terminal that came with a station to activate it."),
    ("terminal tap", "terminals:tap", "Hold a card of the test provider to a simulated terminal."),
    ("terminal assign", "terminals:assign", "Say what a terminal serves, and who writes the invoices."),
    ("terminal deactivate", "terminals:deactivate", "Ask the provider to deactivate a terminal."),
    ("alert list", "alerts:list_", "List what is wrong with our stations now, newest first."),
    ("alert show", "alerts:show_", "Show one alert: how often it came, and who was told."),
    ("alert ack", "alerts:ack", "Say that somebody looks after an alert."),
    ("problem list", "problems:list_", "List the problems that drivers have reported, newest first."),
    ("problem show", "problems:show_", "Show one problem."),
    ("problem close", "problems:close", "Say that a problem is over."),
    ("reference", "problems:reference_", "Find what a driver quotes: a drive, a reservation, a problem."),
    ("qr", "codes:qr", "Write the QR code of a charge point, which leads a telephone to it."),
    ("operator add", "operators:add", "Let somebody sign in to the operators' page, or change the password."),
    ("operator list", "operators:list_", "List who may sign in."),
    ("operator remove", "operators:remove", "Let somebody sign in no longer; who is signed in is signed out."),
    ("driver list", "drivers:list_", "List drivers who have an account, newest first."),
    ("driver show", "drivers:show_", "Show a driver: account, cards, orders, the last charges."),
    ("driver remove", "drivers:remove", "Erase a driver's account and all that is personal; bills stay."),
    ("driver card orders", "drivers:card_orders", "List cards that were ordered and are still to be sent."),
    ("driver card sent", "drivers:card_sent", "Say which card was sent for an order; from here on it charges."),
    ("driver card block", "drivers:card_block", "Refuse a card from now on."),
    ("driver card unblock", "drivers:card_unblock", "Let a card that was blocked charge again."),
    ("command send", "commanding:send", "Send a command to a partner and wait for its result."),
    ("command list", "commanding:list_", "List commands that were sent and received, newest first."),
    ("profile set", "profiling:set_", "Limit the power of a Session at a partner's station, and wait for the result."),
    ("profile get", "profiling:get", "Ask what a partner's station plans for a Session."),
    ("profile clear", "profiling:clear", "Take a limit away that we have set for a Session."),
    ("profile prefer", "profiling:prefer", "Tell a partner what the driver of a Session wants: cheap, fast, green, by when, how much."),
    ("profile list", "profiling:list_", "List the charging profiles that were set, newest first."),
    ("quarantine list", "quarantine:list_", "List what could not be taken."),
    ("quarantine show", "quarantine:show_", "Show one with its original bytes."),
    ("quarantine drop", "quarantine:drop", "Drop one."),
    ("message list", "messages:list_", "List what was said, newest first."),
    ("message show", "messages:show_", "Show one request and its answer."),
    (
        "station simulate",
        "simulating:simulate",
        "A crowd of simulated stations that speak OCPP to any CSMS.",
    ),
    ("db status", "database:status", "Which schema the database has, and which this Interplug wants."),
    ("db upgrade", "database:upgrade", "Bring the schema of the database up to date."),
    ("db backup", "backups:backup", "Copy the database and the node key; the node may run meanwhile."),
    ("db restore", "backups:restore", "Make a copy the database of this node."),
    ("tariff", "tariff:tariff", "Price, verify, lint and explain tariffs and CDRs from files or standard input."),
)
"""Name, place of the function, and its line in the list. A file is opened when a command of it is called, and not before."""

app = App(
    name="interplug",
    help="A node of the EV-roaming network: CPO, eMSP or both, speaking OCPI 2.1.1, 2.2.1 and 2.3.0.",
    version=__version__,
    help_flags=["--help", "-h"],
    result_action="return_value",
)


def _group(words: str) -> App:
    found = app
    for word in words.split():
        found = found[word]
    return found


for _name, _line in GROUPS.items():
    _above, _, _word = _name.rpartition(" ")
    _group(_above).command(App(name=_word, help=_line))
for _name, _place, _line in COMMANDS:
    _above, _, _word = _name.rpartition(" ")
    _group(_above).command(f"interplug.cli.{_place}", name=_word, help=_line)


def run(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command; its exit code."""
    return carry_out(app, arguments, _codes)


def _codes() -> Codes:
    """The rooms of all failures are opened when there is one, and not before each command."""
    from .meanings import CODES, failures

    return (*CODES, (failures(), FAILED))


def start() -> None:
    sys.exit(run())
