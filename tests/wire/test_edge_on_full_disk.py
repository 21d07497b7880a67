"""The disk is full, and the edge is killed: it comes again, and calls go on."""

from __future__ import annotations

import contextlib
import os

import pytest

from hil.net import Net
from hil.phone.sipp import Sipp
from hil.site import PROXY, REALM, Site, numbers
from tests.wire.conftest import FIRST, REFRESH_S, REGISTER_S, STEP_S, dials, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

DISK_MB = 16
PIECE_BYTES = 1 << 16
CROWD_IP, CALLER_IP = 11, 12
PAIRS = ((FIRST, FIRST + 1), (FIRST + 2, FIRST + 3))


def fill(site: Site) -> None:
    with contextlib.suppress(OSError), (site.paths.state / "filler").open("wb", buffering=0) as file:
        while file.write(b"\0" * PIECE_BYTES):
            pass
    assert os.statvfs(site.paths.state).f_bavail == 0


def test_an_edge_starts_on_a_full_disk() -> None:
    configuration: dict[str, dict[str, object]] = {"edge": {"register_s": REGISTER_S}}
    with Net("rvdisk") as net, contextlib.ExitStack() as ends:
        site = Site(net, users=numbers(FIRST, 4), configuration=configuration, disk_mb=DISK_MB)
        ends.callback(site.stop)
        site.start()
        crowd, caller = (Sipp(site.phones, site.phone_ip(number), PROXY, REALM) for number in (CROWD_IP, CALLER_IP))
        phones = ends.enter_context(crowd.answer(users(FIRST, 4), refresh_s=REFRESH_S))
        phones.wait_registered(STEP_S)
        site.wait(lambda: len(site.table("cred")) == 4, STEP_S, "the credentials at the edge")
        fill(site)
        site.edge.kill()
        site.platform.kill()
        site.edge.start()
        site.wait(lambda: len(site.bindings()) == 4, 2 * REGISTER_S, "four phones bound")
        assert [call.completed for call in caller.call(dials(*PAIRS))] == [True, True]

        (site.paths.state / "filler").unlink()
        site.edge.kill()
        site.edge.start()
        site.wait(lambda: len(site.bindings()) == 4, 2 * REGISTER_S, "four phones bound again")
        assert [call.completed for call in caller.call(dials(*PAIRS))] == [True, True]
