"""The rules for those who hear, on histories made by hand: silent where all is well, and each with its excuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callcontrol.media.recorder import Disk, Recorder
from hil.heard import LED_S, MESSAGE_S, heard_breaches
from hil.history import History
from hil.people import torn_message
from hil.phone.hearing import Heard
from hil.stormdeeds import APART, NOBODY, Do
from hil.stormplan import Fault

AT, NOW = 900.0, 1000.0
UNIT, RECEPTION = ("10.98.0.1", 30000), ("10.98.0.42", 40000)
AWAY = next(iter(APART))
TOLD = Heard(1, "1021", NOBODY, "a", AT, Do.HEAR, 200, AT + 0.1, AT + 8, first_at=AT + 0.2, last_at=AT + 8)
REFUSED = replace(TOLD, code=480, up_at=None, over_at=AT + 8)
LED = replace(TOLD, peer=AWAY, over_at=AT + 20, last_at=AT + 20, sources={UNIT: 9, RECEPTION: 9})


def town(*calls: Heard) -> History:
    history = History(began=0.0)
    history.mode_is("SURVIVAL", 2.0)
    history.heard_calls = list(calls)
    return history


def rules(history: History, now: float = NOW) -> set[str]:
    return {breach.rule for breach in heard_breaches(history, now)}


def carried(**other: object) -> tuple[Heard, Heard]:
    """Both ends of a call that the edge carries."""
    one = replace(TOLD, label=Do.TALK, by_us=True)
    return one, replace(one, number=2, extension="1024", label="", by_us=False, **other)  # type: ignore[arg-type]


GOOD = [
    (TOLD,),
    (LED,),
    carried(),
    (replace(TOLD, code=480, up_at=None, label=Do.TALK),),
    (REFUSED, replace(REFUSED, number=2, call_id="b")),
    carried(over_at=AT + 12.0),  # what comes after its other end is over is no silence
]
BAD: list[tuple[str, tuple[Heard, ...]]] = [
    ("silence", (replace(TOLD, gaps=((AT + 1, AT + 4.5),)),)),
    ("silence", (replace(TOLD, last_at=AT + 4),)),
    ("silence", (replace(TOLD, first_at=None, last_at=None),)),
    ("silence", carried(last_at=AT + 4)),
    ("both", carried(over_at=None)),
    ("told", tuple(replace(REFUSED, number=at, call_id=str(at), began_at=AT + 2 * at) for at in range(4))),
    ("led", (replace(LED, sources={UNIT: 9}),)),
    ("led", (replace(TOLD, over_at=AT + LED_S + 1, last_at=AT + LED_S),)),
]
EXCUSES: list[Callable[[History], object]] = [
    lambda history: history.struck(Fault.EDGE_KILLED, AT - 0.5),
    lambda history: history.lags.append((AT - 0.5, AT + 100)),
]


@pytest.mark.parametrize("calls", GOOD)
def test_all_is_well(calls: tuple[Heard, ...]) -> None:
    assert rules(town(*calls)) == set()


@pytest.mark.parametrize(("rule", "calls"), BAD)
def test_a_breach_and_what_excuses_it(rule: str, calls: tuple[Heard, ...]) -> None:
    assert rules(town(*calls)) == {rule}
    for excuse in EXCUSES:
        history = town(*calls)
        excuse(history)
        assert rules(history) == set()


def test_who_was_led_by_a_dead_process_is_ended_by_the_next() -> None:
    left = replace(LED, over_at=AT + 12, last_at=AT + 2)
    history = town(left)
    history.struck(Fault.CALLS_CRASHED, AT + 2)
    history.mended(Fault.CALLS_CRASHED, AT + 5)
    assert rules(history) == set()
    history.heard_calls = [replace(left, over_at=AT + 14)]
    assert rules(history) == {"silence"}


def test_messages_are_whole_stay_and_come_to_an_end() -> None:
    for lengths, torn, later, broken in (
        ({"m": 5000}, {"m": ""}, {"m": 5000}, set()),
        ({"m": 5000}, {"m": "torn"}, {"m": 5000}, {"torn"}),
        ({"m": 5000}, {"m": ""}, {}, {"torn"}),
        ({"m": None}, {}, {"m": None}, {"torn"}),
        ({"m": None}, {}, {}, set()),  # nothing was said
    ):
        history = town()
        history.left(AT, lengths, torn)
        history.left(AT + MESSAGE_S + 1, later, torn)
        assert rules(history) == broken


def test_what_is_wrong_with_a_recording(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "one.wav"
    recorder = Recorder(path, disk)
    for _ in range(50):
        recorder.push(bytes(320))
    recorder.close().result()
    disk.close()
    assert torn_message(path, 1000) == ""
    assert "for 980 ms" in torn_message(path, 980)
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    assert "header" in torn_message(path, 1000)
    path.write_bytes(b"")
    assert torn_message(path, 1000) == "no WAV"
    path.unlink()
    assert torn_message(path, 1000) == "FileNotFoundError"
