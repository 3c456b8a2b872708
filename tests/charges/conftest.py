"""The node and the partners of the room below, in each version."""

from tests.modules.conftest import clock, node, partner, version, wire

__all__ = ["clock", "node", "partner", "version", "wire"]
