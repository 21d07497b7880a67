"""The unit's disk is full, or gone: calls go on, it is shown, and records go on when it is well again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from hil.net import Net
from hil.phone.sipp import Result, Sipp
from hil.site import PROXY, REALM, Site, numbers
from tests.wire.conftest import FIRST, REGISTER_S, STEP_S, dials, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

DISK_MB = 8
PAIRS = ((1001, 1002), (1003, 1004))


def fill(site: Site, on: bool) -> None:
    """The unit's disk, to its last byte; or not any more."""
    filler = site.paths.state / "filler"
    if not on:
        filler.unlink()
        return
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


FAULTS: dict[str, Callable[[Site, bool], None]] = {"full": fill, "gone": Site.disk_gone}


@pytest.fixture
def site() -> Iterator[Site]:
    with Net("rvwire") as net:
        made = Site(net, users=numbers(FIRST, 10), disk_mb=DISK_MB, configuration={"edge": {"register_s": REGISTER_S}})
        made.start()
        yield made
        made.stop()


@pytest.mark.parametrize("fault", FAULTS)
def test_calls_go_on(site: Site, fault: str) -> None:
    strike = FAULTS[fault]
    phones, caller = (Sipp(site.phones, site.phone_ip(number), PROXY, REALM) for number in (11, 12))

    def call() -> list[Result]:
        calls = caller.call(dials(*PAIRS))
        assert [each.completed for each in calls] == [True] * len(PAIRS), (site.mode(), calls)
        return calls

    with phones.answer(users(FIRST, 6), refresh_s=4) as crowd:
        crowd.wait_registered(STEP_S)
        call()
        strike(site, True)
        call()
        late = Sipp(site.phones, site.phone_ip(13), PROXY, REALM).register(users(1007))
        assert [each.code for each in late] == [200]
        site.platform.kill()
        call()
        site.wait_mode("SURVIVAL", STEP_S)
        call()
        if fault == "full":
            site.wait(lambda: "RVX-J01" in {problem["id"] for problem in site.status()["problems"]}, STEP_S, "it shown")
        strike(site, False)
        wanted = {each.call_id for each in call()}
        site.wait(lambda: wanted <= ended(site), STEP_S, "calls in the journal")


def ended(site: Site) -> set[str]:
    journal = site.journal()
    try:
        return {record.call_id for record in journal.records(1000) if record.ended_at is not None}
    finally:
        journal.close()
