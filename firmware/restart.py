"""Restarting in good order. Before the edge, what runs is let come to its end first, for a while; calls that are up
need no process at all, and go on (their sound runs from phone to phone, and the edge knows their requests by its key).

Who supervises (systemd, `rvx run`) starts what was ended; which process that is stands in a file each."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.edge.settings import Socket
from firmware.config import Config

__all__ = [
    "BACK_S",
    "SUPERVISOR",
    "NotBack",
    "NotThere",
    "Restarted",
    "drained",
    "places_kept",
    "process_of",
    "restart",
    "told_anew",
]

LOOK_EVERY_S = 0.05
BACK_S = 20.0
BACK_LOOK_S = 0.02
SUPERVISOR = "supervisor"
"""Whose file is that of `rvx run`."""


class NotThere(Exception):
    """No such process runs."""


class NotBack(Exception):
    """It was ended, and nobody has started it again within BACK_S."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """`left`: transactions of the edge that had not ended; None for another process."""

    away_ms: int
    left: int | None = None


def process_of(config: Config, name: str) -> int | None:
    """The process of that name, where it runs."""
    try:
        pid = int((config.paths.run / f"{name}.pid").read_text("ascii").strip())
    except (OSError, ValueError):
        return None
    return pid if Path(f"/proc/{pid}").exists() else None


async def restart(config: Config, name: str, patience_s: float) -> Restarted:
    """End it, and wait until there is another one. Raises NotThere, NotBack, OSError for one that is not ours."""
    pid = process_of(config, name)
    if pid is None:
        raise NotThere(name)
    left: int | None = None
    kept: Sequence[Socket] = ()
    if name == "edge":
        left = await drained(EdgeRpc(config.paths.edge_socket), patience_s)
        kept = [Socket.parse(entry) for entry in {*config.edge.listen, *config.edge.platform_listen}]
    began_s = time.monotonic()
    with places_kept(kept):
        os.kill(pid, signal.SIGTERM)
        while not await _is_back(config, name, pid):
            if time.monotonic() - began_s > BACK_S:
                raise NotBack(name)
            await asyncio.sleep(BACK_LOOK_S)
    return Restarted(round((time.monotonic() - began_s) * 1000), left)


def told_anew(config: Config) -> bool:
    """Have `rvx run` start and end processes as the configuration says now; False where something else supervises,
    which knows each of them already."""
    pid = process_of(config, SUPERVISOR)
    if pid is None:
        return False
    os.kill(pid, signal.SIGHUP)
    return True


async def _is_back(config: Config, name: str, before: int) -> bool:
    pid = process_of(config, name)
    if pid is None or pid == before:
        return False
    if name == "unit":
        return config.paths.unit_socket.exists()
    if name != "edge":
        return True
    try:
        await EdgeRpc(config.paths.edge_socket).call("core.uptime")
    except (EdgeUnreachable, EdgeError):
        return False
    return True


async def drained(edge: EdgeRpc, patience_s: float) -> int | None:
    """Wait until the edge has no transaction under way, `patience_s` at most. Gives how many it had at the end, None
    when it does not answer. Those that remain are calls that ring: the answer of the phone still reaches the caller, as
    what has no transaction is passed on by its Via (RFC 3261 §16.11)."""
    until = time.monotonic() + patience_s
    while True:
        try:
            found = await edge.call("tm.stats")
        except (EdgeUnreachable, EdgeError):
            return None
        # Those that wait have been answered; they are kept for late retransmissions only.
        running = int(found["current"]) - int(found["waiting"])
        if running <= 0 or time.monotonic() >= until:
            return max(0, running)
        await asyncio.sleep(LOOK_EVERY_S)


def _udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@contextlib.contextmanager
def places_kept(sockets: Sequence[Socket], make: Callable[[], socket.socket] = _udp) -> Iterator[None]:
    """Begin just before the edge is ended, end when the new one listens: its UDP places are kept meanwhile by
    somebody who says nothing, so that a request gets no answer and is sent again (RFC 3261 §17.1.1.2), instead of an
    ICMP error, by which many phones give up or leave for their second proxy. Linux gives a datagram to the socket that
    was bound last: to these while they are the last, then to the new edge's."""
    with contextlib.ExitStack() as held:
        for place in sockets:
            if place.transport == "udp":
                taken = held.enter_context(make())
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    taken.bind((place.address, place.port))
                except OSError as error:
                    if error.errno != errno.EADDRNOTAVAIL:  # the other unit of a pair has it now
                        raise
        yield
