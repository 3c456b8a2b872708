"""What a file holds is recognised from the objects themselves, in every version."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.sync.recognise import MODULES, kind_of, version_of
from interplug.versions import chain
from interplug.versions.facts import Facts
from tests.census.tables import VERSIONS, object_of, strategy

FACTS = Facts(owner=("NL", "TNM"), token_owner=("NL", "TNM"))
CASES = [(version, kind) for version in VERSIONS for kind in MODULES if object_of(version, kind)]


@pytest.mark.parametrize(("version", "kind"), CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_a_valid_object_is_recognised_and_reads_the_same_as_when_its_version_is_told(version: str, kind: str, data: Any) -> None:
    document = data.draw(strategy(version, object_of(version, kind) or ""))
    assert kind_of(document) == kind
    recognised = version_of(kind, document)
    assert recognised == version or chain.up(kind, document, recognised, FACTS) == chain.up(kind, document, version, FACTS)


def test_what_is_none_of_them_is_not_taken_for_one() -> None:
    assert kind_of({"id": "1", "last_updated": "2026-01-01T00:00:00Z"}) is None
