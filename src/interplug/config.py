"""One table of settings: the process, not the business.

Each section is a Struct; a field's name, default and help are the row of the table. A value comes from the default,
the TOML file, then `INTERPLUG__SECTION__KEY` in the environment, the later winning. Parties, partners, visibility and
offers are business and live in the database.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec


def _help(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class Server(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, _help("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, _help("Port to listen on; 0 takes a free one.")] = 8080
    public_url: Annotated[str, _help("How partners reach this node; empty: http://host:port.")] = ""
    tls_certificate: Annotated[str, _help("PEM file of the certificate chain; with it the node speaks TLS itself.")] = ""
    tls_key: Annotated[str, _help("PEM file of the private key.")] = ""
    trusted_proxies: Annotated[list[str], _help("Addresses whose X-Forwarded-For is believed.")] = []
    largest_body: Annotated[int, _help("Largest request body in bytes.")] = 4_000_000
    body_timeout: Annotated[float, _help("Seconds that a request body may take to arrive.")] = 20.0


class StoreSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, _help("The database: sqlite:///path of a file, or postgresql://user:password@host/database.")] = (
        "sqlite:///interplug.db"
    )
    key_file: Annotated[str, _help("File with the node key; made when absent. Empty: beside a SQLite database, else interplug.key.")] = ""
    key: Annotated[str, _help("The node key itself (Base64, 32 bytes), instead of a file.")] = ""
    message_days: Annotated[float, _help("Days that the message log keeps requests and answers.")] = 30.0
    reading_days: Annotated[float, _help("Days that readings of meters are kept after their Session has ended.")] = 400.0
    tariff_days: Annotated[float, _help("Days that every version of a Tariff is kept, our own and received.")] = 3653.0
    cdr_days: Annotated[float, _help("Days that every version of a CDR is kept as evidence, our own and received.")] = 3653.0
    session_days: Annotated[float, _help("Days that the states and charging periods of Sessions are kept as evidence.")] = 3653.0
    status_days: Annotated[float, _help("Days that it is kept since when each own EVSE had which status; uptime is counted from that.")] = (
        1100.0
    )
    command_days: Annotated[float, _help("Days that commands and their results are kept.")] = 400.0
    quarantine_days: Annotated[float, _help("Days that objects which could not be taken are kept.")] = 90.0
    least_free: Annotated[int, _help("Bytes free on the disk of the database below which the node says that it is not ready.")] = 50_000_000
    message_body: Annotated[int, _help("Bytes kept of each body in the message log.")] = 4096


class Surfaces(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    ocpi: Annotated[bool, _help("Serve /ocpi to partners.")] = True
    driver: Annotated[bool, _help("Serve the driver's page at /.")] = False
    console: Annotated[bool, _help("Serve the operators' page at /console, behind a sign-in.")] = False
    terminals: Annotated[
        bool, _help("Serve /terminals: simulated payment terminals, to which anybody may hold cards of the test provider.")
    ] = False
    invoices: Annotated[bool, _help("Serve /invoices: receipts of charges that were paid at a terminal.")] = True
    health: Annotated[bool, _help("Serve /health/live and /health/ready.")] = True
    metrics: Annotated[bool, _help("Serve /metrics to Prometheus on this machine or its private network.")] = True


class Ocpi(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    versions: Annotated[list[str], _help("Versions offered to partners.")] = msgspec.field(
        default_factory=lambda: ["2.1.1", "2.2.1", "2.3.0"]
    )
    page_limit: Annotated[int, _help("Objects on a page when the partner names no limit.")] = 100
    page_largest: Annotated[int, _help("Most objects on a page (X-Limit).")] = 500
    command_timeout: Annotated[int, _help("Seconds promised for the result of a command.")] = 30
    profile_interval: Annotated[
        float,
        _help("Seconds between two requests of one kind of a partner for the charging profile of a Session; a sooner one is TOO_OFTEN."),
    ] = 60.0
    token_overlap: Annotated[float, _help("Seconds that a rotated token is still accepted when the new one was never used.")] = 86_400.0
    postal_code_filler: Annotated[str, _help("postal_code towards 2.1.1 when a Location has none.")] = "-"


class Network(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    allow_private: Annotated[bool, _help("Partners may live on loopback and private addresses.")] = False
    allow_http: Annotated[bool, _help("Partners may be called without TLS.")] = False
    timeout: Annotated[float, _help("Seconds for a whole call to a partner.")] = 30.0
    largest_answer: Annotated[int, _help("Largest answer in bytes that is read from a partner.")] = 64_000_000


class Delivery(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    tick: Annotated[float, _help("Seconds between looks at the change log when nothing wakes the loop.")] = 0.2
    in_flight: Annotated[int, _help("Objects of one partner that are sent at the same time.")] = 8
    per_second: Annotated[float, _help("Most requests a second to one partner that push makes; 0: as many as the partner takes.")] = 0.0
    back_off: Annotated[float, _help("First pause in seconds after a partner failed; doubles.")] = 1.0
    back_off_longest: Annotated[float, _help("Longest pause in seconds.")] = 300.0
    full_pull_after: Annotated[
        float, _help("Seconds that a partner may be behind before it needs a full pull: it is told of everything again.")
    ] = 604_800.0


class Pull(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    every: Annotated[float, _help("Hours between readings of what has changed in a partner's list; up to a quarter more or less.")] = 6.0
    full_every: Annotated[float, _help("Hours between readings of a partner's whole list.")] = 168.0
    grace: Annotated[float, _help("Hours for which whole lists must lack an object until it ends here.")] = 1.0
    overlap: Annotated[float, _help("Hours before the newest change that was seen from which changes are asked for again.")] = 1.0


class Cdrs(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    missing_after: Annotated[float, _help("Hours without news after which a Session that has no CDR is listed as missing one.")] = 48.0
    late_after: Annotated[float, _help("Hours after its end from which a CDR that arrives is late.")] = 336.0
    longest: Annotated[float, _help("Hours that a charge may last; a CDR of a longer one is implausible.")] = 168.0


class Logging(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    format: Annotated[Literal["text", "json"], _help("Lines on standard error: text, or a JSON object a line.")] = "text"
    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], _help("What is told; DEBUG has a line for each request.")] = "INFO"


class Tracing(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    endpoint: Annotated[str, _help("Where OpenTelemetry traces go (OTLP over HTTP), as http://host:4318/v1/traces; empty: nowhere.")] = ""
    share: Annotated[float, _help("The part of the traces begun here that is kept, from 0 to 1; what a partner has begun follows it.")] = (
        1.0
    )
    service: Annotated[str, _help("The name of this node in the traces.")] = "interplug"


class Simulator(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    speed: Annotated[float, _help("Seconds that pass for this node in a real one; above 1 only where all its stations are simulated.")] = (
        1.0
    )
    epoch: Annotated[float, _help("Unix time at which simulated and real time agree; needed where speed is not 1.")] = 0.0


class Stations(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    enabled: Annotated[bool, _help("Take the connections of charging stations (OCPP).")] = False
    host: Annotated[str, _help("Address on which stations are awaited.")] = "127.0.0.1"
    port: Annotated[int, _help("Port without TLS, for stations in a network of your own; 0 takes a free one, -1 none.")] = 8180
    tls_port: Annotated[int, _help("Port with TLS; 0 takes a free one, -1 none. It needs tls_certificate and tls_key.")] = -1
    tls_certificate: Annotated[str, _help("PEM file of the certificate chain that stations see.")] = ""
    tls_key: Annotated[str, _help("PEM file of its private key.")] = ""
    client_ca: Annotated[str, _help("PEM file of the authorities whose certificates prove who a station is (security profile 3).")] = ""
    sign_certificate: Annotated[
        str, _help("PEM file of an authority of your own that signs the certificates that stations ask for; without it none is signed.")
    ] = ""
    sign_key: Annotated[str, _help("PEM file of its private key.")] = ""
    sign_days: Annotated[float, _help("Days that such a certificate is valid.")] = 365.0
    unknown: Annotated[
        Literal["refuse", "offer"], _help("A station that nobody has added: refuse it, or let it wait until it is adopted.")
    ] = "refuse"
    most_offered: Annotated[int, _help("Most stations that may wait to be adopted.")] = 100
    heartbeat: Annotated[int, _help("Seconds between heartbeats that stations are asked for.")] = 300
    ping: Annotated[float, _help("Seconds between WebSocket pings; a station that answers none for as long is gone.")] = 30.0
    call_timeout: Annotated[float, _help("Seconds that a station has to answer a call.")] = 25.0
    authorise_timeout: Annotated[float, _help("Seconds that a provider has to answer while its driver waits at the station.")] = 2.0
    session_every: Annotated[float, _help("Seconds between two updates of a Session while nothing but its meter moves.")] = 60.0
    status_settle: Annotated[
        float, _help("Seconds after a change of an EVSE's status within which further ones are told as one, when they are over.")
    ] = 2.0
    offline_after: Annotated[float, _help("Seconds without connection after which the EVSEs of a station are UNKNOWN.")] = 300.0
    lost_after: Annotated[float, _help("Seconds after which a charge ends of which its station says nothing while the plug is free.")] = (
        900.0
    )
    silent_after: Annotated[
        float, _help("Seconds without connection after which a station that has been here is silent, which is a fault; 0: never.")
    ] = 600.0
    meter_stuck_after: Annotated[
        float, _help("Seconds without energy while the station says that a car is charging, after which that is a fault; 0: never.")
    ] = 900.0
    failed_starts: Annotated[int, _help("Starts that fail in a row at one EVSE until that is a fault; 0: never.")] = 3
    stack_level: Annotated[
        int, _help("Stack level of the charging profiles that stations are given; a higher one wins over a lower one at the station.")
    ] = 1
    local_list: Annotated[int, _help("Most cards on the local list of a station, for when it cannot ask; 0: it gets none.")] = 0
    largest_frame: Annotated[int, _help("Largest message in bytes that a station may send.")] = 262_144
    frame_days: Annotated[float, _help("Days that every message of stations is kept.")] = 30.0
    quirks: Annotated[
        dict[str, str],
        _help(
            "What models do that OCPP does not say, by a part of vendor and model: loose, reversed_uid, available_means_nothing, "
            "speaks_16, with a + between several."
        ),
    ] = {}
    statuses: Annotated[
        dict[str, str], _help("What is published for a state of OCPP, where it is not the default, as Preparing = BLOCKED.")
    ] = {}


Severity = Literal["info", "minor", "major", "critical"]


class AlertSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    settle: Annotated[
        float, _help("Seconds that a fault has to be gone until its alert closes; one that comes and goes meanwhile is one alert.")
    ] = 30.0
    days: Annotated[float, _help("Days that alerts are kept after they have closed. The log of faults is kept for good.")] = 400.0
    timeout: Annotated[float, _help("Seconds that a webhook or the mail server may take.")] = 10.0
    webhooks: Annotated[list[str], _help("URLs of yours that are told when an alert opens and closes.")] = []
    webhook_secret: Annotated[str, _help("The secret with which what webhooks are told is signed; whsec_ and Base64, or any text.")] = ""
    webhook_severity: Annotated[Severity, _help("The least severity that webhooks are told of.")] = "info"
    mail_to: Annotated[list[str], _help("Addresses that get an e-mail when alerts open and close.")] = []
    mail_from: Annotated[str, _help("The address that e-mails come from.")] = ""
    mail_severity: Annotated[Severity, _help("The least severity that e-mails tell of.")] = "major"
    mail_every: Annotated[float, _help("Seconds between two e-mails; what happens meanwhile is told in one.")] = 60.0
    smtp_host: Annotated[str, _help("The mail server.")] = ""
    smtp_port: Annotated[int, _help("Its port.")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"], _help("How the way there is secured; none only for a server on this machine.")
    ] = "starttls"
    smtp_user: Annotated[str, _help("Who we are to the mail server; empty: it does not ask.")] = ""
    smtp_password: Annotated[str, _help("The password for that.")] = ""


class AccountSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    enabled: Annotated[bool, _help("Let drivers make accounts on the driver's page.")] = True
    session_days: Annotated[float, _help("Days after which a driver has to sign in again.")] = 90.0
    mail_from: Annotated[
        str, _help("The address that e-mails to drivers come from, by the mail server of alerts.smtp_host; empty: alerts.mail_from.")
    ] = ""
    cards: Annotated[bool, _help("Let drivers order RFID cards, which you send them (interplug driver card).")] = False
    oidc: Annotated[
        dict[str, str], _help("Services that drivers may sign in with (OpenID Connect): the name that is shown, and its issuer's URL.")
    ] = {}
    oidc_clients: Annotated[dict[str, str], _help("Our client id at each of these services.")] = {}
    oidc_secrets: Annotated[dict[str, str], _help("Our client secret at each; none where the service knows us without one.")] = {}


class ConsoleSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    session_hours: Annotated[float, _help("Hours after which an operator has to sign in again.")] = 12.0


class NoticeSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    contact: Annotated[
        str,
        _help("How push services reach you, as mailto:me@example.org; drivers can then be told by web push. Empty: nothing is pushed."),
    ] = ""


class Help(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    phone: Annotated[str, _help("Our own help line for drivers, shown beside that of the operator.")] = ""
    mail: Annotated[str, _help("Our own address for drivers who need help.")] = ""
    photos: Annotated[bool, _help("Show the photos that operators name; they are fetched, made small and kept by this node.")] = True


class Payments(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    provider: Annotated[
        Literal["none", "test", "stripe"],
        _help("Who takes the money of drivers: nobody (they are billed elsewhere), the built-in test provider, or Stripe."),
    ] = "none"
    method: Annotated[
        Literal["card", "invoice"], _help("How drivers of the page pay: a card that is held before the start, or a monthly invoice.")
    ] = "card"
    invoice_contracts: Annotated[list[str], _help("Contracts that pay by monthly invoice all the same; * stands for anything.")] = []
    invoice_groups: Annotated[list[str], _help("Groups (group_id of the Token) that pay by monthly invoice all the same.")] = []
    currency: Annotated[
        str, _help("Currency of a hold where the price names none, and of hold_least and hold_most; in others these are about as much.")
    ] = "EUR"
    hold_kwh: Annotated[float, _help("kWh that a hold is made for, where the tariff names no preauthorize_amount.")] = 60.0
    hold_least: Annotated[float, _help("Least amount of a hold.")] = 10.0
    hold_most: Annotated[
        float, _help("Most that is held, whatever a tariff names, also after it was raised; the amount where the price is not known.")
    ] = 100.0
    warn_at: Annotated[float, _help("The part of a hold at which the driver is warned and it is raised, where that can be.")] = 0.8
    stop_at: Annotated[float, _help("The part of a hold at which the session is stopped.")] = 0.95
    raises: Annotated[bool, _help("Try to raise a hold that is nearly used up.")] = True
    pay_within: Annotated[float, _help("Minutes that a driver has to pay, before the start is given up.")] = 10.0
    void_after: Annotated[
        float, _help("Minutes after a start has failed, in which a Session may still come, until the hold is let go.")
    ] = 5.0
    cdr_wait: Annotated[float, _help("Hours after the end of a Session until its own price is captured, because no CDR has come.")] = 48.0
    hold_days: Annotated[float, _help("Days that a hold is taken to last where the provider does not say.")] = 5.0
    margin: Annotated[float, _help("Hours before the end of a hold at which it is captured, whatever is still missing.")] = 12.0
    refund_wait: Annotated[float, _help("Hours after a credit CDR in which another CDR may come, until the money goes back.")] = 1.0
    timeout: Annotated[float, _help("Seconds that the provider has to answer.")] = 20.0
    test_url: Annotated[
        str,
        _help("A test provider that runs elsewhere (interplug payment provider); empty: in this process, with its data in the database."),
    ] = ""
    webhook_secret: Annotated[str, _help("What the provider signs its webhooks with.")] = ""
    stripe_key: Annotated[str, _help("The secret key of Stripe; better in the environment than in a file.")] = ""
    stripe_public_key: Annotated[str, _help("The publishable key of Stripe, which the page of the driver gets.")] = ""
    stripe_url: Annotated[str, _help("Another address of Stripe's interface, for tests.")] = ""
    stripe_methods: Annotated[list[str], _help("Ways to pay that are offered, as card; empty: what is switched on at Stripe.")] = []


class Invoices(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    seller: Annotated[list[str], _help("Name and address on invoices, line by line; empty: the name of the party.")] = []
    vat_number: Annotated[str, _help("The seller's VAT number.")] = ""
    pay_to: Annotated[
        list[str],
        _help("How an invoice of a contract is paid, line by line, as the name and number of an account; empty: as the contract says."),
    ] = []
    due_days: Annotated[float, _help("Days that an invoice of a contract may be paid in; 0: none are named.")] = 0.0
    series: Annotated[str, _help("What numbers of invoices begin with; each series counts from 1, without a gap.")] = "INV-"
    terminal_series: Annotated[
        str, _help("The same of invoices that the operator writes for charges at a terminal of somebody else; they stand in the CDR.")
    ] = "CPO-"
    monthly: Annotated[bool, _help("Write the monthly invoices of contracts by itself; else with `interplug invoice run`.")] = False
    monthly_after: Annotated[float, _help("Days after the end of a month on which its invoices are made, when most CDRs are there.")] = 5.0


class Places(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    sources: Annotated[
        list[str],
        _help("Partners in the order in which they are believed where several tell of one EVSE; who is not named comes after these."),
    ] = []


class Map(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    style_url: Annotated[str, _help("A style of MapLibre for the map behind the stations; empty: outlines of countries, of our own.")] = ""
    pmtiles: Annotated[str, _help("A PMTiles file with vector tiles, which this node then serves itself.")] = ""
    hosts: Annotated[list[str], _help("Further places, as https://tiles.example, from which the style loads tiles and pictures.")] = []
    attribution: Annotated[str, _help("Whose map it is, shown on it; most sources of maps ask for that.")] = ""


class Settings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    server: Server = Server()
    store: StoreSettings = StoreSettings()
    surfaces: Surfaces = Surfaces()
    ocpi: Ocpi = Ocpi()
    network: Network = Network()
    delivery: Delivery = Delivery()
    pull: Pull = Pull()
    cdrs: Cdrs = Cdrs()
    logging: Logging = Logging()
    tracing: Tracing = Tracing()
    simulator: Simulator = Simulator()
    stations: Stations = Stations()
    alerts: AlertSettings = AlertSettings()
    accounts: AccountSettings = AccountSettings()
    console: ConsoleSettings = ConsoleSettings()
    help: Help = Help()
    notices: NoticeSettings = NoticeSettings()
    payments: Payments = Payments()
    invoices: Invoices = Invoices()
    places: Places = Places()
    map: Map = Map()


class BadSettings(Exception):
    """The file or the environment holds something that is no setting; the text names it."""


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; `BadSettings` names the section and key that is wrong."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadSettings(f"{file}: {error.strerror}") from None
        except ValueError as error:
            raise BadSettings(f"{file}: {error}") from None
    for name, text in environment.items():
        if name.startswith("INTERPLUG__"):
            section, _, key = name.removeprefix("INTERPLUG__").lower().partition("__")
            values.setdefault(section, {})[key] = _split(section, key, text)
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"the settings do not fit: {error}") from None


def _split(section: str, key: str, text: str) -> Any:
    """Lists are written with commas in the environment, tables as name=value with commas."""
    kind = get_type_hints(get_type_hints(Settings).get(section, Settings)).get(key)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if kind == dict[str, str]:
        return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    return parts if kind == list[str] else text


def table() -> Iterator[tuple[str, str, Any, str]]:
    """Every setting as (section, key, default, help), for the docs and `interplug doctor`."""
    for section, struct in get_type_hints(Settings).items():
        for name, hint in get_type_hints(struct, include_extras=True).items():
            default = next(
                f.default if f.default is not msgspec.NODEFAULT else f.default_factory()
                for f in msgspec.structs.fields(struct)
                if f.name == name
            )
            yield section, name, default, hint.__metadata__[0].description
