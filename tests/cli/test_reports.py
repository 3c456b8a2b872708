"""The commands that say how things stand: `status`, `doctor`, `routes`, `db`, `cdr`."""

from __future__ import annotations

import asyncio
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from interplug.model.types import encode_json
from interplug.modules.rows import MODULES
from interplug.protocol.routes import Router
from tests.cli.conftest import Command
from tests.nodes import befriend, close, make_node
from tests.stations.csms.certificates import DAY, Authority
from tests.sync.test_importing import location


def test_status_counts_what_there_is(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "l.json").write_bytes(encode_json([location("L1"), location("L2"), {"nonsense": 1}]))
    interplug("import", "l.json")
    status = interplug("status", "--json").json
    assert (status["objects"], status["quarantine"], status["parties"]) == ({"locations": 2}, 1, ["CPO NL-TNM"])
    assert (status["running"], status["partners"]) == (False, [])
    assert "2 locations" in interplug("status").out


def test_doctor_names_what_is_grave_and_fails_then(interplug: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    interplug("party", "add", "CPO", "NL-TNM")
    monkeypatch.setenv("INTERPLUG__SERVER__PUBLIC_URL", "http://node.example")
    said = interplug("doctor", "--json")
    assert said.code == 1
    assert [one["about"] for one in said.json if one["grave"]] == ["server.public_url"]


def test_doctor_is_content_with_notes(interplug: Command) -> None:
    interplug("party", "add", "CPO", "NL-TNM")
    said = interplug("doctor")
    assert said.code == 0
    assert "only this machine" in said.out


def test_doctor_names_certificates_that_end_soon(interplug: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interplug("party", "add", "CPO", "NL-TNM")
    authority = Authority(tmp_path, "ours")
    for name, until, grave in (("later", DAY * 60, None), ("soon", DAY * 3, False), ("over", -DAY, True)):
        monkeypatch.setenv("INTERPLUG__SERVER__TLS_CERTIFICATE", str(authority.issue(name, until=until).certificate))
        found = {one["about"]: one for one in interplug("doctor", "--json").json}.get("server.tls_certificate")
        assert (None if found is None else found["grave"]) == grave
    monkeypatch.setenv("INTERPLUG__STATIONS__ENABLED", "true")
    monkeypatch.setenv("INTERPLUG__STATIONS__CLIENT_CA", str(tmp_path / "none.pem"))
    assert any(one["about"] == "stations.client_ca" and "cannot be read" in one["finding"] for one in interplug("doctor", "--json").json)


def test_a_node_without_a_party_is_grave(interplug: Command) -> None:
    interplug("db", "upgrade")
    said = interplug("doctor", "--json")
    assert said.code == 1
    assert "parties" in [one["about"] for one in said.json if one["grave"]]


@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
def test_every_route_that_is_listed_leads_to_its_function(interplug: Command, version: str) -> None:
    rows = interplug("routes", "--version", version, "--json").json
    router = Router(MODULES)
    for row in rows:
        parts = row["path"].split("/")[2:]
        if parts[-1] in ("versions", "credentials") or len(parts) < 3:
            continue
        handler = router.find(version, parts[1], parts[2], parts[3:]).route(row["method"]).handler
        assert f"{handler.__module__.removeprefix('interplug.')}.{handler.__name__}" == row["handler"]
    listed = {(row["method"], row["path"]) for row in rows}
    assert ("POST", f"/ocpi/{version}/credentials") in listed
    assert ("GET", "/ocpi/versions") in listed
    assert len(listed) == len(rows)


def test_the_role_stands_in_the_paths_of_211_alone(interplug: Command) -> None:
    paths = [row["path"] for row in interplug("routes", "--json").json if "/cpo/" in row["path"] or "/emsp/" in row["path"]]
    assert "/ocpi/cpo/versions" in paths
    assert all(path.startswith(("/ocpi/2.1.1/", "/ocpi/cpo/", "/ocpi/emsp/")) for path in paths)


def test_routes_of_a_version_that_nobody_speaks_are_a_wrong_usage(interplug: Command) -> None:
    said = interplug("routes", "--version", "9.9")
    assert (said.code, said.out) == (2, "") and "9.9 is not spoken here; known are" in said.err


def test_a_database_is_made_and_described(interplug: Command) -> None:
    assert interplug("db", "upgrade", "--json").json["before"] is None
    status = interplug("db", "status", "--json").json
    assert status["current"] is True
    assert status["schema"] == status["newest"]


def test_a_newer_schema_is_told_and_worked_on_where_it_serves_this_release(interplug: Command, tmp_path: Path) -> None:
    interplug("party", "add", "CPO", "NL-TNM")
    for oldest, code in (("9", 0), ("9999", 4)):
        with sqlite3.connect(tmp_path / "node.db") as connection:
            connection.execute("update alembic_version set version_num = '9999_later'")
            connection.execute("update counter set no = ? where name = 'schema'", (oldest,))
        connection.close()
        said = interplug("db", "status", "--json").json
        assert (said["current"], said["fits"]) == (False, code == 0)
        assert "of a newer Interplug" in interplug("db", "status").out
        assert interplug("party", "list").code == code


def test_a_database_of_a_newer_interplug_is_left_alone(interplug: Command, tmp_path: Path) -> None:
    interplug("db", "upgrade")
    with sqlite3.connect(tmp_path / "node.db") as connection:
        connection.execute("update alembic_version set version_num = '9999_later'")
        connection.execute("update counter set no = 9999 where name = 'schema'")
    connection.close()
    said = interplug("party", "list")
    assert said.code == 4
    assert "9999_later" in said.err


def cdr(id: str, moment: str) -> dict[str, object]:
    return {
        "country_code": "NL",
        "party_id": "TNM",
        "id": id,
        "start_date_time": "2026-01-01T10:00:00Z",
        "end_date_time": "2026-01-01T11:00:00Z",
        "session_id": "S1",
        "cdr_token": {"country_code": "DE", "party_id": "ABC", "uid": "1", "type": "RFID", "contract_id": "DEABCC1"},
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": "L1",
            "address": "Kade 1",
            "city": "Havenstad",
            "country": "NLD",
            "coordinates": {"latitude": "51.920000", "longitude": "4.480000"},
            "evse_uid": "E1",
            "evse_id": "NL*TNM*E1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "EUR",
        "charging_periods": [{"start_date_time": "2026-01-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 10}]}],
        "total_cost": {"excl_vat": Decimal("3.10"), "incl_vat": Decimal("3.751")},
        "total_energy": 10,
        "total_time": 1,
        "last_updated": moment,
    }


def test_cdrs_are_listed_newest_first_and_shown(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(encode_json([cdr("C1", "2026-01-01T11:00:00Z"), cdr("C2", "2026-01-02T11:00:00Z")]))
    assert interplug("import", "c.json", "--json").json["accepted"] == 2
    listed = interplug("cdr", "list", "--json").json
    assert [(one["id"], one["from"], one["total_energy"], one["total_cost"]) for one in listed] == [
        ("C2", "own", 10, 3.1),
        ("C1", "own", 10, 3.1),
    ]
    assert len(interplug("cdr", "list", "--limit", "1", "--json").json) == 1
    assert interplug("cdr", "show", "C1", "--json").json["session_id"] == "S1"
    shown = interplug("cdr", "show", "C1").out
    assert "DEABCC1" in shown and "EUR before taxes, taxes 0.651" in shown


def test_taxes_that_a_cdr_does_not_tell_are_not_shown_as_none(interplug: Command, tmp_path: Path) -> None:
    document = {**cdr("C1", "2026-01-01T11:00:00Z"), "total_cost": {"excl_vat": Decimal("3.10")}}
    (tmp_path / "c.json").write_bytes(encode_json([document]))
    interplug("import", "c.json")
    assert "EUR before taxes, taxes not told" in interplug("cdr", "show", "C1").out


def test_a_cdr_that_is_not_there_is_a_failure(interplug: Command) -> None:
    interplug("db", "upgrade")
    assert interplug("cdr", "show", "C9").code == 1
    assert interplug("cdr", "list").out == "no CDR yet\n"


def test_a_key_that_others_can_read_is_grave(interplug: Command, tmp_path: Path) -> None:
    interplug("party", "add", "CPO", "NL-TNM")
    (tmp_path / "node.db.key").chmod(0o644)
    said = interplug("doctor", "--json")
    assert said.code == 1
    assert [one["about"] for one in said.json if one["grave"]] == ["node key"]


@pytest.mark.req("CRD-028")
def test_tokens_that_are_older_than_a_month_are_named(interplug: Command, tmp_path: Path) -> None:
    async def register() -> None:
        node = await make_node(tmp_path)
        await befriend(node, "2.2.1", name="Old")
        await close(node)

    asyncio.run(register())
    found = interplug("doctor", "--offline", "--json").json
    assert [one["finding"] for one in found if one["about"] == "Old"] == ["its tokens are older than a month (interplug partner rotate 1)"]
    assert [one["rotation_due"] for one in interplug("status", "--json").json["partners"]] == [True]
    assert "due" in interplug("status").out
