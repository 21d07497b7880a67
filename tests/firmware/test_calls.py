"""What `calls` reads: the edge's memory of a contact, the platform's answers; and what it makes of a datagram."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from callcontrol.onbehalf import Binding, Event
from callcontrol.refusal import Refusal
from callcontrol.sip.message import Request, Response
from firmware.asking import Asking
from firmware.calls import Held, outcome, shown
from firmware.config import default

PHONE = Binding("1001", "sip:1001@10.98.0.11:5060;alias=10.98.0.11~5061~1")
REQUEST = Request.new("REGISTER", "sip:r", from_="<sip:1001@r>;tag=a", to="<sip:1001@r>", call_id="c", cseq=1)


def response(status: int, contacts: Iterable[str] = ()) -> Response:
    return Response.answering(REQUEST, status, headers=[("Contact", contact) for contact in contacts])


def test_what_the_edge_remembers_is_read_and_written_alike() -> None:
    text = '3|1700000000|10.98.0.11|0a1b|;+sip.instance="<urn:uuid:1|2>";reg-id=1'
    held = Held.parse(text)
    assert held is not None
    assert (held.epoch, held.until_s, held.source) == (3, 1_700_000_000, "10.98.0.11")
    assert str(held) == text
    assert str(replace(held, until_s=0)).startswith("3|0|")


@pytest.mark.parametrize("text", ["", "3", "3|x|a|b|c", "x|1|a|b|c", "-1|1|a|b|c", "3|1|a|b", "<null>"])
def test_what_the_edge_does_not_write_is_nothing(text: str) -> None:
    assert Held.parse(text) is None


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (200, Event.ACCEPTED),
        (401, Event.REFUSED),
        (403, Event.REFUSED),
        (404, Event.REFUSED),
        (408, Event.SILENT),
        (410, Event.LATER),
        (423, Event.LATER),
        (480, Event.LATER),
        (503, Event.LATER),
    ],
)
def test_outcome(status: int, event: Event) -> None:
    assert outcome(response(status)) is event


def test_silence() -> None:
    assert outcome(None) is Event.SILENT
    assert shown(None, PHONE) is None


@pytest.mark.parametrize(
    ("contacts", "is_shown"),
    [
        ([], False),
        ([f"<{PHONE.contact}>;expires=60"], True),
        (["<sip:1001@10.98.0.12:5060>", f"<{PHONE.contact}>"], True),
        (["<sip:1001@10.98.0.12:5060>"], False),
        (["<sip:1001@10.99.0.1:5060;rvx=0123456789abcdef>"], False),
        (["<sip:1001@10.99.0.1:5060;rvx=731d35b2c5828d8e;transport=tcp>;expires=60"], True),
        (["<sip:1001"], None),
    ],
)
def test_shown(contacts: list[str], is_shown: bool | None) -> None:
    assert shown(response(200, contacts), PHONE) is is_shown
    assert shown(response(403, contacts), PHONE) is None


@pytest.mark.parametrize(
    ("method", "uri", "expected"),
    [
        ("INVITE", "sip:1002@r;why=busy;mode=SURVIVAL", (486, None)),
        ("INVITE", "sip:+46701@r;why=outside;mode=SURVIVAL", (480, "60")),
        ("INVITE", "sip:+46701@r;why=gone;mode=NORMAL", (480, "10")),
        ("INVITE", "sip:1002;why=busy@r;why=unknown", (404, None)),
        ("INVITE", "sip:1002@r;why=curious", (501, None)),
        ("INVITE", "sip:1002@r", (501, None)),
        ("INVITE", "tel:+46701;why=busy", (501, None)),
        ("OPTIONS", "sip:1002@r;why=busy", (501, None)),
    ],
)
def test_what_the_edge_hands_over_is_refused(
    tmp_path: Path, method: str, uri: str, expected: tuple[int, str | None]
) -> None:
    """Of people nothing is known here."""
    request = Request.new(method, uri, from_="<sip:1001@r>;tag=a", to="<sip:1002@r>", call_id="c", cseq=1)
    asking = Asking(default(tmp_path), print)
    asked = asking.asked(request)
    answer = asking.decided(asked).answer if asked is not None else None
    assert (answer is None) == (expected[0] == 501)
    if answer is not None:
        assert isinstance(answer, Refusal)
        assert (answer.status, dict(answer.headers()).get("Retry-After")) == expected
