"""sipp's traces become results: times from the very first request, and only the final answer counts."""

from __future__ import annotations

import random

import pytest

from hil.phone.sipp import Result, User, parse

DAY = "2026-11-22\t01:13:18.000000"
CALL = "1-11441@10.98.0.11"


def line(at: float, way: str, cseq: str, first: str, call_id: str = CALL) -> str:
    return f"{DAY}\t{at:.6f}\t{way}\t{call_id}\tCSeq:{cseq}\t{first}\n"


ANSWERED = (
    line(100.000, "S", "1 INVITE", "INVITE sip:1002@region.example SIP/2.0")
    + line(100.001, "R", "1 INVITE", "SIP/2.0 407 Proxy Authentication Required")
    + line(100.001, "S", "1 ACK", "ACK sip:1002@region.example SIP/2.0")
    + line(100.002, "S", "2 INVITE", "INVITE sip:1002@region.example SIP/2.0")
    + line(100.003, "R", "2 INVITE", "SIP/2.0 100 trying -- your call is important to us")
    + line(100.250, "R", "2 INVITE", "SIP/2.0 180 Ringing")
    + line(100.300, "R", "2 INVITE", "SIP/2.0 180 Ringing")
    + line(100.400, "R", "2 INVITE", "SIP/2.0 200 OK")
    + line(100.400, "S", "2 ACK", "ACK sip:10.98.0.12:5060;transport=UDP SIP/2.0")
)
ENDED = line(100.6, "S", "3 BYE", "BYE sip:10.98.0.12:5060 SIP/2.0") + line(100.6, "R", "3 BYE", "SIP/2.0 200 OK")


def only(messages: str, begun: str = "", method: str = "INVITE") -> Result:
    (result,) = parse(messages, begun, method)
    return result


def test_an_answered_call() -> None:
    result = only(ANSWERED + ENDED)
    assert result == Result(1, CALL, 100.0, 200, 250.0, 400.0, challenges=1, completed=True)


def test_a_call_without_its_end_is_not_completed() -> None:
    assert not only(ANSWERED).completed


def test_its_times_are_monotonic_when_told_how() -> None:
    (result,) = parse(ANSWERED, "", "INVITE", wall_to_monotonic=-90.0)
    assert result.began_at == 10.0


def test_a_stale_nonce_counts_a_second_challenge() -> None:
    again = line(100.002, "R", "2 INVITE", "SIP/2.0 407 Proxy Authentication Required") + line(
        100.003, "S", "3 INVITE", "INVITE sip:1002@region.example SIP/2.0"
    )
    head, tail = ANSWERED[: ANSWERED.index("SIP/2.0 100")], line(100.4, "R", "3 INVITE", "SIP/2.0 200 OK")
    result = only(head[: head.rindex(DAY)] + again + tail)
    assert (result.challenges, result.code, result.final_ms) == (2, 200, 400.0)


def test_a_challenge_is_final_only_if_it_is_not_answered() -> None:
    lines = ANSWERED.splitlines(keepends=True)
    assert only("".join(lines[:3])).code == 407
    assert only("".join(lines[:6])).code is None


def test_a_refusal() -> None:
    refused = "".join(ANSWERED.splitlines(keepends=True)[:5]) + line(100.01, "R", "2 INVITE", "SIP/2.0 486 Busy Here")
    result = only(refused)
    assert (result.code, result.final_ms, result.first_ms, result.completed) == (486, 10.0, None, False)


def test_by_tcp_the_log_knows_when_it_began() -> None:
    result = only(ANSWERED[ANSWERED.index("\n") + 1 :], f"INVITE {CALL} {DAY}\t99.999000\n")
    # The second INVITE is the first that the trace shows; it is no answer to the question when the call began.
    assert result.began_at == pytest.approx(99.999)
    assert result.first_ms == pytest.approx(251)


def test_a_call_that_nothing_answered_is_a_result() -> None:
    result = only("", f"INVITE {CALL} {DAY}\t99.999000\n")
    assert (result.code, result.first_ms, result.completed) == (None, None, False)


def test_calls_are_in_the_order_placed_and_registrations_apart() -> None:
    other = [line(100 + number, "R", "1 INVITE", "INVITE sip:x@y SIP/2.0", f"{number}-7@z") for number in (10, 9, 2)]
    register = line(99, "S", "1 REGISTER", "REGISTER sip:y SIP/2.0", "3-7@z")
    register += line(99.01, "R", "1 REGISTER", "SIP/2.0 200 OK", "3-7@z")
    assert [result.number for result in parse("".join(other) + register, "", "INVITE")] == [2, 9, 10]
    assert only("".join(other) + register, method="REGISTER").completed


def test_the_log_of_another_method_makes_no_result() -> None:
    assert parse("", f"REGISTER {CALL} {DAY}\t99.999000\n", "INVITE") == []


def test_a_registration_that_comes_in_the_end() -> None:
    first = line(99, "S", "1 REGISTER", "REGISTER sip:y SIP/2.0") + line(99.5, "R", "1 REGISTER", "SIP/2.0 503 No")
    later = line(100, "S", "2 REGISTER", "REGISTER sip:y SIP/2.0") + line(100.1, "R", "2 REGISTER", "SIP/2.0 200 OK")
    assert only(first, method="REGISTER").code == 503
    assert only(first + later, method="REGISTER").final_ms == pytest.approx(1100)
    assert only(first + later + later, method="REGISTER").final_ms == pytest.approx(1100)


def test_a_trace_cut_anywhere_is_read() -> None:
    whole = ANSWERED + ENDED
    for size in range(len(whole)):
        assert len(parse(whole[:size], "", "INVITE")) <= 1


def test_garbage_is_passed_over() -> None:
    rand = random.Random(1)
    garbage = "".join(rand.choice("\t\n SIP/2.0 INVITE:1") for _ in range(20_000))
    assert parse(garbage, garbage, "INVITE") == []


@pytest.mark.parametrize(("extension", "password"), [("10;01", "x"), ("", "x"), ("1001", "a b"), ("1001", "a]b")])
def test_what_sipp_could_not_be_told_is_refused(extension: str, password: str) -> None:
    with pytest.raises(ValueError, match="sipp cannot be given"):
        User(extension, password)
