"""One user agent, the other side written by hand: what no honest one says, in an order that no honest one keeps."""

from __future__ import annotations

import contextlib
import itertools
import random
from pathlib import Path

import pytest

from callcontrol.sip import user_agent as user_agent_module
from callcontrol.sip.agent import Agent, Discarded
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.events import Answered, Ended, EndedBy, Invited, Progressed, Referred
from callcontrol.sip.expiry import SessionExpires, agreed, granted
from callcontrol.sip.message import Request, Response, parse
from callcontrol.sip.refer import ReferTo, Replaces, sipfrag, status_of
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.user_agent import UserAgent, UserAgentEvent

VECTOR_DIR = Path(__file__).parents[2] / "vectors" / "sip"
SDP = b"v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
TYPE = ("Content-Type", "application/sdp")


class Bench:
    def __init__(self) -> None:
        numbers = itertools.count(1)
        agent = Agent("10.0.0.1:5060", lambda: f"r{next(numbers)}", transport="UDP")
        self.ua = UserAgent(agent, "<sip:rvx@10.0.0.1>", lambda: f"r{next(numbers)}", lambda least, most: most)
        self.branches = itertools.count(1)
        self.now = 0.0

    def says(self, request: Request) -> list[Request | Response]:
        """With a Via of its own; what comes of it at once."""
        via = f"SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKp{next(self.branches)}"
        return self.hears(request.with_first("Via", via).to_bytes())

    def hears(self, data: bytes) -> list[Request | Response]:
        self.ua.receive(data, self.now)
        return self.sent()

    def status(self, request: Request) -> int:
        """Of the one answer."""
        (answer,) = (message for message in self.says(request) if isinstance(message, Response))
        return answer.status

    def sent(self) -> list[Request | Response]:
        found = []
        while data := self.ua.data_to_send():
            found.append(parse(data))
        return found

    def event(self) -> UserAgentEvent | None:
        return self.ua.next_event()

    def invited(self, invite: Request) -> Session:
        assert self.says(invite) == []
        event = self.event()
        assert isinstance(event, Invited)
        return event.session

    def up(self) -> tuple[Session, Response]:
        session = self.invited(invite())
        assert session.answer(SDP, self.now)
        (answer,) = self.sent()
        assert isinstance(answer, Response)
        assert self.says(within(answer, "ACK", 1)) == []
        return session, answer

    def calling(self, body: bytes = SDP) -> tuple[Session, Request]:
        session = self.ua.invite("sip:b@x", self.now, from_="<sip:a@x>", body=body)
        (request,) = self.sent()
        assert isinstance(request, Request)
        return session, request


def invite(*headers: tuple[str, str], body: bytes = SDP, call_id: str = "c") -> Request:
    said = [("Contact", "<sip:p@10.0.0.2>"), *([TYPE] if body else []), *headers]
    return Request.new(
        "INVITE",
        "sip:rvx@x",
        from_="<sip:p@x>;tag=p",
        to="<sip:rvx@x>",
        call_id=call_id,
        cseq=1,
        headers=said,
        body=body,
    )


def within(answer: Response, method: str, cseq: int, *headers: tuple[str, str], body: bytes = b"") -> Request:
    """A request of the one who has called us, in the dialog of our answer."""
    said = [*headers, *([TYPE] if body else [])]
    return Request.new(
        method,
        "sip:rvx@10.0.0.1",
        from_=answer.from_.text,
        to=answer.to.text,
        call_id=answer.call_id,
        cseq=cseq,
        headers=said,
        body=body,
    )


def answer(request: Request, status: int, *headers: tuple[str, str], tag: str = "q", body: bytes = b"") -> bytes:
    said = [("Contact", "<sip:q@10.0.0.2>"), *headers, *([TYPE] if body else [])]
    response = Response.answering(request, status, headers=said, body=body)
    return (response if request.to.tag else response.with_header("To", f"{request.to.text};tag={tag}")).to_bytes()


def test_calls_that_cannot_be_are_refused() -> None:
    lines = SDP + b"a=x\r\n" * 200
    for request, status in (
        (invite(body=lines), 400),
        (invite(body=b"v=0"), 400),
        (invite().with_header("Content-Type", "text/plain"), 415),
        (invite().with_header("Contact"), 400),
        (invite().with_header("Contact", "<sip:a@b>, <sip:c@d>"), 400),
        (invite(("Require", "100rel, foo")), 420),
        (invite(("Session-Expires", "60"), ("Supported", "timer")), 422),
        (invite(("Session-Expires", "x")), 400),
        (invite(("Replaces", "nobody;to-tag=a;from-tag=b")), 481),
        (invite(("Replaces", "nobody;to-tag=a")), 400),
        (invite(("Replaces", "a;to-tag=a;from-tag=b"), ("Replaces", "b;to-tag=a;from-tag=b")), 400),
        (invite().with_header("To", "<sip:rvx@x>;tag=unknown"), 481),
    ):
        bench = Bench()
        assert bench.status(request) == status, request
        assert isinstance(bench.event(), Discarded | None)
        assert bench.ua.sessions == 0


def test_what_is_too_long_is_refused_and_what_cannot_be_heard_is_warned_of() -> None:
    bench = Bench()
    long = invite().body + b"a=x\r\n" * 200
    assert bench.status(invite(body=long)) == 400
    assert isinstance(bench.event(), Discarded)
    many = invite(*[("Refer-To", "<sip:1003@x>")] * 200, body=b"").with_header("CSeq", "1 REFER")
    assert bench.status(Request(many.headers, b"", "REFER", many.uri)) == 400
    assert isinstance(bench.event(), Discarded)
    assert bench.ua.sessions == 0
    session = bench.invited(invite())
    assert session.refuse(488, 0.0)
    assert bench.sent()[-1].header("Warning") == '305 reservvaxel "Incompatible media format"'


def test_requests_outside_of_a_call() -> None:
    bench = Bench()
    for method, status in (("OPTIONS", 200), ("BYE", 481), ("NOTIFY", 481), ("MESSAGE", 405), ("REFER", 400)):
        request = invite(body=b"").with_header("CSeq", f"1 {method}")
        assert bench.status(Request(request.headers, b"", method, request.uri)) == status


@pytest.mark.parametrize(
    ("text", "number"),
    [("<sip:1003@x;user=phone>", "1003"), ("<tel:+46701740605;ext=1>", "+46701740605"), ("<sip:%31003@x>", "1003")],
)
def test_who_is_to_be_called(text: str, number: str) -> None:
    assert ReferTo.parse(text).number == number


def test_a_refer_in_a_call_of_others_is_the_users_to_judge() -> None:
    bench = Bench()
    request = invite(("Refer-To", "<sip:1003@x>"), body=b"").with_header("CSeq", "1 REFER")
    request = request.with_header("To", "<sip:1001@x>;tag=theirs")
    assert bench.says(Request(request.headers, b"", "REFER", request.uri)) == []
    event = bench.event()
    assert isinstance(event, Referred)
    assert event.session is None
    assert event.refer.refuse(302, 0.0)
    (said,) = bench.sent()
    assert isinstance(said, Response)
    assert (said.status, said.to.tag) == (302, "theirs")


def test_a_refer_outside_of_a_call_is_told_of_in_a_dialog_of_its_own() -> None:
    bench = Bench()
    request = invite(("Refer-To", "<sip:1003@x>"), body=b"").with_header("CSeq", "1 REFER")
    assert bench.says(Request(request.headers, b"", "REFER", request.uri)) == []
    event = bench.event()
    assert isinstance(event, Referred)
    assert event.session is None
    event.refer.accept(0.0)
    accepted, notify = bench.sent()
    assert isinstance(accepted, Response)
    assert isinstance(notify, Request)
    assert (accepted.status, notify.body, notify.from_.tag) == (202, sipfrag(100), accepted.to.tag)
    assert bench.hears(answer(notify, 481)) == []
    event.refer.note(200, 0.0)
    assert bench.sent() == []


def test_more_calls_than_can_be_and_the_same_by_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_agent_module, "SESSIONS_MAX", 1)
    bench = Bench()
    bench.invited(invite())
    assert bench.status(invite()) == 482
    assert bench.status(invite(call_id="d")) == 503


def test_within_a_call_what_comes_out_of_turn() -> None:
    bench = Bench()
    session, ok = bench.up()
    assert bench.status(within(ok, "INFO", 1)) == 500
    assert bench.status(within(ok, "PRACK", 2, ("RAck", "1 1 INVITE"))) == 481
    assert bench.status(within(ok, "UPDATE", 3, body=b"v=9")) == 400
    assert bench.status(within(ok, "NOTIFY", 4, ("Event", "presence"))) == 489
    assert bench.status(within(ok, "NOTIFY", 5, ("Event", "refer"))) == 200
    assert bench.status(within(ok, "REFER", 6, ("Refer-To", "<mailto:a>"))) == 400
    assert bench.status(within(ok, "SUBSCRIBE", 7)) == 405
    assert bench.status(within(ok, "UPDATE", 8, ("Session-Expires", "10"), ("Supported", "timer"))) == 422
    assert bench.says(within(ok, "UPDATE", 9, body=SDP.replace(b"4000", b"4002"))) == []
    assert bench.status(within(ok, "UPDATE", 10, body=SDP)) == 500
    assert bench.status(within(ok, "INVITE", 11, body=SDP)) == 500
    assert session.reply(SDP, 0.0)
    assert not session.reply(SDP, 0.0)
    assert not session.answer(b"", 0.0)
    assert not session.ring(180, 0.0)
    assert session.phase is Phase.UP


@pytest.mark.parametrize("ends", ["later", "before"])
def test_an_answer_whose_ack_went_with_the_connection_is_said_by_the_next(ends: str) -> None:
    """And a BYE waits for no ACK of a transaction that is gone (§15)."""
    bench = Bench()
    session = bench.invited(invite())
    assert session.answer(SDP, bench.now)
    (answer,) = bench.sent()
    assert isinstance(answer, Response)
    if ends == "before":
        session.end(bench.now)
    bench.ua.lost(bench.now)
    if ends == "later":
        bench.now = 0.6
        bench.ua.on_timer(bench.now)
        (again,) = bench.sent()
        assert again.to_bytes() == answer.to_bytes()
        session.end(bench.now)
    (bye,) = bench.sent()
    assert isinstance(bye, Request)
    assert (bye.method, bye.call_id) == ("BYE", answer.call_id)


def _adrift() -> tuple[Bench, Session, Request]:
    """It rings here; the connection by which the INVITE came is gone."""
    bench = Bench()
    asked = invite()
    session = bench.invited(asked)
    session.outlives = True
    assert session.ring(180, bench.now)
    bench.sent()
    bench.ua.lost(bench.now)
    assert bench.event() is None
    assert session.phase is Phase.RINGING
    return bench, session, asked


def test_a_call_adrift_is_answered_by_the_next_connection() -> None:
    bench, session, _ = _adrift()
    assert session.answer(SDP, bench.now)
    (ok,) = bench.sent()
    assert isinstance(ok, Response)
    assert (ok.status, ok.vias[0].branch) == (200, "z9hG4bKp1")
    bench.now = 0.6
    bench.ua.on_timer(bench.now)
    (again,) = bench.sent()
    assert again.to_bytes() == ok.to_bytes()
    assert bench.says(within(ok, "ACK", 1)) == []
    bench.ua.on_timer(40.0)
    assert bench.sent() == []
    assert session.phase is Phase.UP


def test_a_call_adrift_is_refused_once() -> None:
    bench, session, _ = _adrift()
    assert session.refuse(503, bench.now)
    (refusal,) = bench.sent()
    assert isinstance(refusal, Response)
    assert (refusal.status, bool(refusal.to.tag), session.phase) == (503, True, Phase.OVER)


def test_the_invite_of_a_call_adrift_takes_it_up_again() -> None:
    bench, session, asked = _adrift()
    (rings,) = bench.says(asked)
    assert isinstance(rings, Response)
    assert (rings.status, rings.vias[0].branch) == (180, "z9hG4bKp2")
    assert bench.event() is None
    assert bench.status(asked) == 482  # by two ways at once it is a loop
    session.answer(SDP, bench.now)
    (ok,) = bench.sent()
    assert isinstance(ok, Response)
    assert (ok.status, ok.vias[0].branch) == (200, "z9hG4bKp2")


def test_an_invite_whose_answer_nobody_saw_is_answered_again() -> None:
    bench, session, asked = _adrift()
    session.answer(SDP, bench.now)
    bench.sent()
    (ok,) = bench.says(asked)
    assert isinstance(ok, Response)
    assert (ok.status, [via.branch for via in ok.vias]) == (200, ["z9hG4bKp2"])
    assert bench.says(within(ok, "ACK", 1)) == []
    bench.ua.on_timer(40.0)
    assert bench.sent() == []


def test_who_has_hung_up_ends_a_call_adrift() -> None:
    bench, session, asked = _adrift()
    cancel = Request.new(
        "CANCEL", asked.uri, from_=asked.from_.text, to=asked.to.text, call_id=asked.call_id, cseq=asked.cseq.number
    )
    statuses = [answer.status for answer in bench.says(cancel) if isinstance(answer, Response)]
    assert statuses == [481, 487]
    event = bench.event()
    assert isinstance(event, Ended)
    assert event.by is EndedBy.REMOTE
    assert session.phase is Phase.OVER


def test_a_call_that_is_not_to_outlive_its_connection_ends_with_it() -> None:
    bench = Bench()
    session = bench.invited(invite())
    bench.ua.lost(bench.now)
    event = bench.event()
    assert isinstance(event, Ended)
    assert (event.by, session.phase) == (EndedBy.LOST, Phase.OVER)


def test_the_called_side_says_bye_only_after_the_ack_or_when_none_comes() -> None:
    """RFC 3261 §15."""
    for acknowledged in (True, False):
        bench = Bench()
        session = bench.invited(invite())
        session.answer(SDP, 0.0)
        (ok,) = bench.sent()
        assert isinstance(ok, Response)
        assert session.end(0.0)
        assert bench.sent() == []
        if acknowledged:
            found = bench.says(within(ok, "ACK", 1))
        else:
            for at in range(66):
                bench.ua.on_timer(at / 2)
            found = [message for message in bench.sent() if isinstance(message, Request)]
        assert [message.method for message in found if isinstance(message, Request)][:1] == ["BYE"]


def test_a_bye_ends_what_we_had_asked_meanwhile() -> None:
    bench = Bench()
    session, ok = bench.up()
    session.offer(SDP.replace(b"4000", b"4002"), 0.0)
    (reinvite,) = bench.sent()
    assert isinstance(reinvite, Request)
    bench.hears(Response.answering(reinvite, 100).to_bytes())
    found = bench.says(within(ok, "BYE", 2))
    assert [message.method for message in found if isinstance(message, Request)] == ["CANCEL"]
    assert session.phase is Phase.OVER


def test_what_the_user_may_not_ask_for() -> None:
    bench = Bench()
    session = bench.invited(invite(body=b""))
    with pytest.raises(LocalError, match="provisional"):
        session.ring(200, 0.0)
    with pytest.raises(LocalError, match="reliable"):
        session.ring(183, 0.0, SDP)
    with pytest.raises(LocalError, match="refusal"):
        session.refuse(200, 0.0)
    with pytest.raises(LocalError, match="description"):
        session.answer(b"", 0.0)


def test_answers_that_cannot_be_end_the_call_and_leave_nobody_in_it() -> None:
    for body in (b"", b"v=0"):
        bench = Bench()
        session, request = bench.calling()
        found = bench.hears(answer(request, 200, body=body))
        assert [message.method for message in found if isinstance(message, Request)] == ["ACK", "BYE"]
        (bye,) = (message for message in found if isinstance(message, Request) and message.method == "BYE")
        bench.hears(answer(bye, 200))
        events = [bench.event(), bench.event(), bench.event()]
        assert [event.by for event in events if isinstance(event, Ended)] == [EndedBy.FAULT]
        assert session.phase is Phase.OVER


def test_a_2xx_that_makes_no_dialog_ends_the_call() -> None:
    bench = Bench()
    _, request = bench.calling()
    bench.hears(answer(request, 200, body=SDP).replace(b"Contact", b"Kontact"))
    events = [bench.event(), bench.event()]
    assert [event.by for event in events if isinstance(event, Ended)] == [EndedBy.FAULT]


def test_reliable_answers_out_of_order_are_not_acknowledged() -> None:
    bench = Bench()
    session, request = bench.calling()
    reliable = ("Require", "100rel")
    for rseq, pracks in (("7", 1), ("7", 0), ("9", 0), ("8", 1), ("x", 0), ("99999999999", 0)):
        found = bench.hears(answer(request, 183, reliable, ("RSeq", rseq), body=SDP))
        assert len(found) == pracks, rseq
    for tag in range(100):  # more phones than can be
        bench.hears(answer(request, 180, tag=f"t{tag}"))
    progressed = [event for event in iter(bench.event, None) if isinstance(event, Progressed)]
    assert len(progressed) == 2 + 15
    bench.hears(answer(request, 200))
    event = bench.event()
    assert isinstance(event, Answered)
    assert event.body == SDP
    assert session.phase is Phase.UP


def test_a_100_rings_nobody_whoever_says_it() -> None:
    bench = Bench()
    session, request = bench.calling()
    bench.hears(answer(request, 100))  # with a tag, as a phone's may have one (RFC 3261 §8.2.6.2)
    assert (bench.event(), session.phase) == (None, Phase.CALLING)


def test_early_sound_that_is_said_in_a_183_alone() -> None:
    bench = Bench()
    bench.calling()
    bench = Bench()
    session, request = bench.calling()
    bench.hears(answer(request, 183, body=SDP))
    bench.hears(answer(request, 200))
    assert (session.phase, session.remote) == (Phase.UP, SDP)


def test_a_longer_session_is_asked_for_once() -> None:
    bench = Bench()
    session, request = bench.calling()
    _, again = bench.hears(answer(request, 422, ("Min-SE", "3600")))
    assert isinstance(again, Request)
    assert (again.header("Session-Expires"), again.header("Min-SE"), again.cseq.number) == ("3600", "3600", 2)
    bench.hears(answer(again, 422, ("Min-SE", "3600")))
    event = bench.event()
    assert isinstance(event, Ended)
    assert (event.session, event.status) == (session, 422)


def test_session_timers_as_agreed_on() -> None:
    """RFC 4028 §9, §7.2."""
    timer = ("Supported", "timer")
    for headers, expected in (
        ((), "1800;refresher=uas"),
        ((timer,), "1800;refresher=uac"),
        ((timer, ("Session-Expires", "600;refresher=uas")), "600;refresher=uas"),
        ((timer, ("Session-Expires", "600"), ("Min-SE", "900")), "900;refresher=uac"),
        ((timer, ("Session-Expires", "9999999999")), "86400;refresher=uac"),
    ):
        assert str(granted(invite(*headers))) == expected
    ok = Response((), b"", 200, "")
    assert agreed(ok) is None
    assert agreed(ok.with_header("Session-Expires", "1")) == SessionExpires(90, "uac")
    assert SessionExpires(90).end_s == 60
    assert SessionExpires(1800).end_s == 1768


def test_what_is_referred_to() -> None:
    replaces = Replaces("a@b", "t", "f", early_only=True)
    assert Replaces.parse(str(replaces)) == replaces
    to = ReferTo(ReferTo.parse("<sip:1003@x;user=phone>").uri, replaces)
    assert str(to) == "<sip:1003@x;user=phone?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df%3Bearly-only>"
    assert ReferTo.parse(str(to)) == to
    for text in (
        "<http://x>",
        "<sip:a@b;method=BYE>",
        "<sip:a@b?Replaces=x>",
        f"<sip:a@b?Replaces={'x' * 2_000}>",
        "<sip:a@b?Replaces=a%3Bto-tag%3Dt%3Bfrom-tag%3Df&replaces=b>",
        "<sip:a@b?Replaces=a%0D%0AX%3Bto-tag%3Dt%3Bfrom-tag%3Df>",
    ):
        with pytest.raises(RemoteError, match=r"Refer-To|Replaces"):
            ReferTo.parse(text)
    assert status_of(sipfrag(486)) == 486
    for body in (b"", b"SIP/2.0 999 x", b"SIP/2.0 20", b"SIP/2.0 200 OK" + b"x" * 5_000):
        with pytest.raises(RemoteError):
            status_of(body)


def test_hostile_messages_whole_truncated_and_noisy() -> None:
    """RFC 4475's and our own, as a stranger sends them: nothing but RemoteError comes of them, and no call is left."""
    rng = random.Random(4475)
    bench = Bench()
    for path in sorted(VECTOR_DIR.rglob("*.dat")):
        data = path.read_bytes()
        noisy = bytearray(data)
        for _ in range(4):
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
        for hostile in (data, bytes(noisy), *(data[:end] for end in range(0, len(data), max(1, len(data) // 8)))):
            with contextlib.suppress(RemoteError):
                bench.hears(hostile)
    for event in iter(bench.event, None):
        if isinstance(event, Invited):
            event.session.refuse(480, 0.0)
    assert bench.ua.sessions == 0


def test_hostile_answers_within_a_call() -> None:
    """Every header of ours that is read there, broken in turn."""
    rng = random.Random(3261)
    for status in (183, 200, 422, 491):
        for _ in range(60):
            bench = Bench()
            session, request = bench.calling()
            said = (("Require", "100rel"), ("RSeq", "1"), ("Session-Expires", "90;refresher=uac"), ("Min-SE", "90"))
            noisy = bytearray(answer(request, status, *said, body=SDP))
            start = noisy.index(b"From")
            for _ in range(rng.randrange(1, 4)):
                noisy[rng.randrange(start, len(noisy))] = rng.randrange(256)
            with contextlib.suppress(RemoteError):
                bench.hears(bytes(noisy))
            session.end(0.0)
            for second in range(0, 500, 4):
                bench.ua.on_timer(float(second))
            assert session.phase is Phase.OVER, bytes(noisy)
            assert [event.session for event in iter(bench.event, None) if isinstance(event, Ended)] == [session]
