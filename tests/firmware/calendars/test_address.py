"""Whom a calendar may be asked of: what only the unit can reach is reached by nobody's address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.bounds import Refused
from firmware.calendars.address import Origin, Policy, origin_of, server

POLICY = Policy.of(["http://127.0.0.1:5232", "https://mail.norrby.example"], ["192.0.9.0/24", "10.0.0.0/8"])


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("93.184.216.34", True),
        ("2a00:801:f0::1", True),
        ("192.0.9.7", False),  # the site's own, though public
        ("::ffff:192.0.9.7", False),
        ("127.0.0.1", False),
        ("127.255.255.254", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("fe80::1%eth0", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("fd12:3456::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("x", False),
        ("", False),
    ],
)
def test_where_somebody_not_named_may_be(address: str, may: bool) -> None:
    assert POLICY.may_reach(address) is may


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Mail.Norrby.Example./x", Origin("https", "mail.norrby.example", 443)),
        ("https://u:p@a.example:8443/", Origin("https", "a.example", 8443)),
        ("http://[::1]:80/x", Origin("http", "::1", 80)),
        ("https://10.0.0.1", Origin("https", "10.0.0.1", 443)),
        ("https://a_b.example/", Origin("https", "a_b.example", 443)),
    ],
)
def test_to_whom_an_address_speaks(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["https://2130706433/", "https://127.1/", "https://0x7f000001/", "https://0177.0.0.1/", "https://a.0x1/", "https://a.1/",
     "ftp://a.example/", "https:///x", "https://a b/", "https://-a/", "https://a%00b/", "file:///etc/passwd",
     "https://a.example\\@b.example/", "gopher://127.0.0.1/"],
)  # fmt: skip
def test_what_may_be_read_in_two_ways_is_no_server(url: str) -> None:
    with pytest.raises(ValueError, match="no "):
        origin_of(url)


def test_only_just_the_named_server_is_named() -> None:
    assert POLICY.named(origin_of("http://127.0.0.1:5232/anna/kalender/"))
    assert POLICY.named(origin_of("https://mail.norrby.example:443/owa"))
    for other in ("http://127.0.0.1:5231/", "https://127.0.0.1:5232/", "http://mail.norrby.example/",
                  "https://mail.norrby.example.evil.example/"):  # fmt: skip
        assert not POLICY.named(origin_of(other))


@pytest.mark.parametrize(
    "text",
    ["mail.norrby.example", "https://a.example/x", "https://u@a.example", "http://", "https://a.example?x", "x:y"],
)
def test_a_server_is_scheme_host_and_port(text: str) -> None:
    with pytest.raises(Refused):
        server(text)


def test_a_server_as_it_is_written() -> None:
    assert server("http://10.1.2.3:5232") == "http://10.1.2.3:5232"
    assert server("https://mail.norrby.example/") == "https://mail.norrby.example/"


@given(st.ip_addresses(v=4))
def test_an_address_is_as_closed_in_version_6_as_it_is_in_4(address: object) -> None:
    assert POLICY.may_reach(f"::ffff:{address}") in (False, POLICY.may_reach(str(address)))
