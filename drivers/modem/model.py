"""What a modem is to whoever uses one: its types, what it tells, what may go wrong, and what it can be asked for.

Numbers are as dialled or as the network told them (``+46…`` or national); nothing here judges them. Times are those of
the clock that was handed in, in seconds. Everything runs in one asyncio loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

__all__ = [
    "CALLS_MAX",
    "SAMPLE_BYTES",
    "SOUND_HZ",
    "Back",
    "CallChanged",
    "CallState",
    "ErrorKind",
    "Event",
    "Gone",
    "Health",
    "Key",
    "Modem",
    "ModemError",
    "ModemSettings",
    "Network",
    "NetworkChanged",
    "PinGuard",
    "ReportCame",
    "Sim",
    "SimChanged",
    "SimState",
    "SmsCame",
    "Sound",
    "Step",
    "TimeTold",
    "Voice",
]

CALLS_MAX = 7
"""Calls that a modem may have at once; their indexes are 1 to this (27.007 §7.18)."""
SOUND_HZ = 8000
SAMPLE_BYTES = 2
"""Signed, little-endian, one channel."""


class Voice(StrEnum):
    """Whether a telephone call can be made now; an SMS-only or a packet-only registration is NONE."""

    CS = "cs"
    """Circuit-switched, or LTE that falls back to it."""
    IMS = "ims"
    """Voice over LTE."""
    NONE = "none"
    EMERGENCY_ONLY = "emergency_only"
    UNKNOWN = "unknown"


class CallState(StrEnum):
    """27.007 §7.18 `stat`, and that a call is over."""

    DIALING = "dialing"
    ALERTING = "alerting"
    ACTIVE = "active"
    HELD = "held"
    INCOMING = "incoming"
    WAITING = "waiting"
    RELEASED = "released"


class SimState(StrEnum):
    READY = "ready"
    PIN = "pin"
    PUK = "puk"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Step(StrEnum):
    """Where on the ladder of remedies a modem stands, the lightest first."""

    FINE = "fine"
    REOPEN = "reopen"
    """The port is closed and opened."""
    RADIO = "radio"
    """`+CFUN` off and on: registers anew."""
    RESET = "reset"
    """The modem starts anew; it goes from USB and comes back."""
    POWER = "power"
    """Its port of the hub is without power for a while."""
    OTHER = "other"
    """Nothing helped: use another modem. It is tried again now and then."""


class ErrorKind(StrEnum):
    GONE = "gone"
    """There is no modem at the port now; also of what was under way when it went."""
    SILENT = "silent"
    """It did not answer in time; whether it did what was asked is not known."""
    REFUSED = "refused"
    """It answered with an error; `code` is that of +CME or +CMS ERROR where it gave one."""
    BUSY = "busy"
    """As asked, it cannot be done now: what it needs is in use."""
    INVALID = "invalid"
    """What was asked for is not fit for a modem (a letter in a number, say); nothing was written."""


class ModemError(Exception):
    """`code`: 27.007 §9.2 (+CME) or 27.005 §3.2.5 (+CMS)."""

    def __init__(self, kind: ErrorKind, code: int | None = None) -> None:
        super().__init__(kind.value if code is None else f"{kind.value} {code}")
        self.kind = kind
        self.code = code


@dataclass(frozen=True, slots=True)
class Network:
    """`operator`: MCC and MNC, five or six digits. `technology`: gsm, umts, lte, nr. `dbm`: strength of the signal.
    None: not known."""

    voice: Voice = Voice.UNKNOWN
    operator: str | None = None
    name: str | None = None
    technology: str | None = None
    roaming: bool | None = None
    dbm: int | None = None


@dataclass(frozen=True, slots=True)
class Sim:
    """`number`: the SIM's own, where it knows it. `pin_tries`: how many are left, of a locked one."""

    state: SimState = SimState.UNKNOWN
    imsi: str | None = None
    number: str | None = None
    pin_tries: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """`reason`: one word (`silent`, `unplugged`, `unregistered`, `sound`, …), "" where it is fine. `since`: when the
    step was taken. `counts`: how often each step was taken, since the start of the process."""

    step: Step = Step.FINE
    reason: str = ""
    since: float = 0.0
    counts: Mapping[Step, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A telephone call is new, or in another state, or its number became known. RELEASED comes exactly once a call,
    also when the modem goes. `cause`: Q.850, of a released call. `outgoing`: whether we made it.

    `index` may be used again by the next call."""

    index: int
    state: CallState
    number: str | None = None
    withheld: bool = False
    cause: int | None = None
    outgoing: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """The other side pressed it: one of ``0123456789*#ABCD``."""

    digit: str


@dataclass(frozen=True, slots=True)
class SmsCame:
    """`pdu`: a DELIVER with the service centre's address before it (27.005 §3.1 `<pdu>`), not looked into. It stays in
    the modem until `Modem.took_sms(place)`, and is told again after a new start, so that none is lost."""

    pdu: bytes
    place: int


@dataclass(frozen=True, slots=True)
class ReportCame:
    """`pdu`: a STATUS-REPORT with the service centre's address before it."""

    pdu: bytes


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    network: Network


@dataclass(frozen=True, slots=True)
class TimeTold:
    """By the network (NITZ). `offset_min`: local time less UTC, None where it is not told."""

    utc: datetime
    offset_min: int | None


@dataclass(frozen=True, slots=True)
class SimChanged:
    sim: Sim


@dataclass(frozen=True, slots=True)
class Gone:
    """It cannot be used until `Back`; its calls have been told as RELEASED. `reason` as in `Health`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Back:
    """It answers and has been set up; also told at the first start."""


Event: TypeAlias = CallChanged | Key | SmsCame | ReportCame | NetworkChanged | TimeTold | SimChanged | Gone | Back


class PinGuard(Protocol):
    """Remembers over restarts that a PIN was tried, so that none is tried twice. `sim`: the card's ICCID, else the
    modem's name."""

    def may_try(self, sim: str) -> bool: ...
    def trying(self, sim: str) -> None:
        """On disk before it returns. Raises OSError: then it is not tried."""
        ...

    def accepted(self, sim: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """`at_url`, `pcm_url`: as in `drivers.link`; "" where `usb_path` finds them, `pcm_url` also where there is no
    sound. `usb_path`: the modem's place, as in sysfs ("1-1.4"); "" where not known. `pin`: a secret."""

    name: str
    at_url: str = ""
    pcm_url: str = ""
    usb_path: str = ""
    pin: str = field(default="", repr=False)


class Sound(Protocol):
    """A call's sound, 16 bits. Opened and closed with the call by the driver."""

    @property
    def rate_hz(self) -> int:
        """`SOUND_HZ`, or twice that where the modem will have it so."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the modem takes sound now; it may say that it does not for a while."""
        ...

    async def read(self) -> bytes:
        """What the modem delivered since, at once or as soon as there is some, whole samples; b"" once it is closed."""
        ...

    def write(self, data: bytes) -> None:
        """Whole samples. Never waits: what the modem does not take is dropped."""
        ...


class Modem(Protocol):
    """One modem, kept: it reopens, resets and repairs itself, and tells so. Each of the coroutines raises
    :class:`ModemError`, and only that."""

    name: str

    @property
    def model(self) -> str: ...  # as it says (+CGMM); "" until it was asked
    @property
    def firmware(self) -> str: ...
    @property
    def network(self) -> Network: ...
    @property
    def sim(self) -> Sim: ...
    @property
    def health(self) -> Health: ...
    @property
    def sound(self) -> Sound | None:
        """Of the call that is up, or is being set up where the modem has the network's ringing and words; None where
        there is none, or the modem has no sound for us."""
        ...

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Called in the loop, in order; must not block, and must not raise."""
        ...

    async def start(self) -> None:
        """Begins to keep it, and returns at once; a modem that is not there is told as Gone, later as Back."""
        ...

    async def close(self) -> None:
        """Hangs up what is up, and lets go of the ports."""
        ...

    async def dial(self, number: str, *, withheld: bool | None = None) -> None:
        """Digits, ``*#``, a ``+`` first. Overtakes everything that waits for the modem. Returns when it has taken the
        order; what comes of it is told by CallChanged. Is it not answered in time (SILENT) or given up (cancelled), a
        call that comes of it all the same is hung up. `withheld`: None as the network has it, else CLIR on or off."""
        ...

    async def answer(self) -> None: ...
    async def hang_up(self) -> None:
        """Ends every call of this modem; done also where there is none."""
        ...

    async def send_key(self, key: str) -> None:
        """One of ``0123456789*#ABCD`` to the other side (+VTS)."""
        ...

    async def send_sms(self, tpdu: bytes) -> int:
        """A SUBMIT without the service centre's address (the SIM's is used); gives the message reference. SILENT: it
        may have been sent."""
        ...

    async def took_sms(self, place: int) -> None:
        """An SmsCame has been kept by us; the modem may forget it."""
        ...

    async def balance(self, code: str) -> str:
        """The answer to a USSD code (``*111#``), as text."""
        ...
