"""The unit's own process: a watch on the platform, a keeper of what is remembered, and an answer to who asks how it is.

Calls need none of it: it may be killed at any moment, and begins again with what edge and store have kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from callcontrol.edge.render import dispatcher_list
from callcontrol.edge.rpc import EdgeRpc, remove_leftovers
from callcontrol.plan.catalogue import words
from callcontrol.plan.notices import Notice
from drivers.gpio import Header
from drivers.pins import PINMAP, PinMapError, parse
from firmware import __version__
from firmware.archive import Daily
from firmware.aside import Aside
from firmware.beats import Beats
from firmware.board import Board, look_at
from firmware.config import Config
from firmware.configured import Watched
from firmware.data import shown
from firmware.door import Door
from firmware.edge import edge_settings
from firmware.keeper import Keeper
from firmware.mail.problems import mail_problems
from firmware.modes import Mode
from firmware.names import Dns, Names
from firmware.panel import Panel
from firmware.power.keeper import Last, PowerKeeper
from firmware.power.phones import PROTECTED
from firmware.problems import with_problems
from firmware.signs import Cause
from firmware.signs import Path as Way
from firmware.standby import PairView
from firmware.status import Calls, Data, Node, Pair, Phones, Problem, Severity, Status, Sync, Web
from firmware.sync.shown import SyncShown
from firmware.trunk.asked import Asked, tell_power_ends
from firmware.watch import Watch
from firmware.web.shown import WebShown

__all__ = ["Unit"]

CLIENT_TIMEOUT_S = 2.0
"""A client of the status socket that does not read is let go."""
NAMED = 3
"""Extensions, or what else there is many of, that a problem names."""

CALLS_START_S = 15.0
"""The process `calls` may need so long to start,"""
WEB_START_S = 20.0
"""and `web` so long."""

log = logging.getLogger("rvx")


class Unit:
    """One per process; `run` returns only by being cancelled. `file`: its configuration, where there is one."""

    def __init__(self, config: Config, edge: EdgeRpc, file: Path | None = None) -> None:
        self._config = config
        self._watched = Watched(file, config)
        self._paths = config.paths
        self._started_at = datetime.now(UTC)
        self._keeper = Keeper(self._paths, edge, config.numbering.local)
        self._names = Names(
            (*config.platform.nodes, *config.platform.data_nodes),
            config.unit.name,
            lambda: Dns(config.platform.name_servers),
            edge,
            config.paths.nodes,
            config.paths.node_list,
            lambda kept: dispatcher_list(edge_settings(config, kept=kept)),
        )
        self._watch = Watch(config, edge, self._keeper.note, self._keeper.edge_is_new, lambda: self._keeper.calls_up)
        watch = self._watch
        self._beats = Beats(config, watch.count) if config.standby.pair else None
        self._aside = Aside(edge, self._beats.view, watch.count, lambda: watch.mode) if self._beats else None
        self._door = Door(config, edge, self._watch)
        self._archive = Daily(config.paths)
        self._board = Board(lambda: look_at(config.paths.state))
        self._trunk = Asked(config.paths.trunk_socket) if config.modem else None
        last = _Last(config, self._keeper, self._watch, self._trunk)
        self._power = PowerKeeper(config, last) if config.ups or config.load or config.reach else None
        panel = config.panel
        self._panel = self._own_panel() if "yes" in (panel.lamps, panel.buzzer, panel.button) else None

    async def run(self) -> None:
        """Until cancelled."""
        self._paths.unit_socket.unlink(missing_ok=True)
        remove_leftovers(self._paths.run)
        server = await asyncio.start_unix_server(self._answer, self._paths.unit_socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch.run())
                tasks.create_task(self._names.run())
                tasks.create_task(self._keeper.fold())
                tasks.create_task(self._keeper.tables())
                tasks.create_task(self._keeper.notices())
                tasks.create_task(self._keeper.bindings())
                tasks.create_task(self._archive.run())
                if self._beats:
                    tasks.create_task(self._beats.run())
                if self._aside:
                    tasks.create_task(self._aside.run())
                tasks.create_task(self._door.run())
                tasks.create_task(self._board.run())
                tasks.create_task(self._watched.run())
                if self._trunk:
                    tasks.create_task(self._trunk.run())
                if self._power:
                    tasks.create_task(self._power.run())
                if self._panel:
                    tasks.create_task(self._panel.run())
        finally:
            server.close()
            self._paths.unit_socket.unlink(missing_ok=True)
            self._keeper.close()

    def status(self) -> Status:
        """The one snapshot that all who show the unit read."""
        watch, keeper, now = self._watch, self._keeper, datetime.now(UTC)
        sight, state = watch.sight, watch.state
        seen = sight is not None and state is not None
        problems: tuple[Problem, ...] = (_store_problem(keeper.fault),) if keeper.fault else ()
        if self._archive.fault:
            problems += (_archive_problem(self._archive.fault),)
        if keeper.unreadable:
            problems += (_unreadable_problem(keeper.unreadable),)
        problems += _notice_problems(keeper.notices_told)
        if self._config.mail.server:
            problems += mail_problems(keeper.mail, now)
        if sight is not None and sight.held:
            problems += (_held_problem(sight.held),)
        problems += self._door.problems(now)
        problems += self._board.problems
        if self._paths.no_sound.exists():
            problems += (_NO_SOUND,)
        status = Status(
            unit=self._config.unit.name,
            version=__version__,
            time=_text(now),
            started_at=_text(self._started_at),
            mode=state.mode if state and seen else None,
            path=state.path if state and seen else None,
            cause=(Cause.PLATFORM_TRUNK if state.trunk_gone else state.cause) if state and seen else None,
            reason=state.reason if state and seen else None,
            since=_text(watch.mode_at) if seen else None,
            in_mode_s=(now - watch.mode_at).total_seconds() if seen else None,
            hold_left_s=state.hold_left_s if state and seen else None,
            lease_left_s=watch.lease_left_s,
            edge=seen,
            calls_process=self._calls_process(now),
            platform=bool(self._config.platform.nodes),
            gateway=bool(self._config.emergency_gateway),
            place=self._config.emergency.place,
            nodes=tuple(Node(n.uri, n.path, n.serving, n.probe_ms) for n in sight.nodes) if sight else (),
            phones=Phones(
                registered=sight.registered if sight else None,
                known=keeper.known,
                learnt=keeper.learnt,
                ready=keeper.ready,
            ),
            calls=Calls(
                now=keeper.calls_up,
                today=keeper.records_today,
                diverted=watch.count("diverted") if seen else None,
                messages=keeper.messages,
            ),
            pair=_pair(self._beats.view(), self._aside.tables) if self._beats and self._aside else None,
            data=self._data(),
            trunk=self._trunk.seen if self._trunk else None,
            web=self._web(now),
            sync=self._sync(now),
            power=self._power.shown(now) if self._power else None,
            closed=keeper.closed,
            problems=problems,
        )
        return with_problems(status)

    def _own_panel(self) -> Panel | None:
        """None: without the board's map, which `rvx check` would have refused, no lamp is guessed."""
        try:
            pin_map = parse(PINMAP.read_text(encoding="utf-8"))
        except (PinMapError, OSError, UnicodeError):
            return None
        return Panel(self._config.panel, pin_map, Header(self._paths.run), self.status)

    def _data(self) -> Data | None:
        if not self._config.data.address:
            return None
        way, tunnel = shown.Shown.read(self._paths.data_shown), shown.Tunnel.read(self._paths.tunnel)
        met = None if not self._config.data.tunnel else tunnel is not None and tunnel.met
        if way is None:
            return Data(process=False, tunnel=met)
        return Data(
            process=True,
            tunnel=met,
            calls=way.calls,
            calls_max=way.borne,
            capacity_kbit=None if way.capacity_bps is None else round(way.capacity_bps / 1000),
            rtt_ms=None if way.rtt_ms is None else round(way.rtt_ms, 1),
            loss_percent=None if way.loss is None else round(100 * way.loss, 1),
            day_mb=None if way.day_mb is None else round(way.day_mb, 1),
            month_mb=None if way.month_mb is None else round(way.month_mb, 1),
            level=way.level.value,
        )

    def _sync(self, now: datetime) -> Sync | None:
        if not self._config.sync.hub:
            return None
        seen = SyncShown.read(self._paths.sync_shown)
        if seen is None:
            starting = (now - self._started_at).total_seconds() < WEB_START_S
            return Sync(process=None if starting else False)
        return Sync(
            process=True,
            enrolled=seen.enrolled,
            connected=seen.connected,
            why=seen.why,
            detail=seen.detail,
            since=seen.since or None,
            contact_at=seen.contact_at or None,
            waiting=seen.waiting,
            oldest_at=seen.oldest_at or None,
            held_back=seen.held_back,
            whole_at=seen.whole_at or None,
            gone=seen.gone,
            aside=seen.aside,
            refused=seen.refused,
            overruled=seen.overruled,
            clock_s=seen.clock_s,
            twin=seen.twin or bool(seen.forked_at),
        )

    def _web(self, now: datetime) -> Web | None:
        if not self._config.has_web:
            return None
        seen = WebShown.read(self._paths.web_shown)
        if seen is None:
            starting = (now - self._started_at).total_seconds() < WEB_START_S
            return Web(process=None if starting else False)
        trouble = seen.trouble if False in (seen.pages, seen.phone_book) else ""
        return Web(True, seen.pages, seen.phone_book, seen.identity, trouble)

    def _calls_process(self, now: datetime) -> bool | None:
        """Not known while it may not have had the time to say so."""
        sight = self._watch.sight
        if sight is None or (not sight.calls and (now - self._started_at).total_seconds() < CALLS_START_S):
            return None
        return sight.calls

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One JSON object to whoever connects, and the end."""
        del reader
        with contextlib.suppress(OSError, TimeoutError):
            writer.write(json.dumps(self.status().to_json()).encode())
            async with asyncio.timeout(CLIENT_TIMEOUT_S):
                await writer.drain()
        writer.close()


class _Last(Last):
    """The last words of this unit."""

    def __init__(self, config: Config, keeper: Keeper, watch: Watch, trunk: Asked | None) -> None:
        self._loads = config.load
        paths = config.paths
        self._places = (paths.calls_socket, *((paths.trunk_socket,) if trunk is not None else ()))
        self._keeper = keeper
        self._watch = watch
        self._trunk = trunk

    async def tell(self, minutes: float | None) -> None:
        """To those whose sound ends with the unit. Who talks from phone to phone goes on without it."""
        await asyncio.gather(*(_tell_by(place) for place in self._places))

    async def flush(self) -> None:
        await self._keeper.flush()

    def busy(self) -> Collection[str]:
        """Modems that carry a call; ports of phones while anybody talks, as nobody knows which phone hangs on which."""
        carrying = {modem.name for modem in self._trunk.seen.modems if modem.carries} if self._trunk else set()
        talking = bool(self._keeper.calls_up)
        modems = {load.name for load in self._loads if load.kind == "modem" and load.what in carrying}
        phones = {PROTECTED, *(load.name for load in self._loads if load.kind == "poe")} if talking else set()
        return modems | phones

    def serves(self) -> bool:
        state = self._watch.state
        return (
            self._watch.sight is not None and state is not None and (state.mode, state.path) == (Mode.NORMAL, Way.LINE)
        )

    def quiet(self) -> bool:
        return self._keeper.calls_up == 0


async def _tell_by(place: Path) -> None:
    """The process whose socket that is."""
    try:
        log.info("rvx-event kind=power_told by=%s calls=%d", place.stem, await tell_power_ends(place))
    except (OSError, TimeoutError, ValueError) as error:
        log.warning("rvx-event kind=power_untold by=%s why=%s", place.stem, type(error).__name__)


def _pair(view: PairView, tables: bool | None) -> Pair:
    return Pair(view.in_service, view.peer_in_service, tuple(way.value for way in view.silent), tables)


def _store_problem(fault: str) -> Problem:
    return Problem(
        "RVX-J01",
        Severity.FAIL,
        "store",
        observed=fault,
        expected="a store that can be written",
        effect="records wait in the edge's journal; calls go on",
        fix="look at the disk: space, rights, age",
    )


def _archive_problem(fault: str) -> Problem:
    return Problem(
        "RVX-R09",
        Severity.WARN,
        "store",
        observed=fault,
        expected="what the archive authority has decided is deleted once a day",
        effect="messages, records or SMS lie longer than was decided",
        fix="look at the disk; then rvx archive delete",
    )


_NO_SOUND = Problem(
    "RVX-M06",
    Severity.WARN,
    "calls",
    observed="the process calls has no sound",
    expected="its libraries and recordings loaded",
    effect="callers read why nobody answers, and hear nothing; no messages",
    fix="its log says what is missing; then rvx restart calls",
)


def _unreadable_problem(unreadable: Mapping[str, str]) -> Problem:
    return Problem(
        "RVX-K06",
        Severity.WARN,
        "directory",
        observed=f"{_named(tuple(unreadable))} cannot be read: {next(iter(unreadable.values()))}",
        expected="rows as rvx people load and organisation write them",
        effect="these phones ring, and nothing of what is set up for them is done",
        fix="load the directory anew",
    )


_NOTICES = {
    "department_empty": ("RVX-H04", "somebody at each department", "set who answers instead, or an attended place"),
    "place_unattended": ("RVX-H04", "somebody at each attended place", "staff it, or sign it out"),
    "forwarded_to_mobile": ("RVX-H05", "forwardings to mobiles are few", "look at what it costs"),
    "memo_late": ("RVX-Q04", "contact within two working days", "rvx memo; handle it, or give it to somebody else"),
    "memo_untold": ("RVX-Q04", "whoever a message is to is told", "rvx memo; tell them, and look at their address"),
    "fault_waits": ("RVX-H10", "an answer to each report of a fault", "rvx fault list, then rvx fault answer"),
    "leaver_late": ("RVX-H11", "lists of leavers gone through", "rvx leaver show"),
    "guard_calls": ("RVX-G02", "fewer calls outside from one phone", "ask whose phone it is; rvx extension block"),
    "guard_cost": ("RVX-G02", "cheaper calls outside from one phone", "ask whose phone it is; rvx extension block"),
}
_EFFECTS = {
    "RVX-Q04": "somebody waits to be contacted",
    "RVX-G02": "it calls inside and 112 only, until the hour is over",
    "RVX-H04": "calls to it end at the reception",
    "RVX-H05": "such calls cost money, and in an outage take a line",
    "RVX-H10": "somebody waits to hear whether it is mended",
    "RVX-H11": "phones, roles or messages of somebody who has left are somebody's to misuse",
}


def _notice_problems(told: tuple[Notice, ...]) -> tuple[Problem, ...]:
    """One for each kind of what somebody was told of."""
    found = []
    for key, (code, expected, fix) in _NOTICES.items():
        those = tuple(notice for notice in told if notice.note.words == key)
        if those:
            observed = _named(tuple(words("note", key, notice.note.fill).en for notice in those))
            since = _text(min(notice.first_at for notice in those))
            found.append(Problem(code, Severity.WARN, "people", observed, expected, _EFFECTS[code], fix, since))
    return tuple(found)


def _named(names: tuple[str, ...]) -> str:
    """The first of many."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _held_problem(held: tuple[str, ...]) -> Problem:
    return Problem(
        "RVX-P04",
        Severity.WARN,
        "phones",
        observed=f"the platform refuses the password of {_named(held)}",
        expected="a right password at the first try",
        effect="kept from the platform for up to 10 minutes; 112 goes out",
        fix="give the phone its password anew",
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
