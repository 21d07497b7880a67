"""How soon who dials a code hears that it is done: from the INVITE, its challenge included, to the first packet of
sound, in SURVIVAL, with what was set on the disk before it is said.

Each dials another date, so that no sentence was ever said before, and espeak-ng has to say it; where a municipality has
recorded the phrases it is sooner. Arrivals are the kernel's."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime

from callcontrol.plan.holidays import next_working_day
from callcontrol.plan.reasons import OFFICE_HOURS
from callcontrol.plan.schedule import STOCKHOLM
from hil.net import Net
from hil.phone.raw import SDP, RawPhone, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, password
from hil.told import load_staff, staff
from tools.bench.figures import Class, Figure, Goal, Scalar, timed
from tools.bench.telling import Ear

__all__ = ["measure"]

GOAL = Goal(300)
SAMPLES = {True: 20, False: 200}
CALLERS = [str(number) for number in range(1001, 1006)]
PHONE_IP, SIP_PORT, RTP_PORT = 21, 20000, 21000
STEP_S, HEARD_S = 20.0, 5.0
AGAIN_S = 0.3
HELD_S = 0.05
"""After the first sound one hangs up, and the next one dials."""


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    tell("codes")
    with Net("rvbcode") as net:
        users = {number: password(number) for number in CALLERS}
        site = Site(net, users=users, configuration={"announcing": {"languages": ["sv"]}})
        load_staff(site.paths, staff(CALLERS))
        site.start()
        try:
            site.platform.kill()
            site.wait_mode("SURVIVAL", STEP_S)
            times = _dialled(site, SAMPLES[quick])
        finally:
            site.stop()
    heard = [each for each in times if each < math.inf]
    figures = [
        timed("code_to_confirmation", "ms_p95", "", times, Class.SIMULATED, goal=GOAL),
        timed("code_to_confirmation", "ms_p50", "", times, Class.SIMULATED, percent=50),
    ]
    return figures, {"codes_dialled": len(times), "codes_unheard": len(times) - len(heard)}


def _dialled(site: Site, count: int) -> list[float]:
    """ms from each INVITE to its first packet; inf where nothing came."""
    host, ip = site.phones, site.phone_ip(PHONE_IP)
    days = _working_days()
    phones = [
        RawPhone(host, ip, User(number, password(number)), PROXY, REALM, port=SIP_PORT + 2 * at)
        for at, number in enumerate(CALLERS)
    ]
    for phone in phones:
        phone.register()
    ear = Ear(host, ip, RTP_PORT)
    try:
        _wait_for_voice(phones[0], ear)
        return [_dial(phones[at % len(phones)], ear, f"*23*6*{next(days):%m%d}%23") for at in range(count)]
    finally:
        for phone in phones:
            phone.close()
        ear.wire.close()


def _dial(phone: RawPhone, ear: Ear, code: str) -> float:
    ear.listen()
    ear.heard.clear()
    uri = f"sip:{code}@{REALM}"
    body = SDP.format(ip=phone.ip) + f"m=audio {ear.port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    began = time.time()
    answer = phone.ask("INVITE", uri, body=body)
    if status(answer) != 200:
        return math.inf
    phone.within("ACK", uri, answer)
    until = time.monotonic() + HEARD_S
    while not ear.heard and time.monotonic() < until:
        time.sleep(0.005)
        ear.listen()
    time.sleep(HELD_S)
    phone.within("BYE", uri, answer)
    return 1000 * (ear.heard[0].at - began) if ear.heard else math.inf


def _wait_for_voice(phone: RawPhone, ear: Ear) -> None:
    """`calls` loads its voice beside the calls; until then the display says all."""
    until = time.monotonic() + STEP_S
    while _dial(phone, ear, "%2323%23") == math.inf:
        if time.monotonic() > until:
            raise TimeoutError("`calls` has no voice")
        time.sleep(AGAIN_S)


def _working_days() -> Iterator[date]:
    day = datetime.now(STOCKHOLM).date()
    while True:
        day = next_working_day(day, OFFICE_HOURS.rules)
        yield day
