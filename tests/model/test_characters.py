"""Which characters may stand in a CiString (17.4) and in a string (17.11)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.types import GRAMMAR
from interplug.model.validate import Invalid, validate, validate_patch
from tests.model.documents import CONNECTOR, EVSE, LOCATION


def refused(document: dict[str, Any]) -> str | None:
    try:
        validate("location", document)
    except Invalid as caught:
        return caught.path
    return None


@pytest.mark.req("TYP-002")
@given(st.text(min_size=1, max_size=10) | st.text(alphabet='aB\x7f\x80é\n"\\ *-', min_size=1, max_size=10))
def test_an_id_is_printable_ascii_and_nothing_else(text: str) -> None:
    allowed = GRAMMAR["CiString"].fullmatch(text) is not None
    assert refused(LOCATION | {"id": text}) == (None if allowed else "$.id")


@pytest.mark.req("TYP-004")
@given(st.text(max_size=10) | st.text(alphabet='aü\u00a0\u0085\u2028\t"\\😀\ud800', max_size=10))
def test_a_text_is_anything_but_control_characters(text: str) -> None:
    allowed = GRAMMAR["string"].fullmatch(text) is not None
    assert refused(LOCATION | {"name": text}) == (None if allowed else "$.name")


@pytest.mark.req("TYP-002", "TYP-004")
@pytest.mark.parametrize("text", ["a\x00", "a\n", "\r", "a\tb", "a\x7f", "a\x9f"])
def test_control_characters_are_found_however_deep(text: str) -> None:
    image = {"url": "https://cpo.example/" + text, "category": "CHARGER", "type": "png"}
    connector = CONNECTOR | {"tariff_ids": ["T1", text]}
    place = {"evses": [EVSE, EVSE | {"connectors": [CONNECTOR, connector]}], "name": "Größe"}
    assert refused(LOCATION | place) == "$.evses[1].connectors[1].tariff_ids[1]"
    assert refused(LOCATION | {"operator": {"name": "TNM", "logo": image}}) == "$.operator.logo.url"
    assert refused(LOCATION | {"directions": [{"language": "nl", "text": text}]}) == "$.directions[0].text"


def test_texts_of_the_world_pass() -> None:
    for text in ("Größe “X” – 50 m", 'Say "hello"', "back\\slash", "東京", "Ünïcödé \u00a0 😀", "[brackets] {too}"):
        assert refused(LOCATION | {"name": text, "evses": [EVSE]}) is None


@pytest.mark.req("TYP-002", "TYP-004")
@pytest.mark.parametrize(
    ("patch", "path"),
    [({"tariff_ids": ["é"]}, "$.tariff_ids[0]"), ({"id": "a\n"}, "$.id"), ({"terms_and_conditions": "\t"}, "$.terms_and_conditions")],
)
def test_patches_are_held_to_the_same(patch: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate_patch("connector", patch)
    assert caught.value.path == path
