"""The unit's own process: watches the platform through the edge, vouches for the mode, keeps the edge's tables, folds its
call journal, and answers who asks how it is. Calls need none of it: each of these may stop at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from drivers.carrier import carrier
from firmware.config import Config
from firmware.edge import Paths
from firmware.modes import Mode, ModeSettings, Path, State, advance, start
from firmware.signs import NodeSign, Signs, node_signs
from firmware.store import Credential, Directory, Journal, StoreError
from firmware.store.fold import AccFolder

__all__ = ["EdgeSight", "Unit", "credential_rows", "table"]

LEASE_S = 10
"""For so long the edge believes what `unit` says of the mode."""
VOUCH_EVERY_S = 3.0
FOLD_EVERY_S = 1.0
TABLES_EVERY_S = 2.0
PUSHES_AT_ONCE = 50
"""Rows written to the edge before others get a turn."""
CLIENT_TIMEOUT_S = 2.0
"""A client of the status socket that does not read is let go."""
PROBES_REMEMBERED = 30
SETS = {1: Path.LINE, 2: Path.DATA}
"""The edge's dispatcher sets."""

log = logging.getLogger("rvx")
T = TypeVar("T")


@dataclass(frozen=True)
class EdgeSight:
    """What was last seen of the edge. `counts` is its table of numbers."""

    at_s: float
    nodes: tuple[NodeSign, ...]
    counts: Mapping[str, int]
    registered: int | None


class Unit:
    """One per process; `run` returns only by being cancelled."""

    def __init__(self, config: Config, edge: EdgeRpc) -> None:
        self._config = config
        self._paths = Paths(config.unit.state_dir)
        self._edge = edge
        self._settings = ModeSettings(
            good_probes=config.returning.good_probes,
            hold_down_s=config.returning.hold_down_s,
            hold_down_max_s=config.returning.hold_down_max_s,
            register_s=config.edge.register_s,
        )
        self.started_at = datetime.now(UTC)
        self.state: State | None = None
        self.mode_at = self.started_at
        self.sight: EdgeSight | None = None
        self.vouched_s: float | None = None
        self.known_extensions: int | None = None
        self.learnt: int | None = None
        self.records_today: int | None = None
        self.store_fault = ""
        self._probes: list[float] = []
        self._incident: int | None = None
        self._pushed: dict[str, str] | None = None
        # SQLite's connections belong to one thread; so that no write holds up the loop, it is not ours.
        self._thread = ThreadPoolExecutor(1, "store")
        self._journal: Journal | None = None
        self._directory: Directory | None = None
        self._folder: AccFolder | None = None

    async def run(self, answer: Callable[[Unit], bytes]) -> None:
        """Until cancelled. `answer` makes what the status socket says."""
        server = await self._listen(answer)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch())
                tasks.create_task(self._each(FOLD_EVERY_S, self._fold))
                tasks.create_task(self._each(TABLES_EVERY_S, self._tables))
        finally:
            server.close()
            self._paths.unit_socket.unlink(missing_ok=True)
            self._thread.shutdown(wait=True)

    # ---- the mode

    async def _watch(self) -> None:
        while True:
            try:
                await self._sample()
            except (EdgeUnreachable, EdgeError) as error:
                if self.sight is not None:
                    log.warning("rvx-event kind=edge_silent why=%s", str(error).replace(" ", "_"))
                self.sight = None
                self.vouched_s = None
            await asyncio.sleep(0.5 if self.state is None else self.state.next_sample_s)

    async def _sample(self) -> None:
        if self.state is None or self.sight is None:
            held = table(await self._edge.call("htable.dump", "st"))
            if self.state is None:
                survival = held.get("mode") == Mode.SURVIVAL
                path = Path.DATA if held.get("path") == Path.DATA else Path.LINE
                self.state = start(time.monotonic(), self._settings, Mode.SURVIVAL if survival else Mode.SUSPECT, path)
            self._pushed = None
        self.sight = sight = await self._look()
        before = self.state
        self.state = advance(before, self._signs(sight), self._settings)
        if self.state.mode is not before.mode or self.state.path is not before.path:
            await self._change(before)
        elif self.vouched_s is None or sight.at_s - self.vouched_s >= VOUCH_EVERY_S:
            await self._vouch()

    async def _look(self) -> EdgeSight:
        nodes = node_signs(await self._edge.call("dispatcher.list"), SETS) if self._config.platform.nodes else ()
        counts = table(await self._edge.call("htable.dump", "count"))
        registered = _statistic(await self._edge.call("stats.get_statistics", "registered_users"))
        numbers = {name: value for name, value in counts.items() if isinstance(value, int)}
        worst = max((node.probe_ms for node in nodes if node.probe_ms is not None), default=None)
        if worst is not None:
            self._probes = [*self._probes[1 - PROBES_REMEMBERED :], worst]
        return EdgeSight(time.monotonic(), nodes, numbers, registered)

    def _signs(self, sight: EdgeSight) -> Signs:
        interface = self._config.network.platform_interface
        return Signs(
            now_s=sight.at_s,
            nodes=sight.nodes,
            answered=sight.counts.get("answered", 0),
            unanswered=sight.counts.get("unanswered", 0),
            diverted=sight.counts.get("diverted", 0),
            carrier=carrier(interface) if interface else None,
            confirmed=sight.counts.get("confirmed", 0),
            registered=sight.registered,
        )

    async def _change(self, before: State) -> None:
        state = self.state
        assert state is not None
        self.mode_at = datetime.now(UTC)
        log.warning(
            "rvx-event kind=mode mode=%s was=%s path=%s cause=%s reason=%s",
            state.mode, before.mode, state.path, state.cause or "-", state.reason,
        )  # fmt: skip
        if state.mode is Mode.SURVIVAL and before.mode is not Mode.SURVIVAL:
            # What the platform had confirmed before this moment is no longer known.
            epoch = self.sight.counts.get("epoch", 0) if self.sight else 0
            await self._edge.call("htable.seti", "count", "confirmed", 0)
            await self._edge.call("htable.seti", "count", "epoch", epoch + 1)
        await self._vouch()
        await self._edge.call("htable.store", "st")
        await self._edge.call("htable.store", "count")
        await self._note(state)

    async def _vouch(self) -> None:
        """Tells the edge mode and path, and for how long it may believe that."""
        state = self.state
        assert state is not None
        await self._edge.call("htable.seti", "st", "lease", int(time.time()) + LEASE_S)
        await self._edge.call("htable.sets", "st", "mode", state.mode.value)
        await self._edge.call("htable.sets", "st", "path", state.path.value)
        if self._probes and not self.sight_count("rtt_next"):
            survival = self._config.survival
            wait_ms = max(survival.first_response_min_ms, min(survival.first_response_max_ms, 4 * max(self._probes)))
            await self._edge.call("htable.seti", "count", "timer_a", int(wait_ms))
        self.vouched_s = time.monotonic()

    def sight_count(self, name: str) -> int:
        """A number of the edge's; 0 when it has none or is not seen."""
        return self.sight.counts.get(name, 0) if self.sight else 0

    async def _note(self, state: State) -> None:
        """An incident lasts from the first moment out of NORMAL and SUSPECT to the return to NORMAL."""
        now = datetime.now(UTC)
        away = state.mode in (Mode.SURVIVAL, Mode.RETURNING)

        def write() -> None:
            journal = self._open_journal()
            if away and self._incident is None:
                cause = state.cause.value if state.cause else "unknown"
                self._incident = journal.incident_begin(now, cause, state.mode.value, state.reason.value)
            elif not away and self._incident is not None:
                journal.incident_end(self._incident, now)
                self._incident = None

        await self._stored(write)

    # ---- the store

    async def _fold(self) -> None:
        def work() -> bool:
            if self._folder is None:
                self._folder = AccFolder(self._paths.acc, self._open_journal())
            folded = self._folder.fold()
            if folded.garbage or folded.unreadable:
                log.warning("rvx-event kind=fold garbage=%d unreadable=%d", folded.garbage, len(folded.unreadable))
            due = self._folder.rotation_due()
            if due:
                self._folder.rename()
            midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
            self.records_today = self._open_journal().count_since(midnight.astimezone(UTC))
            return due

        if await self._stored(work):
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                await self._edge.call("flatstore.k_rotate")

    async def _tables(self) -> None:
        """The edge's table of credentials is what directory.db says."""
        rows = await self._stored(lambda: credential_rows(self._open_directory().credentials()))
        if rows is None or self.sight is None:
            return
        self.known_extensions = len(rows)
        if self._pushed is None:
            # A new edge, or a new unit: what the edge has kept of its table may be older than directory.db.
            self._pushed = await self._stored(self._kept_by_edge) or {}
        changed = {name: row for name, row in rows.items() if self._pushed.get(name) != row}
        gone = [name for name in self._pushed if name not in rows]
        if not changed and not gone:
            return
        try:
            for number, (name, row) in enumerate(changed.items(), 1):
                await self._edge.call("htable.sets", "cred", name, row)
                if number % PUSHES_AT_ONCE == 0:
                    await asyncio.sleep(0)
            for name in gone:
                with contextlib.suppress(EdgeError):
                    await self._edge.call("htable.delete", "cred", name)
            await self._edge.call("htable.store", "cred")
        except (EdgeUnreachable, EdgeError) as error:
            log.warning("rvx-event kind=tables_failed why=%s", str(error).replace(" ", "_"))
            self._pushed = None
            return
        self._pushed = rows
        log.info("rvx-event kind=tables changed=%d gone=%d", len(changed), len(gone))

    def _kept_by_edge(self) -> dict[str, str]:
        file = self._paths.edge / "edge.db"
        if not file.exists():
            return {}
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=1)) as db:
            rows = db.execute("SELECT key_name, key_value FROM cred").fetchall()
        self.learnt = None
        return {str(name): str(value) for name, value in rows}

    def _open_journal(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.open(self._paths.journal)
        return self._journal

    def _open_directory(self) -> Directory:
        if self._directory is None:
            self._directory = Directory.open(self._paths.directory)
        return self._directory

    async def _stored(self, work: Callable[[], T]) -> T | None:
        """`work` in the store's thread; None, and the fault kept for the status, when the store does not do it."""
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (StoreError, sqlite3.Error, OSError) as error:
            if str(error) != self.store_fault:
                log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self.store_fault = str(error)
            return None
        self.store_fault = ""
        return result

    @staticmethod
    async def _each(pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await work()
            await asyncio.sleep(pause_s)

    # ---- who asks

    async def _listen(self, answer: Callable[[Unit], bytes]) -> asyncio.Server:
        """One JSON object to whoever connects, and the end."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            del reader
            with contextlib.suppress(OSError, TimeoutError):
                writer.write(answer(self))
                async with asyncio.timeout(CLIENT_TIMEOUT_S):
                    await writer.drain()
            writer.close()

        path = self._paths.unit_socket
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(serve, path)
        path.chmod(0o660)
        return server


def table(dump: object) -> dict[str, Any]:
    """Kamailio's answer to `htable.dump` as name -> value."""
    if not isinstance(dump, list):
        return {}
    return {cell["name"]: cell.get("value") for slot in dump for cell in slot.get("slot", ())}


def credential_rows(credentials: tuple[Credential, ...]) -> dict[str, str]:
    """The edge's table `cred`: extension -> mode:HA1 (MD5):HA1 (SHA-256):user."""
    return {c.extension: f"{c.mode}:{c.ha1_md5 or ''}:{c.ha1_sha256 or ''}:{c.user}" for c in credentials}


def _statistic(answer: object) -> int | None:
    """From `["usrloc:registered_users = 3"]`."""
    if isinstance(answer, list) and answer:
        number = str(answer[0]).rpartition("=")[2].strip()
        return int(number) if number.isdigit() else None
    return None


