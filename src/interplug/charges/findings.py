"""What can be found in a CDR by a node, as a table; what the money says (`tariffs`) comes with its own codes and words."""

from __future__ import annotations

import msgspec

# Finding: (verdict that it leads to, severity, words). A note leads to none.
SAID: dict[str, tuple[str, str, str]] = {
    "other_tariff_version": ("mismatch", "error", "By the tariff that was published when the session began the price is another: {0}"),
    "other_tariff_text": ("", "note", "The tariff in it is not the one that was published when the session began; it costs the same."),
    "credit_differs": ("mismatch", "error", "{0} is credited, but {1} was charged."),
    "too_large": ("unverifiable", "warning", "There are too many charging periods and price components to check."),
    "not_reproducible": ("mismatch", "error", "{0} come out otherwise when it is read back and priced again."),
    "station_doubtful": ("implausible", "error", "What the station told of it cannot be quite right: {0}."),
    "check_failed": ("unverifiable", "error", "The check itself failed; the node's log says how."),
    "energy_beyond_capacity": ("implausible", "error", "{0} kWh are claimed; in {1} h this Connector gives at most {2} kWh."),
    "negative_amount": ("implausible", "error", "{0} is {1}, and it is no credit."),
    "ends_before_start": ("implausible", "error", "It ends before it starts."),
    "in_future": ("implausible", "error", "It ends after it arrived."),
    "duration_absurd": ("implausible", "warning", "It lasts {0} h."),
    "late": ("implausible", "warning", "It arrived {0} h after its end."),
    "token_overlap": ("implausible", "warning", "CDR {0} has the same Token at the same time at another EVSE."),
    "session_energy": ("implausible", "warning", "The Session says {0} kWh, the CDR {1} kWh."),
    "same_session": ("doubled", "error", "CDR {0} is for the same Session."),
    "same_charge": ("doubled", "error", "CDR {0} has the same Token and EVSE at the same time."),
    "credited_twice": ("doubled", "error", "CDR {0} takes the same CDR back."),
    "signature_wrong": ("implausible", "error", "What the meter signed is not genuine: {0}."),
    "signed_energy": ("implausible", "error", "What the meter signed is not what is billed: {0}."),
    "signed_times": ("implausible", "warning", "What the meter signed is of another time: {0}."),
    "signed_unchecked": ("", "note", "What the meter signed cannot be checked: {0}."),
    "signed_right": ("", "note", "What the meter signed is genuine for the key that came with it{0}."),
    "token_unknown": ("orphaned", "error", "The Token is none of ours, and we know of no authorisation."),
    "session_unknown": ("orphaned", "warning", "The Session is not known, and we know of no authorisation."),
    "credit_without_original": ("orphaned", "warning", "CDR {0}, which it takes back, is not known."),
}  # fmt: skip
MAKERS = frozenset({"not_reproducible", "station_doubtful"})
"""What only the maker of a CDR could know when it was made: it stands whenever the CDR is judged again."""
VERDICTS = ("match", "mismatch", "unverifiable", "implausible", "doubled", "orphaned")


class Finding(msgspec.Struct, frozen=True, gc=False):
    """`path` is a JSON pointer into the line that `tariff verify` reads, or empty."""

    code: str
    verdict: str
    severity: str
    path: str
    words: str


def said(code: str, path: str, *values: object) -> Finding:
    verdict, severity, words = SAID[code]
    return Finding(code, verdict, severity, path, words.format(*values))
