"""Restarting the edge in good order: what runs is let come to its end first, for a while; calls that are up need no
process at all, and go on (their sound runs from phone to phone, and the edge knows their requests by its key)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.edge.settings import Socket

__all__ = ["drained", "places_kept"]

LOOK_EVERY_S = 0.05


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
