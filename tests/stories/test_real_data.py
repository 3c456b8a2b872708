"""A thousand Locations as they are published: imported by an operator, pulled by providers over HTTP, and still what the file says.

What differs at the other end from the file are the repairs that the import names, and nothing else. The nodes are processes of their own;
every step is a command.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.cli.demo.processes import NodeProcess
from interplug.model.types import decode_json, encode_json
from interplug.modules import own
from interplug.versions import chain, tolerant
from interplug.versions.facts import Facts
from tests import real_data

Document = dict[str, Any]
COUNT = 1000
ALL = ["2.1.1", "2.2.1", "2.3.0"]


def differences(one: Any, other: Any, path: str = "$") -> set[str]:
    """Where two documents differ; `null` is the same as absence."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = (differences(one.get(name), other.get(name), f"{path}.{name}") for name in one.keys() | other.keys())
        return set().union(*found)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(*(differences(*pair, f"{path}[{place}]") for place, pair in enumerate(zip(one, other, strict=True))))
    return set() if one == other else {path}


def key(document: Document) -> tuple[str, str, str]:
    return document["country_code"], document["party_id"], document["id"]


@pytest.fixture(scope="module")
def published() -> tuple[list[Document], list[Document]]:
    return real_data.some(COUNT)


@pytest.fixture
async def operator(engine: str, tmp_path: Path, published: tuple[list[Document], list[Document]]) -> AsyncIterator[NodeProcess]:
    node = NodeProcess(tmp_path / "operator", "operator", "Operator", "CPO", "NL-ZZZ", ALL, "")
    locations, tariffs = published
    (tmp_path / "locations.json.gz").write_bytes(gzip.compress(encode_json({"data": locations, "status_code": 1000})))
    (tmp_path / "tariffs.jsonl").write_bytes(b"\n".join(map(encode_json, tariffs)))
    node.imported = await node.command("import", str(tmp_path / "locations.json.gz"), str(tmp_path / "tariffs.jsonl"))  # type: ignore[attr-defined]
    await node.start()
    yield node
    await leave(node)


async def provider(tmp_path: Path, operator: NodeProcess, versions: list[str], *sees: str) -> NodeProcess:
    """A provider that is registered with the operator and has pulled everything."""
    node = NodeProcess(tmp_path / versions[-1], f"provider {versions[-1]}", "Provider", "EMSP", "DE-EEE", versions, "")
    await node.command("party", "add", "EMSP", "DE-EEE")
    await node.start()
    try:
        invitation = await operator.command("partner", "invite", node.name, *sees)
        await node.command("partner", "register", invitation["versions_url"], "--name", "operator", typed=invitation["token"])
        pulled = await node.command("pull", "operator", "--full")
        assert [one["fault"] for one in pulled if one["fault"]] == []
    except BaseException:
        await leave(node)
        raise
    return node


async def leave(node: NodeProcess) -> None:
    await node.end()
    node.release()


async def held(node: NodeProcess, module: str, folder: Path) -> dict[tuple[str, str, str], Document]:
    out = folder / f"{node.versions[-1]}-{module}.jsonl"
    await node.command("export", module, "--partner", "operator", "--out", str(out))
    return {key(document): document for document in map(decode_json, out.read_bytes().splitlines())}


def repaired(kind: str, document: Document) -> tuple[Document, list[tuple[str, str]]]:
    """As the node takes it, and the name and path of each repair."""
    fixed, repairs = tolerant.repair(kind, document, "2.2.1")
    settled, mended = own.settle(kind, chain.up(kind, fixed, "2.2.1"))
    return settled, [(one.name, one.path) for one in (*repairs, *mended)]


async def test_a_provider_holds_what_the_file_says_but_for_the_named_repairs(
    tmp_path: Path, operator: NodeProcess, published: tuple[list[Document], list[Document]]
) -> None:
    locations, tariffs = published
    node = await provider(tmp_path, operator, ["2.2.1", "2.3.0"])
    try:
        received = await held(node, "locations", tmp_path)
        assert len(received) == len(locations)
        named: Counter[str] = Counter()
        for document in locations:
            repairs = repaired("location", document)[1]
            named.update(name for name, _ in repairs)
            assert differences(document, received[key(document)]) == {path for _, path in repairs}
        priced = await held(node, "tariffs", tmp_path)
        for document in tariffs:
            fixed, repairs = repaired("tariff", document)
            named.update(name for name, _ in repairs)
            assert differences(fixed, priced[key(document)]) == set()
        report = operator.imported  # type: ignore[attr-defined]
        assert (report["accepted"], report["refused"], report["repairs"]) == (len(locations) + len(tariffs), 0, dict(named))
    finally:
        await leave(node)


async def test_a_211_provider_holds_what_its_version_can_say(
    tmp_path: Path, operator: NodeProcess, published: tuple[list[Document], list[Document]]
) -> None:
    owner = Counter((one["country_code"], one["party_id"]) for one in published[0]).most_common(1)[0][0]
    node = await provider(tmp_path, operator, ["2.1.1"], "--role", "CPO", "--party", "-".join(owner))
    try:
        received = await held(node, "locations", tmp_path)
        expected = {}
        for document in published[0]:
            view = chain.down("location", repaired("location", document)[0], "2.1.1") if key(document)[:2] == owner else None
            if view is not None:
                expected[key(document)] = chain.up("location", view, "2.1.1", Facts(owner=owner))
        assert received.keys() == expected.keys()
        assert [differences(received[one], expected[one]) for one in expected if differences(received[one], expected[one])] == []
    finally:
        await leave(node)
