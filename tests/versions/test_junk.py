"""`up` reads what nobody has checked yet: whatever a partner sends, it must end in the validator, never in another exception."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.model.validate import Invalid, validate
from interplug.versions.chain import KINDS, Facts, up
from interplug.versions.table import NEWEST, VERSIONS
from tests.census.tables import object_of, strategy
from tests.versions.documents import LOCATION, TOKEN

CASES = [(kind, version) for kind in sorted(KINDS) for version in VERSIONS if version != NEWEST and object_of(version, kind)]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=3),
    st.lists(st.one_of(st.none(), st.integers(0, 1), st.text(max_size=2)), max_size=2),
    st.dictionaries(
        st.sampled_from(["id", "type", "role", "uid", "category"]), st.one_of(st.none(), st.lists(st.none(), max_size=1)), max_size=2
    ),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) in a document."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@pytest.mark.parametrize("patch", [False, True])
@pytest.mark.parametrize(("kind", "version"), CASES)
def test_junk_is_refused_by_the_model_and_not_by_the_bridge(kind: str, version: str, patch: bool) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def refused(data: st.DataObject) -> None:
        document = copy.deepcopy(data.draw(strategy(version, object_of(version, kind))))
        for _ in range(data.draw(st.integers(1, 2))):
            holder, key = data.draw(st.sampled_from(places(document)))
            holder[key] = data.draw(JUNK)
        facts = Facts(owner=("NL", "TST"), location=LOCATION, token=TOKEN)
        raised = up(kind, document, version, facts, patch=patch)
        if not patch:
            with suppress(Invalid):
                validate(kind, raised)

    refused()
