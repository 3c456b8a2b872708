"""Where the energy comes from (8.4.7): part of a Location and of a Tariff, so it stands beside both."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .types import Number, String64

EnergySourceCategory = Literal["NUCLEAR", "GENERAL_FOSSIL", "COAL", "GAS", "GENERAL_GREEN", "SOLAR", "WIND", "WATER"]

EnvironmentalImpactCategory = Annotated[str, Meta(extra={"open_enum": "EnvironmentalImpactCategory"})]
KNOWN_ENVIRONMENTAL_IMPACT_CATEGORIES = (
    "NUCLEAR_WASTE",
    "CARBON_DIOXIDE",
)


class EnergySource(Struct, kw_only=True, omit_defaults=True, gc=False):
    source: EnergySourceCategory
    percentage: Number


class EnvironmentalImpact(Struct, kw_only=True, omit_defaults=True, gc=False):
    category: EnvironmentalImpactCategory
    amount: Number


class EnergyMix(Struct, kw_only=True, omit_defaults=True, gc=False):
    is_green_energy: bool
    energy_sources: list[EnergySource] | None = None
    environ_impact: list[EnvironmentalImpact] | None = None
    supplier_name: String64 | None = None
    energy_product_name: String64 | None = None
