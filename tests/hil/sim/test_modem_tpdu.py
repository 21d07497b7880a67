"""The service centre's SMS against lines of real modems (ModemManager's and gammu's tests, asterisk-chan-quectel)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hil.sim.modem.tpdu import TpduError, address, decode_text, deliver_text, parse_submit, status_report

WHEN = datetime(2011, 3, 29, 15, 20, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pdu", "to", "text"),
    [
        ("11000B915155661632F40000A71954747A0E4ACF41F27298CDCE83C6EF371B0481402010", "+15556661234",
         "This is really cool ΔΔΔΔΔ"),
        ("31000B916407281553F800000B021B14", "+46708251358", "{"),
        ("31000B916407281553F800080B1A00680065006C006C006F00200077006F0072006C0064D83DDE0B", "+46708251358",
         "hello world😋"),
    ],
)  # fmt: skip
def test_submits_of_others_are_read(pdu: str, to: str, text: str) -> None:
    submit = parse_submit(bytes.fromhex(pdu))
    assert (submit.to, submit.text, submit.part) == (to, text, None)


@pytest.mark.parametrize("pdu", ["", "00", "1C011C", "11000B9151", "4100010100014B00002E", "F101010C0000000000"])
def test_what_is_none_is_refused(pdu: str) -> None:
    with pytest.raises(TpduError):
        parse_submit(bytes.fromhex(pdu))


def test_every_prefix_of_a_submit_is_refused() -> None:
    whole = bytes.fromhex("31000B916407281553F800000B021B14")
    for size in range(len(whole)):
        with pytest.raises(TpduError):
            parse_submit(whole[:size])


def test_a_name_as_sender() -> None:
    assert address("InternetSMS")[:2].hex() == "14d0"
    pdu = deliver_text("InternetSMS", "тест", WHEN, 240, 1)[0].hex()
    assert pdu.endswith("0414d04937bd2c7797e9d3e614000811309291024061080442043504410442")


@pytest.mark.parametrize(
    "text", ["å" * 152 + "€" * 5, "x" * 161, "😋" * 60, "hej" * 200], ids=["escapes", "one more", "surrogates", "four"]
)
def test_long_texts_come_whole_and_split_no_letter(text: str) -> None:
    parts = []
    for number, pdu in enumerate(deliver_text("+46701234567", text, WHEN, 60, 7), 1):
        tpdu = pdu[1 + pdu[0] :]
        coding, length, data = tpdu[10], tpdu[18], tpdu[19:]
        read, part = decode_text(coding, length, data, udhi=True)
        assert part is not None
        assert (part[0], part[2]) == (7, number)
        parts.append(read)
    assert "".join(parts) == text


def test_a_report_names_its_message() -> None:
    submit = parse_submit(bytes.fromhex("31400B916407281553F800000B021B14"))
    assert status_report(submit, WHEN, -60).hex().upper() == (
        "07916407058099F906400B916407281553F8" + "11309241024048" * 2 + "00"
    )
