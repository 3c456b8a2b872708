"""The record of what was acknowledged: what may be found afterwards."""

from chaos.journal import Journal


def journal(*words: str) -> Journal:
    """`a` tries the value a, `!` acknowledges the last one."""
    made = Journal()
    for word in words:
        if word == "!":
            made.acked("x/1")
        else:
            made.tried("x/1", word)
    return made


def test_the_last_acknowledged_value_has_to_be_there() -> None:
    assert journal("a", "!", "b", "!").lost("x/", {"1": "b"}.get) == []
    assert journal("a", "!", "b", "!").lost("x/", {"1": "a"}.get) == ["x/1: 'a', acknowledged was 'b'"]


def test_what_was_tried_since_may_have_gone_through() -> None:
    both = journal("a", "!", "b", "c")
    assert [both.lost("x/", {"1": value}.get) for value in "abc"] == [[], [], []]
    assert both.lost("x/", {}.get)


def test_what_was_never_acknowledged_may_be_missing() -> None:
    assert journal("a").lost("x/", {}.get) == []
