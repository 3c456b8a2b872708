"""Interplug: a node of the EV-roaming network that speaks OCPI 2.1.1, 2.2.1 and 2.3.0.

The package is a house of rooms with one order (docs/architecture.md); this file holds the version and nothing else,
so that importing one of the pure rooms never pulls in a server, a database or a socket.
"""

__version__ = "0.1.0"
