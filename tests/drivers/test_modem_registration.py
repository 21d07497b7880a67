"""Whether a call can be made, as a table of what a modem says of its registrations."""

from __future__ import annotations

import pytest

from drivers.codec.at_lines import Cell, parse_cell
from drivers.modem.model import Voice
from drivers.modem.registration import Registration, roaming, technology, voice

LTE = '+CEREG: 2,1,"2616","DDAEA01",7'


def cells(*lines: str) -> dict[str, Cell]:
    found = [parse_cell(line) for line in lines]
    return {cell.domain: cell for cell in found if cell is not None}


@pytest.mark.parametrize(
    ("said", "ims", "mode", "means"),
    [
        ([], None, None, Voice.UNKNOWN),
        (["+CREG: 2,4"], None, None, Voice.UNKNOWN),
        (['+CREG: 2,1,"CE00","01CEAD8F",2'], None, None, Voice.CS),
        (['+CREG: 2,5,"CE00","01CEAD8F",0'], None, None, Voice.CS),
        (['+CREG: 2,1,"2616","DDAEA01",7', LTE], None, None, Voice.CS),  # falls back from LTE
        (["+CREG: 2,9"], None, None, Voice.CS),
        (["+CREG: 2,3", LTE], None, None, Voice.NONE),  # seen of an EP06: LTE is there, voice is not
        (["+CREG: 2,3", LTE], True, None, Voice.IMS),
        (["+CREG: 2,3", LTE], True, 0, Voice.NONE),  # VoLTE is there and turned off
        (["+CREG: 2,3", LTE], False, None, Voice.NONE),
        ([LTE], None, None, Voice.UNKNOWN),  # nothing is said of voice
        (['+CREG: 2,1,"CE00","01CEAD8F",2'], False, 1, Voice.NONE),  # only VoLTE is used, and is not there
        (["+CREG: 2,6"], None, None, Voice.NONE),
        (["+CREG: 2,7"], None, None, Voice.NONE),
        (["+CREG: 2,0"], None, None, Voice.NONE),
        (["+CREG: 2,2"], None, None, Voice.NONE),
        (["+CREG: 2,8"], None, None, Voice.EMERGENCY_ONLY),
        (["+CREG: 2,3", "+CEREG: 2,11"], None, None, Voice.EMERGENCY_ONLY),
        (['+CREG: 2,1,"CE00","01CEAD8F",7', LTE], True, 3, Voice.IMS),
    ],
)
def test_voice(said: list[str], ims: bool | None, mode: int | None, means: Voice) -> None:
    assert voice(Registration(cells(*said), ims, mode)) is means


def test_roaming_and_technology() -> None:
    assert roaming({}) is None
    assert roaming(cells("+CREG: 2,2")) is None
    assert roaming(cells("+CREG: 2,1", LTE)) is False
    assert roaming(cells("+CREG: 2,5")) is True
    assert technology(cells(LTE).values()) == "lte"
    assert technology(cells('+CREG: 2,1,"1","2",0').values()) == "gsm"
    assert technology(cells("+CREG: 2,1").values(), 2) == "umts"
    assert technology(cells("+CREG: 2,1").values(), 99) is None
