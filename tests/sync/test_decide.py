"""What an answer means, as a table."""

import re
from pathlib import Path

import pytest

from interplug.protocol.envelope import Reply
from interplug.sync.decide import decide, retry_after
from interplug.sync.share import Share

T = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


@pytest.mark.req("STS-011")
@pytest.mark.parametrize(
    ("http", "ocpi", "verb", "verdict"),
    [
        (200, 1000, "PUT", "sent"),
        (201, 1001, "POST", "sent"),
        (200, 2001, "PUT", "refused"),
        (200, 2001, "PATCH", "unknown"),
        (404, 2003, "PATCH", "unknown"),
        (200, 2003, "PATCH", "unknown"),
        (404, None, "PATCH", "unknown"),
        (405, None, "PATCH", "unknown"),
        (501, None, "PATCH", "unknown"),
        (413, None, "PUT", "refused"),
        (400, 2001, "POST", "refused"),
        (404, None, "PUT", "wait"),
        (200, 3000, "PUT", "wait"),
        (200, None, "PUT", "wait"),
        (500, 1000, "PUT", "wait"),
        (502, None, "PATCH", "wait"),
        (429, None, "PATCH", "wait"),
        (401, None, "PUT", "wait"),
        (403, 2001, "PUT", "wait"),
        (0, None, "PUT", "wait"),
    ],
)
def test_an_answer_is_a_decision(http: int, ocpi: int | None, verb: str, verdict: str) -> None:
    assert decide(Reply(http, ocpi), verb, T).verdict == verdict


@pytest.mark.parametrize("http", [401, 403, 429, 503])
def test_who_is_shut_or_overloaded_is_no_object_s_fault(http: int) -> None:
    assert not decide(Reply(http), "PUT", T).object


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("120", "", 120.0),
        ("Thu, 01 Jan 2026 00:02:00 GMT", "", 120.0),
        ("Thu, 01 Jan 2026 01:01:00 GMT", "Thu, 01 Jan 2026 01:00:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", "", 0.0),
        ("86400", "", 3600.0),
        ("31536000000", "", 3600.0),
        ("9" * 1000, "", 3600.0),
        ("Thu, 08 Jan 2026 00:00:00 GMT", "", 3600.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 2026 01:00:00 GMT", 3600.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", "", None),
        ("soon", "", None),
        ("-5", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_a_number_or_a_date_by_the_partners_clock(header: str, date: str, seconds: float | None) -> None:
    assert retry_after(Reply(429, headers={"retry-after": header, "date": date}), T) == seconds


def test_a_share_is_used_up_and_comes_back() -> None:
    now = 0.0
    share = Share(2.0, lambda: now)
    assert [share.take(), share.take(), share.take()] == [0.0, 0.0, 0.5]
    now = 0.5
    assert share.take() == 0.0
    for _ in range(7):  # three of them are paid for
        share.spend()
    assert share.take() == 2.5
    assert Share(0.0, lambda: now).take() == 0.0


def test_the_page_on_delivery_says_what_is_decided() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/delivery.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\d+|-) \| (PUT|PATCH|POST) \| (\w+) \|$", page, re.MULTILINE)
    assert len(rows) > 15
    wrong = [row for row in rows if decide(Reply(int(row[0]), None if row[1] == "-" else int(row[1])), row[2], T).verdict != row[3]]
    assert wrong == []
