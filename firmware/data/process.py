"""The process `data`: carries the sound of calls by data, measures the way, and tells the edge how many more it
bears."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from datetime import datetime
from pathlib import Path

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.edge.settings import Socket, sip_host_port
from callcontrol.records import EARLIEST
from callcontrol.trunk.budget import (
    Bearing,
    BudgetSettings,
    Level,
    Seen,
    Usage,
    advance,
    call_bps,
    level_of,
    rooms,
)
from firmware.config import Config
from firmware.data.echo import Echo
from firmware.data.relay import Relay, Tally
from firmware.data.shown import Shown
from firmware.names import Kept, addresses_of
from firmware.ticks import tick

__all__ = ["DataWay", "interface_bytes"]

TELL_EVERY_S = 1.0
ROOM_LEASE_S = 5
ROOM_AGAIN_S = 1.9
"""Room that has not changed is said again every other second: twice within a lease."""
"""The edge believes what it was told for so long."""
LOOK_EVERY_S = 5.0
IDLE_LOOK_EVERY_S = 60.0
"""The way without calls is asked less often: each echo is sent for money."""
TRAIN_EVERY_S = 900.0
KEEP_EVERY_S = 60.0
"""What was sent is written down so often: a power cut forgets a minute of it."""
LEAST_PACKETS = 50
"""Of fewer no loss is told."""
NET = Path("/sys/class/net")

log = logging.getLogger("rvx")


class DataWay:
    """One per process; `run` returns only by being cancelled."""

    def __init__(self, config: Config, edge: EdgeRpc) -> None:
        data = config.data
        self._config, self._edge, self._paths = config, edge, config.paths
        self._settings = BudgetSettings(data.calls_max, data.calls_unmeasured, data.mb_per_day, data.mb_per_month)
        self._bps = call_bps(tunnel=data.tunnel)
        self._relay = Relay(Socket.parse(config.edge.listen[0]).address, data.address)
        self._bearing = Bearing()
        self._usage = _read_usage(self._paths.data_usage)
        self._kept_s = 0.0
        self._seen = Tally()
        self._loss: float | None = None
        self._rtt_ms: float | None = None
        self._level = Level.OK

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._relay.serve(self._config.data.control_port))
                tasks.create_task(self._tell())
                tasks.create_task(self._look())
                tasks.create_task(self._train())
        finally:
            self._keep(force=True)
            self._paths.data_shown.unlink(missing_ok=True)

    async def _tell(self) -> None:
        told, told_at_s = None, 0.0
        while True:
            borne = self._bearing.calls(self._settings, self._bps)
            room = rooms(self._relay.calls, borne, self._level)
            now = time.monotonic()
            if room != told or now - told_at_s >= ROOM_AGAIN_S:
                told = None  # until all of it was told
                with contextlib.suppress(EdgeUnreachable, EdgeError):
                    for name, value in (
                        ("data_room", room.ordinary),
                        ("data_first", room.first),
                        ("data_until", int(time.time()) + ROOM_LEASE_S),
                    ):
                        await self._edge.call("htable.seti", "count", name, value)
                    told, told_at_s = room, now
            self._show(borne)
            await tick(TELL_EVERY_S)

    async def _look(self) -> None:
        asked_s = -IDLE_LOOK_EVERY_S
        while True:
            now = time.monotonic()
            calls = self._relay.calls
            self._loss = self._loss_since() if calls else None
            if calls or self._rtt_ms is None or now - asked_s >= IDLE_LOOK_EVERY_S:
                asked_s = now
                self._rtt_ms = await self._echo().rtt_ms()
            self._note(Seen(now, calls, self._loss, self._rtt_ms if calls else None))
            interface = self._config.data.interface
            self._usage = self._usage.seen(interface_bytes(interface) if interface else None, _today())
            level = level_of(self._usage, self._settings)
            if level is not self._level:
                log.warning("rvx-event kind=data_level level=%s", level)
                self._level = level
            self._keep()
            await tick(LOOK_EVERY_S)

    async def _train(self) -> None:
        pause_s = LOOK_EVERY_S
        while True:
            capacity = None if self._level is Level.SPENT else await self._echo().capacity_bps()
            if capacity is not None:
                self._note(Seen(time.monotonic(), self._relay.calls, capacity_bps=capacity))
            # One that never comes back is sent more and more seldom.
            pause_s = min(TRAIN_EVERY_S, 2 * pause_s) if capacity is None else TRAIN_EVERY_S
            await asyncio.sleep(pause_s)

    def _note(self, seen: Seen) -> None:
        self._bearing = advance(self._bearing, seen, self._settings, self._bps)

    def _echo(self) -> Echo:
        nodes = self._config.platform.data_nodes
        addresses = addresses_of(nodes, Kept.load(self._paths.nodes)) or nodes
        return Echo(sip_host_port(addresses[0])[0], self._config.data.address)

    def _loss_since(self) -> float | None:
        """Of the sound since the last look, in the worse direction."""
        tally, before = self._relay.tally, self._seen
        came, lost = tally.packets_in - before.packets_in, tally.lost_in - before.lost_in
        self._seen = Tally(tally.packets_in, tally.lost_in)
        in_loss = max(0.0, lost / (came + lost)) if came + lost >= LEAST_PACKETS else None
        reported, tally.reported = tally.reported, None
        known = [loss for loss in (in_loss, reported) if loss is not None]
        return max(known, default=None)

    def _show(self, borne: int) -> None:
        shown = Shown(
            calls=self._relay.calls,
            borne=borne,
            capacity_bps=self._bearing.capacity_bps,
            rtt_ms=self._rtt_ms,
            loss=self._loss,
            level=self._level,
            day_mb=self._usage.day_bytes / 1e6 if self._usage.counter is not None else None,
            month_mb=self._usage.month_bytes / 1e6 if self._usage.counter is not None else None,
        )
        with contextlib.suppress(OSError):
            shown.write(self._paths.data_shown)

    def _keep(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if not self._usage.day or (not force and now - self._kept_s < KEEP_EVERY_S):
            return
        self._kept_s = now
        kept = {"day": self._usage.day, "day_bytes": self._usage.day_bytes, "month_bytes": self._usage.month_bytes}
        part = self._paths.data_usage.with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk: the count goes on in memory
            part.write_text(json.dumps(kept), "utf-8")
            part.replace(self._paths.data_usage)


def interface_bytes(interface: str) -> int | None:
    """Sent and received, by the kernel's counters; None: it is not there."""
    try:
        counters = (NET / interface / "statistics" / f"{way}_bytes" for way in ("rx", "tx"))
        return sum(int(counter.read_text("ascii")) for counter in counters)
    except (OSError, ValueError):
        return None


def _today() -> str:
    """ "" where the clock is not set."""
    now = datetime.now().astimezone()
    return now.date().isoformat() if now >= EARLIEST else ""


def _read_usage(file: Path) -> Usage:
    """What was sent before this start; the interface's counter begins as it is now."""
    try:
        kept = json.loads(file.read_text("utf-8"))
        return Usage(str(kept["day"])[:10], int(kept["day_bytes"]), int(kept["month_bytes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Usage()
