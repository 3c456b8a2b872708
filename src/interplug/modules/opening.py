"""A node that can be asked and told: its database, key, directory, client and rows, without a socket of its own and without loops.

Commands open one beside the running node; `app` opens one and makes it live. Nothing else builds a store or a client for production.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable

from interplug import faults
from interplug.config import BadSettings, Settings
from interplug.partners.client import PartnerClient
from interplug.partners.directory import Directory
from interplug.partners.keys import NodeKey
from interplug.partners.transport import HttpTransport
from interplug.protocol.routes import Router
from interplug.store.store import Store

from .node import Node
from .rows import MODULES


def clock_of(settings: Settings) -> Callable[[], int]:
    """Microseconds UTC; faster than real time where everything is simulated, the same in all processes with the same epoch."""
    speed, epoch = settings.simulator.speed, settings.simulator.epoch
    if speed == 1.0:
        return lambda: time.time_ns() // 1000
    if epoch <= 0:
        raise BadSettings("simulator.speed is not 1: simulator.epoch is needed")
    return lambda: int((epoch + (time.time() - epoch) * speed) * 1_000_000)


def open_node(settings: Settings) -> Node:
    """Opens (or makes) the database and the node key; sends and serves nothing by itself."""
    clock = faults.clock(clock_of(settings))
    store = Store.open(settings.store.url, clock=clock, message_body=settings.store.message_body)
    key = NodeKey.load(settings.store)
    directory = Directory(store, key, settings, clock=clock)
    return Node(
        settings=settings,
        store=store,
        directory=directory,
        client=PartnerClient(HttpTransport(settings.network), directory, store.messages, clock),
        messages=store.messages,
        clock=clock,
        modules=MODULES,
        router=Router(MODULES),
        secret=key.derive("cursors"),
        speed=settings.simulator.speed,
    )


async def close_node(node: Node) -> None:
    await node.end()
    transport = node.client.transport
    if isinstance(transport, HttpTransport):
        await transport.close()
    await node.store.close()


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Node]:
    node = open_node(settings)
    try:
        await node.directory.refresh()
        yield node
    finally:
        await close_node(node)
