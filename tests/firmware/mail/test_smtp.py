"""A server of mail that fails in every way: what became of the mail is known, or said not to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.mail.policy import Happened
from firmware.mail.smtp import Answer, Limits, Server, Session
from hil.sim.mailserver import HANG_UP, RESET, SILENCE, MailServer

SENDER, ANNA = "reservvaxel@norrby.example", "anna@norrby.example"
LETTER = b"Subject: hej\r\n\r\n.\r\nsmuggled?\r\n..\r\n"
QUICK = Limits(step_s=0.3, end_s=0.3, session_s=1.0)
TAKEN, UNREACHED, PUT_OFF, REFUSED, DOUBTFUL = (
    Happened.TAKEN, Happened.UNREACHED, Happened.PUT_OFF, Happened.REFUSED, Happened.DOUBTFUL,
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[MailServer]:
    running = MailServer()
    yield running
    running.close()


@pytest.fixture
def session_of() -> Iterator[Callable[..., Session]]:
    made: list[Session] = []

    def make(server: MailServer, limits: Limits = QUICK, **fields: str) -> Session:
        security = fields.pop("security", "none")
        made.append(Session(Server("127.0.0.1", server.port, security, limits=limits, **fields)))
        return made[-1]

    yield make
    for session in made:
        session.close()


def deliver(session: Session, to: str = ANNA, content: bytes = LETTER) -> Answer:
    return session.deliver(SENDER, to, lambda size: content)


def test_taken_as_it_was(server: MailServer, session_of: Callable[..., Session]) -> None:
    session = session_of(server)
    assert deliver(session) == Answer(TAKEN, "250 ok: queued as 1A2B")
    assert deliver(session, "bo@norrby.example") == Answer(TAKEN, "250 ok: queued as 1A2B")
    assert [(one.sender, one.recipient, one.content) for one in server.taken] == [
        (SENDER, ANNA, LETTER),
        (SENDER, "bo@norrby.example", LETTER),
    ]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("step", "said", "happened", "words"),
    [
        ("greeting", b"554 no service", UNREACHED, "554"),
        ("greeting", b"421 too many", UNREACHED, "421"),
        ("greeting", HANG_UP, UNREACHED, "hung up"),
        ("greeting", SILENCE, UNREACHED, "timed out"),
        ("greeting", b"HTTP/1.1 400 Bad Request", UNREACHED, "no answer of SMTP"),
        ("greeting", b"\x16\x03\x01\x00\xa5\xff\xfe", UNREACHED, "no answer of SMTP"),
        ("greeting", b"220 " + b"a" * 10_000, UNREACHED, "no answer of SMTP"),
        ("greeting", b"<endless>220-a\r\n", UNREACHED, "without end"),
        ("greeting", b"<slowly>220 " + b"a" * 100, UNREACHED, ""),
        ("ehlo", b"550 no", UNREACHED, ""),
        ("ehlo", RESET, UNREACHED, ""),
        ("mail", b"550 5.7.1 sender refused", UNREACHED, "sender refused"),
        ("mail", b"552 too big", REFUSED, "too big"),
        ("mail", b"451 later", UNREACHED, "later"),
        ("rcpt", b"550 5.1.1 no such user", REFUSED, "no such user"),
        ("rcpt", b"450 4.2.0 greylisted", PUT_OFF, "greylisted"),
        ("rcpt", b"421 going down", PUT_OFF, "going down"),
        ("rcpt", HANG_UP, PUT_OFF, ""),
        ("rcpt", SILENCE, PUT_OFF, ""),
        ("rcpt", b"55", PUT_OFF, "no answer of SMTP"),
        ("data", b"554 no", REFUSED, ""),
        ("data", b"452 no room", PUT_OFF, ""),
        ("data", b"250 ok", PUT_OFF, ""),  # it has nothing yet
        ("data", HANG_UP, PUT_OFF, ""),
        ("end", b"554 5.6.0 spam", REFUSED, "spam"),
        ("end", b"452 disk full", PUT_OFF, "disk full"),
        ("end", b"421 down", PUT_OFF, "down"),
        ("end", HANG_UP, DOUBTFUL, "hung up"),
        ("end", RESET, DOUBTFUL, ""),
        ("end", SILENCE, DOUBTFUL, "timed out"),
        ("end", b"<endless>250-a\r\n", DOUBTFUL, "without end"),
        ("end", b"<slowly>250 " + b"a" * 100, DOUBTFUL, ""),
        ("end", b"25", DOUBTFUL, "no answer of SMTP"),
        ("end", b"\xff\xfe\x00", DOUBTFUL, "no answer of SMTP"),
    ],
)
def test_it_fails_in_every_way(
    server: MailServer, session_of: Callable[..., Session], step: str, said: bytes, happened: Happened, words: str
) -> None:
    server.say = {step: [said]} | ({"helo": [b"550 no"]} if step == "ehlo" else {})
    began = time.monotonic()
    answer = deliver(session_of(server))
    assert answer.happened is happened
    assert words in answer.text
    assert answer.text.isprintable()
    assert len(answer.text) <= 200
    assert time.monotonic() - began < 3
    if happened is not DOUBTFUL:
        assert server.taken == []
    server.say = {}
    assert deliver(session_of(server)).happened is TAKEN  # and goes, once it is well


def test_nobody_is_there(session_of: Callable[..., Session], server: MailServer) -> None:
    server.close()
    assert deliver(session_of(server)).happened is UNREACHED


def test_a_mail_of_many_lines_that_is_cut_off_is_not_taken(
    server: MailServer, session_of: Callable[..., Session]
) -> None:
    server.say = {"data": [RESET]}
    answer = deliver(session_of(server), content=b"a" * 76 + b"\r\n" * 100_000)
    assert answer.happened is PUT_OFF
    assert server.taken == []


def test_a_session_that_the_server_closed_between_two(server: MailServer, session_of: Callable[..., Session]) -> None:
    session = session_of(server)
    server.say = {"mail": [b"250 ok", b"421 one is enough", b"250 ok"]}
    assert [deliver(session).happened for _ in range(3)] == [TAKEN, UNREACHED, TAKEN]
    assert (len(server.taken), server.connections) == (2, 2)


def test_a_server_that_knows_no_ehlo(server: MailServer, session_of: Callable[..., Session]) -> None:
    server.say = {"ehlo": [b"500 what?"]}
    assert deliver(session_of(server)).happened is TAKEN
    assert not any(b"SIZE" in line.upper() for line in server.heard)


def test_the_size_that_the_server_takes_is_asked_for(server: MailServer, session_of: Callable[..., Session]) -> None:
    for said, size in ((b"20000000", 20_000_000), (b"0", None), (b"", None), (b"9" * 5_000, None), (b"-1", None)):
        server.say = {"ehlo": [b"250-a\r\n250 SIZE " + said]}
        asked: list[int | None] = []

        def compose(size: int | None, asked: list[int | None] = asked) -> bytes:
            asked.append(size)
            return LETTER

        session_of(server).deliver(SENDER, ANNA, compose)
        assert asked == [size] or len(said) > 2_000


def test_what_cannot_be_written_keeps_nobody_waiting(server: MailServer, session_of: Callable[..., Session]) -> None:
    def compose(size: int | None) -> bytes:
        raise ValueError("no heading")

    assert session_of(server).deliver(SENDER, ANNA, compose).happened is REFUSED


def test_addresses_with_other_letters_want_a_server_that_takes_them(
    server: MailServer, session_of: Callable[..., Session]
) -> None:
    assert deliver(session_of(server), "anna.öberg@norrby.example").happened is REFUSED
    server.say = {"ehlo": [b"250-a\r\n250 SMTPUTF8"]}
    assert deliver(session_of(server), "anna.öberg@norrby.example").happened is TAKEN
    assert [one.recipient for one in server.taken] == ["anna.öberg@norrby.example"]


def test_nothing_goes_in_clear_that_was_to_be_sealed(server: MailServer, session_of: Callable[..., Session]) -> None:
    """A server, or whoever is on the way to it, that says it has no TLS."""
    session = session_of(server, security="starttls", user="gw-1", password="hunter2")
    server.say = {"ehlo": [b"250-a\r\n250 AUTH PLAIN LOGIN"]}
    assert deliver(session).happened is UNREACHED
    server.say = {"ehlo": [b"250-a\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN"], "star": [b"220 go\r\n250 AUTH PLAIN"]}
    assert deliver(session).happened is UNREACHED
    heard = b"".join(server.heard).upper()
    assert b"AUTH" not in heard
    assert b"MAIL" not in heard


def test_a_server_that_says_the_password_again_is_not_quoted(
    server: MailServer, session_of: Callable[..., Session]
) -> None:
    server.say = {"ehlo": [b"250-a\r\n250 AUTH PLAIN"], "auth": [b"535 no hunter2 for you"]}
    answer = deliver(session_of(server, user="gw-1", password="hunter2"))
    assert answer == Answer(UNREACHED, "535 the server refuses the login")
    server.say = {"ehlo": [b"250-a\r\n250 AUTH PLAIN"], "auth": [b"235 ok"], "rcpt": [b"550 hunter2"]}
    assert "hunter2" not in deliver(session_of(server, user="gw-1", password="hunter2")).text


ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.builds(
            lambda code, between, words: b"%03d%s%s" % (code, between, words),
            st.integers(0, 999),
            st.sampled_from([b" ", b"-", b""]),
            st.binary(max_size=40),
        ),
        max_size=6,
    ).map(b"\r\n".join),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(says=st.dictionaries(st.sampled_from(["greeting", "ehlo", "auth", "mail", "rcpt", "data", "end"]), ANYTHING))
def test_whatever_it_says_the_end_is_known_and_nothing_is_taken_without_a_yes(
    session_of: Callable[..., Session], says: dict[str, bytes]
) -> None:
    server = MailServer(say={step: [said] for step, said in says.items()} | {"helo": [b"550 no"]})
    try:
        limits = Limits(step_s=0.1, end_s=0.1, session_s=0.5)
        answer = deliver(session_of(server, limits, user="gw-1", password="hunter2"))
    finally:
        server.close()
    assert answer.text.isprintable()
    assert len(answer.text) <= 200
    if answer.happened is TAKEN:
        assert answer.text[:1] == "2"
    if answer.happened not in (TAKEN, DOUBTFUL):
        assert server.taken == []  # what the server has is never said not to be there


def test_whoever_stops_does_not_wait_for_it(server: MailServer, session_of: Callable[..., Session]) -> None:
    import threading

    server.say = {"end": [SILENCE]}
    session = session_of(server, Limits())
    threading.Timer(0.3, session.abort).start()
    began = time.monotonic()
    assert deliver(session).happened is DOUBTFUL
    assert time.monotonic() - began < 3
