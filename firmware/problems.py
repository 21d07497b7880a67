"""What is wrong with the unit, and what to do about it, by the facts of its status alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from firmware.modes import Cause, Mode, Path, Reason
from firmware.power.problems import power_problems
from firmware.status import Problem, Severity, Status
from firmware.sync.problems import sync_problems

__all__ = ["find_problems", "with_problems"]

SUSPECT_TOLD_S = 60.0
"""A doubt about the platform that lasts so long is told as a problem."""


def with_problems(status: Status) -> Status:
    """The same with the problems that its own facts show, beside those it has."""
    return replace(status, problems=(*status.problems, *find_problems(status)))


def find_problems(status: Status) -> tuple[Problem, ...]:
    """What is wrong by the facts of `status` itself, most severe first. A cause hides what follows from it."""
    if status.edge is False:
        return (
            Problem(
                "RVX-E01",
                Severity.FAIL,
                "edge",
                observed="Kamailio does not answer",
                expected="an answer within 1 s",
                effect="no call gets through the unit",
                fix="start it by rvx run, or see in its log why it ended",
            ),
            *_pair(status),
            *power_problems(status.power),
        )
    found = [*_platform(status), *_data(status), *_trunk(status), *_phones(status), *_pair(status)]
    found += power_problems(status.power)
    found += _web(status)
    found += sync_problems(status)
    if status.lease_left_s is not None and status.lease_left_s <= 0:
        found.append(
            Problem(
                "RVX-S02",
                Severity.FAIL,
                "state",
                observed=f"nobody has vouched for the mode for {-status.lease_left_s:.0f} s",
                expected="renewed each 0.5 s",
                effect="the last mode holds until calls prove otherwise",
                fix="start the unit's processes anew; that cuts no call",
            )
        )
    if status.calls_process is False:
        found.append(
            Problem(
                "RVX-S03",
                Severity.WARN,
                "calls",
                observed="the process calls does not vouch for itself",
                expected="renewed each second",
                effect="calls go on; a platform that forgot phones hears it from them only",
                fix="start the unit's processes anew; that cuts no call",
            )
        )
    if status.gateway is False and status.trunk is None:
        found.append(
            Problem(
                "RVX-G01",
                Severity.WARN,
                "emergency",
                observed="neither a gateway nor a modem",
                expected="a way out besides the platform",
                effect="in an outage 112 is rung by mobile only",
                fix="give a gateway or a modem, or tell everybody here",
            )
        )
    return tuple(sorted(found, key=lambda problem: problem.severity is not Severity.FAIL))


def _trunk(status: Status) -> list[Problem]:
    """The way out by modem, of which 112 must be sure before the day when it is needed."""
    trunk = status.trunk
    if trunk is None:
        return []
    if trunk.process is False:
        return [
            Problem(
                "RVX-G03",
                Severity.FAIL,
                "trunk",
                observed="the process trunk does not answer",
                expected="an answer within 2 s",
                effect="112 goes by the other ways only"
                if status.gateway
                else "without the platform nobody reaches 112",
                fix="start the unit's processes anew",
            )
        ]
    red = [modem.name for modem in trunk.modems if modem.card == "red"]
    if not red:
        return []
    return [
        Problem(
            "RVX-G05",
            Severity.WARN,
            "trunk",
            observed=f"not proved: {', '.join(red)}",
            expected="a dated test call with sound both ways, and an SMS, within 30 days",
            effect="nobody knows whether 112 gets out by it",
            fix="rvx trunk status tells what is missing",
        )
    ]


def _web(status: Status) -> list[Problem]:
    """Pages. No call hangs on them."""
    web = status.web
    found: list[Problem] = []
    if web is None:
        return found
    if web.process is False:
        found.append(
            Problem(
                "RVX-X01",
                Severity.WARN,
                "pages",
                observed="the process web is not there",
                expected="it tells of itself each 3 s",
                effect="no pages; mail, calendars and the phones' directory wait; calls go on",
                fix="see in its log why; rvx restart web",
            )
        )
    elif web.pages is False or web.phone_book is False:
        found.append(
            Problem(
                "RVX-X02",
                Severity.WARN,
                "pages",
                observed=web.trouble or "the place cannot be had",
                expected="a place of this machine that nobody else has, and a certificate that holds",
                effect="no pages" if web.pages is False else "desk phones have no directory of ours",
                fix="look at [web] listen, phones_listen, certificate and key",
            )
        )
    if web.identity is False:
        found.append(
            Problem(
                "RVX-X03",
                Severity.WARN,
                "pages",
                observed="the municipality's own sign-in does not answer",
                expected="an OpenID Connect provider as [identity] says",
                effect="people sign in at the pages by extension and PIN",
                fix="is it there, and is issuer to the letter as it says itself? The log of web says what was wrong",
            )
        )
    return found


def _data(status: Status) -> list[Problem]:
    """The way by data: in use, or not there for the day when it is needed."""
    data, found = status.data, []
    if status.path is Path.DATA and status.mode not in (None, Mode.SURVIVAL):
        found.append(
            Problem(
                "RVX-L10",
                Severity.WARN,
                "line",
                observed="the platform is reached by mobile data",
                expected="by the line",
                effect="calls go on, so many at once as the way bears; others as in an outage",
                fix="look at the cable and the router's power; tell who runs the line",
                since=status.since,
            )
        )
    if data is None:
        return found
    nodes = [node for node in status.nodes if node.path is Path.DATA]
    if data.process is False or data.tunnel is False or (nodes and all(node.serving is False for node in nodes)):
        what = "the process data is not there" if data.process is False else "the platform does not answer by it"
        found.append(
            Problem(
                "RVX-L11",
                Severity.WARN,
                "data",
                observed="the tunnel has not met the platform" if data.tunnel is False else what,
                expected="a way that is ready when the line is cut",
                effect="a cut line is an outage: calls within the house go on, others need a gateway",
                fix="look at the modem's network, the keys at both ends, and who listens at the endpoint",
            )
        )
    if data.level in ("alarm", "spent"):
        spent = data.level == "spent"
        found.append(
            Problem(
                "RVX-L12",
                Severity.FAIL if spent else Severity.WARN,
                "data",
                observed=f"{data.day_mb or 0:.0f} MB today, {data.month_mb or 0:.0f} MB this month",
                expected="less than [data] mb_per_day and mb_per_month",
                effect="by data only 112 and the reception" if spent else "soon only 112 and the reception go by data",
                fix="buy more, raise the limits, or mend the line",
            )
        )
    return found


def _platform(status: Status) -> list[Problem]:
    if status.platform is False:
        return []
    if status.mode is Mode.SURVIVAL and status.reason is Reason.SERVING:
        return [
            Problem(
                "RVX-L05",
                Severity.WARN,
                "platform",
                observed="the platform serves again, and the unit is still master",
                expected="it goes back as [returning] says",
                effect="calls within the house go on, others need a gateway",
                fix="wait; [returning] says for how long at the most",
                since=status.since,
            )
        ]
    if status.mode is Mode.SURVIVAL and status.cause not in (Cause.DRILL, Cause.UNIT):
        line = status.cause is Cause.LINE
        carrier = status.reason is Reason.NO_CARRIER
        return [
            Problem(
                "RVX-L02" if carrier else "RVX-L01",
                Severity.FAIL,
                "line" if line else "platform",
                observed="the line has no carrier" if carrier else "no node of the platform serves",
                expected="one node that answers",
                effect="calls within the house go on, others need a gateway",
                fix="look at the cable and the router's power"
                if line
                else "ask who runs the platform; look at the line",
                since=status.since,
            )
        ]
    if status.cause is Cause.PLATFORM_TRUNK:
        return [
            Problem(
                "RVX-L09",
                Severity.WARN,
                "platform",
                observed="calls to numbers outside fail one after the other",
                expected="the platform carries them",
                effect="calls within the house and to other extensions go on; nobody outside is reached through it",
                fix="tell who runs the platform that its trunk is gone",
            )
        ]
    if status.mode is Mode.SUSPECT and (status.in_mode_s or 0) >= SUSPECT_TOLD_S:
        return [
            Problem(
                "RVX-L03",
                Severity.WARN,
                "platform",
                observed=_SUSPECT.get(status.reason, "probes go unanswered"),
                expected="calls and probes answered alike",
                effect="a call may wait a moment before it is taken over",
                fix="make a trial call outwards; tell who runs the platform",
                since=status.since,
            )
        ]
    out = [node.uri for node in status.nodes if node.serving is False]
    if not out or status.mode is Mode.SURVIVAL:
        return []
    return [
        Problem(
            "RVX-L01",
            Severity.WARN,
            "platform",
            observed=f"{len(out)} of {len(status.nodes)} nodes do not serve: {', '.join(out)}",
            expected="all serve",
            effect="less is left if another one fails",
            fix="ask who runs the platform",
        )
    ]


_SUSPECT: Mapping[Reason | None, str] = {
    Reason.CALLS_UNANSWERED: "calls go unanswered",
    Reason.CALLS_STALLED: "calls get a 100 and nothing more",
}


def _phones(status: Status) -> list[Problem]:
    phones = status.phones
    if phones.registered == 0:
        return [
            Problem(
                "RVX-P01",
                Severity.WARN,
                "phones",
                observed="no phone is registered",
                expected="every phone of the house",
                effect="nobody can be called",
                fix="give the phones the unit's address as proxy",
            )
        ]
    if status.protected is False and phones.registered is not None and phones.ready is not None:
        return [
            Problem(
                "RVX-P03",
                Severity.WARN,
                "phones",
                observed=f"{phones.registered - phones.ready} of {phones.registered} have no secret here",
                expected="each known here, by secret or learnt",
                effect="they fall silent if the platform fails",
                fix="rvx extension add or import",
            )
        ]
    if phones.registered is not None and phones.known is not None and phones.registered < phones.known:
        return [
            Problem(
                "RVX-P02",
                Severity.WARN,
                "phones",
                observed=f"{phones.registered} of {phones.known} known extensions are registered",
                expected="all of them",
                effect="those missing cannot be called",
                fix="begin with the power of those phones",
            )
        ]
    return []


def _pair(status: Status) -> list[Problem]:
    pair = status.pair
    if pair is None:
        return []
    if pair.in_service is True and pair.peer_in_service is True:
        return [
            Problem(
                "RVX-B01",
                Severity.FAIL,
                "pair",
                observed="both units have the shared addresses",
                expected="one of them",
                effect="some phones are at one unit, some at the other",
                fix="mend what lies between them in the phones' network",
            )
        ]
    if pair.peer_in_service is None:
        return [
            Problem(
                "RVX-B02",
                Severity.WARN,
                "pair",
                observed="the other unit is not heard by any way",
                expected="a sign of life each half second",
                effect="nobody takes over if this unit dies",
                fix="look at its power and its cables",
            )
        ]
    if pair.in_service is False and pair.peer_in_service is False:
        return [
            Problem(
                "RVX-B04",
                Severity.FAIL,
                "pair",
                observed="neither unit has the shared addresses",
                expected="one of them",
                effect="no phone reaches a unit",
                fix="look at the process standby and its log on both",
            )
        ]
    if pair.silent:
        return [
            Problem(
                "RVX-B03",
                Severity.WARN,
                "pair",
                observed=f"nothing comes from the other unit by: {', '.join(pair.silent)}",
                expected="it is heard by every way",
                effect="a split of the two may go unseen",
                fix="look at that cable or network",
            )
        ]
    if pair.tables is False:
        return [
            Problem(
                "RVX-B05",
                Severity.WARN,
                "pair",
                observed="the other unit is heard, and its tables do not come over",
                expected="an edge that answers the other one",
                effect="after a takeover no phone is known until it registers again",
                fix="open TCP to [standby] tables_port between them",
            )
        ]
    return []
