"""The providers that there are: the one visible list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from interplug.config import BadSettings
from interplug.modules.node import Node
from interplug.partners.presentation import root
from interplug.partners.transport import HttpTransport

from .bank import Bank
from .ledger import InStore
from .port import PaymentProvider
from .till import Till
from .trial import TestProvider

MOUNTED = "/payments/test"
"""Where the driver's pages serve the test provider that lives in this process."""


def bank_of(node: Node, **more: Any) -> Bank | None:
    """The test provider, where it lives in this process; `more` of it, as its pages."""
    settings = node.settings.payments
    here = settings.provider == "test" and not settings.test_url
    return Bank(InStore(node.store), node.clock, root(node.settings) + MOUNTED, **more) if here else None


def _test(node: Node) -> PaymentProvider:
    settings, bank = node.settings.payments, bank_of(node)
    secret = settings.webhook_secret
    if bank is not None:
        return TestProvider(bank, bank.path, secret, node.clock)
    # It stands where the configuration says, not where a partner says.
    network = msgspec.structs.replace(node.settings.network, allow_private=True, allow_http=True, timeout=settings.timeout)
    return TestProvider(HttpTransport(network), settings.test_url, secret, node.clock)


def _stripe(node: Node) -> PaymentProvider:
    if not node.settings.payments.stripe_key:
        raise BadSettings("payments.stripe_key is needed with provider = stripe")
    from .stripe import Stripe

    return Stripe(node.settings.payments, node.clock)


PROVIDERS: dict[str, Callable[[Node], PaymentProvider]] = {"test": _test, "stripe": _stripe}


def provider_of(node: Node) -> PaymentProvider | None:
    """Who takes the money, by configuration; None: nobody."""
    name = node.settings.payments.provider
    return None if name == "none" else PROVIDERS[name](node)


def till_of(node: Node) -> Till | None:
    provider = provider_of(node)
    return None if provider is None else Till(node, provider)
