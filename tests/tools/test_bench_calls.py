"""What ``rvx bench calls`` makes of what it has heard, and what it must always tell."""

import argparse
import socket

import pytest

from callcontrol.media import g711
from callcontrol.media.pcm import FRAME_SAMPLES
from callcontrol.media.rtp import Numbering, parse
from tools.bench import calls
from tools.bench.bridging import PASSED
from tools.bench.calls import PULSE, PULSE_FRAMES, QUIET, REST_SAMPLES, Line, measure, onset
from tools.bench.figures import flat

KEYS = {
    "decided_calls_per_cpu_s",
    "decided_vs_asterisk",
    "added_setup_ms_p95",
    "prompt_start_ms_p95",
    "passthrough_core_percent",
    "passthrough_added_ms_p99",
    "decoded_core_percent",
    "decoded_added_ms_p50",
    "heal_s",
    "concealed_percent_at_3_loss",
    "pacing_jitter_ms_p99",
}


def test_a_pulse_begins_where_it_was_silent_before() -> None:
    pulse, quiet = g711.alaw_decode(PULSE), g711.alaw_decode(QUIET)
    assert onset(quiet, 0) == (None, FRAME_SAMPLES)
    assert onset(quiet[:100] + pulse, REST_SAMPLES - 50) == (50, 0)
    assert onset(pulse, REST_SAMPLES - 1)[0] is None, "no rest before it"


def test_all_keys_are_told_also_those_that_cannot_be_measured_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [Line(socket.socket(), 1, 0.0, Numbering(1, 0, 0)) for _ in range(20)]
    for line in lines:
        line.wire.close()
        line.delays += [(2.0, 0.02), (calls.BURST_AT_S + calls.BURST_S + 1.5, 0.1), (calls.HEAL_S - 0.1, 0.02)]
    ran = calls._Ran(lines, [1.0] * 20, 50.0, concealed=300 * 160, played=9700 * 160, began=0.0)
    monkeypatch.setattr(calls, "_run", lambda *args, **options: ran)
    told = flat(measure(argparse.Namespace(), lambda text: None).figures)
    assert set(told) >= KEYS
    assert told["heal_s"] == 1.5
    assert told["concealed_percent_at_3_loss"] == 3.0
    assert told["decoded_added_ms_p50"] == 20.0
    assert told["prompt_start_ms_p95"] is None


def test_what_is_passed_on_is_known_again() -> None:
    line = Line(socket.socket(), 1, 0.0, Numbering(1, 0, 0))
    line.wire.close()
    packet = parse(line.packet(77 * PULSE_FRAMES, PASSED))
    assert int.from_bytes(packet.payload[:4]) == 77 * PULSE_FRAMES
    assert len(packet.payload) == FRAME_SAMPLES
