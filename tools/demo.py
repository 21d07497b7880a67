"""`rvx demo`: an outage survived, before your eyes, by real programs in networks of their own on this machine.

A platform (Kamailio with digest), the unit as it is, four phones (two baresip, two linphone; one of each by TCP) and a
second gateway for 112. The platform is killed, later the line to it goes black; nobody touches a phone's settings. Each
phone plays its own tone, and what it hears is recorded: a call counts only when either recording holds the other's.
"""

import argparse
import contextlib
import os
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from callcontrol.records import Record
from hil.net import Net, NetError
from hil.phone import Account, Phone, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.platform import PlatformError
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, Site, SiteError, numbers
from hil.sound import HELD_S, seconds_of
from tools.errors import DONE, FAILED, UserError
from tools.events import Tail, parse
from tools.output import WIDTH, Output, Paint

__all__ = ["EVENTS", "TRIED", "Moment", "Tried", "lines", "run"]

GATEWAY_IP = "10.98.0.30"
PHONES = (("10.98.0.11", 600), ("10.98.0.12", 800), ("10.98.0.13", 1000), ("10.98.0.14", 1300), (GATEWAY_IP, 1700))
"""Address and tone, Hz, of each of the four, and of who answers 112."""
CONFIGURATION: Mapping[str, Mapping[str, object]] = {
    "edge": {"register_s": 15},  # the shortest: a platform that returns waits for every phone to tell of itself
    "returning": {"hold_down_s": 1, "hold_down_max_s": 4, "good_probes": 2, "spread_s": 0},
    "emergency": {"gateway": f"sip:{GATEWAY_IP}:5060"},
}
# For so long each is waited for; a machine that is not overloaded needs a fraction of it.
START_S = 30.0
CALL_S = 20.0
SOUND_S = 15.0
KNOWN_S = 30.0
RETURN_S = 60.0
RECORDS_S = 15.0
MODE_S = 5.0
POLL_S = 0.05

WORD_WIDTH, NAME_WIDTH, TIME_WIDTH, SOUND_WIDTH = 6, 33, 10, 7  # columns of the table
NO_VALUE = "–"

# What happens, Swedish and English; one line of the timeline each, so both together are short.
EVENTS: dict[str, tuple[str, str]] = {
    "build": ("Bygger plattform, växel, telefoner", "Building all of it"),
    "serving": ("Plattform och växel är igång", "Platform and unit are up"),
    "registered": ("Fyra telefoner registrerade, två via TCP", "Four phones registered"),
    "call": ("{caller} ringer {callee}", "{caller} calls {callee}"),
    "sound": ("ringde efter {first}, ljud åt båda håll", "rang, sound both ways"),
    "stays": ("{caller} och {callee} talar kvar", "{caller} and {callee} stay on the line"),
    "stayed": ("{caller} och {callee} hörs än, båda håll", "still heard, both ways"),
    "kill": ("PLATTFORMEN DÖDAS", "THE PLATFORM IS KILLED"),
    "start": ("Plattformen startas, har glömt allt", "Platform starts, knows nothing"),
    "blackhole": ("LINJEN BLIR SVART", "THE LINE GOES BLACK"),
    "mend": ("Linjen lagas", "The line is mended"),
    "wait": ("Väntar: telefonerna hör av sig inom 15 s", "Waiting for phones"),
    "fault": ("INTE SOM DET SKULLE", "NOT AS IT SHOULD BE"),
    "node_down": ("växeln: plattformen svarar inte", "unit: platform silent"),
    "node_up": ("växeln: plattformen svarar igen", "unit: platform back"),
    "diverted": ("växeln: tar samtalet själv", "unit: takes the call itself"),
    "emergency_way": ("växeln: 112, prövar väg {way}", "unit: 112, tries way {way}"),
    "emergency_failed": ("växeln: 112 utan väg ut", "unit: no way out for 112"),
    "mode": ("växeln: läge {mode}", "unit: mode {mode}"),
}
LOUD = ("kill", "blackhole", "fault")
TOLD_BY_UNIT = ("node_down", "node_up", "diverted", "emergency_way", "emergency_failed", "mode")

# What is tried, Swedish and English: two lines of the table.
TRIED: dict[str, tuple[str, str]] = {
    "phones": ("Fyra telefoner registrerar sig", "Four phones register"),
    "platform_call": ("Samtal genom plattformen", "A call by the platform"),
    "call_stays": ("Plattformen dör under ett samtal", "The platform dies during a call"),
    "first_killed": ("Första samtalet efter döden", "First call after the death"),
    "known_killed": ("Växeln vet att plattformen är död", "The unit knows it is dead"),
    "survival_call": ("Samtal utan plattform", "A call without platform"),
    "emergency": ("112 genom reservgatewayen", "112 by the second gateway"),
    "returning_call": ("Samtal medan telefonerna återgår", "A call while phones go back"),
    "returned": ("Plattformen styr igen", "The platform is master again"),
    "platform_again": ("Samtal genom plattformen igen", "By the platform again"),
    "first_blackholed": ("Första samtalet, linjen svart", "First call, line black"),
    "known_blackholed": ("Växeln vet att linjen är tyst", "The unit knows it is silent"),
    "silent_call": ("Samtal utan linje", "A call without line"),
    "returned_again": ("Allt är tillbaka", "All is back"),
    "platform_last": ("Till sist genom plattformen", "By the platform, at last"),
    "records": ("Varje eget samtal bokfört en gång", "Each own call recorded once"),
}
SOUND = (("inget", "none"), ("ena", "one"), ("båda", "both"))  # by how many of the two heard the other


@dataclass(frozen=True)
class Moment:
    """One line of the timeline; seconds since the start."""

    at_s: float
    event: str
    details: Mapping[str, object]

    @property
    def words(self) -> tuple[str, str]:
        swedish, english = EVENTS[self.event]
        return swedish.format(**self.details), english.format(**self.details)


@dataclass
class Tried:
    """One thing that was tried and how it went. None: it does not apply, or was not reached."""

    name: str
    began_s: float
    caller: str | None = None
    callee: str | None = None
    first_s: float | None = None  # from dialling to ringing; for what is no call, until it was so
    heard: dict[str, bool] = field(default_factory=dict)  # by extension: whether it heard the other
    mode: str | None = None  # what the unit said of itself
    way: str | None = None  # by which way the call went, by the unit's records or the platform's own count
    why: str = ""  # what was not as it should be

    @property
    def ok(self) -> bool:
        return not self.why

    @property
    def pair(self) -> tuple[str, str]:
        """Caller and callee of what is a call."""
        assert self.caller is not None
        assert self.callee is not None
        return self.caller, self.callee


def run(args: argparse.Namespace) -> int:
    """Under a minute. Exit code 0 when all was as it should be, else 1."""
    if os.geteuid() != 0:
        raise UserError("RVX-N05")
    out = Output.of(args)
    timeline = Timeline(out)
    demo = Demo(timeline)
    try:
        with Net("rvdemo") as net:
            demo.play(net)
    except KeyboardInterrupt:
        out.note("Avbrutet; allt är borttaget. / Interrupted; nothing is left.")
        raise
    took_s = timeline.now_s()
    passed = all(tried.ok for tried in demo.tried)
    if out.json:
        _document(out, passed, took_s, demo)
        return DONE if passed else FAILED
    out.note("")
    for line in lines(demo.tried, out.paint):
        out.line(line)
    out.line()
    out.line(out.paint.bold(_verdict(passed, took_s)))
    return DONE if passed else FAILED


class Timeline:
    """What has happened, told as it happens; two threads tell."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.moments: list[Moment] = []

    def now_s(self) -> float:
        return time.monotonic() - self._began

    def tell(self, event: str, why: str = "", **details: object) -> Moment:
        with self._lock:
            moment = Moment(self.now_s(), event, details)
            self.moments.append(moment)
            text = " / ".join(moment.words)
            self._out.note(f"{moment.at_s:6.1f} s  {self._out.side_paint.bold(text) if event in LOUD else text}")
            for line in wrapped(why):
                self._out.note(line)
        return moment

    def reached(self, mode: str, since_s: float) -> Moment | None:
        """When the unit first told of this mode after a moment."""
        with self._lock:
            told = (each for each in self.moments if each.event == "mode" and each.at_s >= since_s)
            return next((each for each in told if each.details["mode"] == mode), None)


class Demo:
    """The story, and what came of it in `tried`."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.tried: list[Tried] = []
        self.status: dict[str, Any] | None = None  # of the unit, at the end
        self._phones: dict[str, Phone] = {}

    def play(self, net: Net) -> None:
        """Until the end, or until what all else stands on did not come up."""
        self._heard_before: dict[str, Path | None] = {}
        with self._trying("phones") as tried:
            self.timeline.tell("build")
            self._build(net)
            for phone in self._phones.values():
                if phone.account.register_s:
                    phone.wait_registered(START_S)
            self._site.wait(lambda: len(self._site.bindings()) == 4, START_S, "four phones bound")
            tried.first_s = self.timeline.now_s() - tried.began_s
            tried.mode = self._mode()
            self.timeline.tell("registered")
        if not tried.ok:
            return
        over = threading.Event()
        listener = threading.Thread(target=self._listen, args=(over,), daemon=True)
        listener.start()
        try:
            self._story()
        finally:
            over.set()
            listener.join()

    def _story(self) -> None:
        site, tell = self._site, self.timeline.tell

        self._call("platform_call", "1001", "1003", mode="NORMAL", way="platform")

        with self._trying("call_stays", "1002", "1004") as stays:
            self._connect(stays)
            self._await_sound(stays)
            tell("stays", caller="1002", callee="1004")
        heard_s = self._heard_s(stays)
        site.platform.kill()
        killed = tell("kill")
        self._call("first_killed", "1001", "1003", way="local")
        if stays.ok:
            self._still_up(stays, heard_s)
        self._known("known_killed", killed)
        self._call("survival_call", "1004", "1001", mode="SURVIVAL", way="local")
        self._call("emergency", "1002", "112", mode="SURVIVAL", way="gateway")

        tell("start")
        self._return("returned", site.platform.start, meanwhile="returning_call")
        self._call("platform_again", "1004", "1002", mode="NORMAL", way="platform")

        site.host.blackhole("north")
        black = tell("blackhole")
        self._call("first_blackholed", "1003", "1001", way="local")
        self._known("known_blackholed", black)
        self._call("silent_call", "1002", "1003", mode="SURVIVAL", way="local")

        tell("mend")
        self._return("returned_again", lambda: site.host.unblackhole("north"))
        self._call("platform_last", "1001", "1004", mode="NORMAL", way="platform")

        with self._trying("records") as tried:
            self._match_records()
            self.status = site.status()
            tried.mode = str(self.status["mode"])

    # ---- one thing tried

    @contextlib.contextmanager
    def _trying(self, name: str, caller: str | None = None, callee: str | None = None) -> Iterator[Tried]:
        tried = Tried(name, self.timeline.now_s(), caller, callee)
        self.tried.append(tried)
        with self._again(tried):
            yield tried

    @contextlib.contextmanager
    def _again(self, tried: Tried) -> Iterator[None]:
        """A fault of the rig or of what is shown is written to `tried`; the story goes on."""
        try:
            yield
        except (NetError, PhoneError, PlatformError, SiteError, OSError) as error:
            self._fault(tried, str(error))
            for phone in self._phones.values():
                with contextlib.suppress(PhoneError, OSError):
                    phone.hang_up()

    def _fault(self, tried: Tried, why: str) -> None:
        tried.why = tried.why or why
        self.timeline.tell("fault", why)

    def _call(self, name: str, caller: str, callee: str, *, mode: str | None = None, way: str | None = None) -> None:
        """One call with sound, then hung up; `mode` and `way` are what they should be, None: either is well."""
        with self._trying(name, caller, callee) as tried:
            before = self._invites() if way == "platform" else 0
            self._connect(tried)
            self._await_sound(tried)
            if mode is not None:  # a probe that came late is a moment of SUSPECT
                with contextlib.suppress(PhoneError):
                    self._until(lambda: self._mode() == mode, MODE_S, "another mode")
            tried.mode = self._mode()
            self.timeline.tell("sound", first=seconds(tried.first_s))
            self._hang_up(tried)
            tried.way = way  # which by the unit's own its record is to bear out
            if way == "platform" and self._invites() == before:
                self._fault(tried, "the platform saw nothing of it")
            if mode is not None and tried.mode != mode:
                self._fault(tried, f"the unit said {tried.mode}, {mode} expected")

    def _still_up(self, tried: Tried, heard_s: Mapping[str, float]) -> None:
        """A call that was up is still heard, beyond `heard_s`, and can be hung up."""
        with self._again(tried):
            self._await_sound(tried, heard_s)
            tried.mode = self._mode()
            self.timeline.tell("stayed", caller=tried.caller, callee=tried.callee)
            self._hang_up(tried)

    def _connect(self, tried: Tried) -> None:
        caller, callee = (self._phones[name] for name in tried.pair)
        for phone in (caller, callee):
            with contextlib.suppress(PhoneError):
                self._heard_before[phone.account.extension] = phone.heard()
        began = time.monotonic()
        self.timeline.tell("call", caller=tried.caller, callee=tried.callee)
        caller.dial(callee.account.extension)
        seen = caller.wait_established(CALL_S)
        assert seen.dialled_at is not None
        tried.first_s = (seen.ringing_at or seen.established_at or 0.0) - seen.dialled_at
        self._until(lambda: (callee.call.established_at or 0) > began, CALL_S, f"{tried.callee} did not answer")

    def _await_sound(self, tried: Tried, before_s: Mapping[str, float] | None = None) -> None:
        """Until either phone has heard the other long enough, beyond what it had heard before."""
        before_s = before_s or {}

        def both() -> bool:
            heard_s = self._heard_s(tried)
            tried.heard = {name: heard - before_s.get(name, 0) >= HELD_S for name, heard in heard_s.items()}
            return all(tried.heard.values())

        self._until(both, SOUND_S, "no sound", lambda: f": heard {tried.heard}")

    def _heard_s(self, tried: Tried) -> dict[str, float]:
        """How long each of the two has heard the other's tone in this call."""
        heard_s = {}
        for name, other in (tried.pair, tried.pair[::-1]):
            heard_s[name] = 0.0
            with contextlib.suppress(PhoneError):
                recording = self._phones[name].heard()
                if recording != self._heard_before.get(name):
                    heard_s[name] = seconds_of(recording, self._phones[other].tone_hz)
        return heard_s

    def _hang_up(self, tried: Tried) -> None:
        self._phones[tried.pair[0]].hang_up()
        for name in tried.pair:
            self._phones[name].wait_closed(CALL_S)

    def _known(self, name: str, fault: Moment) -> None:
        """How long the unit took to know of a fault."""
        with self._trying(name) as tried:
            tried.first_s = self._await_mode("SURVIVAL", fault.at_s, KNOWN_S)
            tried.mode = self._mode()

    def _return(self, name: str, mend: Callable[[], None], meanwhile: str = "") -> None:
        """Until the platform is master of every phone; `meanwhile` names a call on the way there."""
        with self._trying(name) as tried:
            mend()
            self._await_mode("RETURNING", tried.began_s, RETURN_S)
            if meanwhile:
                self._call(meanwhile, "1003", "1002")
            if self.timeline.reached("NORMAL", tried.began_s) is None:
                self.timeline.tell("wait")
            tried.first_s = self._await_mode("NORMAL", tried.began_s, RETURN_S)
            tried.mode = self._mode()

    def _match_records(self) -> None:
        """Each call that the unit carried itself has one record, by the way it should have gone, and there is no other.

        Calls by the platform are the platform's to record.
        """
        calls = [
            tried for tried in self.tried if tried.callee and tried.way != "platform" and tried.name != "call_stays"
        ]
        expected = sum(tried.ok and tried.way is not None for tried in calls)
        left: list[Record] = []

        def written() -> bool:
            with contextlib.closing(self._site.journal()) as journal:
                left[:] = sorted(journal.records(100), key=lambda record: record.began_at)
            return sum(record.ended_at is not None for record in left) >= expected

        with contextlib.suppress(PhoneError):  # what is missing is told call by call
            self._until(written, RECORDS_S, "no records")
        for tried in calls:
            found = next((record for record in left if (record.caller, record.callee) == tried.pair), None)
            should, tried.way = tried.way, found.way.value if found else None
            if found is not None:
                left.remove(found)
                if tried.ok and (found.outcome != "answered" or should not in (None, found.way)):
                    self._fault(tried, f"recorded as {found.way}, {found.outcome}")
            elif tried.ok and should is None:
                tried.way = "platform"
            elif tried.ok:
                self._fault(tried, "no record of it")
        if left:
            raise SiteError(f"{len(left)} records too many, as of {left[0].caller} to {left[0].callee}")

    # ---- what all of it stands on

    def _build(self, net: Net) -> None:
        self._site = site = Site(net, users=numbers(1001, 4), configuration=CONFIGURATION)
        site.start()
        site.wait(lambda: self._mode() == "NORMAL", START_S, "NORMAL by the unit's own word")
        self.timeline.tell("serving")
        own = [Account(extension, secret, REALM, PROXY) for extension, secret in site.users.items()]
        own[1], own[3] = replace(own[1], transport="tcp"), replace(own[3], transport="tcp")
        alarm = Account("112", "", REALM, PROXY, register_s=0)
        kinds: list[Callable[..., Phone]] = [Baresip, Baresip, Linphone, Linphone, Baresip]
        places = zip(PHONES, [*own, alarm], kinds, strict=True)
        for (ip, tone_hz), account, kind in places:
            host = net.host(f"phone{account.extension}")
            site.switch.join(host, "eth0", f"{ip}/24")
            self._phones[account.extension] = phone = kind(host, ip, account, tone_hz)
            phone.start()

    def _listen(self, over: threading.Event) -> None:
        """What edge and unit tell in their logs, until it is over."""
        tails = [Tail(self._site.host.directory / f"{name}.log") for name in ("edge", "unit", "calls")]
        while not over.wait(POLL_S):
            for tail in tails:
                for event in filter(None, map(parse, tail.lines())):
                    details = {key: value for key, value in event.items() if key != "kind"}
                    if event["kind"] in TOLD_BY_UNIT:
                        self.timeline.tell(event["kind"], **details)

    def _await_mode(self, mode: str, since_s: float, timeout_s: float) -> float:
        """How long after `since_s` the unit told of the mode."""
        self._until(lambda: self.timeline.reached(mode, since_s), timeout_s, f"the unit did not come to {mode}")
        reached = self.timeline.reached(mode, since_s)
        assert reached is not None
        return reached.at_s - since_s

    def _mode(self) -> str:
        return str(self._site.status()["mode"])

    def _invites(self) -> int:
        assert isinstance(self._site.platform, KamailioPlatform)
        return self._site.platform.seen().get("INVITE", 0)

    @staticmethod
    def _until(reached: Callable[[], object], timeout_s: float, what: str, more: Callable[[], str] = str) -> None:
        deadline = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > deadline:
                raise PhoneError(f"{what} within {timeout_s:g} s{more()}")
            time.sleep(POLL_S)


# ---- how it is shown


def lines(tried: list[Tried], paint: Paint) -> list[str]:
    """The table, two lines a row: Swedish, English."""
    shown = [
        paint.bold(_row("Prövat", "tid", "ljud", "växeln sade")),
        paint.bold(_row("Tried", "time", "sound", "the unit said")),
    ]
    for each in tried:
        swedish, english = TRIED[each.name]
        pair = f"{each.caller}→{each.callee}" if each.callee else ""
        said = ", ".join(filter(None, (each.mode, each.way)))
        sound = SOUND[sum(each.heard.values())] if each.heard else (NO_VALUE, "")
        word = paint.word("ok" if each.ok else "fail")
        shown.append(_row(swedish, seconds(each.first_s), sound[0], said, word))
        shown.append(_row(english, pair, sound[1], ""))
        shown += wrapped(each.why)
    return shown


def seconds(value: float | None) -> str:
    """Under a second in ms."""
    if value is None:
        return NO_VALUE
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def wrapped(why: str) -> list[str]:
    """The end of what was said, which is nearest to why, under what it is the reason of."""
    last = next((line for line in reversed(why.splitlines()) if line.strip()), "")
    indent = " " * (WORD_WIDTH + 1)
    return textwrap.wrap(last, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _row(name: str, time_text: str, sound: str, said: str, word: str = " " * WORD_WIDTH) -> str:
    return f"{word} {name:<{NAME_WIDTH}} {time_text:>{TIME_WIDTH}}  {sound:<{SOUND_WIDTH}}{said}".rstrip()


def _verdict(passed: bool, took_s: float) -> str:
    if passed:
        return f"Allt var som det skulle. / All was as it should be.  {took_s:.0f} s"
    return f"Något var inte som det skulle. / Something was not as it should be.  {took_s:.0f} s"


def _document(out: Output, passed: bool, took_s: float, demo: Demo) -> None:
    problems = [
        {
            "id": None,
            "severity": "fail",
            "area": "demo",
            "observed": each.why,
            "expected": TRIED[each.name][1],
            "effect": None,
            "fix": None,
            "since": None,
        }
        for each in demo.tried
        if not each.ok
    ]
    out.document(
        "passed" if passed else "failed",
        problems,
        took_s=round(took_s, 3),
        tried=[_as_object(each) for each in demo.tried],
        timeline=[
            {"at_s": round(each.at_s, 3), "event": each.event, "sv": each.words[0], "en": each.words[1], **each.details}
            for each in demo.timeline.moments
        ],
        unit=demo.status,
    )


def _as_object(tried: Tried) -> dict[str, Any]:
    swedish, english = TRIED[tried.name]
    first_s = None if tried.first_s is None else round(tried.first_s, 3)
    times = {"began_s": round(tried.began_s, 3), "first_s": first_s}
    return {**asdict(tried), **times, "sv": swedish, "en": english, "ok": tried.ok}
