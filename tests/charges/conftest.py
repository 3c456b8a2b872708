"""The node and the partners of the room below, in each version."""

from tests.modules.conftest import node, partner, version

__all__ = ["node", "partner", "version"]
