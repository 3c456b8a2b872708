"""The fault that the demo plants is there on every day of the year, and nothing else is wrong with that CDR."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from interplug.cli.demo.planted import faulty
from interplug.cli.demo.stage import BETA
from interplug.model.types import parse_time
from interplug.model.validate import validate
from interplug.stations import city
from interplug.tariffs import verify

CARD = {"country_code": "NL", "party_id": "VNK", "uid": "0A", "type": "RFID", "contract_id": "NLVNKC00000001"}
(STREET, *_), (PLACE, *_) = city.tariffs(BETA, 0), city.locations(BETA, 0, seed=1, count=1)


YEARS = st.integers(1_700_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(YEARS)
def test_the_hours_are_read_as_utc_and_that_is_found(now: datetime) -> None:
    session, cdr = faulty(STREET, PLACE, CARD, now)
    validate("session", session)
    validate("cdr", cdr)
    found = verify(cdr, timezone=PLACE["time_zone"])
    assert found.verdict == "mismatch" and found.causes[0] == "utc_used_for_local_time"
    (net,) = [one for one in found.differences if (one.field, one.side) == ("total_cost", "excl")]
    assert (net.claimed, net.computed) == (Decimal("2.48"), Decimal("1.92"))
    end = parse_time(cdr["end_date_time"])
    assert parse_time((now - timedelta(days=3)).isoformat()) < end < parse_time((now - timedelta(hours=1)).isoformat())
