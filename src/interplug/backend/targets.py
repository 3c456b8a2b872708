"""How telling somebody can fail, and how long they are left alone then."""

from interplug.config import Delivery


class Refused(Exception):
    """These messages are not taken; others may be."""


class Away(Exception):
    """Nobody takes anything there at the moment."""


def pause(delivery: Delivery, failures: int) -> float:
    """Seconds until the next try, after so many failures in a row."""
    return min(delivery.back_off * 2.0 ** min(failures - 1, 30), delivery.back_off_longest)
