"""Whatever is typed, a command says in a line what is wrong with it, changes nothing, and ends with the number for that."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command

DOC = Path(__file__).parents[2] / "docs/commands.md"
LIVE = ("serve", "demo", "station simulate", "payment provider")
"""What does not end by itself."""
ODD = ("", "x" * 10_000, "\x1b[31mred\n", "99999999999999999999999", "nan", "{")
USUAL = {"ROLE": "CPO", "MODULE": "locations", "MODULES": "locations", "COMMAND": "START_SESSION", "TYPE": "FAST", "NUMBER": "1"}


@pytest.fixture
def node(interplug: Command) -> Command:
    assert interplug("party", "add", "CPO", "NL-TNM").code == 0
    assert interplug("partner", "invite", "Fahrstrom").code == 0
    return interplug


def test_a_table_shows_what_others_have_named_as_they_have(node: Command) -> None:
    name = "[/x] [red]Alarm[/red] :warning:"
    assert node("partner", "invite", name).code == 0
    assert name in node("partner", "list").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("partner", "invite", ""), 2, "1 to 100 characters"),
        (("partner", "invite", " "), 2, "1 to 100 characters"),
        (("partner", "invite", "x" * 10_000), 2, "1 to 100 characters"),
        (("partner", "invite", "a\x1b[2Jb"), 2, "that can be seen"),
        (("partner", "invite", "7"), 2, "means something else"),
        (("partner", "invite", "A", "--party", "NL-XYZ"), 2, "we have no party NL-XYZ"),
        (("partner", "invite", "A", "--party", ""), 2, "write one as NL-TNM"),
        (("partner", "invite", "A", "--role", "EMSP"), 2, "we have no party EMSP"),
        (("partner", "invite", "A", "--host", "https://x.example/"), 2, "is no host"),
        (("partner", "invite", "A", "--audience", ""), 2, "1 to 100 characters"),
        (("partner", "register", "nonsense", "--token-file", "node.db.key"), 3, ""),
        (("party", "add", "CPO", "NL-TNM", "--name", ""), 2, "1 to 100 characters"),
        (("party", "add", "CPO", "NL-TNM", "--website", "nope"), 2, "no address of the web"),
        (("audience", "join", " ", "Fahrstrom"), 2, "1 to 100 characters"),
        (("audience", "set", "friends", "locations", "NOPE"), 1, "none of ours is NOPE among the locations; nothing was changed"),
        (("audience", "set", "friends", "locations", "--all", "--party", ""), 2, "write one as NL-TNM"),
        (("message", "list", "--limit", "0"), 2, "Must be >= 1"),
        (("message", "list", "--limit", "-5"), 2, "Must be >= 1"),
        (("message", "list", "--status", "-1"), 2, "Must be >= 0"),
        (("message", "list", "--since", ""), 2, "is no time"),
        (("message", "show", "9" * 30), 2, "Must be <"),
        (("message", "show", "0"), 2, "Must be >= 1"),
        (("quarantine", "list", "--module", "nothing"), 2, "no list of objects"),
        (("quarantine", "show", "9" * 30), 2, "Must be <"),
        (("quarantine", "drop", "-1"), 2, "Must be >= 1"),
        (("cdr", "list", "--limit", "0"), 2, "Must be >= 1"),
        (("command", "list", "--limit", "0"), 2, "Must be >= 1"),
        (("profile", "list", "--limit", "0"), 2, "Must be >= 1"),
        (("payment", "list", "--state", "NOPE"), 2, "no state of a payment"),
        (("pull", "Fahrstrom", "--module", "nothing"), 2, "no list of objects"),
        (("pull", "Fahrstrom", "--believe"), 2, "goes with --full"),
        (("pull", "Fahrstrom", "--module", "locations"), 1, "lists nothing of that"),
        (("station", "messages", "NOPE"), 1, "there is no station NOPE"),
        (("station", "messages", "NOPE", "--minutes", "nan"), 2, "minutes are more than 0"),
        (("offer", "add", "O", "--currency", "NOPE"), 2, "ISO 4217"),
        (("offer", "add", "O", "--contract", ""), 2, "1 to 100 characters"),
        (("tariff", "simulate", "--kwh", "much"), 2, "is no number"),
        (("export", "locations", "--partner", ""), 1, "there is no partner"),
        (("serve", "--workers", "1000000"), 2, "Must be <= 256"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_nonsense_is_named(node: Command, words: tuple[str, ...], code: int, said: str) -> None:
    before = node("status", "--json").json, node("audience", "list", "--json").json
    ended = node(*words)
    assert (ended.code, ended.out) == (code, "")
    assert said in re.sub(r"[\s│]+", " ", ended.err), ended.err
    assert (node("status", "--json").json, node("audience", "list", "--json").json) == before


def every_way() -> Iterator[list[str]]:
    """Each command with an odd value in each place where it takes one."""
    for section in re.split(r"\n#{2,3} interplug ", DOC.read_text(encoding="utf-8"))[1:]:
        name, _, rest = section.partition("\n")
        if "COMMAND\n```" in rest or name in LIVE:
            continue
        places = re.findall(r"^\* `([A-Z_]+)`:(.*)$", rest, re.MULTILINE)
        usual = [_usual(name, *place) for place in places]
        for number in range(len(usual)):
            yield from ([*name.split(), *usual[:number], odd, *usual[number + 1 :]] for odd in ODD)
        for option in re.findall(r"^\* `(--[a-z-]+) [A-Z]", rest, re.MULTILINE):
            if option not in ("--config", "--store"):
                yield from ([*name.split(), *usual, f"{option}={odd}"] for odd in ODD)


def _usual(command: str, place: str, told: str) -> str:
    if choices := re.search(r"choices: ([^],]*)", told):
        return choices[1]
    return {"PARTNER": "Fahrstrom", "ID": "NL-TNM" if command == "party add" else "X1", **USUAL}.get(place, "X1")


def test_no_command_falls_over_whatever_is_typed(node: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = list(every_way())
    assert len(ways) > 500
    for words in ways:
        ended = node(*words, typed=b"nonsense")
        assert ended.code in (0, 1, 2, 3, 4), words
        assert "Traceback" not in ended.err, words


def test_a_disk_that_is_full_is_a_line(node: Command) -> None:
    """As with one that has no room: no file may grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        for words in (("party", "add", "EMSP", "NL-TNM"), ("partner", "invite", "Vonk")):
            ended = node(*words)
            assert (ended.code, ended.out) == (1, "")
            assert re.fullmatch(r"interplug: (disk I/O error|database or disk is full)\n", ended.err), ended.err
        new = node("party", "add", "CPO", "NL-TNM", "--store", "sqlite:///other.db")
        assert new.code == 1 and new.err.startswith("interplug: ") and new.err.count("\n") == 1, new.err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert node("party", "add", "EMSP", "NL-TNM").code == 0
