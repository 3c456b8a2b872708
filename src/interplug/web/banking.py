"""The pages of the test provider (`payments.bank`), in the language of who pays: in our own process, and as a site of their own."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from interplug.payments.bank import Form
from interplug.payments.holds import CARDS

from .guarding import guarded
from .languages import speak
from .rendering import STATIC, rendered


def drawn(form: Form) -> bytes:
    cards = [(number, said) for number, (_, said) in CARDS.items()]
    return bytes(rendered(f"bank/{form.page}.html", form=form, cards=cards).body)


class Site:
    """The provider as a service, with what its pages load."""

    def __init__(self, service: ASGIApp) -> None:
        self.app = Starlette(routes=[Mount("/static", StaticFiles(directory=STATIC)), Mount("/", service)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        speak(Headers(scope=scope))
        await guarded(self.app, scope, receive, send)
