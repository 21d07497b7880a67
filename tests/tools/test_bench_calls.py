"""What ``rvx bench calls`` makes of what it has heard, and what it must always tell."""

import math
import socket

import pytest

from callcontrol.media import g711
from callcontrol.media.pcm import FRAME_SAMPLES
from callcontrol.media.rtp import Numbering, parse
from tools.bench import sound
from tools.bench.bridging import PASSED
from tools.bench.calls import figures
from tools.bench.deciding import Decided
from tools.bench.figures import flat
from tools.bench.side import Work
from tools.bench.sound import PULSE, PULSE_FRAMES, QUIET, REST_SAMPLES, Line, onset
from tools.bench.telling import Arrival, Told, late_ms

SOUND_KEYS = {
    "passthrough_core_percent",
    "passthrough_added_ms_p99",
    "decoded_core_percent",
    "decoded_added_ms_p50",
    "heal_s",
    "concealed_percent_at_3_loss",
}
CALL_KEYS = {
    "decided_calls_per_cpu_s",
    "decided_vs_asterisk",
    "forwarded_calls_per_cpu_s",
    "added_setup_ms_p95",
    "prompt_start_ms_p95",
    "pacing_jitter_ms_p99",
    "calls_memory_mb",
}


def test_a_pulse_begins_where_it_was_silent_before() -> None:
    pulse, quiet = g711.alaw_decode(PULSE), g711.alaw_decode(QUIET)
    assert onset(quiet, 0) == (None, FRAME_SAMPLES)
    assert onset(quiet[:100] + pulse, REST_SAMPLES - 50) == (50, 0)
    assert onset(pulse, REST_SAMPLES - 1)[0] is None, "no rest before it"


def test_all_keys_of_sound_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [Line(socket.socket(), 1, 0.0, Numbering(1, 0, 0), burst=True) for _ in range(20)]
    for line in lines:
        line.wire.close()
        line.delays += [(2.0, 0.02), (sound.BURST_AT_S + sound.BURST_S + 1.5, 0.1), (7.9, 0.02)]
    ran = sound._Ran(lines, [1.0] * 20, 50.0, concealed=300 * 160, played=9700 * 160, began=0.0, ended=8.0)
    monkeypatch.setattr(sound, "_run", lambda *args, **options: ran)
    told = flat(sound.measure(lambda text: None, quick=True)[0])
    assert set(told) >= SOUND_KEYS
    assert told["heal_s"] == 1.5
    assert told["concealed_percent_at_3_loss"] == 3.0
    assert told["decoded_added_ms_p50"] == 20.0


def test_all_keys_of_calls_are_told_and_few_samples_are_none() -> None:
    nothing = flat(figures(Decided(), Told()))
    assert set(nothing) >= CALL_KEYS
    assert all(nothing[key] is None for key in CALL_KEYS)
    few = flat(figures(Decided(forwarded=Work(19, 0, 1.0, 0.1)), Told(memory_mb=[60.0] * 19)))
    assert (few["forwarded_calls_per_cpu_s"], few["calls_memory_mb"]) == (None, None)


def test_what_calls_cost_and_wait_for() -> None:
    decided = Decided(
        led=Work(300, 0, 3.0, 1.0),
        peer=Work(300, 0, 3.0, 1.5),
        led_ms=[8.0] * 38 + [20.0] * 2,
        plain_ms=[2.0, 3.0, 90.0],
    )
    told = Told(starts_ms=[40.0] * 18 + [math.inf] * 2, late_ms=[1.0] * 990 + [9.0] * 10, memory_mb=[60.0, 61.0] * 10)
    found = {figure.key: figure for figure in figures(decided, told)}
    assert found["decided_calls_per_cpu_s"].value == 300.0
    assert found["decided_vs_asterisk"].value == 1.5
    assert found["decided_vs_asterisk"].reached is False
    assert found["added_setup_ms_p95"].value == 5.0, "against the median of plain ones"
    assert found["prompt_start_ms_p95"].value is None, "more than one in twenty heard nothing"
    assert found["prompt_start_ms_p95"].reached is False
    assert found["pacing_jitter_ms_p99"].value == 1.0
    assert found["calls_memory_mb"].value == 61.0


def test_how_late_sound_is_stands_against_its_own_pace() -> None:
    first = [Arrival(10.0 + 0.02 * n, 8000 + 160 * n, n == 0) for n in range(100)]
    held_up = [one._replace(at=one.at + (0.03 if n == 50 else 0.0)) for n, one in enumerate(first)]
    again = [one._replace(at=one.at + 2.5, sample=24000 + 160 * n) for n, one in enumerate(first)]  # after a pause
    late = late_ms([*held_up, *again], 0.0, math.inf)
    assert len(late) == 200
    assert max(late) == pytest.approx(30.0, abs=0.1)
    assert sorted(late)[-2] == pytest.approx(0.0, abs=0.1)
    assert late_ms(held_up, 10.0, 10.5) == pytest.approx([0.0] * 26, abs=0.1), "only what came then"


def test_what_is_passed_on_is_known_again() -> None:
    line = Line(socket.socket(), 1, 0.0, Numbering(1, 0, 0))
    line.wire.close()
    packet = parse(line.packet(77 * PULSE_FRAMES, PASSED))
    assert int.from_bytes(packet.payload[:4]) == 77 * PULSE_FRAMES
    assert len(packet.payload) == FRAME_SAMPLES
