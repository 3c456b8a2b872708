"""Paths in complaints are said in the words of the partner's version."""

import pytest

from interplug.versions.words import said


@pytest.mark.parametrize(
    ("kind", "path", "older", "oldest"),
    [
        ("token", "$.contract_id", "$.contract_id", "$.auth_id"),
        ("location", "$.evses[0].connectors[1].max_voltage", "$.evses[0].connectors[1].max_voltage", "$.evses[0].connectors[1].voltage"),
        ("session", "$.total_cost.before_taxes", "$.total_cost.excl_vat", "$.total_cost.excl_vat"),
        ("session", "$.start_date_time", "$.start_date_time", "$.start_datetime"),
        ("session", "$.charging_periods[0].start_date_time", *["$.charging_periods[0].start_date_time"] * 2),
        ("cdr", "$.end_date_time", "$.end_date_time", "$.stop_date_time"),
        ("cdr", "$.cdr_location.address", "$.cdr_location.address", "$.location.address"),
        ("tariff", "$", "$", "$"),
    ],
)
def test_a_path_in_three_versions(kind: str, path: str, older: str, oldest: str) -> None:
    assert [said(path, kind, version) for version in ("2.3.0", "2.2.1", "2.1.1")] == [path, older, oldest]
