"""`interplug qr`: the code on a charge point."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command


def test_a_code_is_an_svg_on_standard_output_or_in_a_file(interplug: Command, tmp_path: Path) -> None:
    said = interplug("qr", "NL*ABC*E1", "--url", "https://charge.example/")
    assert said.code == 0 and said.out.lstrip().startswith("<?xml") and "<svg" in said.out and "<title>NL*ABC*E1</title>" in said.out
    file = tmp_path / "code.svg"
    assert interplug("qr", "NL*ABC*E1", "--url", "https://charge.example", "--file", str(file)).code == 0
    assert file.read_text() == said.out
    other = interplug("qr", "NL*ABC*E2", "--url", "https://charge.example")
    assert other.out != said.out


def test_what_is_no_number_is_a_wrong_usage(interplug: Command) -> None:
    assert interplug("qr", " ").code == 2 and interplug("qr", "E" * 99).code == 2
