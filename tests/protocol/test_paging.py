"""Offset, limit, date filters, the Link and its cursor, without a list behind them."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from interplug.protocol.paging import next_link, read_next, read_page
from interplug.protocol.status import OcpiError

SECRET = b"s" * 32
URL = "https://cpo.example/ocpi/2.2.1/sender/locations"


def page(**query: str):  # type: ignore[no-untyped-def]
    return read_page(query, default=50, largest=100, secret=SECRET)


def followed(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(read_next(link, URL) or "").query))


@pytest.mark.req("TRN-024")
def test_nothing_asked_is_the_first_page() -> None:
    assert (page().offset, page().limit, page().after) == (0, 50, None)


@pytest.mark.req("TRN-033")
def test_more_than_the_largest_page_is_cut_also_in_the_link() -> None:
    asked = page(limit="2000")
    assert asked.limit == 100
    assert followed(next_link(URL, asked, 100, 7, SECRET))["limit"] == "100"


@pytest.mark.parametrize("query", [{"offset": "-1"}, {"limit": "-5"}, {"limit": "0"}, {"limit": "ten"}, {"offset": "1.5"}, {"offset": "٣"}])
def test_what_is_no_count_is_2001_naming_the_parameter(query: dict[str, str]) -> None:
    with pytest.raises(OcpiError) as caught:
        page(**query)
    assert (caught.value.code, caught.value.http) == (2001, 200)
    assert next(iter(query)) in caught.value.message


def test_a_huge_offset_is_a_page_beyond_the_end_not_an_overflow() -> None:
    assert page(offset="9" * 400).offset == 2**62


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01T00:00:00Z", "2024-01-01T25:00:00Z"])
def test_a_bad_date_is_2001(text: str) -> None:
    with pytest.raises(OcpiError, match="date_from"):
        page(date_from=text)


@pytest.mark.req("TRN-028")
def test_the_link_repeats_the_filters() -> None:
    asked = page(date_from="2024-01-01T00:00:00Z", date_to="2024-02-01T00:00:00Z", limit="10")
    query = followed(next_link(URL, asked, 10, 77, SECRET))
    assert (query["date_from"], query["date_to"], query["offset"]) == ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z", "10")
    assert page(**query).after == 77


def test_a_cursor_counts_only_for_the_offset_and_the_filters_it_was_issued_for() -> None:
    query = followed(next_link(URL, page(limit="10"), 10, 77, SECRET))
    assert page(**query).after == 77
    assert page(**{**query, "offset": "9"}).after is None
    assert page(**query, date_from="2024-01-01T00:00:00Z").after is None
    assert page(**{**query, "after": "78-" + query["after"].partition("-")[2]}).after is None
    assert read_page(query, default=50, largest=100, secret=b"other").after is None


@pytest.mark.parametrize(
    "cursor", ["", "-", "x", "-1-0", "\N{SUPERSCRIPT TWO}-0", "\N{ARABIC-INDIC DIGIT ONE}-0", "9" * 30 + "-0", "\0-\0"]
)
def test_a_cursor_that_is_none_is_ignored(cursor: str) -> None:
    assert page(offset="5", after=cursor).after is None


@pytest.mark.req("TRN-036")
@pytest.mark.parametrize(
    ("link", "target"),
    [
        (None, None),
        ("", None),
        ('<https://a.example/x?offset=5>; rel="next"', "https://a.example/x?offset=5"),
        ("<https://a.example/x>; rel=next", "https://a.example/x"),
        ('<https://a.example/p>; rel="prev", <https://a.example/n>; rel="next"', "https://a.example/n"),
        ('<https://a.example/p>; rel="last"', None),
        ('</ocpi/x?offset=5>; REL="next"', "https://cpo.example/ocpi/x?offset=5"),
        ("nonsense", None),
    ],
)
def test_the_next_page_of_a_partner(link: str | None, target: str | None) -> None:
    assert read_next(link, URL) == target
