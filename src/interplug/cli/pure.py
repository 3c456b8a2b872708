"""The commands that need files and no node: all of `tariff`, and `cdr verify`. The base install is enough for them.

They are also in the list of all commands, `commands.py`; the console script comes here for them, so that a price neither waits for a
server to be imported nor asks for its libraries.
"""

from __future__ import annotations

import sys

from cyclopts import App

from .ending import FAILED, carry_out
from .tariff import tariff
from .verifying import verify

app = App(name="interplug", help_flags=["--help", "-h"], result_action="return_value")
app.command(tariff)
app.command(App(name="cdr", help="Charge detail records."))
app["cdr"].command(verify)


def start() -> None:
    sys.exit(carry_out(app, None, lambda: ((OSError, FAILED),)))
