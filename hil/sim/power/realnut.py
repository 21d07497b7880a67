"""The real NUT with its driver dummy-ups, in a folder of its own, for a rig: Debian's `nut-server`."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

__all__ = ["NAME", "PASSWORD", "USER", "RealNut", "free_port", "is_installed"]

UPSD, DUMMY = "/lib/nut/upsd", "/lib/nut/dummy-ups"
"""Debian's /sbin/upsd is a wrapper that asks /etc/nut whether NUT is wanted on this machine."""
WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
"""They end with the thread that started them, also where that is killed."""
START_S = 10.0
LOOK_S = 0.05
STOP_S = 3.0
NAME = "sim"
USER, PASSWORD = "unit", "only-of-the-rig"
MAXAGE_S = 15


def free_port(host: str) -> int:
    """One that nobody has now; `upsd` cannot be told to take any."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        number: int = probe.getsockname()[1]
        return number


def is_installed() -> bool:
    return all(os.access(program, os.X_OK) for program in (UPSD, DUMMY))


class RealNut:
    """`dev`: the file that the driver plays: ``.dev`` is read again when it is another, ``.seq`` in a loop with its
    TIMER lines. The UPS is called `NAME`. `prefix`: before each program, such as ``ip netns exec NAME``."""

    def __init__(
        self, folder: Path, dev: Path, port: int, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.dev = dev
        self.port = port
        self.host = host
        self._prefix = prefix
        self._state = folder / "state"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def driver_socket(self) -> Path:
        return self._state / f"dummy-ups-{NAME}"

    def start(self) -> None:
        """Until the driver has its socket. Raises OSError, TimeoutError."""
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        state, user = self._state, getpass.getuser()
        mode = "dummy-loop" if self.dev.suffix == ".seq" else "dummy-once"
        self._write("nut.conf", "MODE=netserver\n")
        self._write("upsd.conf", f"LISTEN {self.host} {self.port}\nMAXAGE {MAXAGE_S}\nSTATEPATH {state}\n")
        self._write("upsd.users", f"[{USER}]\npassword={PASSWORD}\nupsmon secondary\ninstcmds=ALL\n")
        self._write(
            "ups.conf",
            f"maxretry=3\nstatepath={state}\nuser={user}\npollinterval=1\n"
            f"[{NAME}]\ndriver=dummy-ups\nport={self.dev}\nmode={mode}\n",
        )
        self.start_driver()
        self.start_server()

    def start_driver(self) -> None:
        self.driver_socket.unlink(missing_ok=True)
        self._start("driver", DUMMY, "-F", "-a", NAME)
        until = time.monotonic() + START_S
        while not self.driver_socket.exists():
            if time.monotonic() > until:
                raise TimeoutError(f"dummy-ups did not start: {self._log('driver')}")
            time.sleep(LOOK_S)

    def start_server(self) -> None:
        self._start("server", UPSD, "-F")

    def send(self, which: str, number: signal.Signals) -> None:
        """To `driver` or `server`."""
        self._running[which].send_signal(number)

    def stop_one(self, which: str) -> None:
        """Ends it, also where it was held."""
        process = self._running.pop(which, None)
        if process is None:
            return
        for number in (signal.SIGCONT, signal.SIGTERM):
            process.send_signal(number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        for which in ("server", "driver"):
            self.stop_one(which)

    def remove(self) -> None:
        """With all its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, which: str, *program: str) -> None:
        paths = dict.fromkeys(("NUT_STATEPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH"), str(self._state))
        with (self.folder / f"{which}.log").open("wb") as log:
            self._running[which] = subprocess.Popen(
                [*self._prefix, *WITH_US, *program, "-u", getpass.getuser()],
                env={**os.environ, **paths, "NUT_CONFPATH": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text, encoding="ascii")

    def _log(self, which: str) -> str:
        return (self.folder / f"{which}.log").read_text(errors="replace")[-500:]
