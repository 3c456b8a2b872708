"""The tariff that a new session gets."""

from typing import Any

import pytest

from interplug.model.types import parse_time
from interplug.tariffs import pick
from tests.tariffs.build import START, component, element, tariff

AT = parse_time(START)
PRICE = element(component("ENERGY", "0.30"))
FOR_ALL = tariff(PRICE, id="ALL")
REGULAR, CHEAP, DIRECT = (tariff(PRICE, id=kind, type=kind) for kind in ("REGULAR", "PROFILE_CHEAP", "AD_HOC_PAYMENT"))


@pytest.mark.req("TAR-018", "TAR-019")
@pytest.mark.parametrize(
    ("tariffs", "session", "found"),
    [
        ([FOR_ALL, REGULAR, CHEAP, DIRECT], {}, "REGULAR"),
        ([FOR_ALL, REGULAR, CHEAP, DIRECT], {"preference": "REGULAR"}, "REGULAR"),
        ([FOR_ALL, REGULAR, CHEAP, DIRECT], {"preference": "CHEAP"}, "PROFILE_CHEAP"),
        ([FOR_ALL, REGULAR, CHEAP, DIRECT], {"ad_hoc": True}, "AD_HOC_PAYMENT"),
        ([FOR_ALL], {}, "ALL"),
        ([FOR_ALL], {"ad_hoc": True}, "ALL"),
        ([FOR_ALL], {"preference": "FAST"}, "ALL"),
        ([DIRECT, CHEAP], {}, None),
        ([REGULAR], {"ad_hoc": True}, None),
        ([], {}, None),
    ],
)
def test_by_kind_of_session(tariffs: Any, session: Any, found: str | None) -> None:
    picked = pick(tariffs, AT, **session)
    assert (picked and picked["id"]) == found


@pytest.mark.req("TAR-021")
def test_by_validity_at_the_start() -> None:
    old, new = ({**FOR_ALL, "id": "OLD", "end_date_time": START}, {**FOR_ALL, "id": "NEW", "start_date_time": START})
    assert pick([old, new], AT)["id"] == "NEW"
    assert pick([old, new], AT - 1)["id"] == "OLD"
