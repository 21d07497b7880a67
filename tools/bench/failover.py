"""How fast a building talks again when its platform is gone, and how soon the platform is seen when it is back.

Each distance, a round trip of the line to the platform, has two buildings: in one the platform is killed, in the other
the line goes black. All go through the same deaths at the same time, each at its own pace:

- *deaths with calls*: many callers ring at the same moment, before the unit can know anything. Other calls are up
  since before, and end during the outage, by a BYE from either side that must reach the other; in one of them two
  desk phones hear each other's tone all along.
- *quiet deaths*: nobody rings, so that the unit has its probes alone to tell by. They begin at any moment between two
  probes, and are the only ones that the time to detection is taken from: calls would only shorten it.

Three seconds after a death everybody rings again. Then the platform comes back, and the next death waits for NORMAL.
A building of its own, on a line that loses packets, has calls all the while and no death at all.

Times of calls are sipp's own, from the very first INVITE to the first 180, both challenges included, and with them some
1.2 ms that sipp takes to answer a challenge.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from hil.net import Net
from hil.phone import Account, Phone, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.sipp import Answering, Dial, Placing, Result, Sipp, User
from hil.sim.line import Line
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import seconds_of
from tools.bench import Report
from tools.bench.figures import Class, Figure, Goal, Scalar, share, timed

__all__ = ["ROUND_TRIP_MS", "Loss", "Plan", "Samples", "figures", "measure", "plan"]

ROUND_TRIP_MS = {"near": 2, "20": 20, "60": 60}
"""The distances, by the last word of their keys."""
KINDS = ("killed", "blackholed")
FIRST_GOALS = {"near": Goal(300)}
KNOWN_GOALS = {"near": Goal(10)}
DETECTED_GOAL = Goal(3000)
RETURN_GOAL = Goal(5)
KEPT_GOAL = Goal(100, at_least=True)
DIVERTED_GOAL = Goal(0.1)

CROWD = 10
"""Callers who ring at the same moment: so many samples has a death with calls, and the calls after it."""
FIRST_RATE = 200.0  # all within a fifth of the shortest timer A
KNOWN_RATE = 20.0  # one after the other: it is the unit that is timed, not a queue before it
KNOWN_S = 3.0
"""From the death to the calls that must find the unit knowing."""
WARM_CALLS, WARM_AGAIN, WARM_RATE = 16, 3, 20.0
"""Timer A goes by the last 30 first responses; a call by the platform has two, as it is challenged once."""
HELD = 3  # calls of each kind that are up at a death
SOON_MS, LATE_MS = 800, 4000
"""How long they last: the BYE comes while the unit is finding out, or when it knows."""
HELD_PATIENCE_MS = 8000
ACKNOWLEDGED_S = 0.2
"""The ACK has a way to go, too, before a call is up."""
UP_S = 5.0
TALK_S = 2.0
"""So much more of the other's tone each desk phone must have heard by KNOWN_S after the death."""
LOSS_PERCENT = 1.0
LOSS_RTT_MS = 20
LOSS_RATE = 20.0
LOSS_RING_MS = 6000
"""Longer than timer B (4 s), as calls between people ring: a 180 that is lost is not sent again."""

REGISTER_S, REFRESH_S = 15, 2.0
"""What phones are told, the least that the product allows; and how often they come, so that a return is soon over."""
POLL_S = 0.02
START_S, DETECT_S, SEEN_S, NORMAL_S = 20.0, 15.0, 20.0, 40.0  # patience
SEED = 1
CROWD_IP, HANGING_UP_IP, CALLER_IP, HOLDER_IP, DESK_IP = 11, 12, 13, 14, 31
FIRST_EXTENSION = 1001
HANGING_UP = [str(FIRST_EXTENSION + CROWD + number) for number in range(HELD)]
DESKS = ("1041", "1042")


@dataclass(frozen=True)
class Plan:
    """How much is done in each building."""

    with_calls: int  # deaths
    quiet: int  # deaths
    talks: int  # deaths during which the desk phones talk
    loss_calls: int


@dataclass
class Samples:
    """What one building, or several of a distance, gave. `math.inf` is what did not come at all."""

    first_ms: list[float] = field(default_factory=list)
    known_ms: list[float] = field(default_factory=list)
    detected_ms: list[float] = field(default_factory=list)
    return_s: list[float] = field(default_factory=list)
    timer_a_ms: list[float] = field(default_factory=list)
    up: int = 0
    kept: int = 0
    talks: int = 0  # those of `up` with sound
    deaths: int = 0


@dataclass(frozen=True)
class Loss:
    """What a line that loses packets gave."""

    calls: int
    diverted: int
    answered: int
    false_deaths: int  # times that the unit thought the platform new or gone


def plan(args: argparse.Namespace) -> Plan:
    """From the command line."""
    if args.samples is not None:
        deaths = max(2, math.ceil(args.samples / CROWD))
        return Plan(deaths, math.ceil(args.samples / len(KINDS)), talks=1, loss_calls=100 * args.samples)
    return Plan(2, 1, talks=1, loss_calls=400) if args.quick else Plan(8, 14, talks=2, loss_calls=4000)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> Report:
    """All of it: under 45 s with ``--quick``, else about five minutes."""
    began = time.monotonic()
    planned = plan(args)
    told = threading.Lock()

    def say(text: str) -> None:
        with told:
            tell(f"{time.monotonic() - began:5.0f} s  {text}")

    say("building")
    stopped = threading.Event()
    # The net goes first: without its programs, whoever waits for one of them ends soon.
    with ThreadPoolExecutor(len(ROUND_TRIP_MS) * len(KINDS) + 1) as pool, Net("rvbench") as net:
        scenes = [Scene(net, place, kind, stopped, say) for place in ROUND_TRIP_MS for kind in KINDS]
        lossy = Lossy(net, stopped)
        with _raising(stopped):
            for done in [pool.submit(scene.start) for scene in scenes] + [pool.submit(lossy.start)]:
                done.result()
            say("all registered")
            lost = pool.submit(lossy.run, planned.loss_calls)
            work = {(scene.place, scene.kind): pool.submit(scene.run, planned) for scene in scenes}
            samples = {key: done.result() for key, done in work.items()}
            say("deaths done, waiting for the calls on a line that loses packets")
            loss = lost.result()
    conditions = {
        **_conditions(samples, loss),
        "quick": bool(args.quick),
        "seconds": round(time.monotonic() - began, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }
    return Report(figures(samples, loss), conditions)


def figures(samples: dict[tuple[str, str], Samples], loss: Loss) -> list[Figure]:
    """`samples` by place and kind of death."""
    found = []
    for kind in KINDS:
        for place in ROUND_TRIP_MS:
            values = samples[place, kind].first_ms
            found.append(_timed(f"{kind}_first", "ms_p95", place, values, FIRST_GOALS.get(place)))
    for place in ROUND_TRIP_MS:
        found.append(_timed("known", "ms_p95", place, _both(samples, place, "known_ms"), KNOWN_GOALS.get(place)))
    for place in ROUND_TRIP_MS:
        found.append(_timed("detected", "ms_p95", place, _both(samples, place, "detected_ms"), DETECTED_GOAL))
    for place in ROUND_TRIP_MS:
        found.append(_timed("return_seen", "s", place, _both(samples, place, "return_s"), RETURN_GOAL))
    kept, up = sum(each.kept for each in samples.values()), sum(each.up for each in samples.values())
    found.append(share("up_calls_kept", kept, up, Class.SIMULATED, goal=KEPT_GOAL))
    found.append(share("diverted_at_1_loss", loss.diverted, loss.calls, Class.SIMULATED, goal=DIVERTED_GOAL))
    return found


def _timed(name: str, quantity: str, place: str, values: Sequence[float], goal: Goal | None) -> Figure:
    return timed(name, quantity, place, values, Class.SIMULATED, goal=goal)


def _both(samples: dict[tuple[str, str], Samples], place: str, name: str) -> list[float]:
    return [value for kind in KINDS for value in getattr(samples[place, kind], name)]


def _conditions(samples: dict[tuple[str, str], Samples], loss: Loss) -> dict[str, Scalar]:
    """What is not a figure but belongs to them. The worst of few has no percentile, and is told all the same."""
    found: dict[str, Scalar] = {f"round_trip_ms_{place}": ms for place, ms in ROUND_TRIP_MS.items()}
    for place in ROUND_TRIP_MS:
        found[f"timer_a_ms_{place}"] = _worst(_both(samples, place, "timer_a_ms"))
        found[f"detected_ms_max_{place}"] = _worst(_both(samples, place, "detected_ms"))
        found[f"return_seen_s_max_{place}"] = _worst(_both(samples, place, "return_s"))
    for kind in KINDS:
        found[f"{kind}_deaths"] = sum(samples[place, kind].deaths for place in ROUND_TRIP_MS)
    measured = [value for each in samples.values() for value in (*each.first_ms, *each.known_ms)]
    found["calls_without_ringing"] = sum(math.isinf(value) for value in measured)
    found["up_calls_with_sound"] = sum(each.talks for each in samples.values())
    found["round_trip_ms_at_1_loss"] = LOSS_RTT_MS
    found["answered_at_1_loss_percent"] = round(100 * loss.answered / max(1, loss.calls), 3)
    found["false_deaths_at_1_loss"] = loss.false_deaths
    found["peers"] = "Kamailio, sipp, baresip, linphone; the line is simulated"
    return found


def _worst(values: Sequence[float]) -> float | None:
    worst = max(values, default=math.inf)
    return round(worst, 3) if math.isfinite(worst) else None


class Stopped(Exception):
    """Another building failed, or the person has had enough."""


@contextlib.contextmanager
def _raising(stopped: threading.Event) -> Iterator[None]:
    """Whatever ends this block early ends the other buildings, too."""
    try:
        yield
    finally:
        stopped.set()


class Scene:
    """One building, in which the platform dies again and again by one `kind`."""

    def __init__(self, net: Net, place: str, kind: str, stopped: threading.Event, say: Callable[[str], None]) -> None:
        self.place, self.kind = place, kind
        self._name = f"round trip {ROUND_TRIP_MS[place]} ms, {kind}"
        self.site = _site(net, f"-{place}-{kind[0]}", ROUND_TRIP_MS[place])
        self._stopped = stopped
        self._say = say
        self._random = random.Random(f"{SEED} {place} {kind}")  # noqa: S311 - a spread, no secret
        self._desks = _desks(net, self.site, f"-{place}-{kind[0]}")
        self._found = Samples()
        self._talks_begun = 0

    def start(self) -> None:
        """Into NORMAL, all phones registered and timer A settled."""
        self.site.start()
        self._caller = Sipp(self.site.phones, self.site.phone_ip(CALLER_IP), PROXY, REALM)
        # Apart, as sipp takes a port again that another has just left, and with it what still comes for that one.
        self._holder = Sipp(self.site.phones, self.site.phone_ip(HOLDER_IP), PROXY, REALM)
        self._crowd = _answer(self.site, CROWD_IP, _crowd())
        self._hanging_up = _answer(self.site, HANGING_UP_IP, HANGING_UP, hang_up_ms=LATE_MS)
        for desk in self._desks:
            desk.start()
        for answering in (self._crowd, self._hanging_up):
            answering.wait_registered(START_S)
        for desk in self._desks:
            desk.wait_registered(START_S)
        self._caller.call(_dials(), count=WARM_CALLS, rate=WARM_RATE)

    def run(self, planned: Plan) -> Samples:
        """Every death: those with talks, then quiet ones among the others, so that both see the machine alike."""
        order = [True] * (planned.with_calls - planned.talks) + [False] * planned.quiet
        self._random.shuffle(order)
        order = [True] * planned.talks + order
        for number, with_calls in enumerate(order, 1):
            self._say(f"{self._name}: death {number} of {len(order)}")
            self._caller.call(_dials(), count=WARM_AGAIN, rate=WARM_RATE)
            self._sleep(self._random.random())  # the phase of the probes
            self._found.timer_a_ms.append(self.site.count("timer_a"))
            if with_calls:
                self._death_with_calls(talks=self._talks_begun < planned.talks)
            else:
                self._quiet_death()
            if number == planned.talks:
                self._let_desks_go()
            self._return(for_more=number < len(order))
        return self._found

    def _death_with_calls(self, talks: bool) -> None:
        talking = talks and self._talk()
        hold = functools.partial(self._holder.place, rate=FIRST_RATE, patience_ms=HELD_PATIENCE_MS)
        held = {
            "ended by the caller at once": hold(_dials(HELD), hold_ms=SOON_MS),
            "ended by the caller": hold(_dials(HELD), hold_ms=LATE_MS),
            "ended by the callee": hold(_dials(HELD, to=HANGING_UP), callee_ends=True),
        }
        deadline = time.monotonic() + UP_S
        while sum(_is_up(result) for placing in held.values() for result in placing.so_far()) < HELD * len(held):
            if time.monotonic() > deadline:
                raise PhoneError(f"{self._name}: no calls are up before the death\n{self.site.log()}")
            self._sleep(POLL_S)
        self._sleep(ACKNOWLEDGED_S)
        heard_s = self._heard_s() if talking else (0.0, 0.0)
        died = self._die()
        self._first(self._caller.place(_dials(), rate=FIRST_RATE))
        self._known(died)
        self._end_of_held(held)
        if talking:
            self._end_of_talk(heard_s)

    def _quiet_death(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            died = self._die()
            detected = pool.submit(self._wait_detected, died)
            self._known(died)
            self._found.detected_ms.append(detected.result())

    # ---- the death and the return

    def _die(self) -> float:
        """When it was. A kill is over when no process of the platform is left."""
        died = time.monotonic()
        if self.kind == "killed":
            self.site.platform.kill()
        else:
            _line(self.site).cut()
        self._found.deaths += 1
        return died

    def _wait_detected(self, died: float) -> float:
        """Milliseconds until the unit knows by itself."""
        while time.monotonic() - died < DETECT_S:
            if not any(self.site.serving()) or self.site.mode() == "SURVIVAL":
                return (time.monotonic() - died) * 1000
            self._sleep(POLL_S)
        return math.inf

    def _return(self, for_more: bool) -> None:
        """Until the unit sees the platform again; for one more death, until NORMAL."""
        if self.kind == "killed":
            self.site.platform.start()
            back = time.monotonic()
        else:
            back = time.monotonic()
            _line(self.site).mend()
        while not any(self.site.serving()) and time.monotonic() - back < SEEN_S:
            self._sleep(POLL_S)
        self._found.return_s.append(time.monotonic() - back)
        if for_more:
            self.site.wait(lambda: self._stopped.is_set() or self.site.mode() == "NORMAL", NORMAL_S, "mode NORMAL")

    def _sleep(self, seconds: float) -> None:
        if self._stopped.wait(max(0.0, seconds)):
            raise Stopped

    # ---- calls

    def _first(self, placing: Placing) -> None:
        """Those that were begun while nothing was known: before the first of them can have been given up."""
        results = placing.wait()
        began = [result.began_at for result in results if result.began_at is not None]
        unknown_s = min(began, default=0.0) + self._found.timer_a_ms[-1] / 1000 / 2
        first = [result for result in results if result.began_at is None or result.began_at < unknown_s]
        self._found.first_ms += [_ringing_ms(result) for result in first]
        self._tell_silent("first", first)

    def _known(self, died: float) -> None:
        self._sleep(died + KNOWN_S - time.monotonic())
        results = self._caller.call(_dials(), rate=KNOWN_RATE)
        self._found.known_ms += [_ringing_ms(result) for result in results]
        self._tell_silent("known", results)

    def _tell_silent(self, what: str, results: Sequence[Result]) -> None:
        for result in results:
            if result.first_ms is None:
                self._say(f"{self._name}: a {what} call did not ring: {result}")

    def _end_of_held(self, held: Mapping[str, Placing]) -> None:
        """A call is kept when its BYE was answered, at the side that sent it and at the side that got it."""
        results = {kind: placing.wait() for kind, placing in held.items()}
        heard = {result.call_id for side in (self._crowd, self._hanging_up) for result in _completed(side.calls())}
        for kind, of_kind in results.items():
            kept = sum(result.call_id in heard for result in _completed(of_kind))
            self._count(len(of_kind), kept, f"of {len(of_kind)} calls {kind}, {kept} were kept")

    def _talk(self) -> bool:
        """Let the desk phones talk; whether they do."""
        one, other = self._desks
        self._talks_begun += 1
        try:
            one.dial(other.account.extension)
            for desk in self._desks:
                desk.wait_established(UP_S)
        except PhoneError as error:
            self._say(f"{self._name}: the desk phones do not reach each other: {error}")
            return False
        return True

    def _heard_s(self) -> tuple[float, float]:
        """How long each desk phone has heard the other's tone."""
        one, other = self._desks
        return _tone_s(one, other.tone_hz), _tone_s(other, one.tone_hz)

    def _end_of_talk(self, before_s: tuple[float, float]) -> None:
        """Kept when both have heard each other since, and the second hears that the first hangs up."""
        more_s = [after - before for after, before in zip(self._heard_s(), before_s, strict=True)]
        hangs_up = self._talks_begun % 2
        self._desks[hangs_up].hang_up()
        ended = True
        try:
            self._desks[1 - hangs_up].wait_closed(UP_S)
        except PhoneError:
            ended = False
        self._count(1, int(ended and min(more_s) >= TALK_S), f"a talk was lost: heard {more_s}, ended {ended}")
        self._found.talks += 1

    def _let_desks_go(self) -> None:
        """They come only as often as they are told, and a return would wait for them each time."""
        with ThreadPoolExecutor(len(self._desks)) as pool:
            for done in [pool.submit(desk.stop) for desk in self._desks]:
                done.result()
        self._desks = ()

    def _count(self, up: int, kept: int, complaint: str) -> None:
        self._found.up += up
        self._found.kept += kept
        if kept < up:
            self._say(f"{self._name}: {complaint}")


class Lossy:
    """A building whose line loses packets, and whose platform lives."""

    def __init__(self, net: Net, stopped: threading.Event) -> None:
        self.site = _site(net, "-lossy", LOSS_RTT_MS)
        self._stopped = stopped

    def start(self) -> None:
        self.site.start()
        self._caller = Sipp(self.site.phones, self.site.phone_ip(CALLER_IP), PROXY, REALM)
        self._crowd = _answer(self.site, CROWD_IP, _crowd(), ring_ms=LOSS_RING_MS)
        self._crowd.wait_registered(START_S)

    def run(self, calls: int) -> Loss:
        """`calls` by the platform, each of which rings for LOSS_RING_MS and is answered."""
        _line(self.site).loss(LOSS_PERCENT)
        diverted, epoch = self.site.count("diverted"), self.site.count("epoch")
        placing = self._caller.place(_dials(), count=calls, rate=LOSS_RATE)
        waiting: Future[list[Result]]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(placing.wait)
            while not waiting.done():
                if self._stopped.wait(POLL_S * 10):
                    placing.stop()
                    raise Stopped
        results = waiting.result()
        return Loss(
            calls=len(results),
            diverted=self.site.count("diverted") - diverted,
            answered=sum(result.completed for result in results),
            false_deaths=self.site.count("epoch") - epoch,
        )


def _site(net: Net, label: str, round_trip_ms: float) -> Site:
    users = numbers(FIRST_EXTENSION, CROWD + HELD) | {desk: password(desk) for desk in DESKS}
    return Site(
        net,
        label,
        users=users,
        delay_ms=round_trip_ms,
        persistent=True,
        # The hold-down is a choice, not a speed: without it, deaths may follow one another.
        configuration={"edge": {"register_s": REGISTER_S}, "returning": {"hold_down_s": 0, "hold_down_max_s": 0}},
    )


def _desks(net: Net, site: Site, label: str) -> tuple[Phone, ...]:
    """One of each make, each on a host of its own."""
    made: list[Phone] = []
    for number, (extension, make) in enumerate(zip(DESKS, (Baresip, Linphone), strict=True)):
        host, ip = net.host(f"desk{number}{label}"), f"10.98.0.{DESK_IP + number}"
        site.switch.join(host, "eth0", f"{ip}/24")
        account = Account(extension, password(extension), REALM, PROXY, register_s=REGISTER_S)
        made.append(make(host, ip, account, 500 + 300 * number))
    return tuple(made)


def _crowd() -> list[str]:
    return list(numbers(FIRST_EXTENSION, CROWD))


def _answer(site: Site, ip: int, extensions: Sequence[str], **options: int) -> Answering:
    phones = Sipp(site.phones, site.phone_ip(ip), PROXY, REALM)
    users = [User(extension, password(extension)) for extension in extensions]
    return phones.answer(
        users, refresh_s=REFRESH_S, hang_up_ms=options.get("hang_up_ms"), ring_ms=options.get("ring_ms", 20)
    )


def _dials(count: int = CROWD, to: Sequence[str] | None = None) -> list[Dial]:
    """Each of the crowd rings the next, or one of `to`."""
    crowd = _crowd()
    callees = to or [*crowd[1:], crowd[0]]
    return [
        Dial(User(caller, password(caller)), callee) for caller, callee in zip(crowd[:count], callees, strict=False)
    ]


def _completed(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.completed]


def _is_up(result: Result) -> bool:
    return result.code == 200


def _ringing_ms(result: Result) -> float:
    return math.inf if result.first_ms is None else result.first_ms


def _tone_s(phone: Phone, hz: float) -> float:
    try:
        return seconds_of(phone.heard(), hz)
    except PhoneError:
        return 0.0


def _line(site: Site) -> Line:
    assert site.line is not None
    return site.line
