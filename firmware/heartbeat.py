"""What the process `heart` knows and says, without IO: signs of kernel and edge in, a heartbeat out; telemetry of the
microcontroller in, lines for those who listen out; their questions in, orders out.

Of the unit's software nothing counts but the kernel and Kamailio: a unit whose Python is dead keeps its power."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from drivers.codec import mcuwords as words
from drivers.codec.mcutalk import Answer, Entry, Hello, Order, Talk, Telemetry

__all__ = ["EDGE_DEAD_S", "LINE_MAX", "Edge", "Heartbeat", "Refused", "order_of", "statistics"]

EDGE_DEAD_S = 8.0
"""An edge whose process lives and that has not answered for so long is dead."""
CALL_LASTS_S = 4 * 3600.0
"""As long as the edge lets a call last: without an INVITE in that time none can be up."""
SILENT_S = 3.0
"""Telemetry comes ten times a second; without any for so long the microcontroller is silent."""
TELL_EVERY_S = 1.0
"""Those who listen are told so often, and of each change that matters at once."""
LINE_MAX = 1024
"""Bytes of a question."""
ASKED_MAX = 16
WITHIN_S = (10, 600)

ACTIVE, INVITES = "active_dialogs", "rcv_requests_invite"
"""Statistics of Kamailio: its modules `dialog` and `core` have them."""
_STATISTIC = re.compile(r"[a-z_]{1,40}:([a-z_]{1,60}) = ([0-9]{1,18})")


def statistics(result: object) -> dict[str, int]:
    """Of Kamailio's answer to stats.get_statistics; what is not one is left out."""
    lines = result if isinstance(result, list) else []
    found = (_STATISTIC.fullmatch(line) for line in lines[:10] if isinstance(line, str))
    return {one[1]: int(one[2]) for one in found if one}


class Edge:
    """Kamailio, by its process and its control socket."""

    def __init__(self, now: float) -> None:
        self._answered_at: float | None = None
        self._process: bool | None = None
        self._active: int | None = None
        self._invites: int | None = None
        self._quiet_since = now

    def process(self, there: bool) -> None:
        """Whether it lives, by the kernel."""
        self._process = there

    def answered(self, found: dict[str, int], now: float) -> None:
        """Its control socket did, with these statistics."""
        self._answered_at = now
        self._active = found.get(ACTIVE)
        invites = found.get(INVITES)
        if invites is None or invites != self._invites:
            self._quiet_since = now
        self._invites = invites

    def state(self, now: float) -> int:
        """EDGE_ALIVE, EDGE_DEAD, or EDGE_UNKNOWN where it was never met: it may live where nobody looks."""
        if self._answered_at is None:
            return words.EDGE_UNKNOWN
        if self._process is False or now - self._answered_at >= EDGE_DEAD_S:
            return words.EDGE_DEAD
        return words.EDGE_ALIVE

    def calls(self, now: float) -> int | None:
        """Those that are up; None where not known: the edge follows to their end only those to 112 and by a gateway."""
        if self.state(now) != words.EDGE_ALIVE:
            return None
        if self._active:
            return self._active
        return 0 if self._active == 0 and now - self._quiet_since >= CALL_LASTS_S else None


class Refused(Exception):
    """A question that cannot be; its text says why."""


def order_of(asked: object) -> Order:
    """What somebody asks for, as an order to the microcontroller. Raises Refused."""
    if not isinstance(asked, dict):
        raise Refused("not an object")
    match asked.get("do"):
        case "halt":
            return Order(words.HALT, (_whole(asked, "within_s", *WITHIN_S),))
        case "cancel":
            return Order(words.CANCEL)
        case "log":
            return Order(words.READ_LOG, (_whole(asked, "first", 0, 0xFFFFFFFF),))
        case "begin":
            sha = _bytes(asked, "sha256", words.SHA_BYTES)
            if len(sha) != words.SHA_BYTES:
                raise Refused("sha256: too short")
            return Order(words.BEGIN, (_whole(asked, "size", 1, 1 << 18), _whole(asked, "version", 0, 0xFFFF), sha))
        case "chunk":
            return Order(words.CHUNK, (_whole(asked, "at", 0, 1 << 18), _bytes(asked, "data", words.CHUNK_MAX)))
        case "end":
            return Order(words.END)
    raise Refused("do: halt, cancel, log, begin, chunk or end")


@dataclass(frozen=True, slots=True)
class Said:
    """A line for one who listens, or (None) for all."""

    to: int | None
    line: bytes


class Heartbeat:
    """Whoever listens is a number. `talk` is None while there is no port; `trouble` says why."""

    def __init__(self) -> None:
        self.talk: Talk | None = None
        self.trouble = "absent"
        self._seen: Telemetry | None = None
        self._seen_at = 0.0
        self._told_at = 0.0
        self._told: object = None
        self._asked: list[tuple[Order, int, int]] = []  # order, who, the number they gave it

    def opened(self, talk: Talk) -> None:
        self.talk, self.trouble, self._seen = talk, "", None

    def lost(self, trouble: str) -> list[Said]:
        """The port; what was asked is answered."""
        self.talk, self.trouble, self._seen = None, trouble, None
        said = [_answer(who, number, "lost") for _, who, number in self._asked]
        self._asked.clear()
        return said

    def ask(self, who: int, line: bytes, now: float) -> list[Said]:
        """A question, as a line of JSON."""
        number = 0
        try:
            asked = json.loads(line)
            number = _whole(asked, "id", 0, 1 << 31) if isinstance(asked, dict) else 0
            order = order_of(asked)
            if self.talk is None:
                return [_answer(who, number, "lost")]
            if len(self._asked) >= ASKED_MAX:
                raise Refused("too many at once")
        except (Refused, ValueError, RecursionError) as error:
            return [Said(who, _line({"id": number, "error": str(error)[:100]}))]
        self._asked.append((order, who, number))
        self.talk.order(order, now)
        return []

    def heard(self, now: float) -> tuple[list[Said], bool]:
        """What the microcontroller said since; and whether it asks for a heartbeat."""
        said: list[Said] = []
        asks = False
        while self.talk is not None and (event := self.talk.next_event()) is not None:
            match event:
                case Telemetry():
                    self._seen, self._seen_at = event, now
                case Answer():
                    said += self._answered(event)
                case Entry():
                    said.append(Said(None, _line({"entry": asdict(event)})))
                case Hello():
                    pass
                case _:
                    asks = True
        return said + self.tell(now), asks

    def tell(self, now: float) -> list[Said]:
        """All who listen, when it is time or something has changed."""
        told = self._matters(now)
        if told == self._told and now - self._told_at < TELL_EVERY_S:
            return []
        self._told, self._told_at = told, now
        return [Said(None, self.snapshot(now))]

    def snapshot(self, now: float) -> bytes:
        """For who has just begun to listen, too."""
        hello = self.talk.hello if self.talk is not None else None
        return _line(
            {
                "trouble": self._trouble(now),
                "hello": asdict(hello) if hello is not None else None,
                "age_s": round(now - self._seen_at, 3) if self._seen is not None else None,
                "telemetry": asdict(self._seen) if self._seen is not None else None,
                "bad_frames": self.talk.bad if self.talk is not None else 0,
                "missed_frames": self.talk.missed if self.talk is not None else 0,
            }
        )

    def _trouble(self, now: float) -> str:
        if self.trouble or self.talk is None:
            return self.trouble
        if self._seen is None or now - self._seen_at >= SILENT_S:
            return "silent"
        return "version" if self.talk.hello is not None and self.talk.hello.protocol is None else ""

    def _matters(self, now: float) -> object:
        seen = self._seen
        at = (seen.mains, seen.state, seen.halt, seen.low, seen.warns, seen.newest) if seen is not None else None
        return self._trouble(now), at, self.talk.hello if self.talk is not None else None

    def _answered(self, answer: Answer) -> Sequence[Said]:
        for place, (order, who, number) in enumerate(self._asked):
            if order is answer.order:
                del self._asked[place]
                return [_answer(who, number, answer.word)]
        return []


def _answer(who: int, number: int, word: str) -> Said:
    return Said(who, _line({"id": number, "answer": word}))


def _line(told: dict[str, object]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _whole(asked: dict[str, object], name: str, low: int, high: int) -> int:
    value = asked.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused(f"{name}: a whole number, {low} to {high}")
    return value


def _bytes(asked: dict[str, object], name: str, most: int) -> bytes:
    value = asked.get(name)
    if not isinstance(value, str) or len(value) > 2 * most or not re.fullmatch(r"([0-9a-f]{2})*", value):
        raise Refused(f"{name}: up to {most} bytes in hex")
    return bytes.fromhex(value)
