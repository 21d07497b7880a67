"""A message hidden in another's lines does not reach a platform by TCP: a line that does not end in CRLF is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.net import Net
from hil.phone.raw import RawPhone, status
from hil.phone.sipp import Dial, Sipp, User
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, Site, numbers, password
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CALLER, CALLEE = User("1001", password("1001")), User("1002", password("1002"))
HIDDEN = "a\nContent-Length: 0\n\n\r\nMESSAGE sip:1002@region.example SIP/2.0"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Net("rvlines") as net:
        made = Site(
            net,
            users=numbers(1001, 3),
            configuration={"platform": {"nodes": ["sip:10.99.0.2:5060;transport=tcp"]}},
        )
        made.start()
        made.calls.kill()  # asks the platform for a phone now and then
        yield made
        made.stop()


def test_calls_go_by_tcp(site: Site) -> None:
    with Sipp(site.phones, site.phone_ip(11), PROXY, REALM).answer([CALLER, CALLEE]) as phones:
        phones.wait_registered(STEP_S)
        (call,) = Sipp(site.phones, site.phone_ip(12), PROXY, REALM).call([Dial(CALLER, "1002")])
        assert call.completed


def seen(site: Site) -> dict[str, int]:
    """What the platform got, but for probes."""
    assert isinstance(site.platform, KamailioPlatform)
    return {method: count for method, count in site.platform.seen().items() if method != "OPTIONS"}


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER"])
def test_a_lone_lf_is_refused(site: Site, method: str) -> None:
    with RawPhone(site.phones, site.phone_ip(13), CALLER, PROXY, REALM) as phone:
        uri, before = f"sip:{REALM}" if method == "REGISTER" else f"sip:1002@{REALM}", seen(site)
        assert status(phone.ask(method, uri, {"Subject": "a\nX-B: c"})) == 400
        assert seen(site) == before


def test_what_hides_behind_it_does_not_arrive(site: Site) -> None:
    before = seen(site)
    with RawPhone(site.phones, site.phone_ip(13), CALLER, PROXY, REALM) as phone:
        for method in ("INVITE", "MESSAGE"):
            lines = {"Call-ID": f"hides-{method}", "From": f"<sip:1001@{REALM}>;tag=h", "Subject": HIDDEN}
            phone.request(method, f"sip:1002@{REALM}", lines)
        assert status(phone.ask("OPTIONS", f"sip:1002@{REALM}")) in range(200, 700), "the edge goes on"
    assert seen(site) == before


def test_lines_of_a_body_may_end_as_they_will(site: Site) -> None:
    with RawPhone(site.phones, site.phone_ip(14), CALLER, PROXY, REALM) as phone:
        answer = phone.ask("INVITE", f"sip:1002@{REALM}", {"Content-Type": "text/plain"}, "a\nb\n")
        assert status(answer) != 400
