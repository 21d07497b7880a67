"""One agent, with the other side written by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from callcontrol.digest import ha1
from callcontrol.sip import agent as agent_module
from callcontrol.sip.agent import (
    AckReceived,
    Agent,
    Cancelled,
    CancelUnknown,
    Discarded,
    Event,
    RequestReceived,
    ResponseReceived,
    TransactionFailed,
    TransactionId,
    Why,
)
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.framing import StreamFramer
from callcontrol.sip.message import Request, Response, parse

LOCAL = "10.0.0.1:5070"
REALM = "region.example"
CREDENTIALS = Credentials("1001", REALM, {"md5": ha1("1001", REALM, "secret", "md5")})


def numbered() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"r{next(numbers)}"


@pytest.fixture
def agent() -> Agent:
    return Agent(LOCAL, numbered())


def written(agent: Agent) -> list[Request | Response]:
    framer = StreamFramer()
    framer.feed(agent.data_to_send())
    return [parse(message) for message in framer.messages()]


def requests(agent: Agent) -> list[Request]:
    return [message for message in written(agent) if isinstance(message, Request)]


def statuses(agent: Agent) -> list[int]:
    return [message.status for message in written(agent) if isinstance(message, Response)]


def events(agent: Agent) -> Iterator[Event]:
    while (event := agent.next_event()) is not None:
        yield event


def register(cseq: int = 1) -> Request:
    return Request.new(
        "REGISTER",
        f"sip:{REALM}",
        from_=f"<sip:1001@{REALM}>;tag=f",
        to=f"<sip:1001@{REALM}>",
        call_id="own",
        cseq=cseq,
        headers=(("Contact", '<sip:1001@10.0.0.9>;+sip.instance="<urn:uuid:1>";reg-id=1'),),
    )


def asked(method: str, branch: str = "z9hG4bKp1", cseq_method: str = "", **headers: str) -> bytes:
    request = Request.new(
        method, f"sip:1001@{LOCAL}", from_="<sip:2@x>;tag=p", to="<sip:1001@x>", call_id="theirs", cseq=5
    ).with_first("Via", f"SIP/2.0/TCP 10.0.0.2:5068;branch={branch}")
    if cseq_method:
        request = request.with_header("CSeq", f"5 {cseq_method}")
    for name, value in headers.items():
        request = request.with_header(name, value) if value else request.with_header(name)
    return request.to_bytes()


def answer(request: Request, status: int, *challenges: str, proxy: bool = False) -> bytes:
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    response = Response.answering(request, status, headers=[(name, value) for value in challenges])
    return response.with_header("To", f"{request.to.text};tag=t").to_bytes()


def challenge(nonce: str, *, realm: str = REALM, stale: bool = False) -> str:
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth"' + (", stale=TRUE" if stale else "")


def refuse(agent: Agent, *challenges: str, status: int = 401) -> Request:
    """Answers the one request that is there, and gives it."""
    (request,) = requests(agent)
    agent.receive(answer(request, status, *challenges, proxy=status == 407), 0.0)
    return request


def test_a_request_gets_our_via_and_its_answer_its_id(agent: Agent) -> None:
    identity = agent.request(register(), 0.0)
    (sent,) = requests(agent)
    assert sent.header("Via") == f"SIP/2.0/TCP {LOCAL};branch=z9hG4bKr1"
    agent.receive(answer(sent, 100) + answer(sent, 200), 0.1)
    assert [(event.id, event.response.status) for event in events(agent) if isinstance(event, ResponseReceived)] == [
        (identity, 100),
        (identity, 200),
    ]
    assert agent.next_timer() is None


def test_over_udp_a_datagram_is_a_message() -> None:
    agent = Agent(LOCAL, numbered(), transport="UDP")
    agent.request(register(), 0.0)
    agent.request(register(), 0.0)
    first, second = Request.parse(agent.data_to_send()), Request.parse(agent.data_to_send())
    assert agent.data_to_send() == b""
    assert first.vias[0].transport == "UDP"
    assert "rport" in first.vias[0].params
    assert first.vias[0].branch != second.vias[0].branch
    agent.receive(b"\r\n\r\n", 0.0)
    agent.receive(answer(first, 200), 0.0)
    assert len(list(events(agent))) == 1


def test_a_challenge_is_answered_with_the_next_sequence_number_and_the_same_contact(agent: Agent) -> None:
    identity = agent.request(register(7), 0.0, CREDENTIALS)
    first = refuse(agent, challenge("n"))
    (second,) = requests(agent)
    assert (str(first.cseq), str(second.cseq)) == ("7 REGISTER", "8 REGISTER")
    assert second.call_id == first.call_id
    assert second.header("Contact") == first.header("Contact")
    assert second.vias[0].branch != first.vias[0].branch
    assert "nc=00000001" in (second.header("Authorization") or "")
    assert len(second.vias) == 1
    agent.receive(answer(second, 200), 0.0)
    (event,) = events(agent)
    assert isinstance(event, ResponseReceived)
    assert (event.id, event.response.status, event.response.cseq.number) == (identity, 200, 8)


def final(agent: Agent, identity: TransactionId) -> int:
    assert requests(agent) == []
    (event,) = events(agent)
    assert isinstance(event, ResponseReceived)
    assert event.id == identity
    return event.response.status


def test_a_second_401_ends_it(agent: Agent) -> None:
    identity = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, challenge("n"))
    refuse(agent, challenge("m"))
    assert final(agent, identity) == 401


def test_a_stale_nonce_is_another_chance_but_one(agent: Agent) -> None:
    identity = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, challenge("n"))
    refuse(agent, challenge("m", stale=True))
    last = refuse(agent, challenge("o", stale=True))
    assert 'nonce="m"' in (last.header("Authorization") or "")
    assert last.cseq.number == 3
    assert len(last.header_values("Authorization")) == 1
    assert final(agent, identity) == 401


def test_the_same_nonce_is_not_stale(agent: Agent) -> None:
    identity = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, challenge("n"))
    refuse(agent, challenge("n", stale=True))
    assert final(agent, identity) == 401


def test_a_proxy_and_a_registrar_may_both_ask(agent: Agent) -> None:
    identity = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, challenge("p"), status=407)
    refuse(agent, challenge("r"))
    last = refuse(agent, challenge("again"), status=407)
    assert 'nonce="p"' in (last.header("Proxy-Authorization") or "")
    assert 'nonce="r"' in (last.header("Authorization") or "")
    assert final(agent, identity) == 407


@pytest.mark.parametrize(
    ("status", "challenges"),
    [
        (403, (challenge("n"),)),
        (401, ()),
        (401, (challenge("n", realm="elsewhere"),)),
        (401, ("Digest nonsense",)),
        (401, (f'Digest realm="{REALM}", nonce="n", algorithm=SHA-256, qop="auth"',)),
    ],
)
def test_what_is_no_challenge_for_us_is_the_answer(agent: Agent, status: int, challenges: tuple[str, ...]) -> None:
    identity = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, *challenges, status=status)
    assert final(agent, identity) == status


def test_without_credentials_nothing_is_answered(agent: Agent) -> None:
    identity = agent.request(register(), 0.0)
    refuse(agent, challenge("n"))
    assert final(agent, identity) == 401


def test_silence_is_a_failure_also_of_the_second_try(agent: Agent) -> None:
    identity = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, challenge("n"))
    assert agent.next_timer() == 32.0
    agent.on_timer(31.9)
    assert agent.next_event() is None
    agent.on_timer(32.0)
    assert list(events(agent)) == [TransactionFailed(identity, Why.TIMEOUT)]
    assert agent.next_timer() is None


def test_a_lost_connection_fails_what_waits_and_nothing_else(agent: Agent) -> None:
    answered = agent.request(register(), 0.0)
    (sent,) = requests(agent)
    agent.receive(answer(sent, 200), 0.0)
    waiting = agent.request(register(), 0.0, CREDENTIALS)
    refuse(agent, challenge("n"))
    agent.receive(asked("OPTIONS") + b"OPTIONS half of", 0.0)
    agent.lost()
    *before, failed = events(agent)
    assert failed == TransactionFailed(waiting, Why.CONNECTION_LOST)
    assert answered != waiting
    request = before[-1]
    assert isinstance(request, RequestReceived)
    assert not agent.respond(request.id, Response.answering(request.request, 200), 0.0)
    assert agent.data_to_send() == b""
    assert agent.next_timer() is None
    agent.receive(asked("OPTIONS", "z9hG4bKp2"), 1.0)
    assert isinstance(agent.next_event(), RequestReceived)


def came(agent: Agent, data: bytes, now: float = 0.0) -> RequestReceived:
    agent.receive(data, now)
    event = agent.next_event()
    assert isinstance(event, RequestReceived)
    return event


def test_a_request_comes_once_and_is_answered_once(agent: Agent) -> None:
    event = came(agent, asked("INVITE"))
    agent.receive(asked("INVITE"), 0.1)
    assert agent.next_event() is None
    assert agent.respond(event.id, Response.answering(event.request, 180), 0.2)
    assert agent.respond(event.id, Response.answering(event.request, 404), 0.3)
    assert not agent.respond(event.id, Response.answering(event.request, 200), 0.4)
    ringing, refused = written(agent)
    assert isinstance(refused, Response)
    assert refused.to.tag == ringing.to.tag == "r1"
    assert refused.header_values("Via") == event.request.header_values("Via")
    agent.receive(asked("ACK"), 0.5)
    assert agent.next_event() is None
    assert agent.next_timer() is None


def test_a_refusal_without_ack_is_told(agent: Agent) -> None:
    event = came(agent, asked("INVITE"))
    agent.respond(event.id, Response.answering(event.request, 404), 0.0)
    agent.on_timer(32.0)
    assert agent.next_event() == TransactionFailed(event.id, Why.TIMEOUT)


def test_the_ack_of_an_answer_comes_up(agent: Agent) -> None:
    event = came(agent, asked("INVITE"))
    agent.respond(event.id, Response.answering(event.request, 200), 0.0)
    agent.receive(asked("ACK", "z9hG4bKother"), 0.1)
    acknowledged = agent.next_event()
    assert isinstance(acknowledged, AckReceived)
    assert acknowledged.request.call_id == "theirs"


def test_an_invite_is_cancelled(agent: Agent) -> None:
    event = came(agent, asked("INVITE"))
    agent.receive(asked("CANCEL"), 0.1)
    assert agent.next_event() == Cancelled(event.id)
    assert statuses(agent) == [200, 487]
    assert not agent.respond(event.id, Response.answering(event.request, 200), 0.2)
    assert agent.data_to_send() == b""


def test_what_is_answered_is_not_cancelled_any_more(agent: Agent) -> None:
    event = came(agent, asked("INVITE"))
    agent.respond(event.id, Response.answering(event.request, 200), 0.0)
    agent.receive(asked("CANCEL"), 0.1)
    assert agent.next_event() is None
    assert statuses(agent) == [200, 200]


def test_what_is_not_there_cannot_be_cancelled(agent: Agent) -> None:
    agent.receive(asked("CANCEL"), 0.1)
    assert isinstance(agent.next_event(), CancelUnknown)
    assert statuses(agent) == [481]


@pytest.mark.parametrize("branch", ["z9hG4bK", "1"])
def test_branches_of_old_are_no_names(agent: Agent, branch: str) -> None:
    """RFC 3261 §17.2.3: two INVITEs with the same Via and another Call-ID are two; the ACK finds its own."""
    first, second = came(agent, asked("INVITE", branch)), came(agent, asked("INVITE", branch, **{"Call-ID": "b"}))
    assert first.id != second.id
    agent.respond(first.id, Response.answering(first.request, 404), 0.0)
    agent.receive(asked("ACK", branch), 0.1)
    agent.on_timer(0.5)
    assert agent.next_event() is None
    assert not agent.respond(first.id, Response.answering(first.request, 404), 0.6)
    assert agent.respond(second.id, Response.answering(second.request, 404), 0.6)


def test_the_same_branch_of_another_is_another_request(agent: Agent) -> None:
    """RFC 3261 §17.2.3."""
    came(agent, asked("OPTIONS"))
    came(agent, asked("OPTIONS", Via="SIP/2.0/TCP 10.0.0.3:5068;branch=z9hG4bKp1"))


@pytest.mark.parametrize(
    ("headers", "field"),
    [({"Call-ID": ""}, "Call-ID"), ({"From": "x y"}, "From"), ({"To": ""}, "To"), ({"CSeq": "5 OPTIONS"}, "CSeq")],
)
def test_a_bad_request_is_refused_and_told(agent: Agent, headers: dict[str, str], field: str) -> None:
    agent.receive(asked("BYE", **headers), 0.0)
    event = agent.next_event()
    assert isinstance(event, Discarded)
    assert event.error.field == field
    (refusal,) = written(agent)
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.reason) == (400, f"Bad {field}")
    assert refusal.vias[0].branch == "z9hG4bKp1"
    if field != "To":
        assert refusal.to.tag == "r1"
    assert agent.next_timer() is None


@pytest.mark.parametrize(
    "data", [asked("ACK", **{"Call-ID": ""}), asked("BYE", Via=""), asked("BYE").replace(b"SIP/2.0\r", b"SIP/3.0\r", 1)]
)
def test_what_cannot_be_refused_is_only_told(agent: Agent, data: bytes) -> None:
    agent.receive(data, 0.0)
    assert isinstance(agent.next_event(), Discarded)
    assert agent.data_to_send() == b""


def test_answers_to_nothing_are_passed_over(agent: Agent) -> None:
    agent.request(register(), 0.0)
    (sent,) = requests(agent)
    agent.receive(answer(sent.with_header("Via", f"SIP/2.0/TCP {LOCAL};branch=z9hG4bKelse"), 200), 0.0)
    agent.receive(answer(sent.with_header("CSeq", "1 OPTIONS"), 200), 0.0)
    assert agent.next_event() is None
    agent.receive(answer(sent.with_first("Via", "SIP/2.0/TCP other"), 200), 0.0)
    event = agent.next_event()
    assert isinstance(event, Discarded)
    assert event.error.field == "Via"


def test_a_stream_that_is_lost_says_so(agent: Agent) -> None:
    with pytest.raises(RemoteError, match="Content-Length"):
        agent.receive(asked("OPTIONS").replace(b"Content-Length: 0", b"Content-Length: x"), 0.0)


def test_an_ack_is_sent_and_no_transaction(agent: Agent) -> None:
    with pytest.raises(LocalError, match="ACK"):
        agent.request(Request.parse(asked("ACK")), 0.0)
    agent.send(Request.parse(asked("ACK")).with_header("Via"))
    (sent,) = requests(agent)
    assert [via.branch for via in sent.vias] == ["z9hG4bKr1"]
    assert agent.next_timer() is None


def test_more_than_can_be_kept_is_refused(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "TRANSACTIONS_MAX", 2)
    first = came(agent, asked("OPTIONS", "z9hG4bK1"))
    came(agent, asked("OPTIONS", "z9hG4bK2"))
    agent.receive(asked("OPTIONS", "z9hG4bK3"), 0.0)
    assert agent.next_event() is None
    (refusal,) = written(agent)
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.header("Retry-After"), refusal.to.tag) == (503, "10", "r1")
    agent.respond(first.id, Response.answering(first.request, 200), 0.0)
    came(agent, asked("OPTIONS", "z9hG4bK3"))


def test_nothing_stays_of_what_is_over(agent: Agent) -> None:
    for number in range(50):
        event = came(agent, asked("INVITE", f"z9hG4bK{number}"), float(number))
        agent.respond(event.id, Response.answering(event.request, 404), float(number))
        agent.receive(asked("ACK", f"z9hG4bK{number}"), float(number))
        agent.request(register(), float(number), CREDENTIALS)
        agent.data_to_send()
    agent.on_timer(1_000.0)
    list(events(agent))
    sizes = {name: len(value) for name, value in vars(agent).items() if isinstance(value, dict | list)}
    assert not any(sizes.values()), sizes
