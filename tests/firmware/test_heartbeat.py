"""What `heart` makes of signs, telemetry and questions, without IO."""

import json
from typing import Any

import pytest

from drivers.codec import mcuwords as words
from drivers.codec.mcuframe import Decoder, encode
from drivers.codec.mcutalk import Order, Talk
from firmware.heartbeat import (
    ACTIVE,
    CALL_LASTS_S,
    EDGE_DEAD_S,
    INVITES,
    Edge,
    Heartbeat,
    Refused,
    order_of,
    statistics,
)

HELLO = encode(words.HELLO, 1, words.pack(words.HELLO, 1, 1, 99, 3, 1, 0))
TELEMETRY = (40, 1, 3900, 500, 5100, 350, 0, 0, 0, 0, 0, 2)


def telemetry(sequence: int, *fields: int) -> bytes:
    return encode(words.TELEMETRY, sequence, words.pack(words.TELEMETRY, *(fields or TELEMETRY)))


def connected(now: float = 0.0) -> Heartbeat:
    heartbeat = Heartbeat()
    heartbeat.opened(Talk(7, now))
    assert heartbeat.talk is not None
    heartbeat.talk.receive(HELLO + telemetry(2), now)
    heartbeat.heard(now)
    heartbeat.talk.data_to_send()
    return heartbeat


def sent(heartbeat: Heartbeat) -> list[tuple[int, int, bytes]]:
    assert heartbeat.talk is not None
    return Decoder(words.LENGTHS).receive(heartbeat.talk.data_to_send())


def lines(said: Any) -> list[dict[str, Any]]:
    return [json.loads(one.line) for one in said]


def test_an_edge_is_dead_without_process_or_answer_and_unknown_at_first() -> None:
    edge = Edge(0.0)
    assert edge.state(1.0) == words.EDGE_UNKNOWN
    edge.process(True)
    edge.answered({ACTIVE: 0, INVITES: 4}, 2.0)
    assert edge.state(2.0 + EDGE_DEAD_S - 0.1) == words.EDGE_ALIVE
    assert edge.state(2.0 + EDGE_DEAD_S) == words.EDGE_DEAD
    edge.answered({}, 20.0)
    assert edge.state(20.0) == words.EDGE_ALIVE
    edge.process(False)
    assert edge.state(20.0) == words.EDGE_DEAD


def test_an_edge_that_was_never_met_is_not_known() -> None:
    edge = Edge(0.0)
    edge.process(False)
    assert edge.state(100 * EDGE_DEAD_S) == words.EDGE_UNKNOWN


def test_calls_are_known_when_followed_or_when_none_can_be() -> None:
    edge = Edge(0.0)
    edge.process(True)
    edge.answered({ACTIVE: 2, INVITES: 9}, 1.0)
    assert edge.calls(1.0) == 2
    edge.answered({ACTIVE: 0, INVITES: 9}, 2.0)
    assert edge.calls(2.0) is None
    edge.answered({ACTIVE: 0, INVITES: 9}, 1.0 + CALL_LASTS_S)
    assert edge.calls(1.0 + CALL_LASTS_S) == 0
    edge.answered({ACTIVE: 0, INVITES: 10}, 2.0 + CALL_LASTS_S)
    assert edge.calls(2.0 + CALL_LASTS_S) is None
    edge.answered({}, 3.0 + 2 * CALL_LASTS_S)
    assert edge.calls(3.0 + 2 * CALL_LASTS_S) is None


@pytest.mark.parametrize(
    "result", [None, "x", [1, None], [f"dialog:{ACTIVE} = x"], [f"dialog:{ACTIVE} = {'9' * 30}"], {"a": 1}]
)
def test_what_is_no_statistic_is_left_out(result: object) -> None:
    assert statistics(result) == {}


def test_statistics() -> None:
    assert statistics([f"dialog:{ACTIVE} = 3", "x", f"core:{INVITES} = 12"]) == {ACTIVE: 3, INVITES: 12}


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ({"do": "halt", "within_s": 60}, Order(words.HALT, (60,))),
        ({"do": "cancel"}, Order(words.CANCEL)),
        ({"do": "log"}, Order(words.READ_LOG, (0,))),
        ({"do": "chunk", "at": 96, "data": "00ff"}, Order(words.CHUNK, (96, b"\0\xff"))),
        ({"do": "begin", "size": 9, "version": 2, "sha256": "00" * 32}, Order(words.BEGIN, (9, 2, bytes(32)))),
        ({"do": "end"}, Order(words.END)),
    ],
)
def test_questions(asked: dict[str, object], order: Order) -> None:
    assert order_of(asked) == order


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([], "object"),
        ({}, "do"),
        ({"do": ["halt"]}, "do"),
        ({"do": "halt"}, "within_s"),
        ({"do": "halt", "within_s": 601}, "within_s"),
        ({"do": "halt", "within_s": True}, "within_s"),
        ({"do": "log", "first": -1}, "first"),
        ({"do": "chunk", "at": 0, "data": "00" * 97}, "data"),
        ({"do": "chunk", "at": 0, "data": "0g"}, "data"),
        ({"do": "chunk", "at": 0, "data": 5}, "data"),
        ({"do": "begin", "size": 5, "version": 1, "sha256": "00"}, "sha256"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(asked: object, field: str) -> None:
    with pytest.raises(Refused, match=field):
        order_of(asked)


def test_an_order_is_repeated_until_it_is_answered_and_given_up() -> None:
    heartbeat = connected()
    assert heartbeat.ask(4, b'{"id": 8, "do": "halt", "within_s": 60}', 0.0) == []
    [(kind, sequence, _)] = sent(heartbeat)
    assert kind == words.HALT
    assert heartbeat.talk is not None
    heartbeat.talk.on_timer(0.5)
    assert [one[:2] for one in sent(heartbeat)] == [(words.HALT, sequence)]
    heartbeat.talk.receive(encode(words.ACK, 3, words.pack(words.ACK, words.HALT, sequence, 0)), 0.6)
    said, _ = heartbeat.heard(0.6)
    assert [one.to for one in said] == [4]
    assert lines(said) == [{"id": 8, "answer": "done"}]
    heartbeat.ask(4, b'{"id": 9, "do": "cancel"}', 1.0)
    for second in range(2, 8):
        heartbeat.talk.on_timer(second)
    assert {"id": 9, "answer": "lost"} in lines(heartbeat.heard(8.0)[0])


def test_an_answer_to_another_order_is_none() -> None:
    heartbeat = connected()
    heartbeat.ask(1, b'{"id": 1, "do": "cancel"}', 0.0)
    [(_, sequence, _)] = sent(heartbeat)
    assert heartbeat.talk is not None
    for kind, number in ((words.HALT, sequence), (words.CANCEL, sequence + 1 & 0xFF)):
        heartbeat.talk.receive(encode(words.ACK, 3, words.pack(words.ACK, kind, number, 0)), 0.1)
    assert not any("answer" in line for line in lines(heartbeat.heard(0.1)[0]))


@pytest.mark.parametrize("line", [b"", b"x", b"[" * 900, b"\xff", b'{"id": -1, "do": "cancel"}', b'{"id": "x"}'])
def test_a_hostile_line_is_answered_by_an_error(line: bytes) -> None:
    [said] = connected().ask(3, line, 0.0)
    assert said.to == 3
    assert "error" in json.loads(said.line)


def test_changes_are_told_at_once_and_the_rest_once_a_second() -> None:
    heartbeat = connected()
    assert heartbeat.talk is not None
    told = []
    for tenth in range(1, 31):
        fields = (*TELEMETRY[:1], int(tenth < 15), *TELEMETRY[2:])
        heartbeat.talk.receive(telemetry(2 + tenth, *fields), tenth / 10)
        told += [(tenth, line["telemetry"]["mains"]) for line in lines(heartbeat.heard(tenth / 10)[0])]
    assert told == [(10, True), (15, False), (25, False)]


def test_silence_loss_and_another_version_are_trouble() -> None:
    heartbeat = connected()
    assert json.loads(heartbeat.snapshot(1.0))["trouble"] == ""
    assert json.loads(heartbeat.snapshot(3.0))["trouble"] == "silent"
    assert heartbeat.talk is not None
    heartbeat.talk.receive(encode(words.HELLO, 3, words.pack(words.HELLO, 2, 9, 100, 3, 1, 0)) + telemetry(4), 3.0)
    heartbeat.heard(3.0)
    assert json.loads(heartbeat.snapshot(3.0))["trouble"] == "version"
    heartbeat.ask(2, b'{"id": 5, "do": "cancel"}', 3.0)
    assert lines(heartbeat.lost("absent")) == [{"id": 5, "answer": "lost"}]
    assert json.loads(heartbeat.snapshot(3.0))["trouble"] == "absent"
    assert lines(heartbeat.ask(2, b'{"id": 6, "do": "cancel"}', 3.0)) == [{"id": 6, "answer": "lost"}]


def test_frames_that_are_missed_are_counted() -> None:
    heartbeat = connected()
    assert heartbeat.talk is not None
    heartbeat.talk.receive(telemetry(6), 0.1)
    assert heartbeat.talk.missed == 3
