"""Rows that name functions: what a module is, and how a path finds its handler.

A `Module` is a literal row: its object, the role that owns the object, its key path, and routes that name plain
handler functions. From the rows follow the router, the endpoints in version details, the verbs that push uses and
`interplug routes`. Nothing is registered by import.

    /ocpi/versions                     /ocpi/{role}/versions            (2.1.1: one per role, VER-017)
    /ocpi/{version}                    /ocpi/2.1.1/{role}
    /ocpi/{version}/credentials        /ocpi/2.1.1/{role}/credentials
    /ocpi/{version}/{sender|receiver}/{module}/…      /ocpi/2.1.1/{role}/{module}/…

The objects of Payments share one endpoint: `/ocpi/{version}/{side}/payments/terminals/…`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from interplug.versions.table import VERSIONS

from .status import method_not_allowed, not_found

Side = Literal["SENDER", "RECEIVER"]
ALL = tuple(VERSIONS)
ROLES_BY_URL = ("CPO", "EMSP")
"""The roles that 2.1.1 knows."""
INSIDE = {"terminals": "payments", "financial-advice-confirmations": "payments"}
"""Objects without an endpoint of their own: they stand below that of another name, at a segment with theirs."""


@dataclass(slots=True, frozen=True)
class Route:
    """`handler` is an `async (Call) -> Answer` of `interplug.modules`; `path` holds literal and `{named}` segments."""

    side: Side
    method: str
    path: str
    handler: Any
    versions: tuple[str, ...] = ALL


@dataclass(slots=True, frozen=True)
class Module:
    """A functional or configuration module of OCPI.

    `kind` is the object type (see `model.validate.OBJECTS`), `sender` and `receiver` the roles whose platform serves
    that side, `key` the segments of an object's URL at its receiver.
    """

    id: str
    kind: str
    sender: tuple[str, ...]
    receiver: tuple[str, ...]
    key: tuple[str, ...]
    routes: tuple[Route, ...]
    configuration: bool = False
    call: bool = False
    """It asks for something whose result comes later, and has no objects that could be pushed or pulled."""

    @property
    def endpoint(self) -> str:
        """The identifier under which version details tell where it is."""
        return INSIDE.get(self.id, self.id)

    def served(self, version: str, side: Side) -> bool:
        return any(version in route.versions and route.side == side for route in self.routes)

    def roles(self, side: Side) -> tuple[str, ...]:
        return self.sender if side == "SENDER" else self.receiver


class Place(msgspec.Struct, frozen=True):
    """Where a path leads: the module's side in a version, the handlers by method, and the values of the named segments."""

    version: str
    module: Module
    side: Side
    methods: dict[str, Route]
    params: dict[str, str]

    def route(self, method: str) -> Route:
        found = self.methods.get(method)
        if found is None:
            raise method_not_allowed(method, sorted(self.methods))
        return found


_Shape = tuple[tuple[str, ...], Module, dict[str, Route]]


class Router:
    """Finds the `Place` of a path below `/ocpi/{version}`; built once from the rows, a dict look-up a request."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._tables: dict[tuple[str, str, str], tuple[Side, dict[int, list[_Shape]]]] = {}
        for module in modules:
            for version in ALL:
                for side in ("SENDER", "RECEIVER"):
                    self._add(module, version, side)

    def _add(self, module: Module, version: str, side: Side) -> None:
        routes = [route for route in module.routes if route.side == side and version in route.versions]
        if not routes:
            return
        start = (module.id,) if module.endpoint != module.id else ()
        for name in self.doors(module, version, side):
            _, shapes = self._tables.setdefault((version, name, module.endpoint), (side, {}))
            for route in routes:
                parts = start + tuple(part for part in route.path.split("/") if part)
                same = [methods for shape, _, methods in shapes.setdefault(len(parts), []) if shape == parts]
                if not same:
                    same = [{}]
                    shapes[len(parts)].append((parts, module, same[0]))
                same[0][route.method] = route

    @staticmethod
    def doors(module: Module, version: str, side: Side) -> Iterator[str]:
        """The segment between version and module: the side from 2.2.1 on, our role in 2.1.1 (VER-005)."""
        if VERSIONS[version].endpoint_roles:
            yield side.lower()
        else:
            yield from (role.lower() for role in module.roles(side) if role in ROLES_BY_URL)

    def find(self, version: str, door: str, module_id: str, rest: list[str]) -> Place:
        """The place of `/{version}/{door}/{module_id}/{rest…}`; 404 in the envelope if there is none."""
        table = self._tables.get((version, door, module_id))
        if table is None:
            raise not_found(f"nothing is served at /{version}/{door}/{module_id}")
        side, shapes = table
        for shape, module, methods in shapes.get(len(rest), ()):
            params = _match(shape, rest)
            if params is not None:
                return Place(version, module, side, methods, params)
        raise not_found(f"{module_id} has no resource with {len(rest)} path segments here")


def _match(shape: tuple[str, ...], rest: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for expected, given in zip(shape, rest, strict=True):
        if expected[0] == "{":
            if not given:
                return None
            params[expected[1:-1]] = given
        elif expected != given:
            return None
    return params
