"""A single - is standard input or output, or what is our own, wherever the help says so."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("partner", "register", "https://partner.example/ocpi/versions", "--token-file", "-"), 2, "the token is empty"),
        (("export", "tokens", "--out", "-"), 0, ""),
        (("cdr", "list", "--partner", "-"), 0, ""),
        (("quarantine", "list", "--partner", "-"), 0, ""),
        (("import", "-"), 0, ""),
    ],
)
def test_a_dash_is_a_value(interplug: Command, words: tuple[str, ...], code: int, said: str) -> None:
    interplug("db", "upgrade")
    answer = interplug(*words)
    assert (answer.code, said in answer.err) == (code, True)


@pytest.mark.parametrize("command", [("tariff", "verify"), ("tariff", "price", "--jsonl"), ("tariff", "explain"), ("cdr", "verify")])
def test_a_dash_is_standard_input_and_more_behind_it_an_option(interplug: Command, command: tuple[str, ...]) -> None:
    assert interplug(*command, "-").code in (0, 1)
    wrong = interplug(*command, "-", "--frob")
    assert (wrong.code, "Unknown option: --frob" in wrong.err) == (2, True)
