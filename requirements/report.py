"""Which rules of OCPI are held by a test, and which by none.

`requirements.csv` beside this file lists the rules; a test names those it holds with `@pytest.mark.req("TRN-014")`.
A rule counts once for each version it applies to. A test that is parametrised over `version` covers that version alone,
`versions="2.2.1|2.3.0"` narrows by hand, and without either the test stands for every version of the row.
Only collection is needed: a test that fails already fails `make test`, and one that is skipped or expected to fail is not counted here.

    python requirements/report.py            covered/total by module, level and version, then what is missing, MUST first
    python requirements/report.py --json     the same for programs
    python requirements/report.py --check    only whether the tests name rules and versions that exist (exit 1 if not)
"""

import argparse
import contextlib
import csv
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
LEVELS = ("MUST", "SHOULD", "MAY")


@dataclass(frozen=True)
class Rule:
    id: str
    module: str
    section: str
    role: str
    versions: tuple[str, ...]
    level: str
    text: str


@dataclass(frozen=True)
class Claim:
    """One test that says it holds one rule in some versions (None: in all that the rule has)."""

    rule: str
    versions: tuple[str, ...] | None
    narrowed_by_hand: bool
    test: str


@dataclass
class Coverage:
    rules: list[Rule]
    tests: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    mistakes: list[str] = field(default_factory=list)

    def covered(self, rule: Rule, version: str) -> bool:
        return (rule.id, version) in self.tests

    def missing(self) -> Iterator[tuple[Rule, list[str]]]:
        for rule in sorted(self.rules, key=lambda rule: LEVELS.index(rule.level)):
            absent = [version for version in rule.versions if not self.covered(rule, version)]
            if absent:
                yield rule, absent


def read_rules(path: Path = HERE / "requirements.csv") -> list[Rule]:
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            Rule(
                row["id"],
                row["module"],
                row["section"],
                row["role"],
                tuple(row["versions"].split("|")),
                row["level"],
                row["requirement"],
            )
            for row in csv.DictReader(lines)
        ]


def claims_of(item: pytest.Item) -> Iterator[Claim]:
    if any(item.get_closest_marker(name) for name in ("skip", "skipif", "xfail")):
        return
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    by_parameter = (parameters["version"],) if parameters.get("version") in VERSIONS else None
    for marker in item.iter_markers("req"):
        by_hand = tuple(marker.kwargs["versions"].split("|")) if marker.kwargs.get("versions") else None
        for rule in marker.args:
            yield Claim(rule, by_hand or by_parameter, by_hand is not None, item.nodeid)


def weigh(rules: Iterable[Rule], claims: Iterable[Claim]) -> Coverage:
    coverage = Coverage(list(rules))
    known = {rule.id: rule for rule in coverage.rules}
    for claim in claims:
        rule = known.get(claim.rule)
        if rule is None:
            coverage.mistakes.append(f"{claim.test}: there is no rule {claim.rule}")
            continue
        for version in claim.versions or rule.versions:
            if version in rule.versions:
                coverage.tests[rule.id, version].append(claim.test)
            elif claim.narrowed_by_hand:
                coverage.mistakes.append(f"{claim.test}: rule {claim.rule} does not apply to {version}")
    return coverage


class Collector:
    """A pytest plugin that keeps the claims of the collected tests."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.claims.extend(claims_of(item))


def collect(arguments: list[str]) -> list[Claim]:
    collector, output = Collector(), io.StringIO()
    with contextlib.redirect_stdout(output):
        status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *arguments], plugins=[collector])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        sys.stderr.write(output.getvalue())
        raise SystemExit("the tests could not be collected")
    return collector.claims


def counts(coverage: Coverage) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
    """(module, level) -> version -> (covered, total)."""
    table: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for rule in coverage.rules:
        row = table[rule.module, rule.level]
        for version in rule.versions:
            done, total = row.get(version, (0, 0))
            row[version] = (done + coverage.covered(rule, version), total + 1)
    return table


def sum_of(rows: Iterable[dict[str, tuple[int, int]]]) -> tuple[int, int]:
    cells = [cell for row in rows for cell in row.values()]
    return sum(done for done, _ in cells), sum(total for _, total in cells)


def as_text(coverage: Coverage) -> Iterator[str]:
    table = counts(coverage)
    yield f"{'module':<20} {'level':<7}" + "".join(f"{version:>12}" for version in VERSIONS) + f"{'together':>12}"
    modules = list(dict.fromkeys(rule.module for rule in coverage.rules))
    for (module, level), row in sorted(table.items(), key=lambda cell: (modules.index(cell[0][0]), LEVELS.index(cell[0][1]))):
        cells = [f"{row[version][0]}/{row[version][1]}" if version in row else "-" for version in VERSIONS]
        done, total = sum_of([row])
        yield f"{module:<20} {level:<7}" + "".join(f"{cell:>12}" for cell in cells) + f"{f'{done}/{total}':>12}"
    yield ""
    for rule, absent in coverage.missing():
        yield f"missing {rule.level:<7} {rule.id:<9} {'|'.join(absent):<18} {rule.role}: {rule.text}"
    yield ""
    for level in LEVELS:
        done, total = sum_of(row for (_, row_level), row in table.items() if row_level == level)
        yield f"{level}: {done} of {total} covered"


def as_json(coverage: Coverage) -> str:
    cells = [
        {"module": module, "level": level, "version": version, "covered": done, "total": total}
        for (module, level), row in counts(coverage).items()
        for version, (done, total) in row.items()
    ]
    missing = [
        {"id": rule.id, "module": rule.module, "role": rule.role, "level": rule.level, "versions": absent, "requirement": rule.text}
        for rule, absent in coverage.missing()
    ]
    tests: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for (rule_id, version), names in coverage.tests.items():
        tests[rule_id][version] = names
    return json.dumps({"counts": cells, "missing": missing, "tests": tests, "mistakes": coverage.mistakes}, indent=1)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Which rules of OCPI are held by a test, and which by none.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="only look for rules and versions that do not exist")
    parser.add_argument("--module", action="append", help="only this module (repeatable)")
    parser.add_argument("--except-role", action="append", default=[], help="leave out the rules for this role, such as Hub (repeatable)")
    parser.add_argument("tests", nargs="*", default=[], help="which tests to read (default: all)")
    options = parser.parse_args(argv)
    coverage = weigh(read_rules(), collect(options.tests))
    coverage.rules = [
        rule for rule in coverage.rules if (not options.module or rule.module in options.module) and rule.role not in options.except_role
    ]
    if options.json:
        print(as_json(coverage))
    elif not options.check:
        print("\n".join(as_text(coverage)))
    for mistake in coverage.mistakes:
        print(mistake, file=sys.stderr)
    return 1 if coverage.mistakes else 0


if __name__ == "__main__":
    raise SystemExit(main())
