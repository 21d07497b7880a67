"""A simulated UPS for tests and rigs: started, asked and ended. The program is hil/sim/power; it ends with the one who
started it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hil.net import MEMORY_DIR
from hil.sim.power.realnut import is_installed

if TYPE_CHECKING:
    from hil.net import Host

__all__ = ["SimulatedUps", "UpsError"]

ANSWER_TIMEOUT_S = 10.0
END_TIMEOUT_S = 10.0


class UpsError(Exception):
    """The simulator did not start, or refused what was asked."""


class SimulatedUps:
    """A context manager. `real`: by the real NUT; None: where that is installed. On `host`, a namespace, at `address`,
    or on this machine. `speed`: seconds of the battery in one of ours."""

    def __init__(
        self,
        host: Host | None = None,
        address: str = "127.0.0.1",
        *,
        real: bool | None = None,
        watts: float = 60.0,
        ah: float = 9.0,
        speed: float = 1.0,
    ) -> None:
        self._host = host
        self._real = is_installed() if real is None else real
        self._arguments = [f"--listen={address}:0", f"--watts={watts}", f"--ah={ah}", f"--speed={speed}", "--stdin"]
        self._folder = Path()
        self._process: subprocess.Popen[Any] | None = None
        self._socket: socket.socket | None = None
        self.url = ""
        """As `[[ups]] url` has it."""
        self.driver_socket = ""
        """As `[[ups]] driver_socket`; "" where there is none."""

    def __enter__(self) -> SimulatedUps:
        # A short name, as a Unix socket needs one.
        self._folder = Path(tempfile.mkdtemp(prefix="rvu", dir=MEMORY_DIR))
        control = self._folder / "control"
        program = [sys.executable, "-m", "hil.sim.power", *self._arguments, "--control", str(control)]
        program += ["--nut", str(self._folder / "nut")] if self._real else []
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        start = subprocess.Popen if self._host is None else self._host.popen
        self._process = start(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().decode().split()
        if words[:1] != ["ready"]:
            self.__exit__(None, None, None)
            raise UpsError("the simulated UPS did not start")
        self.url, self.driver_socket = f"nut://{words[1]}", "" if words[2] == "-" else words[2]
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        self._socket.connect(str(control))
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
        shutil.rmtree(self._folder, ignore_errors=True)

    def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """A command of hil/sim/power/control.py. Raises UpsError."""
        assert self._socket is not None
        self._socket.sendall(json.dumps({"do": do, **facts}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = self._socket.recv(65536)
            if not piece:
                raise UpsError("the simulated UPS is gone")
            answer += piece
        told: dict[str, Any] = json.loads(answer)
        if not told.pop("ok"):
            raise UpsError(told["error"])
        return told
