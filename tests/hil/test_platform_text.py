"""What is read from and written for platforms, as text."""

from __future__ import annotations

import pytest

from hil.platform import Binding, PlatformError, asterisk, ip_of, kamailio


def test_kamailio_bindings() -> None:
    contact = {"Address": "sip:1001@10.0.0.11:5060;alias=10.0.0.11~5060~1", "Expires": 57, "Path": "<sip:10.0.0.1;lr>"}
    gone = {"Address": "sip:1001@10.0.0.12", "Expires": "expired", "Path": "[not set]"}
    plain = {"Address": "sip:1001@10.0.0.13", "Expires": 5, "Path": "[not set]"}
    record = {"AoR": "1001", "Contacts": [{"Contact": contact}, {"Contact": gone}, {"Contact": plain}]}
    assert kamailio.bindings_of(record) == [
        Binding("sip:1001@10.0.0.11:5060;alias=10.0.0.11~5060~1", "<sip:10.0.0.1;lr>", 57),
        Binding("sip:1001@10.0.0.13", None, 5),
    ]
    assert kamailio.bindings_of(None) == []


def test_kamailio_words_are_all_filled() -> None:
    with pytest.raises(KeyError):
        kamailio.render({})


def test_asterisk_bindings() -> None:
    text = (
        "/registrar/contact/1001;@0ab : "
        '{"via_addr":"10.0.0.1","path":"<sip:10.0.0.1;lr>","uri":"sip:1001@10.0.0.11:5060","expiration_time":"1060"}\n'
        "/registrar/contact/1002;@0ac    : "
        '{"path":"","uri":"sip:1002@10.0.0.12:5060","expiration_time":"1005"}\n'
        "2 results found.\n"
    )
    assert asterisk.bindings_of(text, 1000.2) == {
        "1001": [Binding("sip:1001@10.0.0.11:5060", "<sip:10.0.0.1;lr>", 59)],
        "1002": [Binding("sip:1002@10.0.0.12:5060", None, 4)],
    }


@pytest.mark.parametrize("uri", ["10.0.0.1", "sip:host.example", "sip:10.0.0.1;lr\nmodparam", "sips:10.0.0.1"])
def test_outside_must_be_an_address(uri: str) -> None:
    with pytest.raises(PlatformError, match="SIP URI"):
        ip_of(uri)
