"""The visitor's cookie, the proof of a form, and limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.web.session import Cookies, Limit, Visitor, neighbourhood

KEY = b"k" * 32


def header(written: str) -> str:
    """What a browser sends back."""
    return written.partition(";")[0]


def test_a_visitor_comes_back_as_the_one_it_was() -> None:
    cookies = Cookies(KEY, secure=False)
    new = cookies.read("").became("a1")
    known = cookies.read(f"theme=dark; {header(cookies.written(new))}; x=y")
    assert (known.name, known.driver, known.new) == (new.name, "a1", False)
    assert cookies.proved(known, cookies.proof(known))


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_travels_in_the_clear_only_where_the_node_is_without_tls(secure: bool) -> None:
    assert ("Secure" in Cookies(KEY, secure=secure).written(Visitor("n"))) == secure


@given(st.text())
def test_whatever_stands_in_the_header_is_a_new_visitor(text: str) -> None:
    cookies = Cookies(KEY, secure=True)
    assert cookies.read(text).new
    assert cookies.read(f"{cookies.name}={text}").new


def test_a_cookie_of_another_node_or_with_another_driver_is_nobodys() -> None:
    cookies = Cookies(KEY, secure=False)
    written = header(cookies.written(Visitor("name", "a1")))
    assert cookies.read(written.replace("a1", "a2")).new
    other = Cookies(b"o" * 32, secure=False)
    assert other.name != cookies.name and other.read(written.replace(cookies.name, other.name)).new


def test_a_proof_is_that_of_one_visitor_and_of_none_that_has_no_cookie() -> None:
    cookies = Cookies(KEY, secure=False)
    one, other = Visitor("one"), Visitor("other")
    assert cookies.proved(one, cookies.proof(one)) and not cookies.proved(other, cookies.proof(one))
    assert not cookies.proved(Visitor("one", new=True), cookies.proof(one))
    assert not cookies.proved(one, "é")


def test_a_limit_counts_within_its_time_and_forgets_who_came_long_ago() -> None:
    now = [0.0]
    limit = Limit(2, 10.0, lambda: now[0])
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    assert limit.allows("b")
    now[0] = 10.0
    assert limit.allows("a")
    for number in range(Limit.NAMES):
        limit.allows(str(number))
    assert limit.allows("a") and limit.allows("a")


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:db8:1:2::9", "2001:db8:1:2"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_one(address: str, counts_as: str) -> None:
    assert neighbourhood(address) == counts_as


def test_a_drive_is_lent_by_a_link_until_its_time_and_no_other_with_it() -> None:
    cookies = Cookies(KEY, secure=False)
    text = cookies.lending("d1", 100)
    assert cookies.lends(text, 99) == "d1"
    assert [cookies.lends(one, now) for one, now in ((text, 100), (text.replace("d1", "d2"), 9), (text.replace("100", "999"), 9))] == [
        ""
    ] * 3
    assert cookies.lent(header(cookies.lent_written([text, "x", cookies.lending("d2", 50)])), 60) == {"d1": text}
    assert Cookies(b"o" * 32, secure=False).lends(text, 9) == ""


@given(st.text())
def test_whatever_stands_in_a_link_lends_nothing(text: str) -> None:
    cookies = Cookies(KEY, secure=False)
    assert cookies.lends(text, 1) == "" and cookies.lent(text, 1) == {} and cookies.lent(f"{cookies.lent_name}={text}", 1) == {}
