"""What the meters signed in many CDRs, added up: how many are genuine, which are not, and why others cannot be checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interplug.charges.signed import prove

MOST = 20
"""CDRs that are named."""
SAID = {
    "signed_right": "genuine, and as billed",
    "signature_wrong": "not genuine",
    "signed_energy": "of another energy than is billed",
    "signed_times": "of another time",
    "signed_unchecked": "cannot be checked",
}
WRONG = ("signature_wrong", "signed_energy", "signed_times")


@dataclass(slots=True)
class Signatures:
    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)

    def add(self, cdr: Mapping[str, Any]) -> None:
        proof = prove(cdr)
        if proof is not None:
            self._add(proof.verdict, 1, [] if proof.verdict == "signed_right" else [f"{cdr.get('id') or '?'}: {proof.words}"])

    def merge(self, later: Signatures) -> None:
        for verdict, count in later.counts.items():
            self._add(verdict, count, later.named.get(verdict, []))

    def _add(self, verdict: str, count: int, named: list[str]) -> None:
        self.counts[verdict] = self.counts.get(verdict, 0) + count
        self.named[verdict] = (self.named.get(verdict, []) + named)[:MOST]

    @property
    def wrong(self) -> int:
        return sum(self.counts.get(verdict, 0) for verdict in WRONG)

    def to_document(self) -> dict[str, Any]:
        if not self.counts:
            return {}
        return {"signed": [{"verdict": name, "count": self.counts[name], "cdrs": self.named[name]} for name in SAID if name in self.counts]}

    def report(self) -> Iterator[str]:
        if not self.counts:
            return
        yield ""
        yield f"signed by the meter: {', '.join(f'{self.counts[name]} {words}' for name, words in SAID.items() if name in self.counts)}"
        for name in SAID:
            yield from (f"  {line}" for line in self.named.get(name, ()))
