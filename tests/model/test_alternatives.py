"""A Tariff may tell itself in elements, in a text and on a page, in any combination."""

from itertools import product
from typing import Any

import pytest

from interplug.model.validate import Invalid, validate
from interplug.versions import chain
from interplug.versions.table import NEWEST, VERSIONS
from tests.model.documents import TARIFF

ALTERNATIVES: dict[str, Any] = {
    "tariff_alt_text": [{"language": "en", "text": "In the street"}, {"language": "nl", "text": "Op straat"}],
    "tariff_alt_url": "https://cpo.example/" + "t" * 235,
}


def received(document: dict[str, Any], version: str) -> dict[str, Any]:
    """What a partner of that version sends, in the newest form."""
    return document if version == NEWEST else chain.up("tariff", document, version)


@pytest.mark.req("TAR-024")
@pytest.mark.parametrize("version", VERSIONS)
def test_any_combination_is_valid_and_survives_every_version(version: str) -> None:
    for text, url in product((False, True), repeat=2):
        more = {name: value for (name, value), taken in zip(ALTERNATIVES.items(), (text, url), strict=True) if taken}
        validate("tariff", {**TARIFF, **more})
        sent = chain.down("tariff", {**TARIFF, **more}, version)
        assert sent is not None and {name: sent[name] for name in ALTERNATIVES if name in sent} == more


@pytest.mark.req("TAR-024")
@pytest.mark.parametrize("version", VERSIONS)
def test_an_address_has_at_most_255_characters(version: str) -> None:
    own = chain.down("tariff", TARIFF, version)
    assert own is not None and len(ALTERNATIVES["tariff_alt_url"]) == 255
    with pytest.raises(Invalid) as refused:
        validate("tariff", {**TARIFF, **received({**own, "tariff_alt_url": ALTERNATIVES["tariff_alt_url"] + "t"}, version)})
    assert "tariff_alt_url" in str(refused.value)
