"""`interplug qr`: the code that stands on a charge point and leads a driver's telephone to it."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import segno
from cyclopts import Parameter

from interplug.partners.presentation import root

from .ending import USAGE, end
from .opening import COMMON, Common, settings_of

LONGEST = 48


def qr(
    evse: str,
    /,
    *,
    file: Annotated[Path | None, Parameter(help="Where the SVG goes; without it, to standard output.")] = None,
    url: Annotated[str, Parameter(help="Address of the driver's page; without it, that of this node.")] = "",
    size: Annotated[int, Parameter(help="Width of one point of the code.")] = 8,
    common: Common = COMMON,
) -> None:
    """Write the QR code of a charge point as SVG: a telephone that reads it opens the page at its plug.

    Parameters
    ----------
    evse
        Its number as it is painted on it, as NL*ABC*E1.
    """
    if not evse.strip() or len(evse) > LONGEST or not evse.isprintable():
        end(f"{evse!r} is no number of a charge point; one looks as NL*ABC*E1", USAGE)
    base = (url or root(settings_of(common))).rstrip("/")
    made = io.BytesIO()
    try:
        code = segno.make(f"{base}/s/{quote(evse.strip(), safe='*')}", error="q", micro=False)
    except segno.DataOverflowError:
        end("the address of the page is too long for a code", USAGE)
    code.save(made, kind="svg", scale=size, title=evse.strip())
    if file is None:
        sys.stdout.write(made.getvalue().decode())
        return
    file.write_bytes(made.getvalue())
    print(file)
