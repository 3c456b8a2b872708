"""How telling somebody of an alert can fail."""


class Refused(Exception):
    """These messages are not taken; others may be."""


class Away(Exception):
    """Nobody takes anything there at the moment."""
