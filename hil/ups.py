"""A simulated UPS for tests and rigs: started, asked and ended. The program is hil/sim/power; it ends with the one who
started it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hil.child import Child
from hil.net import MEMORY_DIR
from hil.sim.power.realnut import is_installed

if TYPE_CHECKING:
    from hil.net import Host

__all__ = ["SimulatedUps"]


class SimulatedUps:
    """A context manager. `real`: by the real NUT; None: where that is installed. On `host`, a namespace, at `address`,
    or on this machine; `port` 0: any. `speed`: seconds of the battery in one of ours."""

    def __init__(
        self,
        host: Host | None = None,
        address: str = "127.0.0.1",
        *,
        port: int = 0,
        real: bool | None = None,
        watts: float = 60.0,
        ah: float = 9.0,
        speed: float = 1.0,
    ) -> None:
        self._host = host
        self._real = is_installed() if real is None else real
        self._arguments = [f"--listen={address}:{port}", f"--watts={watts}", f"--ah={ah}", f"--speed={speed}"]
        self._folder = Path()
        self._child: Child | None = None
        self.url = ""
        """As `[[ups]] url` has it."""
        self.driver_socket = ""
        """As `[[ups]] driver_socket`; "" where there is none."""

    def __enter__(self) -> SimulatedUps:
        # A short name, as a Unix socket needs one.
        self._folder = Path(tempfile.mkdtemp(prefix="rvu", dir=MEMORY_DIR))
        arguments = [*self._arguments, *(["--nut", str(self._folder / "nut")] if self._real else [])]
        try:
            self._child = Child("hil.sim.power", arguments, self._folder / "control", self._host)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        place, driver_socket = self._child.ready
        self.url, self.driver_socket = f"nut://{place}", "" if driver_socket == "-" else driver_socket
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """A command of hil/sim/power/control.py. Raises ChildError."""
        assert self._child is not None
        return self._child.ask(do, **facts)
