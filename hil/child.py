"""A simulator as a process of its own: started, asked by lines of JSON, and ended. It ends with the one who started it,
by its standard input."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hil.net import Host

__all__ = ["Child", "ChildError"]

READY = "ready"
READY_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0
END_TIMEOUT_S = 10.0
PIECE_BYTES = 65_536


class ChildError(Exception):
    """The simulator is not there, or refused what was asked."""


class Child:
    """`module`, as ``python -m`` takes it, says ``ready`` when its socket `control` is there. On `host`, a namespace,
    or on this machine. Raises ChildError: it did not start."""

    def __init__(self, module: str, arguments: Sequence[str], control: Path, host: Host | None = None) -> None:
        self._module = module
        program = [sys.executable, "-m", module, "--stdin", "--control", str(control), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        start = subprocess.Popen if host is None else host.popen
        self._process: subprocess.Popen[Any] = start(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        self._held = b""
        try:
            self.ready = self._ready()
            """What it said beside that word."""
            self._socket.connect(str(control))
        except BaseException as error:
            self.end()
            if isinstance(error, OSError):
                raise ChildError(f"{module} did not start: {error}") from error
            raise

    def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """One of its commands. Raises ChildError."""
        try:
            self._socket.sendall(json.dumps({"do": do, **facts}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(self._line())
        except OSError as error:
            raise ChildError(f"{self._module} is gone: {error}") from error
        if not answer.pop("ok"):
            raise ChildError(answer["error"])
        return answer

    def end(self) -> None:
        """Returns when it is over."""
        self._socket.close()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ready(self) -> tuple[str, ...]:
        said = self._process.stdout
        assert said is not None
        came, _, _ = select.select([said], [], [], READY_TIMEOUT_S)
        words = said.readline().decode().split() if came else []
        if words[:1] != [READY]:
            raise ChildError(f"{self._module} did not start")
        return tuple(words[1:])

    def _line(self) -> bytes:
        while b"\n" not in self._held:
            data = self._socket.recv(PIECE_BYTES)
            if not data:
                raise ConnectionResetError("closed")
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line
