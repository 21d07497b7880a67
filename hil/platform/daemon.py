"""A server program in a namespace with all its children: started, ended, killed, frozen as one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hil.net import Host
from hil.platform import PlatformError

__all__ = ["Daemon", "OneDaemon"]

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.02
LOG_TAIL_CHARS = 2_000


class Daemon:
    """``serving`` is asked during the start until it is true; ``log`` is appended to over restarts."""

    def __init__(self, host: Host, args: Sequence[str], log: Path, serving: Callable[[], bool]) -> None:
        self._host = host
        self._args = list(args)
        self._log = log
        self._serving = serving
        self._process: subprocess.Popen[Any] | None = None

    @property
    def pid(self) -> int:
        """The main process, which leads the group of all. Raises PlatformError when it was never started."""
        if self._process is None:
            raise PlatformError(f"{self._args[0]} on {self._host.name} was not started")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it serves; what is left of an earlier start is killed first."""
        self.launch()
        self.wait_serving()

    def launch(self) -> None:
        """The first half of :meth:`start`."""
        if self._process is not None:
            self.kill()
        with open(self._log, "ab") as log:
            self._process = self._host.popen(self._args, stdout=log, stderr=log)

    def wait_serving(self) -> None:
        """The second half. Raises PlatformError when it ends instead, or does not serve in time."""
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._serving():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = self._log.read_text(errors="replace")[-LOG_TAIL_CHARS:]
                raise PlatformError(f"{self._args[0]} on {self._host.name} did not start; its log ends:\n{tail}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """SIGTERM to the main process; what does not end in time is killed. An end that was none of its own is said in
        its log."""
        self.thaw()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._host.pids(self.pid) and time.monotonic() < deadline:
            self._reap()
            time.sleep(POLL_S)
        if left := self._host.pids(self.pid):
            self._note(f"{left} did not end within {STOP_TIMEOUT_S} s")
        self.kill()
        if self._process is not None and (self._process.returncode or 0) < 0:
            self._note(f"ended by signal {-self._process.returncode}")

    def kill(self) -> None:
        """SIGKILL to the group; returns when every process of it is gone, its ports free."""
        self._signal(signal.SIGKILL)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._host.pids(self.pid):
            if time.monotonic() > deadline:
                raise PlatformError(f"{self._args[0]} on {self._host.name} would not die")
            time.sleep(POLL_S)
        self._reap()

    def freeze(self) -> None:
        """SIGSTOP to the group."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to the group."""
        self._signal(signal.SIGCONT)

    def _note(self, text: str) -> None:
        with open(self._log, "a") as log:
            log.write(f"rvx-rig: {self._args[0]} {text}\n")

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _reap(self) -> None:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(POLL_S)


class OneDaemon(ABC):
    """What all platforms have that are one daemon; how it is started is theirs. See `hil.platform.Platform`."""

    _daemon: Daemon

    @abstractmethod
    def start(self) -> None:
        """Start and wait until it serves. Raises PlatformError with the end of its log."""

    def stop(self) -> None:
        """End it in good order."""
        self._daemon.stop()

    def restart(self) -> None:
        """Stop and start; one that is not persistent has forgotten its registrations."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL, all of it at once."""
        self._daemon.kill()

    def freeze(self) -> None:
        """SIGSTOP, all of it."""
        self._daemon.freeze()

    def thaw(self) -> None:
        """End :meth:`freeze`."""
        self._daemon.thaw()
