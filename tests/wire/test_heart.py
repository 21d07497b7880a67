"""The heartbeat beside a real Kamailio: of the edge with all Python of the unit dead, and of its death."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest

from drivers.codec import mcuwords as words
from drivers.codec.mcuframe import Decoder, encode
from firmware.heartbeat import ACTIVE, INVITES, statistics
from hil.net import Net
from hil.site import Site, numbers
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


class Listener:
    """The microcontroller's end: what was the edge's state in the newest heartbeat."""

    def __init__(self) -> None:
        self.wire, self._held = pty.openpty()
        tty.setraw(self._held)
        os.set_blocking(self.wire, False)
        self.device = os.ttyname(self._held)
        self._decoder = Decoder(words.LENGTHS)
        self.edge: int | None = None
        self.beats = 0

    def look(self) -> None:
        try:
            data = os.read(self.wire, 4096)
        except BlockingIOError:
            return
        for kind, _, payload in self._decoder.receive(data):
            if kind == words.BEAT and (fields := words.unpack(kind, payload)) is not None:
                self.edge, self.beats = fields[0], self.beats + 1

    def until(self, edge: int) -> None:
        deadline = time.monotonic() + STEP_S
        while self.edge != edge and time.monotonic() < deadline:
            self.look()
            time.sleep(0.02)
        assert self.edge == edge

    def close(self) -> None:
        os.close(self.wire)
        os.close(self._held)


def test_it_tells_of_the_edge_without_any_python_of_the_unit() -> None:
    with Net("rvheart") as net:
        site = Site(net, users=numbers(1001, 1))
        site.start(unit=False)
        run = site.paths.run
        listener = Listener()
        heart = subprocess.Popen(
            [sys.executable, "-m", "firmware.heart", f"serial://{listener.device}", str(run), str(site.paths.state)],
            cwd=ROOT,
        )
        try:
            assert set(statistics(site.rpc("stats.get_statistics", ACTIVE, INVITES))) == {ACTIVE, INVITES}
            os.write(listener.wire, encode(words.HELLO, 1, words.pack(words.HELLO, 1, 1, 5, 1, 1, 0)))
            listener.until(words.EDGE_ALIVE)
            site.edge.kill()
            listener.until(words.EDGE_DEAD)
            site.edge.start()
            listener.until(words.EDGE_ALIVE)
            site.edge.stop()
            heart.terminate()
            assert heart.wait(STEP_S) == 0
            listener.until(words.EDGE_DEAD)  # its last word, as in a halt: the edge ends before it
        finally:
            heart.kill()
            heart.wait()
            listener.close()
            site.stop()
