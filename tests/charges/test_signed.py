"""What the meter signed, as a table: what stands in the CDR, and what is said of it. The signatures are real ones (ECDSA, OCMF)."""

from __future__ import annotations

import base64
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyocmf.exceptions import SpecWarning
from pyocmf.utils.xml import OcmfContainer

from interplug.charges import signed
from interplug.charges.judging import judge
from interplug.charges.signed import key_of, prove
from interplug.config import Cdrs
from interplug.model.validate import validate
from interplug.stations.simulator.ocmf import Signer
from interplug.stations.simulator.readings import Reading
from interplug.stations.simulator.transaction import Token
from tests.charges.test_judging import HOUR, NOON, cdr, known

Document = dict[str, Any]
METER = Signer("M1", "signed")
OTHER = Signer("M2", "signed")


def record(wh: int, mark: str, at: int = NOON, signer: Signer = METER) -> str:
    return signer.sign(Reading(at, wh, (), ""), Token("04A1B2C3"), mark).signed


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def value(nature: str, text: str) -> Document:
    return {"nature": nature, "plain_data": text, "signed_data": b64(text)}


BEGIN, END = record(5000, "B"), record(15000, "E", NOON + HOUR)
KEY = base64.b64encode(bytes.fromhex(METER.public_key)).decode()


def data(begin: str = BEGIN, end: str = END, **more: Any) -> Document:
    values = [value(nature, text) for nature, text in (("Start", begin), ("End", end)) if text]
    return {"encoding_method": "OCMF", "public_key": KEY, "signed_values": values, **more}


def tampered(text: str, old: str = '"RV":15.000', new: str = '"RV":15.001') -> str:
    assert old in text
    return text.replace(old, new)


CASES: list[tuple[str, Document, str, str]] = [
    ("genuine, and as billed", data(), "signed_right", "says 10.000 kWh"),
    ("one figure was changed", data(end=tampered(END)), "signature_wrong", "signature of End"),
    ("one letter of the signature was changed", data(begin=BEGIN.replace('"SD":"30', '"SD":"31')), "signature_wrong", "signature of Start"),
    ("the text is no OCMF any more", data(end=END.replace("{", "(", 1)), "signature_wrong", "End cannot be read"),
    ("another meter's key", data(public_key=OTHER.public_key), "signature_wrong", "signature of Start"),
    ("the end is another meter's", data(end=record(15000, "E", NOON + HOUR, OTHER)), "signature_wrong", "signature of End"),
    ("the plain data is not what was signed", data(signed_values=[{**value("End", END), "plain_data": BEGIN}]), "signature_wrong", "plain"),
    ("said to be OCMF, and is not", data(begin="AP;0;3;XYZ", end=""), "signature_wrong", "is not"),
    ("less was signed than is billed", data(end=record(14900, "E", NOON + HOUR)), "signed_energy", "9.900 kWh were signed, 10 kWh"),
    ("a last digit more", data(end=record(15010, "E", NOON + HOUR)), "signed_right", ""),
    ("the meter ran backwards", data(begin=END, end=record(5000, "E", NOON + HOUR)), "signed_right", "beginning is not among"),
    ("of yesterday's charge", data(begin=record(5000, "B", NOON - 24 * HOUR)), "signed_times", "2024-04-30"),
    ("the beginning is not signed", data(begin=""), "signed_right", "beginning is not among"),
    ("the end is not signed", data(end=""), "signed_right", "end is not among"),
    ("no key", {**data(), "public_key": None}, "signed_unchecked", "key of the meter is not known"),
    ("no key that can be read", data(public_key="Zm9v"), "signed_unchecked", "key of the meter is not known"),
    ("a key on no curve", data(public_key="3003020100"), "signed_unchecked", "key of the meter cannot be read"),
    ("another format", data("AP;0;3;XYZ", "", encoding_method="Alfen Eichrecht"), "signed_unchecked", "Alfen Eichrecht cannot be read"),
    ("nobody knows which format", data("1 2 3", "", encoding_method="unknown"), "signed_unchecked", "unknown cannot be read"),
    ("a kind of signature that is not known", data(end=END.replace("secp256r1", "secp111x9")), "signed_unchecked", "End is of a kind"),
    ("more than anybody looks at", data(signed_values=[value("End", END)] * 101), "signed_unchecked", "more than 100"),
]  # fmt: skip


@pytest.mark.parametrize(("signed_data", "verdict", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_was_signed(signed_data: Document, verdict: str, words: str) -> None:
    document = cdr(signed_data={name: value for name, value in signed_data.items() if value is not None})
    validate("cdr", document)
    proof = prove(document)
    assert proof is not None and (proof.verdict, words in proof.words) == (verdict, True), proof
    judgement = judge(document, known(), Cdrs())
    assert [one.code for one in judgement.findings] == [verdict]
    assert judgement.matches, "whether the money is right is another question"
    assert (judgement.against is not None) == (verdict in ("signature_wrong", "signed_energy")), "ours would be held"


def test_where_nothing_was_signed_there_is_nothing_to_say() -> None:
    assert prove(cdr()) is None


def test_one_record_may_hold_both_ends() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    first, last = (text.split("|")[1] for text in (BEGIN, END))
    reading = last[last.index('"RD":[') + 6 : -2]
    payload = first[:-2] + "," + reading + "]}"
    signature = METER._key.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
    both = f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{signature}"}}'
    found = prove(cdr(signed_data=data("", both)))
    assert found is not None and (found.verdict, found.kwh) == ("signed_right", 10)


DER = METER.public_key
PEM = "-----BEGIN PUBLIC KEY-----\n" + KEY + "\n-----END PUBLIC KEY-----\n"
SPELLINGS = [DER, DER.upper(), KEY, PEM, f"oca:base16:asn1:{DER}", f"oca:base64:asn1:{KEY}", b64(f"oca:base16:asn1:{DER}"), b64(DER)]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_key_is_known_in_every_spelling(spelling: str) -> None:
    assert key_of(spelling) == DER
    if len(spelling) <= 512:
        proof = prove(cdr(signed_data=data(public_key=spelling)))
        assert proof is not None and proof.verdict == "signed_right" and proof.key == DER


@given(st.text(max_size=600))
def test_no_text_is_a_key_by_accident_and_none_stops_the_check(text: str) -> None:
    assert all(letter in "0123456789abcdef" for letter in key_of(text))


@given(st.integers(0, len(END) - 1), st.characters(min_codepoint=32, max_codepoint=126))
@settings(max_examples=200)
def test_law_no_letter_of_a_record_can_be_changed_unseen(place: int, letter: str) -> None:
    """But for those that do not count: of hexadecimal digits the case, of the signature's own words those that nobody reads."""
    changed = END[:place] + letter + END[place + 1 :]
    proof = prove(cdr(signed_data=data(end=changed)))
    assert proof is not None
    unseen = proof.verdict == "signed_right"
    assert not unseen or changed.split("|")[1] == END.split("|")[1], "what was signed is what it was"


def test_what_cannot_be_read_is_never_a_failure_of_the_check() -> None:
    for text in ("OCMF|" + "[" * 3000, "OCMF|{}|{}", "OCMF||", 'OCMF|{"RD":[{"TM":"x","RV":1e999999}]}|{"SD":"00"}', "OCMF|null|null"):
        proof = prove(cdr(signed_data=data(end=text)))
        assert proof is not None and proof.verdict == "signature_wrong", text


def test_the_transparency_software_opens_the_file(tmp_path: Path) -> None:
    """As another's reader of such files reads it, which checks the signatures and the rules of the calibration law."""
    (tmp_path / "signed.xml").write_text(signed.transparency(data()))
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpecWarning)
        records = OcmfContainer.from_xml(tmp_path / "signed.xml")
    assert [(one.context, one.verify_signature()) for one in records] == [("Transaction.Begin", True), ("Transaction.End", True)]
    [result] = records.check_eichrecht(errors_only=True)
    assert result.issues == [] and Decimal(15) == result.records[1].ocmf.payload.RD[0].RV


def test_what_stands_in_the_file_breaks_out_of_nothing() -> None:
    nasty = data('OCMF|</signedData><x a="&', "", encoding_method='"><x')
    text = signed.transparency(nasty)
    assert "<x" not in text and "&lt;/signedData&gt;" in text


def test_where_the_library_is_missing_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("interplug.charges.ocmf", raising=False)
    monkeypatch.setitem(sys.modules, "interplug.charges.ocmf", None)
    proof = prove(cdr(signed_data=data()))
    assert proof is not None and proof.verdict == "signed_unchecked" and "pip install" in proof.words
