"""The table of a connection's states, as a table: every state can be left, and nothing else happens than what stands in it."""

import pytest

from interplug.partners import states
from interplug.partners.states import CONNECTION_STATES, NotPossible, after

EVENTS = {event for _, event in CONNECTION_STATES}
STATES = {state for state, _ in CONNECTION_STATES} | set(CONNECTION_STATES.values())


def test_only_what_the_table_names_happens() -> None:
    for state in STATES:
        for event in EVENTS:
            if (state, event) in CONNECTION_STATES:
                assert after(state, event) == CONNECTION_STATES[state, event]
            else:
                with pytest.raises(NotPossible):
                    after(state, event)


def test_every_state_is_reached_and_can_be_removed() -> None:
    reached = {states.NEW}
    for _ in STATES:
        reached |= {then for (state, _), then in CONNECTION_STATES.items() if state in reached}
    assert reached == STATES
    assert {state for state in STATES if (state, "remove") in CONNECTION_STATES} == STATES - {states.NEW, states.REMOVED}


def test_a_registered_link_ends_by_three_events_alone() -> None:
    ends = {event for (state, event), then in CONNECTION_STATES.items() if state == states.REGISTERED and then != states.REGISTERED}
    assert ends == {"unregister", "suspend", "remove"}


def test_the_essay_names_every_event() -> None:
    assert all(f"    {event} " in (states.__doc__ or "") for event in EVENTS)
