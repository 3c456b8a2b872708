"""What a PATCH does, as laws on random documents."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.modules.merge import append_periods, latest, merge, without_nulls
from interplug.versions.facts import REMOVE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abcdef"), JSON, max_size=6)
UIDS = st.sampled_from(["E1", "e1", "E2", "E3"])
EVSES = st.lists(
    st.fixed_dictionaries({"uid": UIDS}, optional={"status": st.text(max_size=2)}), max_size=3, unique_by=lambda one: one["uid"].lower()
)
STARTS = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:10:00Z", "2026-01-01T00:20:00"])
PERIODS = st.lists(st.fixed_dictionaries({"start_date_time": STARTS, "n": st.integers()}), max_size=4)


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=200)
def test_a_patch_sets_what_it_names_leaves_the_rest_and_may_be_repeated(stored: dict[str, Any], patch: dict[str, Any]) -> None:
    before = repr(stored)
    merged = merge("location", stored, patch)
    named = {name for name, value in patch.items() if value is not None}
    assert {name: merged[name] for name in named} == {name: patch[name] for name in named}
    assert {name: value for name, value in merged.items() if name not in named} == {
        name: value for name, value in stored.items() if name not in named
    }
    assert merge("location", merged, patch) == merged
    assert repr(stored) == before


@given(EVSES, EVSES)
def test_evses_are_merged_by_uid_and_none_is_lost(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    merged = merge("location", {"evses": old}, {"evses": new})["evses"]
    uids = [evse["uid"].lower() for evse in merged]
    assert uids[: len(old)] == [evse["uid"].lower() for evse in old]
    assert set(uids) == {evse["uid"].lower() for evse in (*old, *new)} and len(uids) == len(set(uids))
    patched = {evse["uid"].lower(): evse for evse in new}
    assert all(patched.get(evse["uid"].lower(), {}).get("status", evse.get("status")) == evse.get("status") for evse in merged)


@given(PERIODS, PERIODS)
def test_periods_are_appended_once_however_often_they_are_sent(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    once = append_periods(append_periods([], old), new)
    assert append_periods(once, new) == once
    assert all(period in once for period in new[-1:])


def test_remove_takes_a_field_away() -> None:
    assert merge("location", {"a": 1, "b": 2}, {"a": REMOVE, "c": REMOVE}) == {"b": 2}


def test_connectors_are_merged_inside_evses() -> None:
    stored = {"evses": [{"uid": "E1", "connectors": [{"id": "1", "format": "SOCKET", "x": 1}, {"id": "2"}]}]}
    merged = merge("location", stored, {"evses": [{"uid": "e1", "connectors": [{"id": "1", "format": "CABLE"}]}]})
    assert merged == {"evses": [{"uid": "E1", "connectors": [{"id": "1", "format": "CABLE", "x": 1}, {"id": "2"}]}]}


def test_null_is_absence_at_any_depth() -> None:
    assert without_nulls({"a": None, "b": {"c": None, "d": [{"e": None}]}}) == {"b": {"d": [{}]}}


def test_the_latest_time_keeps_its_spelling() -> None:
    assert latest("2026-01-01T00:00:00.000Z", "2025-12-31T23:00:00Z") == "2026-01-01T00:00:00.000Z"
