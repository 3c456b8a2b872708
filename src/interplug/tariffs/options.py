"""The decisions that OCPI leaves open, each under a name, with our default.

`preset="exact"` prices what was measured, without step_size, as OCPI 3.0 will. The fields below the line are the single deviations with
which a check of a partner's CDR looks for the cause of a difference; nobody needs them to price.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal

from interplug.tariffs.problems import TariffError

Split = Literal["none", "linear"]
Rounding = Literal["half_away_from_zero", "half_even", "currency"]


@dataclass(frozen=True, slots=True)
class Options:
    preset: Literal["spec", "exact"] = "spec"
    # A period over a price change: its start rate, or divided (kWh and duration exactly, clock by even spread).
    split: Split = "none"
    # One rounding, on output. `currency` takes the number of decimals of the currency instead of `decimals`.
    decimals: int = 4
    rounding: Rounding = "half_away_from_zero"
    # Whether a reservation ran out unused; None: it did if nothing but reserved time was consumed.
    expired: bool | None = None
    # ---
    step: Literal["spec", "none", "period"] = "spec"
    hours: Literal["spec", "literal"] = "spec"
    limits: bool = True
    clock: Literal["local", "utc"] = "local"
    flat: Literal["phase", "period"] = "phase"
    tax: Literal["spec", "swapped", "twice", "compound", "of_gross", "gross_as_net", "none"] = "spec"

    def policies(self) -> dict[str, Any]:
        """Every decision that this price rests on, by name."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**chosen, "step": "none" if self.preset == "exact" else self.step, **FIXED_POLICIES}


# What is decided once and for all; printed with a result, so that a reader can disagree with something precise.
FIXED_POLICIES: dict[str, str] = {
    "element": "first match per dimension",
    "step_base": "priced volume of the session",
    "step_component": "last period with a priced volume",
    "time_step": "parking if it is priced, else charging time",
    "limits_order": "maximum last",
    "tariff": "valid at session start, kept to the end",
    "power_range": "must hold for the whole period",
    "duration": "session without reservation, parking included",
}

SPEC = Options()
EXACT = Options(preset="exact")

_CHOICES: dict[str, tuple[Any, ...]] = {
    "preset": ("spec", "exact"),
    "split": ("none", "linear"),
    "rounding": ("half_away_from_zero", "half_even", "currency"),
    "step": ("spec", "none", "period"),
    "hours": ("spec", "literal"),
    "clock": ("local", "utc"),
    "flat": ("phase", "period"),
    "tax": ("spec", "swapped", "twice", "compound", "of_gross", "gross_as_net", "none"),
    "expired": (None, True, False),
    "limits": (True, False),
    "decimals": tuple(range(13)),
}


def read_options(document: Any) -> Options:
    """The `options` of a line; what is not known is refused, for a misspelt policy would silently price by another one."""
    if document is None:
        return SPEC
    if not isinstance(document, dict):
        raise TariffError("invalid_field", "options is not an object", "/options")
    for name, value in document.items():
        allowed = _CHOICES.get(name)
        if allowed is None or not any(value is choice or (type(value) is type(choice) and value == choice) for choice in allowed):
            raise TariffError("invalid_field", f"option {name!s:.40} has no such value", f"/options/{name!s:.40}")
    return Options(**document)
