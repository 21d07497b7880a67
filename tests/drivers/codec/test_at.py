"""The core of an AT port: in step at the start and after silence, ranks, urgent orders, prompts, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.codec import at
from drivers.codec.at import Answer, AtCore, Command, Dead, Rank, Unsolicited, Verdict

IN_STEP = b"\r\n+CMEE: 1\r\n\r\nOK\r\n"
QUESTION = b"\x1b\rAT+CMEE?\r"


def events(core: AtCore) -> Iterator[Any]:
    while (event := core.next_event()) is not None:
        yield event


def ready() -> AtCore:
    core = AtCore()
    core.start(0.0)
    assert core.data_to_send() == QUESTION
    core.receive(IN_STEP, 0.0)
    return core


def verdicts(core: AtCore) -> list[tuple[str, Verdict]]:
    return [(event.command.text, event.verdict) for event in events(core) if isinstance(event, Answer)]


def test_nothing_is_asked_before_the_port_is_in_step() -> None:
    core = AtCore()
    core.order(Command("AT"), 0.0)
    assert verdicts(core) == [("AT", Verdict.GONE)], "it is not open"
    core.start(0.0)
    core.order(Command("AT+CSQ"), 0.0)
    assert core.data_to_send() == QUESTION
    core.receive(b"+CSQ: 3,99\r\nOK\r\nERROR\r\n", 0.1)  # somebody's before us; the error makes us ask again
    assert core.data_to_send() == QUESTION
    core.receive(IN_STEP, 0.2)
    assert core.data_to_send() == b"AT+CSQ\r"


def test_a_modem_that_does_not_know_the_question_is_in_step_when_it_says_so_twice() -> None:
    core = AtCore()
    core.start(0.0)
    core.receive(b"ERROR\r\nERROR\r\n", 0.1)
    core.data_to_send()
    core.order(Command("AT"), 0.2)
    assert core.data_to_send() == b"AT\r"


def test_a_port_that_never_comes_into_step_is_dead() -> None:
    core = AtCore()
    core.start(0.0)
    core.order(Command("AT"), 0.0)
    for _ in range(at.SYNC_TRIES):
        due = core.next_timer()
        assert due is not None
        core.on_timer(due)
    assert list(events(core))[-1] == Dead()
    assert core.next_timer() is None


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    core = ready()
    core.order(Command("AT+COPS?", timeout_s=1.0), 0.0)
    core.order(Command("AT+CSQ"), 0.0)
    core.data_to_send()
    core.on_timer(1.0)
    assert verdicts(core) == [("AT+COPS?", Verdict.SILENT)]
    assert core.data_to_send() == QUESTION
    core.receive(b'+COPS: 0,0,"Telia",7\r\nOK\r\n', 1.1)
    assert core.data_to_send() == b"", "that was the late one"
    core.receive(IN_STEP, 1.2)
    assert core.data_to_send() == b"AT+CSQ\r"
    core.receive(b"+CSQ: 20,99\r\nOK\r\n", 1.3)
    assert verdicts(core) == [("AT+CSQ", Verdict.OK)]


def test_an_answer_that_came_in_time_is_taken_though_the_timer_rings() -> None:
    core = ready()
    core.order(Command("AT", timeout_s=1.0), 0.0)
    core.receive(b"OK\r\n", 1.5)
    core.on_timer(1.5)
    assert verdicts(core) == [("AT", Verdict.OK)]


def test_ranks() -> None:
    core = ready()
    for text, rank in (("AT1", Rank.POLL), ("AT2", Rank.POLL), ("AT3", Rank.ORDER), ("AT4", Rank.URGENT)):
        core.order(Command(text, rank=rank), 0.0)
    assert core.data_to_send() == b"AT1\r"
    for _ in range(4):
        core.receive(b"OK\r\n", 0.0)
    assert core.data_to_send() == b"AT4\rAT3\rAT2\r"


def test_what_is_withdrawn_is_not_written() -> None:
    core = ready()
    first, second = Command("AT1"), Command("AT2")
    core.order(first, 0.0)
    core.order(second, 0.0)
    core.withdraw(first)
    core.withdraw(second)
    assert core.data_to_send() == b"AT1\r"
    core.receive(b"OK\r\n", 0.1)
    assert verdicts(core) == [("AT1", Verdict.OK)]
    assert core.data_to_send() == b""


def test_an_urgent_order_waits_little_for_a_slow_one() -> None:
    core = ready()
    core.order(Command("AT+CMGL=4", timeout_s=20.0, prefixes=("+CMGL",)), 0.0)
    core.data_to_send()
    core.order(Command("ATD112;", timeout_s=20.0, rank=Rank.URGENT, call=True), 5.0)
    assert core.data_to_send() == b"\rATD112;\r", "it has waited long enough"
    core.receive(b'+CMGL: 0,1,"",2\r\nOK\r\n\r\nOK\r\n', 6.0)
    assert verdicts(core) == [("AT+CMGL=4", Verdict.OK), ("ATD112;", Verdict.OK)]


def test_a_message_without_its_prompt_is_given_up_for_an_urgent_order() -> None:
    core = ready()
    core.order(Command("AT+CMGS=2", timeout_s=60.0, prefixes=("+CMGS",), payload=b"00ABCD"), 0.0)
    core.data_to_send()
    core.order(Command("ATD112;", rank=Rank.URGENT, call=True), 1.0)
    assert core.data_to_send() == b"\x1b\rATD112;\r"
    core.receive(b"\r\n> ", 1.1)  # it was on its way
    assert core.data_to_send() == b""
    core.receive(b"\r\nOK\r\n\r\nOK\r\n", 1.2)
    assert verdicts(core) == [("AT+CMGS=2", Verdict.ERROR), ("ATD112;", Verdict.OK)]


def test_a_message_that_was_written_is_waited_for() -> None:
    core = ready()
    core.order(Command("AT+CMGS=2", timeout_s=60.0, prefixes=("+CMGS",), payload=b"00ABCD"), 0.0)
    core.receive(b"\r\n> ", 0.1)
    core.data_to_send()
    core.order(Command("ATD112;", rank=Rank.URGENT, call=True), 1.0)
    assert core.data_to_send() == b"\rATD112;\r"
    core.receive(b"\r\n+CMGS: 7\r\n\r\nOK\r\n\r\nOK\r\n", 9.0)
    assert verdicts(core) == [("AT+CMGS=2", Verdict.OK), ("ATD112;", Verdict.OK)]


def test_an_order_to_dial_is_never_written_twice() -> None:
    core = ready()
    core.order(Command("ATD112;", rank=Rank.URGENT, call=True), 0.0)
    core.data_to_send()
    core.receive(b"\r\n> ", 0.1)
    assert verdicts(core) == [("ATD112;", Verdict.SILENT)]
    core.data_to_send()
    core.receive(IN_STEP, 0.2)
    assert core.data_to_send() == b""


def test_an_urgent_order_is_timed() -> None:
    core = ready()
    core.order(Command("AT+CLCC", timeout_s=3.0), 1.0)
    core.order(Command("ATD112;", rank=Rank.URGENT), 1.0)
    assert core.data_to_send() == b"AT+CLCC\r"
    due = core.next_timer()
    assert due == 1.0 + at.URGENT_WAIT_S
    core.on_timer(due)
    assert core.data_to_send() == b"\rATD112;\r"
    core.on_timer(4.0)  # what was before it is given up; the port is not brought into step under an order to dial
    assert verdicts(core) == [("AT+CLCC", Verdict.SILENT)]
    assert core.data_to_send() == b""
    core.receive(b"OK\r\n", 4.1)
    assert verdicts(core) == [("ATD112;", Verdict.OK)]
    assert core.data_to_send() == QUESTION, "but after it"


def test_a_stale_prompt_has_swallowed_the_order_which_is_written_again() -> None:
    core = ready()
    core.order(Command("AT+CSQ"), 0.0)
    core.data_to_send()
    core.receive(b"\r\n> ", 0.1)
    assert core.data_to_send() == QUESTION
    core.receive(IN_STEP, 0.2)
    assert core.data_to_send() == b"AT+CSQ\r"
    core.receive(b"\r\n> ", 0.3)
    assert verdicts(core) == [("AT+CSQ", Verdict.SILENT)], "once"


def test_a_message_that_gets_no_prompt_leaves_the_port_in_step() -> None:
    core = ready()
    core.order(Command("AT+CMGS=2", timeout_s=5.0, prefixes=("+CMGS",), payload=b"00ABCD"), 0.0)
    core.data_to_send()
    core.on_timer(5.0)
    assert verdicts(core) == [("AT+CMGS=2", Verdict.SILENT)]
    assert core.data_to_send().startswith(b"\x1b"), "should it have been waiting for the text"


def test_closing_answers_everything() -> None:
    core = ready()
    for number in range(3):
        core.order(Command(f"AT{number}"), 0.0)
    core.close()
    assert [verdict for _, verdict in verdicts(core)] == [Verdict.GONE] * 3
    core.receive(b"OK\r\n", 1.0)
    core.on_timer(99.0)
    assert list(events(core)) == []


def test_what_is_held_is_bounded() -> None:
    core = ready()
    for number in range(10 * at.QUEUE_MAX):
        core.order(Command(f"AT{number}"), 0.0)
    gone = [verdict for _, verdict in verdicts(core)]
    assert len(gone) == 9 * at.QUEUE_MAX - 1
    core.order(Command("ATD112;", rank=Rank.URGENT), 0.0)
    assert verdicts(core) == [], "there is always room for it"
    core.receive(b"A" * 100_000 + b"\r\nRING\r\n", 0.0)
    assert [event.line for event in events(core) if isinstance(event, Unsolicited)] == ["RING"]
    core.receive(b"RING\r\n" * 20_000, 0.0)
    assert len(list(events(core))) == at.EVENTS_MAX


COMMANDS = st.sampled_from(
    [
        Command("AT+CLCC", 2.0, Rank.POLL),
        Command("AT+CGMM", 2.0, free=True),
        Command("ATD112;", 5.0, Rank.URGENT, call=True),
        Command("AT+CMGS=2", 9.0, prefixes=("+CMGS",), payload=b"00AB"),
    ]
)
SAID = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"OK\r\n", b"> ", b"ERROR\r\n", IN_STEP, b"+CDS: 4\r\n", b"0791\r\n", b"NO CARRIER\r\n", b"\x1b", b">"]
    ),
)
STEPS = st.lists(st.one_of(COMMANDS, SAID, st.floats(0.01, 4.0)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_comes_each_order_is_answered_once_and_nothing_grows(steps: list[Command | bytes | float]) -> None:
    core = AtCore()
    core.start(0.0)
    now, ordered, answered = 0.0, 0, 0
    for step in steps:
        if isinstance(step, Command):
            core.order(
                Command(step.text, step.timeout_s, step.rank, step.prefixes, step.free, step.call, step.payload), now
            )
            ordered += 1
        elif isinstance(step, bytes):
            core.receive(step, now)
        else:
            now += step
            core.on_timer(now)
        assert len(core.data_to_send()) < 4096
        answered += len(verdicts(core))
    for _ in range(500):
        due = core.next_timer()
        if due is None:
            break
        now = max(now, due)
        core.on_timer(now)
        core.data_to_send()
        answered += len(verdicts(core))
    core.close()
    assert answered + len(verdicts(core)) == ordered
