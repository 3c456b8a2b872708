"""The demo: three nodes in three processes that know nothing of each other but a socket."""
