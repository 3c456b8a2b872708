"""The tool behind `make requirements` counts what it should, and nothing more."""

import json
from typing import Any

import pytest

from requirements import report


def claims(pytester: pytest.Pytester, source: str) -> list[Any]:
    pytester.makeini("[pytest]\nmarkers = req(*ids, versions=None)")
    pytester.makepyfile(source)
    items, _ = pytester.inline_genitems("-p", "no:asyncio")
    return [claim for item in items for claim in report.claims_of(item)]


@pytest.fixture
def rules() -> list[Any]:
    return [
        report.Rule("A-1", "a", "1", "Server", ("2.1.1", "2.2.1", "2.3.0"), "SHOULD", "first"),
        report.Rule("A-2", "a", "2", "Server", ("2.2.1", "2.3.0"), "MUST", "second"),
    ]


def test_the_projects_own_rules_are_well_formed():
    rules = report.read_rules()
    assert len({rule.id for rule in rules}) == len(rules) == 685
    assert {rule.level for rule in rules} == set(report.LEVELS)
    assert all(set(rule.versions) <= set(report.VERSIONS) for rule in rules)


def test_a_plain_marker_covers_every_version_of_the_rule(rules, pytester):
    found = claims(pytester, "import pytest\n@pytest.mark.req('A-2')\ndef test_it(): pass")
    assert set(report.weigh(rules, found).tests) == {("A-2", "2.2.1"), ("A-2", "2.3.0")}


def test_a_parametrised_test_covers_the_versions_it_runs_with(rules, pytester):
    source = "import pytest\n@pytest.mark.req('A-2')\n@pytest.mark.parametrize('version', ['2.1.1', '2.3.0'])\ndef test_it(version): pass"
    coverage = report.weigh(rules, claims(pytester, source))
    assert set(coverage.tests) == {("A-2", "2.3.0")}
    assert coverage.mistakes == []


def test_a_test_narrows_by_hand_and_may_name_several_rules(rules, pytester):
    source = "import pytest\n@pytest.mark.req('A-1', 'A-2', versions='2.2.1|2.3.0')\ndef test_it(): pass"
    coverage = report.weigh(rules, claims(pytester, source))
    assert set(coverage.tests) == {(rule, version) for rule in ("A-1", "A-2") for version in ("2.2.1", "2.3.0")}


def test_a_skipped_test_covers_nothing(rules, pytester):
    source = "import pytest\n@pytest.mark.skip\n@pytest.mark.req('A-1')\ndef test_it(): pass"
    assert claims(pytester, source) == []


def test_an_unknown_rule_or_version_is_a_mistake(rules):
    wrong = [report.Claim("A-9", None, False, "t"), report.Claim("A-2", ("2.1.1",), True, "t")]
    assert report.weigh(rules, wrong).mistakes == ["t: there is no rule A-9", "t: rule A-2 does not apply to 2.1.1"]


def test_what_is_missing_is_named_must_first(rules):
    coverage = report.weigh(rules, [report.Claim("A-1", ("2.1.1",), False, "t")])
    assert [(rule.id, absent) for rule, absent in coverage.missing()] == [("A-2", ["2.2.1", "2.3.0"]), ("A-1", ["2.2.1", "2.3.0"])]
    assert "MUST: 0 of 2 covered" in list(report.as_text(coverage))
    assert "SHOULD: 1 of 3 covered" in list(report.as_text(coverage))
    cell = {"module": "a", "level": "SHOULD", "version": "2.1.1", "covered": 1, "total": 1}
    assert cell in json.loads(report.as_json(coverage))["counts"]
