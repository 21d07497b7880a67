"""The process `heart`: holds the microcontroller's port, sends it the heartbeat, and passes on what it says.

`python -m firmware.heart PORT RUN_DIR STATE_DIR`; small, and on the standard library alone, without asyncio and without
the configuration, as it is to outlive all other Python of the unit. Those who listen connect to `heart.sock` in RUN_DIR
and get lines of JSON (firmware/heartbeat.py)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import random
import select
import signal
import socket
import sys
import termios
import time
import tty
from pathlib import Path
from types import FrameType
from urllib.parse import parse_qs, urlsplit

from drivers.codec.mcutalk import Talk
from firmware.heartbeat import ACTIVE, INVITES, LINE_MAX, Edge, Heartbeat, Said, statistics

__all__ = ["Heart", "PortError", "main", "open_port"]

BEAT_S = 1.0
ASK_EDGE_S = 2.0
HEAR_EVERY_S = 0.25
"""Telemetry comes ten times a second, and is taken two or three at a time; an answer that is waited for at once."""
REOPEN_S = 1.0
LISTENERS_MAX = 8
PENDING_MAX = 65536
"""Bytes that wait for one who listens; who reads no faster is let go."""
ANSWER_BYTES = 4096
READ_BYTES = 4096
BAUDS = {"115200": termios.B115200, "230400": termios.B230400, "460800": termios.B460800}


class PortError(Exception):
    """`reason`: absent, taken, forbidden, broken or url."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_port(url: str) -> int:
    """A serial port as a file, raw, held by nobody else. `url`: `serial:///dev/…[?baud=N]`. Raises PortError."""
    parts = urlsplit(url)
    baud = BAUDS.get(parse_qs(parts.query).get("baud", ["115200"])[-1])
    if parts.scheme != "serial" or baud is None or not parts.path.startswith("/dev/"):
        raise PortError("url")
    try:
        file = os.open(parts.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reasons = {PermissionError: "forbidden", FileNotFoundError: "absent"}
        raise PortError(reasons.get(type(error), "broken")) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tty.setraw(file, termios.TCSANOW)
        settings = termios.tcgetattr(file)
        settings[2] |= termios.CLOCAL | termios.CREAD
        settings[4] = settings[5] = baud
        termios.tcsetattr(file, termios.TCSANOW, settings)
        termios.tcflush(file, termios.TCIFLUSH)
    except BlockingIOError:
        os.close(file)
        raise PortError("taken") from None
    except (OSError, termios.error) as error:
        os.close(file)
        raise PortError("broken") from error
    return file


class _Listener:
    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.held = b""
        self.pending = b""


class Heart:
    """`run` until `stop`."""

    def __init__(self, url: str, run: Path, state: Path) -> None:
        self._url, self._state = url, state
        self._socket, self._edge_pid, self._edge_socket = run / "heart.sock", run / "edge.pid", run / "edge.sock"
        self._own = run / "heart-edge.sock"
        self._heartbeat = Heartbeat()
        self._edge = Edge(_now())
        self._port: int | None = None
        self._poll = select.poll()
        self._listeners: dict[int, _Listener] = {}
        self._reopen_at = self._beat_at = self._ask_at = self._hear_at = 0.0
        self._stopped = False
        self._asking = self._bound_edge()
        self._server = self._bound_server()

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        """The last thing that it says is how the edge is: in an orderly halt that ends before it."""
        try:
            while not self._stopped:
                self.turn(BEAT_S)
            self._look_at_edge()
            self._beat(_now())
            self._flush_port()
        finally:
            self.close()

    def turn(self, wait_s: float) -> None:
        """What is due, and what comes until the next of it is, or for `wait_s`."""
        now = _now()
        if self._port is None and now >= self._reopen_at:
            self._open(now)
        if self._port is not None and now >= self._hear_at:
            self._hear_at = _next(now, HEAR_EVERY_S)
            self._hear()
        if now >= self._ask_at:
            self._ask_at = _next(now, ASK_EDGE_S)
            self._look_at_edge()
            self._ask_edge()
        if now >= self._beat_at:
            self._beat_at = _next(now, BEAT_S)
            self._beat(now)
            self._say(self._heartbeat.tell(now))
        talk = self._heartbeat.talk
        due = [self._ask_at, self._beat_at, now + wait_s]
        if talk is not None and self._port is not None:
            talk.on_timer(now)
            waits_until = talk.next_timer()
            due.append(self._hear_at if waits_until is None else waits_until)
            # That it was unplugged is told in any case.
            self._poll.modify(self._port, 0 if waits_until is None else select.POLLIN)
        self._flush_port()
        for file, events in self._poll.poll(max(0.0, 1000 * (min(due) - _now()))):
            self._ready(file, events)

    def close(self) -> None:
        """Gives back the port and the sockets."""
        for listener in list(self._listeners.values()):
            self._drop(listener)
        self._close_port()
        for wire, path in ((self._server, self._socket), (self._asking, self._own)):
            wire.close()
            path.unlink(missing_ok=True)

    def _ready(self, file: int, events: int) -> None:
        if file == self._port:
            self._hear()
        elif file == self._server.fileno():
            self._accept()
        elif file == self._asking.fileno():
            self._edge_answers()
        elif (listener := self._listeners.get(file)) is not None:
            if events & select.POLLOUT:
                self._write(listener)
            if events & ~select.POLLOUT:
                self._listen(listener)

    # The port.

    def _open(self, now: float) -> None:
        self._reopen_at = now + REOPEN_S
        try:
            self._port = open_port(self._url)
        except PortError as error:
            self._heartbeat.trouble = error.reason
            return
        self._poll.register(self._port, select.POLLIN)
        self._heartbeat.opened(Talk(random.SystemRandom().getrandbits(32), now))

    def _hear(self) -> None:
        assert self._port is not None
        data = b""
        try:
            data = os.read(self._port, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            pass
        talk, now = self._heartbeat.talk, _now()
        if not data or talk is None:
            self._close_port()
            self._say(self._heartbeat.lost("absent"))
            return
        talk.receive(data, now)
        said, asks = self._heartbeat.heard(now)
        self._say(said)
        if asks:
            self._beat(now)

    def _beat(self, now: float) -> None:
        if self._heartbeat.talk is None:
            return
        try:
            load = os.getloadavg()[0]
        except OSError:
            load = 0.0
        self._heartbeat.talk.beat(
            edge=self._edge.state(now),
            calls=self._edge.calls(now),
            load=load,
            writable=_writable(self._state),
            unix_s=int(time.time()),
        )

    def _flush_port(self) -> None:
        """What a port does not take at once is lost, as on any wire: it is said again."""
        if self._port is not None and self._heartbeat.talk is not None:
            data = self._heartbeat.talk.data_to_send()
            with contextlib.suppress(OSError):
                if data:
                    os.write(self._port, data)

    def _close_port(self) -> None:
        if self._port is not None:
            self._poll.unregister(self._port)
            os.close(self._port)
            self._port = None

    # The edge.

    def _look_at_edge(self) -> None:
        try:
            pid = int(self._edge_pid.read_text("ascii").strip())
            fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
            self._edge.process(fields[0] not in ("Z", "X"))
        except (OSError, ValueError, IndexError):
            self._edge.process(False)

    def _ask_edge(self) -> None:
        question = {"jsonrpc": "2.0", "id": 1, "method": "stats.get_statistics", "params": [ACTIVE, INVITES]}
        with contextlib.suppress(OSError):
            # Kamailio, which may run as another user, and nobody else is to write its answer here.
            os.chown(self._own, os.stat(self._edge_socket).st_uid, -1)
            self._asking.sendto(json.dumps(question).encode(), str(self._edge_socket))

    def _edge_answers(self) -> None:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            answer = json.loads(self._asking.recv(ANSWER_BYTES))
            if isinstance(answer, dict):
                self._edge.answered(statistics(answer.get("result")), _now())

    # Those who listen.

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            wire, _ = self._server.accept()
            if len(self._listeners) >= LISTENERS_MAX:
                wire.close()
                return
            wire.setblocking(False)
            listener = self._listeners[wire.fileno()] = _Listener(wire)
            self._poll.register(wire, select.POLLIN)
            self._send(listener, self._heartbeat.snapshot(_now()))

    def _listen(self, listener: _Listener) -> None:
        data = b""
        try:
            data = listener.wire.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            pass
        *lines, listener.held = (listener.held + data).split(b"\n")
        if not data or len(listener.held) > LINE_MAX or any(len(line) > LINE_MAX for line in lines):
            self._drop(listener)
            return
        for line in lines:
            self._say(self._heartbeat.ask(listener.wire.fileno(), line, _now()))

    def _say(self, said: list[Said]) -> None:
        for one in said:
            for number, listener in list(self._listeners.items()):
                if one.to in (None, number):
                    self._send(listener, one.line)

    def _send(self, listener: _Listener, line: bytes) -> None:
        listener.pending += line
        if len(listener.pending) > PENDING_MAX:
            self._drop(listener)
        else:
            self._write(listener)

    def _write(self, listener: _Listener) -> None:
        try:
            listener.pending = listener.pending[listener.wire.send(listener.pending) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(listener)
            return
        self._poll.modify(listener.wire, select.POLLIN | (select.POLLOUT if listener.pending else 0))

    def _drop(self, listener: _Listener) -> None:
        if self._listeners.pop(listener.wire.fileno(), None) is not None:
            self._poll.unregister(listener.wire)
            listener.wire.close()

    def _bound_server(self) -> socket.socket:
        self._socket.unlink(missing_ok=True)
        wire = socket.socket(socket.AF_UNIX)
        wire.bind(str(self._socket))
        os.chmod(self._socket, 0o600)
        wire.listen(LISTENERS_MAX)
        wire.setblocking(False)
        self._poll.register(wire, select.POLLIN)
        return wire

    def _bound_edge(self) -> socket.socket:
        self._own.unlink(missing_ok=True)
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        wire.setblocking(False)
        wire.bind(str(self._own))
        os.chmod(self._own, 0o600)
        self._poll.register(wire, select.POLLIN)
        return wire


def _writable(state: Path) -> bool:
    try:
        return not os.statvfs(state).f_flag & os.ST_RDONLY
    except OSError:
        return False


def _next(now: float, every_s: float) -> float:
    """The next whole multiple: those of all processes of a unit come together."""
    return (math.floor(now / every_s) + 1) * every_s


def _now() -> float:
    return time.monotonic()


def main(words: list[str]) -> int:
    """Until SIGTERM or SIGINT."""
    if len(words) != 3:
        print("PORT RUN_DIR STATE_DIR", file=sys.stderr)
        return 2
    heart = Heart(words[0], Path(words[1]), Path(words[2]))

    def stop(number: int, frame: FrameType | None) -> None:
        heart.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    heart.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
