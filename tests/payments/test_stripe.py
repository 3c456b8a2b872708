"""The Stripe adapter against a double of Stripe (`localstripe`) over a socket, and its reading of what the double does not know."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from interplug.config import Payments
from interplug.payments.port import BadWebhook, NoAnswer, Refused, Wish
from interplug.payments.stripe import Stripe
from interplug.payments.till import Till
from tests.nodes import close
from tests.payments.standing import open_standing

D = Decimal
KEY = "sk_test_12345"
SECRET = "whsec_test"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """localstripe, in a process of its own. It comes with the extra `test`: without it nothing of this would be tried."""
    port, folder = free_port(), tmp_path_factory.mktemp("localstripe")
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    assert process.poll() is None, "localstripe did not start"
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def stripe(double: str) -> AsyncIterator[Stripe]:
    made = adapter(double)
    yield made
    await made.close()


def adapter(url: str, **more: Any) -> Stripe:
    said = {"stripe_key": KEY, "stripe_url": url, "stripe_methods": ["card"], "raises": False, "webhook_secret": SECRET} | more
    return Stripe(Payments(provider="stripe", **said), lambda: time.time_ns() // 1000)


async def paid(double: str, reference: str, card: str = "4242424242424242") -> str:
    """What the Payment Element does in the driver's browser."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        fields = {"type": "card", "card[number]": card, "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
        async with session.post(f"{double}/v1/payment_methods", data=fields) as answer:
            method = (await answer.json())["id"]
        async with session.post(f"{double}/v1/payment_intents/{reference}", data={"payment_method": method}) as answer:
            await answer.read()
        async with session.post(f"{double}/v1/payment_intents/{reference}/confirm") as answer:
            status = str((await answer.json()).get("status"))
    return status


def wish(payment: str = "p1") -> Wish:
    return Wish(payment=payment, amount=D("50.00"), currency="EUR", text="Charging", return_url="https://node.example/drives/d/paid")


async def test_a_hold_a_capture_of_less_and_a_refund(double: str, stripe: Stripe) -> None:
    made = await stripe.authorize(wish(), "p1.authorize")
    assert made.status == "action" and made.secret
    assert await paid(double, made.reference) == "requires_capture"
    held = await stripe.find(made.reference)
    assert (held.status, held.held) == ("held", 50)
    captured = await stripe.capture(made.reference, D("12.34"), "EUR", "p1.capture")
    assert captured.status in ("captured", "refunded")
    assert captured.captured - captured.refunded == D("12.34")
    back = await stripe.refund(made.reference, D("2.34"), "EUR", "p1.refund")
    assert back.captured - back.refunded == 10


async def test_a_hold_that_is_let_go(double: str, stripe: Stripe) -> None:
    made = await stripe.authorize(wish("p2"), "p2.authorize")
    await paid(double, made.reference)
    assert (await stripe.void(made.reference, "p2.void")).status == "voided"
    with pytest.raises(Refused):
        await stripe.void(made.reference, "p2.void.again")


async def test_a_proof_is_asked_for(double: str, stripe: Stripe) -> None:
    made = await stripe.authorize(wish("p3"), "p3.authorize")
    assert await paid(double, made.reference, "4000002500003155") == "requires_action"
    assert (await stripe.find(made.reference)).status == "action"


async def test_a_hold_that_the_double_cannot_raise_is_refused(double: str, stripe: Stripe) -> None:
    made = await stripe.authorize(wish("p4"), "p4.authorize")
    await paid(double, made.reference)
    with pytest.raises(Refused):
        await stripe.increment(made.reference, D(80), "EUR", "p4.raise")


async def test_the_till_takes_and_gives_back_over_the_wire(double: str, stripe: Stripe, tmp_path: Path) -> None:
    """The double says 50.00 captured and 37.66 refunded where 12.34 were captured; what is kept is the same."""
    standing = await open_standing(tmp_path)
    till = Till(standing.node, stripe)
    row = msgspec.structs.replace(await standing.payment(), id="wire", provider="stripe", key="wire.authorize")
    await standing.node.store.write(lambda tx: tx.payments.add(row))
    payment = await till.begin(row)
    assert payment.state == "requires_action"
    assert await paid(double, payment.reference) == "requires_capture"
    payment, _ = await till.look("wire")
    assert (payment.state, payment.held) == ("held", 50)
    for due in ("12.34", "10"):
        await standing.due("wire", due)
        payment = await till.settle("wire")
        assert (payment.state, payment.kept) == ("captured", D(due))
    await close(standing.node)


async def test_no_card_is_taken_at_a_terminal(stripe: Stripe) -> None:
    assert not stripe.readers
    with pytest.raises(Refused, match="terminals"):
        await stripe.authorize(msgspec.structs.replace(wish(), reader="SN-1"), "p9.authorize")


async def test_nobody_there_is_no_answer() -> None:
    nobody = adapter(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NoAnswer):
        await nobody.authorize(wish(), "k")
    await nobody.close()


def signed(body: bytes, at: float, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.digest(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hex()
    return {"stripe-signature": f"t={int(at)},v1={mac}"}


@pytest.mark.parametrize(
    ("about", "reference"),
    [
        ({"object": "payment_intent", "id": "pi_1"}, "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"object": "dispute", "id": "dp_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"object": "customer", "id": "cus_1"}, ""),
    ],
)
def test_a_webhook_names_its_payment(about: dict[str, Any], reference: str) -> None:
    body = json.dumps({"id": "evt_1", "object": "event", "type": "x", "data": {"object": about}}).encode()
    found = adapter("http://127.0.0.1:1")
    assert found.parse_webhook(signed(body, time.time()), body) == reference
    for headers in (signed(body, time.time(), "other"), signed(body, time.time() - 3600), {}):
        with pytest.raises(BadWebhook):
            found.parse_webhook(headers, body)


INTENT = {
    "id": "pi_1",
    "currency": "eur",
    "amount": 5000,
    "amount_capturable": 0,
    "amount_received": 0,
    "client_secret": "s",
    "status": "x",
}
CARD = {"payment_method_details": {"card": {"capture_before": 1_800_000_000}}}


def part(refunded: int) -> dict[str, Any]:
    return {"amount_refunded": refunded}


def argued(status: str) -> dict[str, Any]:
    return {"disputed": True, "amount_refunded": 0, "told": {"status": status}}


@pytest.mark.parametrize(
    ("said", "status", "figures"),
    [
        ({"status": "requires_capture", "amount_capturable": 7000, "latest_charge": CARD}, "held", (70, 0, 0)),
        (
            {"status": "succeeded", "amount_received": 1234, "latest_charge": part(234)},
            "captured",
            (0, D("12.34"), D("2.34")),
        ),
        (
            {"status": "succeeded", "amount_received": 1234, "latest_charge": part(1234)},
            "refunded",
            (0, D("12.34"), D("12.34")),
        ),
        (
            {"status": "succeeded", "amount_received": 9, "latest_charge": argued("needs_response")},
            "disputed",
            None,
        ),
        ({"status": "succeeded", "amount_received": 9, "latest_charge": argued("lost")}, "lost", None),
        ({"status": "succeeded", "amount_received": 9, "latest_charge": argued("won")}, "captured", None),
        ({"status": "canceled", "cancellation_reason": "automatic"}, "expired", (0, 0, 0)),
        ({"status": "canceled", "cancellation_reason": "requested_by_customer"}, "voided", (0, 0, 0)),
        ({"status": "requires_payment_method", "last_payment_error": {"message": "Declined."}}, "action", (0, 0, 0)),
        ({"status": "processing"}, "action", (0, 0, 0)),
    ],
)
def test_what_stripe_says_is_read(said: dict[str, Any], status: str, figures: tuple[Any, ...] | None) -> None:
    found = adapter("http://127.0.0.1:1")._found({**INTENT, **said}, (said.get("latest_charge") or {}).get("told"))
    assert found.status == status
    if figures is not None:
        assert (found.held, found.captured, found.refunded) == figures
    assert found.expires_at == (1_800_000_000_000_000 if status == "held" else 0)
    assert found.reason == ("Declined." if "last_payment_error" in said else "")


def test_a_currency_without_cents_is_counted_in_its_own_coin() -> None:
    found = adapter("http://127.0.0.1:1")._found({**INTENT, "currency": "jpy", "status": "requires_capture", "amount_capturable": 5000})
    assert found.held == 5000


def test_the_adapter_needs_no_more_than_the_extra(tmp_path: Path) -> None:
    """Nothing of a node imports the library unless Stripe is configured."""
    code = "import sys; import interplug.app, interplug.web.driver.pages, interplug.cli.payments; assert 'stripe' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
