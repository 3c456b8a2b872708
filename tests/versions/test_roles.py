"""The roles that each version has words for."""

import pytest

from interplug.versions import chain
from tests.census.tables import values

PARTIES = ("CPO", "EMSP", "NAP", "NSP", "OTHER", "SCSP")


def credentials(**more: object) -> dict[str, object]:
    business = {"name": "Somebody"}
    roles = [{"role": role, "country_code": "NL", "party_id": "ABC", "business_details": business} for role in PARTIES]
    return {"token": "t", "url": "https://hub.example/ocpi/versions", "roles": roles, **more}


@pytest.mark.req("TYP-015", versions="2.2.1")
@pytest.mark.parametrize("hub", [{}, {"hub_party_id": "NLHUB"}])
def test_2_2_1_is_told_its_own_roles_and_no_others(hub: dict[str, str]) -> None:
    view = chain.down("credentials", credentials(**hub), "2.2.1")
    assert view is not None
    said = {role["role"] for role in view["roles"]}
    assert said <= set(values("2.2.1", "Role"))
    assert said == ({"HUB"} if hub else set(PARTIES))
