import random
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec.sms_fields import Address, Alphabet, Concatenation, UserData
from drivers.codec.sms_pdu import DeliverPdu, Fate, PduError, StatusReportPdu, SubmitPdu, parse

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "sms" / "pdus.toml").read_text())
ALL = [vector for kind in VECTORS.values() for vector in kind]
CENTRE = bytes.fromhex("00")
UTC_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda one: one.replace(microsecond=0))  # noqa: DTZ001


def cases(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=lambda vector: vector["source"])


@cases("deliver")
def test_what_came(vector: dict[str, Any]) -> None:
    read = parse(bytes.fromhex(vector["pdu"]))
    assert isinstance(read, DeliverPdu)
    assert (read.sender.number, read.user.text, read.sent_at) == (vector["sender"], vector["text"], vector["sent_at"])


@cases("submit")
def test_what_was_sent(vector: dict[str, Any]) -> None:
    octets = bytes.fromhex(vector["pdu"])
    read = parse(octets)
    assert isinstance(read, SubmitPdu)
    assert (read.to.number, read.user.text) == (vector["to"], vector["text"])
    assert (read.reference, read.report) == (vector["reference"], vector["report"])
    assert read.validity == timedelta(minutes=vector["validity_min"])
    if octets[0] == 0:  # as it was given to a modem: ours is the same to the bit
        to, user = Address.of(vector["to"]), UserData.of(vector["text"])
        assert CENTRE + SubmitPdu(to=to, user=user, report=read.report, validity=read.validity).to_bytes() == octets


@cases("report")
def test_what_became_of_it(vector: dict[str, Any]) -> None:
    read = parse(bytes.fromhex(vector["pdu"]))
    assert isinstance(read, StatusReportPdu)
    told = (read.to.number, read.reference, read.status, read.fate, read.ended_at)
    assert told == tuple(vector[name] for name in ("to", "reference", "status", "fate", "ended_at"))


@cases("refused")
def test_what_is_refused_names_its_field(vector: dict[str, Any]) -> None:
    with pytest.raises(PduError) as refused:
        parse(bytes.fromhex(vector["pdu"]))
    assert refused.value.field == vector["field"]


@pytest.mark.parametrize("vector", ALL, ids=lambda vector: vector["source"])
def test_truncated_and_noisy_is_read_or_refused(vector: dict[str, Any]) -> None:
    octets = bytes.fromhex(vector["pdu"])
    chance = random.Random(vector["source"])
    tried = [octets[:end] for end in range(len(octets))]
    for _ in range(200 if octets else 0):
        noisy = bytearray(octets)
        for _ in range(chance.randint(1, 4)):
            noisy[chance.randrange(len(noisy))] = chance.randrange(256)
        tried.append(bytes(noisy))
    for one in tried:
        refused_or_read(one)


@given(st.binary(max_size=220))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    refused_or_read(CENTRE + octets)


def refused_or_read(octets: bytes) -> None:
    """Nothing but PduError is raised, and what is read is text."""
    try:
        read = parse(octets)
    except PduError:
        return
    if isinstance(read, DeliverPdu | SubmitPdu):
        assert len(read.user.text.encode()) <= 160 * 3


digits = st.text("0123456789", min_size=1, max_size=15)
addresses = digits.map(lambda one: Address.of("+" + one)) | digits.map(Address.of)
names = st.text("abcXYZåäö &", min_size=1, max_size=11).map(lambda one: Address(one, 0xD0))
parts = st.none() | st.builds(
    Concatenation, st.integers(0, 255), st.just(9), st.integers(1, 9), st.booleans()
)  # fmt: skip
texts = st.text(st.characters(codec="utf-8", max_codepoint=0x1FFFF), max_size=30)


@given(addresses, texts, parts, st.integers(0, 255), st.booleans(), st.sampled_from([None, 5, 60, 1440, 10080]))
def test_what_is_written_is_read_again(
    to: Address, text: str, part: Concatenation | None, reference: int, report: bool, validity_min: int | None
) -> None:
    whole = UserData.of(text)
    validity = timedelta(minutes=validity_min) if validity_min else None
    written = SubmitPdu(
        to=to, user=UserData(whole.alphabet, whole.units, part), reference=reference, report=report, validity=validity
    )
    read = parse(CENTRE + written.to_bytes())
    assert read == written
    assert isinstance(read, SubmitPdu)
    assert read.user.text == text


@given(addresses | names, texts, UTC_MOMENTS, st.integers(-48, 56))
def test_what_comes_is_read(sender: Address, text: str, moment: datetime, quarters: int) -> None:
    sent_at = moment.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    written = DeliverPdu(sender=sender, user=UserData.of(text), sent_at=sent_at)
    assert parse(CENTRE + written.to_bytes()) == written


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (0x00, Fate.DELIVERED),
        (0x01, Fate.UNKNOWN),
        (0x02, Fate.UNKNOWN),
        (0x1F, Fate.DELIVERED),
        (0x20, Fate.TRYING),
        (0x3F, Fate.TRYING),
        (0x40, Fate.FAILED),
        (0x46, Fate.FAILED),
        (0x60, Fate.FAILED),
        (0xFF, Fate.FAILED),
    ],
)
def test_fates(status: int, fate: Fate) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    report = StatusReportPdu(reference=1, to=Address.of("+46701234567"), sent_at=now, ended_at=None, status=status)
    assert parse(CENTRE + report.to_bytes()) == report
    assert report.fate is fate


@pytest.mark.parametrize(
    ("minutes", "said"), [(1, 5), (7, 5), (60, 60), (740, 720), (760, 750), (2 * 1440 + 5, 2 * 1440), (10**6, 635040)]
)
def test_validity_is_rounded_down_to_what_can_be_said(minutes: int, said: int) -> None:
    asked = SubmitPdu(to=Address.of("112"), user=UserData.of("a"), validity=timedelta(minutes=minutes))
    read = parse(CENTRE + asked.to_bytes())
    assert isinstance(read, SubmitPdu)
    assert read.validity == timedelta(minutes=said)


@pytest.mark.parametrize("number", ["", "+", "070 123", "abcd", "1" * 21, "+46\n", "٠٧"])
def test_what_is_no_number(number: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        Address.of(number)


def test_a_text_without_room_is_not_written() -> None:
    with pytest.raises(ValueError, match="TP-UD: 141 octets"):
        SubmitPdu(to=Address.of("1"), user=UserData.of("a" * 161)).to_bytes()


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("0500030C0201", Concatenation(12, 2, 1)),
        ("060804ABCD0202", Concatenation(0xABCD, 2, 2, wide=True)),
        ("0500030C0203", None),  # the third of two
        ("0500030C0200", None),
        ("0500030C0000", None),
        ("0A00030C020100030D0302", Concatenation(13, 3, 2)),  # the last one counts
        ("0400020C02", None),  # not as long as it should be
    ],
)
def test_headers_of_parts(header: str, part: Concatenation | None) -> None:
    data = bytes.fromhex(header) + "å".encode("utf-16-be")
    octets = bytes.fromhex("00440B918100551512F2000811101021436500") + bytes([len(data)]) + data
    read = parse(octets)
    assert isinstance(read, DeliverPdu)
    assert (read.user.concatenation, read.user.text) == (part, "å")


def test_other_elements_are_kept() -> None:
    user = UserData(Alphabet.DATA, b"\x01\x02", elements=((0x05, b"\x0b\x84\x00\x00"),))
    written = DeliverPdu(sender=Address.of("+46701234567"), user=user, sent_at=None)
    read = parse(CENTRE + written.to_bytes())
    assert read == written
    assert read.user.text == ""
