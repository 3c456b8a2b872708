"""Passkeys without a browser: what a device, a thief or another site may answer, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as b64

from interplug.web.driver.pages import Pages
from tests.drivers.played import World
from tests.web.device import Device
from tests.web.members import MAILS, account, post, start
from tests.web.visiting import Answer, Visit

SITE, ORIGIN = "node.example", "https://node.example"


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"alerts": MAILS}


@pytest.fixture
def device() -> Device:
    return Device(ORIGIN, SITE)


async def asked(visit: Visit, what: str) -> tuple[str, str]:
    """A challenge, and the proof of the page."""
    proof = (await visit.get("/account/new")).field("csrf")
    answer = await visit.post_json(f"/account/passkeys/{what}", {}, proof)
    assert answer.status == 200, answer.text
    return answer.json["challenge"], proof


async def make(visit: Visit, device: Device, label: str = "My phone") -> Answer:
    challenge, proof = await asked(visit, "new")
    return await visit.post_json("/account/passkeys", {"credential": device.make(challenge), "label": label}, proof)


async def prove(visit: Visit, device: Device) -> Answer:
    challenge, proof = await asked(visit, "asked")
    return await visit.post_json("/account/passkeys/sign-in", {"credential": device.prove(challenge)}, proof)


async def test_a_guest_makes_an_account_with_a_passkey_keeps_the_drive_and_comes_back(
    world: World, pages: Pages, visit: Visit, device: Device
) -> None:
    drive = await start(world, visit)
    assert (await make(visit, device)).json == {"go": "/account/security"}
    assert "My phone" in (await visit.get("/account/security")).text
    other = Visit(pages)
    device.uses = 1
    assert (await prove(other, device)).json == {"go": "/account"}
    assert (await other.get(drive)).status == 200


@pytest.mark.parametrize("wrong", ["origin", "site", "sure"])
async def test_a_device_at_another_site_or_in_a_strangers_hand_makes_and_proves_nothing(
    world: World, pages: Pages, visit: Visit, device: Device, wrong: str
) -> None:
    values: dict[str, Any] = {"origin": "https://evil.example", "site": "evil.example", "sure": False}
    bad = Device(ORIGIN, SITE)
    setattr(bad, wrong, values[wrong])
    assert (await make(visit, bad)).status == 409
    assert await world.node.store.read(lambda tx: tx.accounts.newest(9)) == []
    await make(visit, device)
    setattr(device, wrong, values[wrong])
    assert (await prove(Visit(pages), device)).status == 409


async def test_a_challenge_is_answered_once_by_the_browser_that_was_asked_and_in_time(
    world: World, pages: Pages, visit: Visit, device: Device
) -> None:
    await make(visit, device)
    here, thief = Visit(pages), Visit(pages)
    challenge, proof = await asked(here, "asked")
    answer = {"credential": device.prove(challenge)}
    stolen = (await thief.get("/account/new")).field("csrf")
    assert (await thief.post_json("/account/passkeys/sign-in", answer, stolen)).status == 409
    assert (await here.post_json("/account/passkeys/sign-in", answer, proof)).status == 409  # gone with the try of the thief
    challenge, proof = await asked(here, "asked")
    world.clock.move(6 * 60)
    assert (await here.post_json("/account/passkeys/sign-in", {"credential": device.prove(challenge)}, proof)).status == 409
    challenge, proof = await asked(here, "new")
    assert (await here.post_json("/account/passkeys/sign-in", {"credential": device.prove(challenge)}, proof)).status == 409


async def test_a_copy_of_a_passkey_is_found_out_by_its_counter(world: World, pages: Pages, visit: Visit, device: Device) -> None:
    await make(visit, device)
    device.uses = 5
    assert (await prove(Visit(pages), device)).status == 200
    device.uses = 4
    assert (await prove(Visit(pages), device)).status == 409


async def test_another_key_with_the_same_name_is_another(world: World, pages: Pages, visit: Visit, device: Device) -> None:
    await make(visit, device)
    other = Visit(pages)
    assert (await make(other, Device(ORIGIN, SITE, id=device.id))).status == 409
    device.key = ec.generate_private_key(ec.SECP256R1())
    assert (await prove(other, device)).status == 409
    assert (await prove(other, Device(ORIGIN, SITE))).status == 409


@pytest.mark.parametrize(
    "credential", [None, 1, {}, {"id": "x", "response": {"clientDataJSON": "!"}}, {"response": {"clientDataJSON": "e30"}}]
)
async def test_what_is_no_answer_is_refused(visit: Visit, credential: object) -> None:
    _challenge, proof = await asked(visit, "asked")
    for path in ("/account/passkeys", "/account/passkeys/sign-in"):
        assert (await visit.post_json(path, {"credential": credential}, proof)).status in (400, 409)


async def test_a_passkey_is_taken_away_by_its_driver_while_another_way_is_left(
    world: World, pages: Pages, visit: Visit, device: Device
) -> None:
    await account(world, visit)
    made = await make(visit, device)
    assert made.status == 200
    passkey = b64(device.id)
    stranger = Visit(pages)
    await make(stranger, Device(ORIGIN, SITE))
    assert (await post(stranger, f"/account/passkeys/{passkey}/remove")).status == 409
    assert (await post(visit, f"/account/passkeys/{passkey}/remove")).status == 303
    assert (await prove(Visit(pages), device)).status == 409
