"""The payments module (a document of its own beside 2.3.0): payment terminals at stations, and what was captured for a Session.

The text says CiString also where a street or a town stands; those are read as any text, for streets have umlauts.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .locations import GeoLocation
from .types import URL, CiString2, CiString3, CiString10, CiString36, CiString255, DateTime, Price, String20, String45

InvoiceCreator = Literal["CPO", "PTP"]
CaptureStatusCode = Literal["SUCCESS", "PARTIAL_SUCCESS", "FAILED"]


class Terminal(Struct, kw_only=True, omit_defaults=True, gc=False):
    terminal_id: CiString36
    customer_reference: CiString36 | None = None
    party_id: CiString3 | None = None
    country_code: CiString2 | None = None
    address: String45 | None = None
    city: String45 | None = None
    postal_code: CiString10 | None = None
    state: String20 | None = None
    country: CiString3 | None = None
    coordinates: GeoLocation | None = None
    invoice_base_url: URL | None = None
    invoice_creator: InvoiceCreator | None = None
    reference: CiString36 | None = None
    location_ids: list[CiString36] | None = None
    evse_uids: list[CiString36] | None = None
    last_updated: DateTime


class FinancialAdviceConfirmation(Struct, kw_only=True, omit_defaults=True, gc=False):
    id: CiString36
    authorization_reference: CiString36
    total_costs: Price
    currency: CiString3
    eft_data: Annotated[list[CiString255], Meta(min_length=1)]
    capture_status_code: CaptureStatusCode
    capture_status_message: CiString255 | None = None
    last_updated: DateTime
