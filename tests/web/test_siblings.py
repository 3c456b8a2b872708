"""One exposition of several workers': what is counted in each has its number, what all see alike stands there once."""

from prometheus_client.parser import text_string_to_metric_families

from interplug.web.siblings import merged

FIRST = b"""# HELP interplug_messages_total Messages.
# TYPE interplug_messages_total counter
interplug_messages_total 3.0
# HELP interplug_objects Objects.
# TYPE interplug_objects gauge
interplug_objects{module="cdrs"} 7.0
# HELP interplug_push_unsent Unsent.
# TYPE interplug_push_unsent gauge
interplug_push_unsent{partner="a"} 1.0
"""
SECOND = FIRST.replace(b"total 3.0", b"total 4.0").replace(b'"a"', b'"b"').replace(b"7.0", b"8.0")


def told(text: bytes) -> dict[tuple[str, ...], float]:
    samples = (sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples)
    return {(one.name, *(f"{name}={value}" for name, value in sorted(one.labels.items()))): one.value for one in samples}


def test_counters_are_each_workers_and_push_is_whose_it_is() -> None:
    assert told(merged({1: FIRST, 0: SECOND}, range(3))) == {
        ("interplug_messages_total", "worker=1"): 3,
        ("interplug_messages_total", "worker=0"): 4,
        ("interplug_objects", "module=cdrs"): 7,
        ("interplug_push_unsent", "partner=a"): 1,
        ("interplug_push_unsent", "partner=b"): 1,
        ("interplug_worker_up", "worker=0"): 1,
        ("interplug_worker_up", "worker=1"): 1,
        ("interplug_worker_up", "worker=2"): 0,
    }


def test_a_name_stands_together_as_the_format_wants_it() -> None:
    text = merged({0: FIRST, 1: SECOND}, range(2)).decode()
    assert text.count("# TYPE interplug_messages_total counter") == 1
