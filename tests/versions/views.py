"""What a partner of an older version is told, for tests in which it is told something."""

from typing import Any

from interplug.versions.chain import NO_FACTS, Facts, down


def said(kind: str, document: dict[str, Any], version: str, facts: Facts = NO_FACTS, *, patch: bool = False) -> dict[str, Any]:
    view = down(kind, document, version, facts, patch=patch)
    assert view is not None
    return view
