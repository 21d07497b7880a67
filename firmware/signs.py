"""Signs of the platform's life, and what they mean.

Theory. Three kinds of evidence, none of which is enough alone. *Probes* (OPTIONS each second, by the edge's dispatcher)
always speak, but a sick platform may answer them, and a living one may refuse or lose them. *Calls* (all requests that
went to the platform) are what it is about, but may be silent for hours. The link's *carrier* tells only of the first
metre of the line. So:

- Calls beat probes. Probes lost while calls are answered are a doubt, and so are calls that go unanswered while probes
  are answered; only a longer row of such calls, with not one answered among them, is a death.
- Silence of both, three probes long, is death; unless this very line has cried wolf: then it is given longer. Two are
  not enough: a platform that pauses for two seconds loses two. Nobody waits for the third: after two the edge puts the
  node aside by itself.
- A 100 is an answer, but no call. Calls that get a 100 and nothing more (`stalled`), a row of them with none carried
  among them, are a death too: a proxy lives, what is behind it does not.
- Calls to numbers outside may fail alone: then the platform's trunk is gone, and the platform is not.
- A platform that is not probed is judged by its requests alone: by a row that goes unanswered, by any that is answered.
- A node that the edge has put aside gets no more calls that could speak for it. Then its probes decide: those lost are
  counted, so that one answered in between is known, and a node put aside for calls alone may prove itself.
- What is not known is never taken for good.

``observe`` adds one sample to what is remembered, ``judge`` says what it means. Pure; time is monotonic seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

__all__ = [
    "PROBE_S",
    "Cause",
    "Judgement",
    "Memory",
    "NodeSign",
    "Path",
    "Reason",
    "Signs",
    "Verdict",
    "judge",
    "left",
    "node_signs",
    "nodes_of",
    "observe",
    "other",
    "steady",
    "trunk_gone",
]

PROBE_S = 1.0
"""The edge probes each node this often."""
DEAD_PROBES = 3
"""So many probes lost in a row are silence, on a line that has not cried wolf; a pause of 2 s loses two."""
LEFT_PROBES = 2
"""The same where the platform answers by its other path all the while: then it is this way that is gone. A platform
that pauses loses its probes by both."""
HEARD_S = 1.2
"""Where no more probes were lost for so long after a lost one, one was answered: PROBE_S and what timers stray."""
ANSWER_TRUST_S = 2.2
"""An answered call excuses lost probes for so long. With a sample's delay it still delays no death beyond 3 s."""
ASKED_BEFORE_S = 6.0
"""A request sent before a death times out so much later at the most (`first_response_max_ms` and a sample)."""
DOUBT_S = 30.0
"""A call that went unanswered while probes were answered is a doubt for so long."""
SICK_CALLS = 5
SICK_S = 10.0
"""So many calls in a row, over at least so long, with none answered: dead, whatever the probes say."""
STALLED_CALLS = 3
STALLED_S = 10.0
"""So many calls in a row, over at least so long, that got a 100 and nothing more, none being carried: dead."""
UNPROBED_CALLS = 3
UNPROBED_S = 4.0
"""The same of unanswered requests to a platform that is not probed: more than a pause of 2 s makes."""
TRUNK_CALLS = 3
"""So many calls to numbers outside in a row that the platform could not carry: its trunk is gone."""
TRUNK_MEMORY_S = 3600.0
"""What is not tried again for so long is not known any more."""
WOBBLE_MEMORY_S = 300.0
WOBBLES_MAX = 9
"""Each time of lost probes that passed by itself in WOBBLE_MEMORY_S, but for the first, buys the next a probe more."""
REFUSAL_MARGIN_S = 2.0
"""A node that loses no probe serves again after `good_probes` of them; if not so long after that, it refuses."""


class Path(StrEnum):
    """By which way the platform is reached."""

    LINE = "line"
    DATA = "data"


class Verdict(StrEnum):
    """What the signs of one moment amount to."""

    GOOD = "good"
    BETTER = "better"  # good, by the mobile data; and the line, which is preferred, has been good for long enough
    OTHER = "other"  # dead by this path, and good by the other one
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"
    DEAD = "dead"


class Cause(StrEnum):
    """What an outage comes from. UNKNOWN where the signs cannot tell a dead platform from a line cut further out."""

    PLATFORM = "platform"
    PLATFORM_TRUNK = "platform_trunk"
    LINE = "line"
    UNIT = "unit"
    MAINS = "mains"
    DRILL = "drill"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """What was seen."""

    SERVING = "serving"  # a node answers
    LINE_BACK = "line_back"  # the line serves again while data carries
    LINE_LOST = "line_lost"  # the line is dead, and data carries
    NOT_PROBED = "not_probed"  # no probe has been answered or lost yet
    PROBES_LOST = "probes_lost"  # probes are lost, and it is too soon, or calls are answered all the same
    CALLS_UNANSWERED = "calls_unanswered"  # probes are answered, calls are not
    CALLS_STALLED = "calls_stalled"  # calls get a 100 and nothing more
    SILENT = "silent"  # no node answers
    REFUSING = "refusing"  # nodes answer that they do not serve
    NO_CARRIER = "no_carrier"
    NO_PLATFORM = "no_platform"  # none is configured
    DRILL = "drill"


@dataclass(frozen=True)
class NodeSign:
    """One node of the platform as the dispatcher sees it."""

    uri: str
    serving: bool | None  # False after two lost probes in a row or two unanswered calls; None before the first probe
    probe_ms: float | None = None  # smoothed time of a probe; None when none was answered
    path: Path = Path.LINE
    trying: bool = False  # still serving, but its last probe was lost
    lost: int | None = None  # probes left without answer since the edge began; None: not counted


@dataclass(frozen=True)
class Signs:
    """All that is seen at one moment. Counters are the edge's, and begin anew when the edge does."""

    now_s: float  # monotonic
    nodes: tuple[NodeSign, ...]  # empty: no platform is configured
    answered: int = 0  # requests to the platform that got any response
    unanswered: int = 0  # those that got none in time
    diverted: int = 0  # calls taken over because of that
    carrier: bool | None = None  # of the line's interface; None: not watched
    drill: bool = False
    confirmed: int | None = None  # extensions whose registration the platform has confirmed in this epoch
    registered: int | None = None  # extensions registered here
    calls_up: int | None = None  # that the unit decided and that have not ended; None: not known
    local_min: int | None = None  # minutes since local midnight; None: the clock is not set
    held_back: bool = False  # no registration may go north now
    stalled: int = 0  # calls diverted after a bare 100
    carried: int = 0  # calls that got more than a 100 and a challenge: it rings, is answered, busy, not there
    outside_failed: int = 0  # calls to numbers outside that the platform could not carry
    outside_carried: int = 0  # and those that it did
    probed: bool = True  # False: the platform is asked nothing but what phones ask


@dataclass(frozen=True)
class Tally:
    """Probes of one node."""

    lost: int  # since the edge began
    row: int  # lost in a row
    grew_s: float  # when the last was lost, or counting began


@dataclass(frozen=True)
class Memory:
    """What is remembered from one sample to the next, of the path in use. Bounded."""

    signs: Signs | None = None
    answered_s: float | None = None  # when a request was last seen answered
    unanswered_s: float | None = None  # the last, and
    unanswered_first_s: float | None = None  # the first of the row that nothing answered has ended,
    unanswered_row: int = 0  # and how many they are
    stalled_s: float | None = None  # the same three of stalled calls, with none carried among them
    stalled_first_s: float | None = None
    stalled_row: int = 0
    trunk_row: int = 0  # calls to numbers outside that failed in a row,
    trunk_s: float | None = None  # and when the last did
    down_s: float | None = None  # since when no node serves
    tallies: Mapping[str, Tally] = field(default_factory=dict)  # by URI, of nodes whose lost probes are counted
    shaky_since_s: float | None = None  # since when probes are lost without anybody being declared dead for it
    dead: bool = False  # somebody was; set from outside, ended by a node that serves
    died_s: float | None = None  # when that was last known
    wobbles: tuple[float, ...] = ()  # when a time of lost probes passed by itself


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reason: Reason
    cause: Cause | None = None


def other(path: Path) -> Path:
    """The path that this one is not."""
    return Path.DATA if path is Path.LINE else Path.LINE


def nodes_of(path: Path, signs: Signs) -> tuple[NodeSign, ...]:
    """The nodes reached by that path."""
    return tuple(node for node in signs.nodes if node.path is path)


def steady(path: Path, signs: Signs) -> bool:
    """A node of that path serves and has not just lost a probe."""
    if path is Path.LINE and signs.carrier is False:
        return False
    return any(node.serving and not node.trying for node in nodes_of(path, signs))


def observe(memory: Memory, signs: Signs, path: Path) -> Memory:
    """`memory` with one more sample in it."""
    now, before = signs.now_s, memory.signs
    # A counter that went back is an edge that began anew: nothing is known of the time between.
    answered, unanswered, stalled, carried, outside_failed, outside_carried = (
        max(0, getattr(signs, name) - getattr(before, name)) if before is not None else 0 for name in _COUNTERS
    )
    nodes = nodes_of(path, signs)
    tallies = {
        node.uri: _count(memory.tallies.get(node.uri), node, node.lost, now, answered > 0)
        for node in nodes
        if node.lost is not None
    }
    # A loss seen only when the next probe has been answered already is a loss all the same.
    missed = bool(tallies) and all(
        uri in memory.tallies and tally.lost > memory.tallies[uri].lost for uri, tally in tallies.items()
    )
    memory = replace(memory, signs=signs, tallies=tallies)
    if answered:
        memory = replace(memory, answered_s=now, unanswered_s=None, unanswered_first_s=None, unanswered_row=0)
        if not signs.probed:
            memory = replace(memory, dead=False)
    elif unanswered and not _asked_before_death(memory, signs, path):
        first = now if memory.unanswered_first_s is None else memory.unanswered_first_s
        row = memory.unanswered_row + unanswered
        memory = replace(memory, unanswered_s=now, unanswered_first_s=first, unanswered_row=row)
    if carried:
        memory = replace(memory, stalled_s=None, stalled_first_s=None, stalled_row=0)
    elif stalled and not memory.dead:
        first = now if memory.stalled_first_s is None else memory.stalled_first_s
        memory = replace(memory, stalled_s=now, stalled_first_s=first, stalled_row=memory.stalled_row + stalled)
    if outside_carried:
        memory = replace(memory, trunk_row=0, trunk_s=None)
    elif outside_failed:
        memory = replace(memory, trunk_row=memory.trunk_row + outside_failed, trunk_s=now)
    if steady(path, signs):
        wobbles = tuple(at for at in memory.wobbles if now - at < WOBBLE_MEMORY_S)
        if (missed or memory.shaky_since_s is not None) and not memory.dead:
            wobbles = (*wobbles, now)[-WOBBLES_MAX:]
        return replace(memory, down_s=None, shaky_since_s=None, dead=False, wobbles=wobbles)
    if memory.shaky_since_s is None and any(node.trying or node.serving is False for node in nodes):
        memory = replace(memory, shaky_since_s=now)
    if not _none_serves(nodes):
        return replace(memory, down_s=None)
    memory = replace(memory, down_s=now if memory.down_s is None else memory.down_s)
    if _lost_in_a_row(memory, nodes) >= DEAD_PROBES:
        # The silence explains the calls before it: they are no sign of a platform that answers probes only.
        memory = replace(memory, unanswered_s=None, unanswered_first_s=None, unanswered_row=0)
    return memory


def _asked_before_death(memory: Memory, signs: Signs, path: Path) -> bool:
    """What went unanswered was sent before the death that is known, or that had been known only just before."""
    if not signs.probed:
        return False
    if memory.died_s is not None and signs.now_s - memory.died_s < ASKED_BEFORE_S:
        return True
    return memory.dead and not steady(path, signs)


def judge(memory: Memory, path: Path, good_probes: int) -> Judgement:
    """What the last sample in `memory` means, given those before it."""
    signs = memory.signs
    if signs is None:
        return Judgement(Verdict.UNKNOWN, Reason.NOT_PROBED)
    if not signs.nodes:
        return Judgement(Verdict.DEAD, Reason.NO_PLATFORM, Cause.UNIT)
    if signs.drill:
        return Judgement(Verdict.DEAD, Reason.DRILL, Cause.DRILL)
    if path is Path.LINE and signs.carrier is False:
        return Judgement(Verdict.DEAD, Reason.NO_CARRIER, Cause.LINE)

    now, nodes = signs.now_s, nodes_of(path, signs)
    if memory.stalled_s is not None and now - memory.stalled_s < DOUBT_S:
        first = memory.stalled_first_s
        if memory.stalled_row >= STALLED_CALLS and first is not None and now - first >= STALLED_S:
            return Judgement(Verdict.DEAD, Reason.CALLS_STALLED, Cause.PLATFORM)
        if steady(path, signs) or not signs.probed:
            return Judgement(Verdict.DOUBTFUL, Reason.CALLS_STALLED)
    if not signs.probed:
        return _judge_unprobed(memory, now)
    if memory.unanswered_s is not None and now - memory.unanswered_s < DOUBT_S:
        first = memory.unanswered_first_s
        if memory.unanswered_row >= SICK_CALLS and first is not None and now - first >= SICK_S:
            return Judgement(Verdict.DEAD, Reason.CALLS_UNANSWERED, Cause.PLATFORM)
        if steady(path, signs):
            return Judgement(Verdict.DOUBTFUL, Reason.CALLS_UNANSWERED)
    if steady(path, signs):
        return Judgement(Verdict.GOOD, Reason.SERVING)

    if _none_serves(nodes):
        if memory.answered_s is not None and now - memory.answered_s < ANSWER_TRUST_S:
            return Judgement(Verdict.DOUBTFUL, Reason.PROBES_LOST)
        row = _lost_in_a_row(memory, nodes)
        if row >= DEAD_PROBES + max(0, len(memory.wobbles) - 1):
            return Judgement(Verdict.DEAD, Reason.SILENT, _cause_of_silence(path, signs))
        if now - _last_lost_s(memory) >= good_probes * PROBE_S + REFUSAL_MARGIN_S:
            return Judgement(Verdict.DEAD, Reason.REFUSING, Cause.PLATFORM)
        return Judgement(Verdict.DOUBTFUL, Reason.PROBES_LOST if row else Reason.CALLS_UNANSWERED)
    if any(node.trying or node.serving is False for node in nodes):
        return Judgement(Verdict.DOUBTFUL, Reason.PROBES_LOST)
    return Judgement(Verdict.UNKNOWN, Reason.NOT_PROBED)


def left(memory: Memory, path: Path) -> bool:
    """No node answers by that path, and the platform does by the other one."""
    signs = memory.signs
    if signs is None or signs.drill or not signs.probed or not steady(other(path), signs):
        return False
    if path is Path.LINE and signs.carrier is False:
        return True
    nodes = nodes_of(path, signs)
    return bool(nodes) and _none_serves(nodes) and _lost_in_a_row(memory, nodes) >= LEFT_PROBES


def trunk_gone(memory: Memory) -> bool:
    """The platform lives, and cannot carry calls to numbers outside, as far as is known."""
    if memory.signs is None or memory.trunk_s is None or memory.dead:
        return False
    return memory.trunk_row >= TRUNK_CALLS and memory.signs.now_s - memory.trunk_s < TRUNK_MEMORY_S


def _judge_unprobed(memory: Memory, now: float) -> Judgement:
    if memory.unanswered_row:
        first = memory.unanswered_first_s
        if memory.dead or (memory.unanswered_row >= UNPROBED_CALLS and first is not None and now - first >= UNPROBED_S):
            return Judgement(Verdict.DEAD, Reason.SILENT, Cause.UNKNOWN)
        return Judgement(Verdict.DOUBTFUL, Reason.CALLS_UNANSWERED)
    if memory.answered_s is None:
        return Judgement(Verdict.UNKNOWN, Reason.NOT_PROBED)
    return Judgement(Verdict.GOOD, Reason.SERVING)


_COUNTERS = ("answered", "unanswered", "stalled", "carried", "outside_failed", "outside_carried")


def node_signs(answer: object, paths: Mapping[int, Path]) -> tuple[NodeSign, ...]:
    """Reads Kamailio's answer to `dispatcher.list`; `paths` says which of its sets is which way, others are left out.

    Anything in it that is not as expected is left out, or None.
    """
    nodes = []
    for record in _list(_dict(answer).get("RECORDS")):
        group = _dict(_dict(record).get("SET"))
        path = paths.get(group.get("ID", -1))
        for target in _list(group.get("TARGETS")) if path is not None else ():
            node = _dict(_dict(target).get("DEST"))
            if isinstance(node.get("URI"), str):
                nodes.append(_node_sign(node, path or Path.LINE))
    return tuple(sorted(nodes, key=lambda node: (node.path is Path.DATA, node.uri)))


def _node_sign(node: dict[str, Any], path: Path) -> NodeSign:
    # First letter: A active, T trying, I inactive, D disabled. Second: P probed, X not probed (dispatcher, RPC list).
    flags = str(node.get("FLAGS", ""))
    serving = _SERVING.get(flags[:1]) if flags[1:2] == "P" or flags[:1] != "A" else None
    latency = _dict(node.get("LATENCY"))
    ever, smoothed, lost = latency.get("MAX"), latency.get("EST"), latency.get("TIMEOUT")
    return NodeSign(
        uri=node["URI"],
        serving=serving,
        probe_ms=float(smoothed) if isinstance(smoothed, int | float) and ever else None,
        path=path,
        trying=flags[:1] == "T",
        lost=lost if isinstance(lost, int) else None,
    )


_SERVING = {"A": True, "T": True, "I": False, "D": False}


def _none_serves(nodes: tuple[NodeSign, ...]) -> bool:
    return all(node.serving is False for node in nodes)


def _count(before: Tally | None, node: NodeSign, lost: int, now: float, answered: bool) -> Tally:
    if before is None:
        return Tally(lost, 0, now)
    # A counter that went back is an edge that began anew, at nothing.
    grown = lost - before.lost if lost >= before.lost else lost
    grew_s = now if grown else before.grew_s
    heard = answered or now - grew_s >= HEARD_S or (node.serving is True and not node.trying)
    return Tally(lost, 0 if heard else before.row + grown, grew_s)


def _lost_in_a_row(memory: Memory, nodes: tuple[NodeSign, ...]) -> int:
    """By every one of these nodes at least, of which none serves."""
    now = memory.signs.now_s if memory.signs is not None else 0.0
    down_s = now if memory.down_s is None else memory.down_s
    uncounted = DEAD_PROBES + int((now - down_s) / PROBE_S)
    rows = [memory.tallies[node.uri].row if node.uri in memory.tallies else uncounted for node in nodes]
    return min(rows, default=uncounted)


def _last_lost_s(memory: Memory) -> float:
    """When a probe was last lost, or the last node put aside."""
    return max([memory.down_s or 0.0, *(tally.grew_s for tally in memory.tallies.values())])


def _cause_of_silence(path: Path, signs: Signs) -> Cause:
    nodes = nodes_of(other(path), signs)
    if nodes and _none_serves(nodes) and signs.carrier is not False:
        return Cause.PLATFORM
    if path is Path.LINE and steady(Path.DATA, signs):
        return Cause.LINE
    return Cause.UNKNOWN


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
