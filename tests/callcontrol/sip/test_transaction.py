"""The four machines of RFC 3261 §17, in virtual time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from callcontrol.sip.message import Request, Response, parse
from callcontrol.sip.transaction import (
    DOUBLING,
    FIRST,
    LENGTH_S,
    RUNNING,
    TABLE,
    Input,
    Kind,
    State,
    Transaction,
)

CLIENTS = (Kind.CLIENT_INVITE, Kind.CLIENT)
TIMERS = frozenset(LENGTH_S)
FOR_EVER_S = 1_000


def request(method: str) -> Request:
    return Request.new(
        method,
        "sip:b@region",
        from_="<sip:a@region>;tag=f",
        to="<sip:b@region>",
        call_id="c",
        cseq=7,
        routes=["<sip:r;lr>"],
    ).with_first("Via", "SIP/2.0/UDP a;branch=z9hG4bK1")


def response(status: int, method: str = "INVITE") -> Response:
    return Response.answering(request(method), status).with_header("To", "<sip:b@region>;tag=t")


def acknowledgement() -> Request:
    return request("ACK")


def done(transaction: Transaction) -> list[str]:
    """What it has to do, in words, and forgets."""
    said = []
    for do, what in transaction.todo:
        message = parse(what) if isinstance(what, bytes) else what
        name = ""
        if isinstance(message, Request):
            name = message.method
        elif isinstance(message, Response):
            name = str(message.status)
        said.append(f"{do.name} {name}".strip())
    transaction.todo.clear()
    return said


def run(transaction: Transaction, until: float, begin: float = 0.0) -> list[tuple[float, str]]:
    """Everything it does by itself until then, and when."""
    said = [(begin, word) for word in done(transaction)]
    while (due := transaction.next_timer()) is not None and due <= until:
        transaction.on_timer(due)
        said += [(due, word) for word in done(transaction)]
    return said


def test_table_and_timers_belong_together() -> None:
    """A timer has a rule in each state where it runs, and in no other; each state that has rules can be reached."""
    for kind in Kind:
        reached, fresh = {FIRST[kind]}, {FIRST[kind]}
        while fresh:
            fresh = {to for (of, state, _), (to, _) in TABLE.items() if of is kind and state in fresh} - reached
            reached |= fresh
        assert State.TERMINATED in reached
        assert {state for of, state, _ in TABLE if of is kind} == reached - {State.TERMINATED}
        for state in reached:
            ruled = {given for of, at, given in TABLE if of is kind and at is state and given in TIMERS}
            assert ruled == set(RUNNING.get((kind, state), ()))


def test_every_timer_ends_its_machine() -> None:
    """None is left waiting for ever but where the peer, or the user, owes an answer."""
    waiting = {
        (Kind.CLIENT_INVITE, State.PROCEEDING),
        (Kind.SERVER_INVITE, State.PROCEEDING),
        (Kind.SERVER, State.TRYING),
        (Kind.SERVER, State.PROCEEDING),
    }
    for kind, state, _ in TABLE:
        timers = set(RUNNING.get((kind, state), ())) - DOUBLING.keys()
        assert (not timers) == ((kind, state) in waiting)


def test_an_invite_is_sent_again_at_twice_the_time() -> None:
    transaction = Transaction.client(request("INVITE"), reliable=False, now=0.0)
    assert run(transaction, FOR_EVER_S) == [
        (0.0, "SEND INVITE"),
        (0.5, "SEND INVITE"),
        (1.5, "SEND INVITE"),
        (3.5, "SEND INVITE"),
        (7.5, "SEND INVITE"),
        (15.5, "SEND INVITE"),
        (31.5, "SEND INVITE"),
        (32.0, "FAIL"),
    ]
    assert transaction.state is State.TERMINATED


def test_another_request_is_sent_again_at_four_seconds_at_most() -> None:
    transaction = Transaction.client(request("BYE"), reliable=False, now=0.0)
    times = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert run(transaction, FOR_EVER_S) == [*((at, "SEND BYE") for at in times), (32.0, "FAIL")]


def test_after_a_provisional_answer_another_request_is_sent_each_four_seconds() -> None:
    transaction = Transaction.client(request("BYE"), reliable=False, now=0.0)
    assert run(transaction, 0.5) == [(0.0, "SEND BYE"), (0.5, "SEND BYE")]
    assert transaction.response(response(100, "BYE"), 0.6)
    assert run(transaction, FOR_EVER_S, 0.6) == [
        (0.6, "PASS 100"),
        *((at, "SEND BYE") for at in (1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5)),
        (32.0, "FAIL"),
    ]


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_over_a_stream_nothing_is_sent_again(method: str) -> None:
    transaction = Transaction.client(request(method), reliable=True, now=0.0)
    assert run(transaction, FOR_EVER_S) == [(0.0, f"SEND {method}"), (32.0, "FAIL")]


def test_a_refusal_of_an_invite_is_acknowledged_each_time_and_passed_once() -> None:
    transaction = Transaction.client(request("INVITE"), reliable=False, now=0.0)
    done(transaction)
    transaction.response(response(486), 1.0)
    ack = transaction.todo[0][1]
    assert isinstance(ack, bytes)
    assert done(transaction) == ["SEND ACK", "PASS 486"]
    for now in (1.5, 2.5, 32.9):
        transaction.response(response(486), now)
        assert run(transaction, now, now) == [(now, "SEND ACK")]
    assert not transaction.response(response(200), 32.95)
    assert transaction.next_timer() == 33.0
    assert run(transaction, FOR_EVER_S) == []
    assert transaction.state is State.TERMINATED
    read = Request.parse(ack)
    assert read.to.tag == "t"
    assert str(read.cseq) == "7 ACK"
    assert (read.vias[0].branch, read.routes[0].text, read.from_.tag) == ("z9hG4bK1", "<sip:r;lr>", "f")


def test_a_refusal_after_ringing_is_acknowledged_too() -> None:
    transaction = Transaction.client(request("INVITE"), reliable=False, now=0.0)
    for status in (180, 486):
        transaction.response(response(status), 1.0)
    assert done(transaction) == ["SEND INVITE", "PASS 180", "SEND ACK", "PASS 486"]


def test_each_provisional_answer_is_passed() -> None:
    transaction = Transaction.client(request("BYE"), reliable=True, now=0.0)
    for status in (100, 182, 182, 200):
        transaction.response(response(status, "BYE"), 1.0)
    assert done(transaction) == ["SEND BYE", "PASS 100", "PASS 182", "PASS 182", "PASS 200"]


@pytest.mark.parametrize("status", [200, 302, 404, 603])
def test_a_final_answer_after_a_provisional_one(status: int) -> None:
    client = Transaction.client(request("BYE"), reliable=True, now=0.0)
    server = Transaction.server(request("BYE"), reliable=True, now=0.0)
    for transaction in (client, server):
        for given in (100, status):
            assert transaction.response(response(given, "BYE"), 0.0)
        assert transaction.state is State.TERMINATED
    assert done(client) == ["SEND BYE", "PASS 100", f"PASS {status}"]
    assert done(server) == ["PASS BYE", "SEND 100", f"SEND {status}"]
    invited = Transaction.server(request("INVITE"), reliable=True, now=0.0)
    for given in (100, 180, 183, status):
        assert invited.response(response(given), 0.0)
    assert done(invited) == ["PASS INVITE", "SEND 100", "SEND 180", "SEND 183", f"SEND {status}"]
    assert invited.state is (State.ACCEPTED if status < 300 else State.COMPLETED)


@pytest.mark.parametrize("reliable", [True, False])
def test_each_answer_to_an_invite_is_passed(reliable: bool) -> None:
    """RFC 6026: forks may answer too, and an ACK may be lost."""
    transaction = Transaction.client(request("INVITE"), reliable, now=0.0)
    done(transaction)
    for status, now in ((100, 1.0), (180, 2.0), (180, 3.0), (200, 50.0), (200, 51.0), (200, 81.9)):
        transaction.response(response(status), now)
        assert run(transaction, now, now) == [(now, f"PASS {status}")]
    assert transaction.next_timer() == 82.0
    assert run(transaction, FOR_EVER_S) == []
    assert transaction.state is State.TERMINATED


@pytest.mark.parametrize(("reliable", "over_at"), [(True, None), (False, 6.0)])
def test_a_final_answer_is_passed_once(reliable: bool, over_at: float | None) -> None:
    transaction = Transaction.client(request("BYE"), reliable=reliable, now=0.0)
    done(transaction)
    transaction.response(response(481, "BYE"), 1.0)
    transaction.response(response(481, "BYE"), 2.0)
    assert done(transaction) == ["PASS 481"]
    assert transaction.next_timer() == over_at
    assert run(transaction, FOR_EVER_S) == []
    assert transaction.state is State.TERMINATED


@pytest.mark.parametrize("reliable", [True, False])
def test_an_invite_that_nobody_answers_gets_a_100_at_once(reliable: bool) -> None:
    transaction = Transaction.server(request("INVITE"), reliable, now=0.0)
    transaction.again(request("INVITE"), 0.1)
    assert run(transaction, FOR_EVER_S) == [(0.0, "PASS INVITE"), (0.2, "SEND 100")]
    transaction.again(request("INVITE"), 0.5)
    assert done(transaction) == ["SEND 100"]
    transaction.response(response(180), 1.0)
    transaction.again(request("INVITE"), 1.5)
    assert done(transaction) == ["SEND 180", "SEND 180"]


def test_a_refusal_is_sent_until_it_is_acknowledged() -> None:
    transaction = Transaction.server(request("INVITE"), reliable=False, now=0.0)
    done(transaction)
    transaction.response(response(404), 0.0)
    assert run(transaction, 8.0) == [(at, "SEND 404") for at in (0.0, 0.5, 1.5, 3.5, 7.5)]
    transaction.again(request("INVITE"), 8.0)
    assert done(transaction) == ["SEND 404"]
    transaction.again(acknowledgement(), 9.0)
    transaction.again(acknowledgement(), 9.5)
    transaction.again(request("INVITE"), 9.6)
    assert done(transaction) == []
    assert transaction.next_timer() == 14.0
    assert run(transaction, FOR_EVER_S) == []
    assert transaction.state is State.TERMINATED


@pytest.mark.parametrize("reliable", [True, False])
def test_a_refusal_that_nobody_acknowledges_is_told(reliable: bool) -> None:
    transaction = Transaction.server(request("INVITE"), reliable=reliable, now=0.0)
    transaction.response(response(404), 0.0)
    said = run(transaction, FOR_EVER_S)
    assert said[-1] == (32.0, "FAIL")
    assert len(said) == (3 if reliable else 13)


def test_over_a_stream_an_acknowledged_refusal_is_over() -> None:
    transaction = Transaction.server(request("INVITE"), reliable=True, now=0.0)
    transaction.response(response(404), 0.0)
    transaction.again(acknowledgement(), 0.1)
    assert transaction.state is State.TERMINATED


@pytest.mark.parametrize("reliable", [True, False])
def test_an_answer_is_the_users_to_send_again(reliable: bool) -> None:
    """RFC 6026 §7.1: the INVITE's retransmissions are swallowed, the user's 2xx goes out, its ACK comes up."""
    transaction = Transaction.server(request("INVITE"), reliable, now=0.0)
    done(transaction)
    assert transaction.response(response(200), 0.0)
    transaction.again(request("INVITE"), 0.5)
    assert transaction.response(response(200), 0.5)
    assert not transaction.response(response(486), 0.6)
    transaction.again(acknowledgement(), 0.7)
    assert transaction.next_timer() == 32.0
    assert run(transaction, FOR_EVER_S) == [(0.0, "SEND 200"), (0.0, "SEND 200"), (0.0, "PASS ACK")]
    assert transaction.state is State.TERMINATED


def test_another_request_gets_its_last_provisional_answer_again() -> None:
    transaction = Transaction.server(request("BYE"), reliable=False, now=0.0)
    for status in (100, 182):
        assert transaction.response(response(status, "BYE"), 0.0)
    transaction.again(request("BYE"), 0.5)
    assert done(transaction) == ["PASS BYE", "SEND 100", "SEND 182", "SEND 182"]
    assert transaction.next_timer() is None


@pytest.mark.parametrize(("reliable", "over_at"), [(True, None), (False, 33.0)])
def test_another_request_gets_its_answer_again(reliable: bool, over_at: float | None) -> None:
    transaction = Transaction.server(request("BYE"), reliable=reliable, now=0.0)
    transaction.again(request("BYE"), 0.5)
    assert transaction.response(response(200, "BYE"), 1.0)
    assert done(transaction) == ["PASS BYE", "SEND 200"]
    assert not transaction.response(response(481, "BYE"), 1.0)
    transaction.again(request("BYE"), 2.0)
    assert done(transaction) == ([] if reliable else ["SEND 200"])
    assert transaction.next_timer() == over_at


def test_who_sleeps_sends_once_and_not_all_that_was_due() -> None:
    transaction = Transaction.client(request("BYE"), reliable=False, now=0.0)
    done(transaction)
    transaction.on_timer(20.0)
    assert done(transaction) == ["SEND BYE"]
    transaction.on_timer(100.0)
    assert done(transaction)[-1] == "FAIL"


@pytest.mark.parametrize(("kind", "state", "given"), TABLE, ids=lambda value: value.name)
def test_each_rule_is_what_happens(kind: Kind, state: State, given: Input) -> None:
    """From each state by each input to the state that the table says, or on from there where that takes no time."""
    to, _ = TABLE[kind, state, given]
    for reliable in (False, True):
        if reliable and LENGTH_S.get(given, (0.0, 0.0))[0] is None:
            continue  # a timer that does not run over a stream
        transaction = reach(kind, state, reliable)
        if transaction is None:
            assert reliable  # a state that is left at once
            continue
        give(transaction, given)
        after = {to} | ({State.TERMINATED} if reliable else set())
        assert transaction.state in after


def reach(kind: Kind, state: State, reliable: bool) -> Transaction | None:
    """A transaction in that state, by the shortest way without timers."""
    ways: dict[State, tuple[Input, ...]] = {FIRST[kind]: ()}
    while state not in ways:
        ways |= {
            to: (*ways[at], given)
            for (of, at, given), (to, _) in TABLE.items()
            if of is kind and at in ways and to not in ways and given not in TIMERS
        }
    method = "INVITE" if kind in (Kind.CLIENT_INVITE, Kind.SERVER_INVITE) else "BYE"
    make = Transaction.client if kind in CLIENTS else Transaction.server
    transaction = make(request(method), reliable, 0.0)
    for given in ways[state]:
        give(transaction, given)
    done(transaction)
    return transaction if transaction.state is state else None


def give(transaction: Transaction, given: Input) -> None:
    method = transaction.request.method
    statuses = {Input.PROVISIONAL: 180, Input.SUCCESS: 200, Input.REFUSAL: 404}
    if given in statuses:
        transaction.response(response(statuses[given], method), 0.0)
    elif given in (Input.REQUEST, Input.ACK):
        transaction.again(request("ACK" if given is Input.ACK else method), 0.0)
    elif given is Input.CANCEL:
        assert transaction.cancel(0.0)
    else:
        only(transaction, given)


def only(transaction: Transaction, timer: Input) -> None:
    """Lets time go on until that timer has run out."""
    lengths: Iterable[float] = (length for length in LENGTH_S[timer] if length is not None)
    transaction.on_timer(max(lengths))
