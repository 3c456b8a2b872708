"""Tariffs as operators publish them: each is read, looked at, tidied, told and priced, and nothing breaks."""

from interplug.tariffs import explain, lint, normalize
from interplug.tariffs.typical import KNOWN, Bench
from tests import real_data

COUNT = 400
ZONE, DAY = "Europe/Amsterdam", "2026-06-01"


def test_published_tariffs_are_read_priced_looked_at_and_told() -> None:
    _, tariffs = real_data.some(COUNT)
    assert len(tariffs) > 1
    for document in tariffs:
        grave = {finding.code for finding in lint(document, version="2.2.1") if finding.severity == "error"}
        assert grave <= {"restriction_impossible", "missing_required_field"}
        bench, tidied = Bench(document, "2.2.1", timezone=ZONE, day=DAY), normalize(document, version="2.2.1").document
        tidy = Bench(tidied, "2.2.1", timezone=ZONE, day=DAY)
        for session in KNOWN[:3]:
            cost = bench.price(session).total_cost
            assert cost.excl is not None and cost.excl >= 0 and cost == tidy.price(session).total_cost
        told = explain(document, version="2.2.1", timezone=ZONE, day=DAY)
        assert told.sections or "Nothing is charged." in told.head
