"""Every command of `interplug`, in one list, and the one place in which a failure becomes an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from interplug import __version__
from interplug.partners.audiences import NoAudience
from interplug.partners.registration import HandshakeFailed
from interplug.partners.states import NotPossible
from interplug.store.schema import SchemaTooNew

from . import audiences, database, doctor, messages, moving, parties, partners, quarantine, records, routes, serving
from .demo.performance import demo
from .ending import CONFIGURATION, FAILED, NETWORK, USAGE, Ending, errors
from .opening import MISCONFIGURED
from .tariff import tariff

app = App(
    name="interplug",
    help="A node of the EV-roaming network: CPO, eMSP or both, speaking OCPI 2.1.1, 2.2.1 and 2.3.0.",
    version=__version__,
    help_flags=["--help", "-h"],
    result_action="return_value",
)
for group in (
    App(name="partner", help="Partners: invite, register, look at, renew, end."),
    App(name="party", help="Our own parties."),
    App(name="audience", help="Locations, Tariffs and Tokens that are not for every partner."),
    App(name="quarantine", help="What arrived and could not be taken."),
    App(name="message", help="What was said to and by partners."),
    App(name="cdr", help="Charge detail records."),
    App(name="db", help="The database."),
):
    app.command(group)

app.command(serving.serve)
app.command(demo)
app.command(serving.status)
app.command(doctor.doctor)
app.command(routes.routes)
app["partner"].command(partners.invite)
app["partner"].command(partners.register)
app["partner"].command(partners.list_, name="list")
app["partner"].command(partners.show_, name="show")
app["partner"].command(partners.rotate)
app["partner"].command(partners.suspend)
app["partner"].command(partners.resume)
app["partner"].command(partners.remove)
app["party"].command(parties.add)
app["party"].command(parties.list_, name="list")
app["audience"].command(audiences.list_, name="list")
app["audience"].command(audiences.join)
app["audience"].command(audiences.leave)
app["audience"].command(audiences.set_, name="set")
app.command(moving.import_, name="import")
app.command(moving.export)
app.command(moving.pull)
app["cdr"].command(records.list_, name="list")
app["cdr"].command(records.show_, name="show")
app["quarantine"].command(quarantine.list_, name="list")
app["quarantine"].command(quarantine.show_, name="show")
app["quarantine"].command(quarantine.drop)
app["message"].command(messages.list_, name="list")
app["message"].command(messages.show_, name="show")
app["db"].command(database.status)
app["db"].command(database.upgrade)
app.command(tariff)

CODES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
    (MISCONFIGURED, CONFIGURATION),
    (SchemaTooNew, CONFIGURATION),
    (HandshakeFailed, NETWORK),
    (NotPossible, FAILED),
    (NoAudience, FAILED),
    (OSError, FAILED),
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command; its exit code."""
    try:
        ended = app(arguments, exit_on_error=False, print_error=True, error_console=errors)
    except CycloptsError:
        return USAGE
    except Ending as ending:
        errors.print(f"interplug: {ending}", markup=False)
        return ending.code
    except KeyboardInterrupt:
        errors.print("interplug: interrupted", markup=False)
        return 130
    except BrokenPipeError:
        return FAILED
    except Exception as error:
        code = next((code for kinds, code in CODES if isinstance(error, kinds)), None)
        if code is None:
            raise
        errors.print(f"interplug: {error}", markup=False)
        return code
    # A command that has read to its end and found something wrong says so by its number.
    return ended if isinstance(ended, int) else 0


def start() -> None:
    sys.exit(run())
