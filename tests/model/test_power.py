"""What a Connector gives at most."""

from __future__ import annotations

from typing import Any

import pytest

from interplug.model.power import watts_of

PLUG = {"max_voltage": 230, "max_amperage": 16}


@pytest.mark.parametrize(
    ("connector", "watts"),
    [
        ({"power_type": "AC_3_PHASE", "max_electric_power": 7400}, 7400),
        ({"power_type": "AC_3_PHASE"}, 11_040),
        ({"power_type": "AC_2_PHASE"}, 7360),
        ({"power_type": "AC_2_PHASE_SPLIT", "max_electric_power": None}, 7360),
        ({"power_type": "AC_1_PHASE"}, 3680),
        ({"power_type": "DC", "max_voltage": 400, "max_amperage": 125}, 50_000),
        ({"power_type": "AC_3_PHASE", "max_amperage": 0}, 0),
    ],
)
def test_it_is_what_is_said_or_else_volts_times_amperes_times_phases(connector: dict[str, Any], watts: int) -> None:
    assert watts_of({**PLUG, **connector}) == watts
