"""Ten thousand packets a second from one phone's address: calls of the others, and 112, go on. How fast they ring is
measured by the bench (`flood_call_ms_p99`); here none may fail."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from callcontrol.edge.render import RATE_WINDOW_S, SOS_PER_SOURCE_S
from hil.flood import LIMITS, calls_under_flood
from hil.net import Net
from hil.phone.sipp import Dial, Sipp, User
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, Site, numbers, password
from tests.wire.conftest import STEP_S
from tools.bench.figures import percentile

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

GATEWAY_IP = "10.99.0.3"
CALLS = 10
CALLS_OF_SOME_WINDOWS = 40
AT_ALL_MS = 15_000
CALLER, STRANGER = User("1003", password("1003")), User("7777")


@pytest.fixture(scope="module", params=["NORMAL", "SURVIVAL"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A building whose phones have registered, with a gateway for 112 that answers."""
    with Net("rvflood") as net:
        over = LIMITS | {"emergency": {"gateway": f"sip:{GATEWAY_IP}:5060"}}
        made = Site(net, users=numbers(1001, 6), configuration=over)
        made.platform_host.address("line", f"{GATEWAY_IP}/24")
        made.start()
        gateway = Sipp(made.platform_host, GATEWAY_IP, f"{GATEWAY_IP}:5060", REALM).answer()
        callee = Sipp(made.phones, made.phone_ip(21), PROXY, REALM).answer([User("1002", password("1002"))])
        with gateway, callee:
            callee.wait_registered(STEP_S)
            if request.param == "SURVIVAL":
                assert isinstance(made.platform, KamailioPlatform)
                made.platform.kill()
                made.wait_mode("SURVIVAL", STEP_S)
            yield made
        made.stop()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["register", "invite", "garbage"])
def test_calls_go_on(site: Site, kind: str) -> None:
    done = calls_under_flood(site, [Dial(CALLER, "1002")], caller_ip=site.phone_ip(22), kind=kind, calls=CALLS)
    assert done.lost == 0, done
    print(
        f"{site.mode()} {kind}: p95 {percentile(done.ringing_ms, 95)} ms, {done.flood_rate:.0f} packets/s, "
        f"{done.edge_cpu_percent:.0f} % of a core"
    )
    # Those that are no SIP are dropped before they are counted.
    assert kind == "garbage" or done.dropped > 1000


def test_112_goes_on(site: Site) -> None:
    done = calls_under_flood(site, [_dial_112(site)], caller_ip=site.phone_ip(23), kind="register", calls=CALLS)
    assert done.lost == 0, done
    assert max(done.ringing_ms) < AT_ALL_MS


def test_112_goes_on_while_the_flood_is_of_calls_to_112(site: Site) -> None:
    """For longer than a window of the door's counting, of which each lets in what its limit says and no more."""
    held, began = site.count("sos_held"), time.monotonic()
    done = calls_under_flood(
        site, [_dial_112(site)], caller_ip=site.phone_ip(23), kind="sos", calls=CALLS_OF_SOME_WINDOWS
    )
    windows = 2 + (time.monotonic() - began) / RATE_WINDOW_S
    assert done.lost == 0, done
    assert max(done.ringing_ms) < AT_ALL_MS
    assert 0 < site.count("sos_held") - held <= windows * RATE_WINDOW_S * SOS_PER_SOURCE_S


def _dial_112(site: Site) -> Dial:
    return Dial(CALLER if site.mode() != "SURVIVAL" else STRANGER, "112")
