"""The demo: four nodes in four processes that know nothing of each other but a socket."""
