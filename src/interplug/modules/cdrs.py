"""CDRs: owned by the CPO, final, POSTed once to the partner that they concern (chapter 10).

The receiver's URL of one CDR is ours to choose (10.2.2): it is handed out as Location and read back as given.
"""

from __future__ import annotations

from interplug.protocol.routes import Module, Route

from . import feed, inbox

CDRS = Module(
    id="cdrs",
    kind="cdr",
    sender=("CPO",),
    receiver=("EMSP", "PTP"),
    key=(),
    routes=(
        Route("SENDER", "GET", "", feed.page),
        Route("RECEIVER", "POST", "", inbox.post),
        Route("RECEIVER", "GET", "{country_code}/{party_id}/{id}", inbox.get),
    ),
)
