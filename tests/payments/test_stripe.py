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
from aiohttp import web

from interplug.config import Payments
from interplug.payments.port import DECLINED, EXPIRED, NO_FUNDS, NOT_RECOGNISED, PROOF, WITHDRAWN, BadWebhook, NoAnswer, Refused, Wish
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


# --- cards that are remembered


class Counter:
    """In front of the double: answers what that does not know, as Stripe's reference says, and keeps all that was asked."""

    def __init__(self, double: str) -> None:
        self.double, self.asked = double, list[tuple[str, str, dict[str, str]]]()

    async def answer(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        fields = {name: str(value) for name, value in form.items()}
        self.asked.append((request.method, request.path, fields))
        if request.path == "/v1/customer_sessions":
            return web.json_response({"object": "customer_session", "client_secret": "cuss_1"})
        kept = {name: value for name, value in fields.items() if name != "return_url"}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            method = kept.get("payment_method", "")
            if request.path == "/v1/payment_intents" and method:
                async with session.get(f"{self.double}/v1/payment_methods/{method}") as there:
                    if (await there.json()).get("customer") != kept.get("customer"):
                        return _error(400, "It may not be used again.", type="invalid_request_error")
            async with session.request(request.method, f"{self.double}{request.path_qs}", data=kept or None) as said:
                document, status = await said.json(), said.status
            if status == 402:
                async with session.get(f"{self.double}/v1/payment_intents?limit=100") as several:
                    intent = next(one for one in (await several.json())["data"] if one["payment_method"] == method)
                return _error(402, document["error"]["message"], type="card_error", code="card_declined", payment_intent=intent)
        return web.json_response(document, status=status)


def _error(status: int, message: str, **more: Any) -> web.Response:
    return web.json_response({"error": {"message": message, **more}}, status=status)


@pytest.fixture
async def counter(double: str) -> AsyncIterator[tuple[Counter, Stripe]]:
    made = Counter(double)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    stripe = adapter(f"http://127.0.0.1:{port}")
    yield made, stripe
    await stripe.close()
    await runner.cleanup()


async def attached(double: str, customer: str, card: str = "4242424242424242") -> str:
    """What the Payment Element does where the driver wants the card to be remembered."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        fields = {"type": "card", "card[number]": card, "card[exp_month]": "9", "card[exp_year]": "2040", "card[cvc]": "123"}
        async with session.post(f"{double}/v1/payment_methods", data=fields) as answer:
            method = str((await answer.json())["id"])
        async with session.post(f"{double}/v1/payment_methods/{method}/attach", data={"customer": customer}) as answer:
            assert answer.status == 200
    return method


def saved(payment: str, customer: str, method: str) -> Wish:
    return msgspec.structs.replace(wish(payment), customer=customer, method=method)


async def test_a_remembered_card_is_held_on_at_once_and_captured(double: str, counter: tuple[Counter, Stripe]) -> None:
    said, stripe = counter
    customer = await stripe.customer("ours-1", "ours-1.customer")
    method = await attached(double, customer)
    (found,) = await stripe.methods(customer)
    assert (found.reference, found.brand, found.last4, found.month, found.year) == (method, "visa", "4242", 9, 2040) and found.mark
    held = await stripe.authorize(saved("s1", customer, method), "s1.authorize")
    assert (held.status, held.held) == ("held", 50)
    captured = await stripe.capture(held.reference, D("12.34"), "EUR", "s1.capture")
    assert captured.captured - captured.refunded == D("12.34")
    fields = next(fields for verb, path, fields in said.asked if (verb, path) == ("POST", "/v1/payment_intents"))
    assert (fields["confirm"], fields["customer"], fields["payment_method"]) == ("true", customer, method)
    assert fields["return_url"] == "https://node.example/drives/d/paid" and fields["capture_method"] == "manual"
    (made,) = [fields for _, path, fields in said.asked if path == "/v1/customers"]
    assert made == {"metadata[payer]": "ours-1"}, "nothing else is told of the driver"


async def test_a_remembered_card_that_is_declined_leaves_the_form(double: str, counter: tuple[Counter, Stripe]) -> None:
    _, stripe = counter
    customer = await stripe.customer("ours-2", "ours-2.customer")
    method = await attached(double, customer, "4000000000000341")
    made = await stripe.authorize(saved("s2", customer, method), "s2.authorize")
    assert (made.status, made.held, made.reason) == ("action", 0, DECLINED) and made.secret


async def test_a_remembered_card_may_ask_for_a_proof(double: str, counter: tuple[Counter, Stripe]) -> None:
    _, stripe = counter
    customer = await stripe.customer("ours-3", "ours-3.customer")
    made = await stripe.authorize(saved("s3", customer, await attached(double, customer, "4000002500003155")), "s3.authorize")
    assert (made.status, made.held) == ("action", 0)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        fields = {"client_secret": made.secret, "success": "true"}
        async with session.post(f"{double}/v1/payment_intents/{made.reference}/_authenticate", data=fields) as answer:
            assert answer.status == 200
    assert (await stripe.find(made.reference)).status == "held"


async def test_what_is_removed_is_detached_and_cannot_be_held_on(double: str, counter: tuple[Counter, Stripe]) -> None:
    _, stripe = counter
    customer = await stripe.customer("ours-4", "ours-4.customer")
    method = await attached(double, customer)
    await stripe.detach(method, "detach")
    assert await stripe.methods(customer) == []
    made = await stripe.authorize(saved("s4", customer, method), "s4.authorize")
    assert (made.status, made.held, made.reason) == ("action", 0, WITHDRAWN) and made.secret
    assert await paid(double, made.reference) == "requires_capture", "with another card"
    await stripe.forget(customer, "forget")
    with pytest.raises(Refused):
        await stripe.methods(customer)


async def test_the_field_is_let_ask_whether_the_card_shall_be_remembered(counter: tuple[Counter, Stripe]) -> None:
    said, stripe = counter
    assert await stripe.form("cus_1") == "cuss_1"
    (fields,) = [fields for _, path, fields in said.asked if path == "/v1/customer_sessions"]
    part = "components[payment_element]"
    assert fields == {
        "customer": "cus_1",
        f"{part}[enabled]": "true",
        f"{part}[features][payment_method_save]": "enabled",
        f"{part}[features][payment_method_save_usage]": "on_session",
        f"{part}[features][payment_method_redisplay]": "disabled",
    }


REDIRECT = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3ds", "return_url": "https://node.example/"}}


@pytest.mark.parametrize(
    ("said", "why", "url"),
    [
        ({"status": "requires_action", "next_action": REDIRECT}, PROOF, "https://hooks.stripe.com/3ds"),
        ({"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}, "", ""),
        ({"last_payment_error": {"code": "card_declined", "decline_code": "generic_decline", "message": "No."}}, DECLINED, ""),
        ({"last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds", "message": "No."}}, NO_FUNDS, ""),
        ({"last_payment_error": {"code": "expired_card", "message": "No."}}, EXPIRED, ""),
        ({"last_payment_error": {"code": "payment_intent_authentication_failure", "message": "No."}}, NOT_RECOGNISED, ""),
        ({"last_payment_error": {"code": "incorrect_cvc", "message": "The code is wrong."}}, "The code is wrong.", ""),
    ],
)
def test_why_nothing_is_held_is_said_in_our_words_where_there_are_some(said: dict[str, Any], why: str, url: str) -> None:
    found = adapter("http://127.0.0.1:1")._found({**INTENT, "status": "requires_payment_method", **said})
    assert (found.status, found.held, found.reason, found.url) == ("action", 0, why, url)


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


def let_go(of: int, refunded: int) -> dict[str, Any]:
    """A charge of a hold of which less was captured: what was let go stands among the refunds."""
    return {"amount": of, "amount_refunded": refunded}


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
            {"status": "succeeded", "amount_received": 1234, "latest_charge": let_go(5000, 3766)},
            "captured",
            (0, D("12.34"), 0),
        ),
        (
            {"status": "succeeded", "amount_received": 4000, "latest_charge": let_go(5000, 1000)},
            "captured",
            (0, 40, 0),
        ),
        (
            {"status": "succeeded", "amount_received": 1234, "latest_charge": let_go(5000, 4000)},
            "captured",
            (0, D("12.34"), D("2.34")),
        ),
        (
            {"status": "succeeded", "amount_received": 1234, "latest_charge": let_go(5000, 5000)},
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


@pytest.mark.parametrize(
    ("currency", "said", "amount"),
    [("EUR", 5000, 50), ("JPY", 5000, 5000), ("KWD", 5000, 5), ("ISK", 500_000, 5000), ("UGX", 500_000, 5000), ("MGA", 5000, 5000)],
)
def test_amounts_are_counted_in_the_coin_that_stripe_counts_in(currency: str, said: int, amount: int) -> None:
    found = adapter("http://127.0.0.1:1")
    told = {**INTENT, "currency": currency.lower(), "status": "requires_capture", "amount_capturable": said}
    assert found._found(told).held == amount
    asked = msgspec.structs.replace(wish(), amount=D(amount), currency=currency)
    assert found._asked(asked)["amount"] == said


def test_without_a_secret_no_webhook_is_believed() -> None:
    body = json.dumps({"id": "evt_1", "object": "event", "data": {"object": {"object": "payment_intent", "id": "pi_1"}}}).encode()
    with pytest.raises(BadWebhook):
        adapter("http://127.0.0.1:1", webhook_secret="").parse_webhook(signed(body, time.time(), ""), body)


def test_the_adapter_needs_no_more_than_the_extra(tmp_path: Path) -> None:
    """Nothing of a node imports the library unless Stripe is configured."""
    code = "import sys; import interplug.app, interplug.web.driver.pages, interplug.cli.payments; assert 'stripe' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
