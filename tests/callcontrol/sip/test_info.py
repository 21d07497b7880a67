"""Keys in an INFO."""

import pytest

from callcontrol.sip.info import key_of


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal=5\nDuration=250", "5"),  # linphone 5.1
        ("application/dtmf-relay", b"Signal=#\r\nDuration=160\r\n", "#"),
        ("Application/DTMF-Relay; charset=x", b"Duration= 160\r\n signal = d \r\n", "D"),
        ("application/dtmf-relay", b"Signal=10\r\nDuration=160\r\n", "*"),
        ("application/dtmf-relay", b"Signal=16\r\nDuration=160\r\n", None),
        ("application/dtmf-relay", b"Signal=\r\nDuration=160\r\n", None),
        ("application/dtmf-relay", b"5", None),
        ("application/dtmf-relay", b"Signal=5\r\n" + b" " * 200, None),
        ("application/dtmf", b"7\r\n", "7"),
        ("application/dtmf", b"11", "#"),
        ("application/dtmf", b"77", None),
        ("application/dtmf", b"\xff", None),
        ("application/dtmf", b"", None),
        ("text/plain", b"7", None),
        ("", b"", None),
    ],
)
def test_a_key(kind: str, body: bytes, key: str | None) -> None:
    assert key_of(kind, body) == key
