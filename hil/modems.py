"""Simulated modems and their network for tests and rigs: started, asked, waited for, and read afterwards.

The program is hil/sim/modem; it ends with the one who started it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hil.net import MEMORY_DIR
from hil.sim.modem.history import Entry

if TYPE_CHECKING:
    from hil.net import Host

__all__ = ["Modems", "ModemsError"]

START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0
END_TIMEOUT_S = 10.0
POLL_S = 0.02
CONTROL = "control"


class ModemsError(Exception):
    """The simulator is not there, or refused what was asked."""


class Modems:
    """Modems on one network; a context manager.

    Each of `plans` is what ``--modem`` takes, without its ports: ``name=a,model=sim7600,faults=glued:0.5``. The history
    is a file in `directory`. On `host`, a namespace, or on this machine."""

    def __init__(self, directory: Path, *plans: str, host: Host | None = None, seed: int = 1) -> None:
        self.directory, self.names = directory, [_name(plan) for plan in plans]
        self.history_file = directory / "modems.jsonl"
        self._plans, self._host, self._seed = plans, host, seed
        self._links = Path()
        self._process: subprocess.Popen[Any] | None = None
        self._socket: socket.socket | None = None
        self._held = b""

    def __enter__(self) -> Modems:
        self.directory.mkdir(parents=True, exist_ok=True)
        # A short name, as a Unix socket needs one, and below /dev, as a unit wants its modems' ports.
        self._links = Path(tempfile.mkdtemp(prefix="rvm", dir=MEMORY_DIR))
        self._links.chmod(0o755)
        program = [sys.executable, "-m", "hil.sim.modem", "--stdin", "--seed", str(self._seed)]
        program += ["--control", str(self._links / CONTROL), "--history", str(self.history_file)]
        for plan, name in zip(self._plans, self.names, strict=True):
            program += ["--modem", f"{plan},at={self._link(name, 'at')},pcm={self._link(name, 'pcm')}"]
        root = Path(__file__).resolve().parents[1]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        start = subprocess.Popen if self._host is None else self._host.popen
        self._process = start(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        try:
            self._socket = self._connected(time.monotonic() + START_TIMEOUT_S)
            self.until(self._all_on, START_TIMEOUT_S, "power")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            try:
                self._process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stdout.close()
        for left in self._links.iterdir():
            left.unlink()
        self._links.rmdir()

    @property
    def links(self) -> Path:
        """The folder of its ports, in memory."""
        return self._links

    def at_url(self, name: str) -> str:
        """Where a modem's AT port is."""
        return f"serial://{self._link(name, 'at')}"

    def pcm_url(self, name: str) -> str:
        """Where its sound is."""
        return f"serial://{self._link(name, 'pcm')}"

    def configuration(self) -> list[dict[str, object]]:
        """The `[[modem]]` of a unit that has them, preferred in their order."""
        return [
            {
                "name": name,
                "at": self.at_url(name),
                "pcm": self.pcm_url(name),
                "number": self.number(name),
                "priority": place,
            }
            for place, name in enumerate(self.names, start=1)
        ]

    def do(self, word: str, **fields: Any) -> dict[str, Any]:
        """A command of hil/sim/modem/control.py; `from_` is `from`. Raises ModemsError."""
        said = {"do": word, **{name.rstrip("_"): value for name, value in fields.items()}}
        assert self._socket is not None
        try:
            self._socket.sendall(json.dumps(said).encode() + b"\n")
            answer: dict[str, Any] = json.loads(self._line())
        except OSError as error:
            raise ModemsError(f"the simulator is gone: {error}") from error
        if not answer.pop("ok"):
            raise ModemsError(answer["error"])
        return answer

    def status(self) -> dict[str, Any]:
        """Modems and calls, as they are now."""
        return self.do("status")

    def number(self, name: str) -> str:
        """A modem's own number."""
        return str(self.status()["modems"][name]["number"])

    def entries(self, what: str, **facts: Any) -> list[Entry]:
        """Of the history: those of one kind that have these facts."""
        found: Sequence[Entry] = self.do("history", what=what)["entries"]
        return [entry for entry in found if all(entry.get(name) == value for name, value in facts.items())]

    def wait(self, what: str, timeout_s: float = 10.0, count: int = 1, **facts: Any) -> list[Entry]:
        """Until there are so many of them. Raises ModemsError when there are not in time."""
        found: list[Entry] = []

        def enough() -> bool:
            found[:] = self.entries(what, **facts)
            return len(found) >= count

        self.until(enough, timeout_s, f"{count} of {what} {facts}")
        return found

    def until(self, holds: Callable[[], bool], timeout_s: float, what: str = "what was waited for") -> None:
        """Raises ModemsError when it does not hold in time."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise ModemsError(f"{what}: not within {timeout_s} s")
            time.sleep(POLL_S)

    def _all_on(self) -> bool:
        return all(modem["power"] == "on" for modem in self.status()["modems"].values())

    def _link(self, name: str, port: str) -> Path:
        return self._links / f"{name}.{port}"

    def _connected(self, deadline: float) -> socket.socket:
        assert self._process is not None
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(ANSWER_TIMEOUT_S)
            try:
                connection.connect(str(self._links / CONTROL))
                return connection
            except OSError as error:
                connection.close()
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise ModemsError(f"the simulator did not start: {error}") from error
                time.sleep(POLL_S)

    def _line(self) -> bytes:
        assert self._socket is not None
        while b"\n" not in self._held:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("closed")
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line


def _name(plan: str) -> str:
    """Raises ModemsError: the plan has no name."""
    for entry in plan.split(","):
        key, _, value = entry.partition("=")
        if key == "name":
            return value
    raise ModemsError(f"{plan!r}: name=… is missing")
