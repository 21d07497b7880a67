"""Who lives in a storm: crowds of phones by UDP and TCP, one that comes and goes, callers of every kind, strangers, a
gateway that answers 112, and two real phones that talk all the time. What they see goes into a history."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hil.heard import TOLD
from hil.history import Call, History, Phone
from hil.insisting import Insisting
from hil.invariants import BY_MODEM
from hil.net import Net, NetError
from hil.outside import Outside
from hil.people import People
from hil.phone import Account, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.hearing import Manner
from hil.phone.sipp import Answering, Dial, Placing, Sipp, User
from hil.site import PROXY, REALM, Site, password
from hil.sound import seconds_of
from hil.stormdeeds import (
    APART,
    AWAY,
    BUSY,
    CODERS,
    CROWD,
    DESK,
    EARS,
    ENDER,
    HELPER,
    JOINER,
    LATE,
    LEARNT,
    LEAVER,
    LOST,
    MAILED,
    MEET_LEAST,
    MEETING,
    MOBILES,
    MOVED,
    NOBODY,
    PARKED,
    PATIENT,
    REFERRED,
    RINGER,
    ROAMER,
    RUSH,
    SENDER,
    STANDIN,
    STREAM,
    TWIN,
    Deed,
    Do,
)
from hil.stormpart import Part
from hil.stormplan import Fault
from hil.told import crowd

__all__ = ["CREDENTIALS", "DESKS", "GATEWAY_URI", "REGISTER_S", "USERS", "Town"]

REGISTER_S = 15
OFTEN_S, SELDOM_S, ALWAYS_S = 4.0, 11.0, 1.0
"""How often phones come again; the last one between a death and its being known for certain."""
DESKS = ("1041", "1042")
PEOPLE = (AWAY, STANDIN, MOVED, LOST)
HEARERS = (*EARS, BUSY, HELPER, MAILED, *APART, *APART.values(), *CODERS, RINGER, PARKED)
EXTENSIONS = (*CROWD, *LATE, *STREAM, ROAMER, TWIN, LEARNT, PATIENT, ENDER, LEAVER, *PEOPLE, *DESKS, *HEARERS, REFERRED)
USERS = {extension: password(extension) for extension in EXTENSIONS}
CREDENTIALS = {extension: 4 if extension == LEARNT else 1 for extension in EXTENSIONS}
STRANGER = "7777"
GATEWAY = "gateway"
CODES = (Do.MEET, Do.FETCH, Do.PICK_UP)
OUT, COUNTRY = "00", "+46"
"""An outside line, and the 0 of a number within the country."""
GATEWAY_NUMBER = 20
GATEWAY_URI = f"sip:10.98.0.{GATEWAY_NUMBER}:5060"
CALLER_NUMBER, STRANGER_NUMBER, DESK_NUMBER = 21, 22, 31
CALL_PATIENCE_MS = 20_000
SOS_PATIENCE_MS = 40_000
GIVES_UP_AFTER_MS = 1_500
CALLEE_HOLDS_MS = 2_500
BURST_RATE = 20.0
BURST_TALK_S = 12.0
RUSH_EVERY_S, RUSH_AFTER_S, RUSH_TALKS_S = 0.8, 2.5, 5.0
"""Those outside talk by then, and go on."""
KEY_RECEPTION, KEY_MESSAGE, KEY_END = "2", "1", "#"
LEAVES_S = 4.0
"""How long they speak."""
TRY_S = 4.0
"""How long somebody tries to register, or to unregister."""
START_S = 20.0
UNSPOKEN = "18 G729/8000"
"""What the crowd speaks inside, and the unit does not: so it reads why its calls are refused, and codes are judged."""
EARS_NUMBER, HELPER_NUMBER, ANSWERING_NUMBER, CODING_NUMBER = 40, 41, 42, 43
RECEPTION_S, HELPER_S, PARKED_S, SENT_ON_S = 4.0, 6.0, 14.0, 20.0
"""How long they talk, at the most; the last one, where nothing comes of sending the caller on."""
RINGS_S, WAITS_S, TAKES_S = 60.0, 10.0, 6.0
"""How long a phone rings that never lifts, its caller waits, and it is tried to fetch or pick up a call."""
MANNERS = {
    BUSY: Manner(refuses="486 Busy Here"),
    HELPER: Manner(hold_s=HELPER_S),
    DESK: Manner(hold_s=RECEPTION_S),
    RINGER: Manner(ring_s=RINGS_S),
    PARKED: Manner(hold_s=PARKED_S),
    SENDER: Manner(transfers_to=HELPER, hold_s=SENT_ON_S),
    JOINER: Manner(transfers_to=HELPER, attended=True, hold_s=SENT_ON_S),
}
HEARD_SHARE = 0.6
"""So much of a long call's sound must have been heard, a busy machine allowed for."""


@dataclass(frozen=True)
class Place:
    """One sipp process that is rung."""

    label: str
    extensions: tuple[str, ...]
    number: int  # last of its address
    ring_ms: int | None = 300
    refresh_s: float = OFTEN_S
    transport: str = "udp"
    hang_up_ms: int | None = None


PLACES = {
    place.label: place
    for place in (
        Place("crowd", CROWD, 11),
        Place("late", LATE, 12, refresh_s=SELDOM_S),
        Place("stream", STREAM, 13, transport="tcp"),
        Place("roamer", (ROAMER,), 14),
        Place("twin1", (TWIN,), 15),
        Place("twin2", (TWIN,), 16, ring_ms=4000),
        Place("learnt", (LEARNT,), 17, refresh_s=ALWAYS_S),
        Place("patient", (PATIENT,), 18, ring_ms=None),
        Place("leaver", (LEAVER,), 23),
        Place("ender", (ENDER,), 19, hang_up_ms=CALLEE_HOLDS_MS),
        Place("away", (AWAY,), 24, refresh_s=SELDOM_S),
        Place("standin", (STANDIN,), 25),
        Place("moved", (MOVED,), 26, refresh_s=SELDOM_S),
        Place("lost", (LOST,), 27, refresh_s=SELDOM_S),
        Place(GATEWAY, (), GATEWAY_NUMBER),
    )
}


class Town(Part):
    """`lock` guards the history, which `poll` and the deeds fill. Without `people` nobody is ever referred, and without
    `outside` nobody is there."""

    faults = (Fault.GATEWAY_DEAD,)

    def __init__(
        self,
        net: Net,
        site: Site,
        history: History,
        lock: threading.RLock,
        people: People | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._site = site
        self._outside = outside
        self._people = people
        self._history = history
        self._lock = lock
        self._answering: dict[str, Answering] = {}
        self._placing: dict[str, tuple[Placing, int]] = {}  # by label: with the number of its calls
        self._workers = ThreadPoolExecutor(6, "town")
        self._over = threading.Event()
        self._sipps = {label: self._sipp(place.number, place.transport) for label, place in PLACES.items()}
        self._caller, self._stranger = self._sipp(CALLER_NUMBER), self._sipp(STRANGER_NUMBER)
        self._stream_caller = self._sipp(CALLER_NUMBER, "tcp")
        self._number = 0
        self._waiting: set[str] = set()  # to be switched on
        self._talk_since: float | None = None
        self._desks: list[Baresip] = []
        for number, extension in enumerate(DESKS):
            host, ip = net.host(f"desk{number}"), f"10.98.0.{DESK_NUMBER + number}"
            site.switch.join(host, "eth0", f"{ip}/24")
            account = Account(extension, USERS[extension], REALM, PROXY, ("udp", "tcp")[number])
            self._desks.append(Baresip(host, ip, account, 500 + 300 * number))
        often: dict[str, Any] = {"register_s": REGISTER_S, "refresh_s": OFTEN_S}
        # Who calls whom in another crowd each time: calls are told apart by Call-ID.
        self._ears = crowd(site, net, EARS_NUMBER, EARS, **often)
        helper = crowd(site, net, HELPER_NUMBER, (HELPER,), manners=MANNERS, **often)
        others = [extension for extension in MANNERS if extension != HELPER]
        answering = crowd(site, net, ANSWERING_NUMBER, others, manners=MANNERS, **often)
        coders = crowd(site, net, CODING_NUMBER, CODERS, rings=False)
        self._hearing = (self._ears, helper, answering, coders)
        self._coding, self._waiting_on = Insisting(coders), Insisting(self._ears)

    def start(self) -> None:
        """All phones on and registered, the long call up."""
        for desk in self._desks:
            desk.start()
        for hearing in self._hearing:
            hearing.start()
        for label in PLACES:
            self._switch_on(label)
        for label, answering in self._answering.items():
            if PLACES[label].extensions:
                answering.wait_registered(START_S)
        for desk in self._desks:
            desk.wait_registered(START_S)
        for hearing in self._hearing:
            hearing.wait_registered(START_S)
        one, other = self._desks
        one.dial(other.account.extension)
        try:
            for desk in (one, other):
                desk.wait_established(START_S)
        except PhoneError as error:
            self._history.cuts.append((time.monotonic(), f"it never came up: {error}"))
        else:
            self._talk_since = time.monotonic()

    def stop(self) -> None:
        """All off; the net takes what is left."""
        self._over.set()
        self._workers.shutdown(wait=True, cancel_futures=True)
        for placing, _ in self._placing.values():
            placing.stop()
        for answering in self._answering.values():
            answering.stop()
        for hearing in self._hearing:
            hearing.stop()
        for desk in self._desks:
            with contextlib.suppress(PhoneError, OSError):
                desk.kill()

    def do(self, deed: Deed) -> None:
        """Begin it; what comes of it is seen by `poll`."""
        match deed.do:
            case Do.STRANGER_REGISTERS:
                self._try_registering(deed.do, User(STRANGER, "guessed"))
            case Do.WRONG_KEY_REGISTERS:
                self._try_registering(deed.do, User(deed.callee, "guessed"))
            case Do.THIEF_REGISTERS:
                self._try_registering(deed.do, User(deed.callee))
            case Do.RESTART | Do.UNREGISTER | Do.UNPLUG:
                self._workers.submit(self._roam, deed)
            case Do.HEAR | Do.CHOOSE | Do.TALK | Do.LEAVE:
                self._hear(deed)
            case Do.MEET | Do.PARK | Do.FETCH | Do.RING | Do.PICK_UP:
                self._dial_code(deed)
            case Do.REFER | Do.BACK:
                if self._people is not None:
                    self._people.do(deed)
            case Do.CALL_SIM | Do.TEXT | Do.COMMAND:
                if self._outside is not None:
                    self._outside.do(deed)
            case Do.CALL_OUT:
                if self._outside is not None:
                    self._place(deed.do, ((deed.caller, OUT + deed.callee.removeprefix(COUNTRY)),), deed.hold_s)
            case _:
                self._place(deed.do, ((deed.caller, deed.callee),), deed.hold_s)

    def change(self, fault: Fault, on: bool) -> None:
        """The other gateway ends, or is there again."""
        if not on and GATEWAY not in self._answering:
            self._switch_on(GATEWAY)
        elif on and GATEWAY in self._answering:
            self._switch_off(GATEWAY)

    def burst(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Calls begun in quick succession; among them some who hear why, one who has been led on by then, a
        conference, and two outside while two others dial 112."""
        self._place(Do.CALL, pairs, 1.0)
        if self._outside is not None:
            self._workers.submit(self._rush)
        waiting, choosing, _ = APART
        for do, callee in ((Do.HEAR, waiting), (Do.HEAR, NOBODY), (Do.CHOOSE, choosing), (Do.LEAVE, MAILED)):
            self._hear(Deed(0.0, do, EARS[0], callee, BURST_TALK_S))
        for caller in CODERS[:MEET_LEAST]:
            self._dial_code(Deed(0.0, Do.MEET, caller, MEETING, BURST_TALK_S))

    def poll(self) -> None:
        """Take in what the phones have seen; switch those on again that have ended by themselves."""
        now = time.monotonic()
        for label, answering in list(self._answering.items()):
            self._take_answering(label, answering)
            if answering.over and self._answering.get(label) is answering:
                self._switch_off(label)
                self._switch_on(label)
        for label in list(self._waiting):
            self._switch_on(label)
        for label, (placing, count) in list(self._placing.items()):
            over = placing.over
            messages = placing.fresh()
            with self._lock:
                for number in range(1, count + 1):
                    own = [each for each in messages if each.call_id.partition("-")[0] == str(number)]
                    self._history.heard(f"{label}.{number}", own)
                    if over:
                        self._history.calls[f"{label}.{number}"].over_at = now
            if over:
                del self._placing[label]
        for insisting in (self._coding, self._waiting_on):
            insisting.poll(now)
        heard = [call for hearing in self._hearing for call in hearing.calls]
        with self._lock:
            self._history.heard_calls = heard
        for desk in self._desks:
            call = desk.call
            if self._talk_since is not None and call.closed_at is not None:
                with self._lock:
                    self._history.cuts.append((now, f"{desk.account.extension}: {call.reason}"))
                self._talk_since = None

    def at_the_end(self) -> None:
        """Each of the two who talk must have heard the other for most of the time. Takes seconds."""
        if self._talk_since is None:
            return
        talked_s = time.monotonic() - self._talk_since
        for ear, mouth in (self._desks, self._desks[::-1]):
            heard_s = seconds_of(ear.heard(), mouth.tone_hz)
            if heard_s < talked_s * HEARD_SHARE:
                with self._lock:
                    words = f"{ear.account.extension} heard {heard_s:.0f} of {talked_s:.0f} s"
                    self._history.cuts.append((time.monotonic(), words))

    def figures(self) -> dict[str, int]:
        """Calls of those who hear that the unit itself has answered, and codes whose callers got what they wanted."""
        up = Counter(one.label for one in self._history.heard_calls if one.up_at is not None)
        return {"told": sum(up[label] for label in TOLD), "codes": sum(up[do] for do in CODES)}

    # ---- phones

    def _sipp(self, number: int, transport: str = "udp") -> Sipp:
        return Sipp(self._site.phones, self._site.phone_ip(number), PROXY, REALM, transport=transport)

    def _switch_on(self, label: str) -> None:
        place = PLACES[label]
        users = [User(extension, USERS[extension]) for extension in place.extensions]
        options: dict[str, Any] = {"refresh_s": place.refresh_s} if users else {}
        try:
            answering = self._sipps[label].answer(users, ring_ms=place.ring_ms, hang_up_ms=place.hang_up_ms, **options)
        except PhoneError:  # its port is not free yet
            self._waiting.add(label)
            return
        self._waiting.discard(label)
        with self._lock:
            phone = Phone(label, place.extensions, tcp=place.transport == "tcp")
            self._history.switched_on(phone, time.monotonic())
        self._answering[label] = answering

    def _switch_off(self, label: str, *, unregister: bool = False) -> None:
        answering = self._answering.pop(label)
        answering.stop()
        self._take_answering(label, answering)
        with self._lock:
            self._history.switched_off(label, time.monotonic())
        if not unregister:
            return
        (extension,) = PLACES[label].extensions
        (done,) = self._sipps[label].register([User(extension, USERS[extension])], expires_s=0, timeout_s=TRY_S)
        if done.code == 200:
            with self._lock:
                self._history.switched_off(label, time.monotonic(), unregistered=True)

    def _roam(self, deed: Deed) -> None:
        label = "leaver" if deed.callee == LEAVER else "roamer"
        if label not in self._answering:
            return
        with contextlib.suppress(PhoneError, NetError):
            self._switch_off(label, unregister=deed.do is Do.UNREGISTER)
        deadline = time.monotonic() + deed.hold_s
        if not self._over.wait(max(0.0, deadline - time.monotonic())):
            self._switch_on(label)

    def _take_answering(self, label: str, answering: Answering) -> None:
        messages = answering.fresh()
        place = PLACES[label]
        with self._lock:
            self._history.heard(label, messages)
            phone = self._history.phones.get(label)
            for message in messages:
                number = message.call_id.partition("-")[0]
                if message.method != "REGISTER" or message.code != 200 or not number.isdigit() or phone is None:
                    continue
                if 0 < int(number) <= len(place.extensions):
                    phone.heard_ok(place.extensions[int(number) - 1], message.at)

    # ---- callers

    def _hear(self, deed: Deed) -> None:
        match deed.do:
            case Do.CHOOSE:
                manner = Manner(keys=KEY_RECEPTION)
            case Do.TALK:
                manner = Manner(hold_s=deed.hold_s)
            case Do.LEAVE:  # some hang up before they have pressed that it is all
                manner = Manner(keys=KEY_MESSAGE + KEY_END, between_s=LEAVES_S, speaks=True, hold_s=deed.hold_s)
            case _:
                manner = Manner()
        self._ears.dial(deed.caller, deed.callee, manner, deed.do)

    def _dial_code(self, deed: Deed) -> None:
        now, dialled = time.monotonic(), (deed.caller, deed.callee)
        match deed.do:
            case Do.MEET:
                self._coding.dial(*dialled, Manner(), deed.do, now, deed.hold_s, stays=True)
            case Do.PARK:
                self._ears.dial(*dialled, Manner(transfers_to=f"*70*{deed.slot}", hold_s=SENT_ON_S), deed.do)
            case Do.RING:
                self._waiting_on.dial(*dialled, Manner(hold_s=deed.hold_s), deed.do, now, WAITS_S)
            case _:
                self._coding.dial(*dialled, Manner(hold_s=deed.hold_s), deed.do, now, TAKES_S)

    def _rush(self) -> None:
        """By the gateway and by a modem some are outside, as soon as these are free; then two dial 112, who need both
        modems."""
        with contextlib.suppress(PhoneError, NetError):
            for mobile in MOBILES[:RUSH]:
                self.do(Deed(0.0, Do.CALL_OUT, CROWD[0], mobile, BURST_TALK_S))
                if self._over.wait(RUSH_EVERY_S):
                    return
            if not self._over.wait(RUSH_AFTER_S):
                self._place(Do.EMERGENCY_RUSH, [(caller, "112") for caller in CROWD[2:4]], RUSH_TALKS_S)

    def _place(self, do: Do, pairs: Sequence[tuple[str, str]], hold_s: float) -> None:
        self._number += 1
        label, now = f"{do} {self._number}", time.monotonic()
        sipp = self._stream_caller if do is Do.CALL_BY_TCP else self._caller
        options: dict[str, Any] = {"hold_ms": round(hold_s * 1000), "patience_ms": CALL_PATIENCE_MS}
        if do not in BY_MODEM:
            options["rtpmap"] = UNSPOKEN
        key: Callable[[str], str] = USERS.__getitem__
        match do:
            case Do.GIVE_UP:
                options["cancel_ms"] = GIVES_UP_AFTER_MS
            case Do.CALLEE_ENDS:
                options["callee_ends"] = True
            case Do.EMERGENCY | Do.EMERGENCY_STRANGER | Do.EMERGENCY_RUSH:
                options["patience_ms"] = SOS_PATIENCE_MS
            case Do.WRONG_KEY_CALLS:
                # From elsewhere: who guesses is held off by extension and address.
                sipp, key = self._stranger, _guess
            case _:
                pass
        if do in (Do.STRANGER_CALLS, Do.EMERGENCY_STRANGER):
            sipp, pairs, key = self._stranger, [(STRANGER, callee) for _, callee in pairs], _guess
        if pairs[0][0] == LEARNT:
            sipp = self._sipps["learnt"]
        dials = [Dial(User(caller, key(caller)), callee) for caller, callee in pairs]
        placing = sipp.place(dials, rate=BURST_RATE, **options)
        with self._lock:
            for number, (caller, callee) in enumerate(pairs, 1):
                at = now + (number - 1) / BURST_RATE
                tcp = sipp.transport == "tcp"
                self._history.placed(Call(f"{label}.{number}", do, caller, callee, at, hold_s, tcp))
        self._placing[label] = placing, len(dials)

    def _try_registering(self, do: Do, user: User) -> None:
        def work() -> None:
            with contextlib.suppress(PhoneError, NetError):
                (done,) = self._stranger.register([user], timeout_s=TRY_S)
                with self._lock:
                    self._history.intrusions.append((time.monotonic(), do, done.code))

        self._workers.submit(work)


def _guess(extension: str) -> str:
    return f"guess-{extension}"
