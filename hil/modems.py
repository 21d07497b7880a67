"""Simulated modems and their network for tests and rigs: started, asked, waited for, and read afterwards.

The program is hil/sim/modem; it ends with the one who started it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hil.child import Child, ChildError
from hil.net import MEMORY_DIR
from hil.sim.modem.history import Entry

if TYPE_CHECKING:
    from hil.net import Host

__all__ = ["Modems"]

POWER_TIMEOUT_S = 20.0
POLL_S = 0.02
CONTROL = "control"


class Modems:
    """Modems on one network; a context manager.

    Each of `plans` is what ``--modem`` takes, without its ports: ``name=a,model=sim7600,faults=glued:0.5``. The history
    is a file in `directory`. On `host`, a namespace, or on this machine."""

    def __init__(self, directory: Path, *plans: str, host: Host | None = None, seed: int = 1) -> None:
        self.directory, self.names = directory, [_name(plan) for plan in plans]
        self.history_file = directory / "modems.jsonl"
        self._plans, self._host, self._seed = plans, host, seed
        self._links = Path()
        self._child: Child | None = None

    def __enter__(self) -> Modems:
        self.directory.mkdir(parents=True, exist_ok=True)
        # A short name, as a Unix socket needs one, and below /dev, as a unit wants its modems' ports.
        self._links = Path(tempfile.mkdtemp(prefix="rvm", dir=MEMORY_DIR))
        self._links.chmod(0o755)
        arguments = ["--seed", str(self._seed), "--history", str(self.history_file)]
        for plan, name in zip(self._plans, self.names, strict=True):
            arguments += ["--modem", f"{plan},at={self._link(name, 'at')},pcm={self._link(name, 'pcm')}"]
        try:
            self._child = Child("hil.sim.modem", arguments, self._links / CONTROL, self._host)
            self.until(self._all_on, POWER_TIMEOUT_S, "power")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.end()
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
        """A command of hil/sim/modem/control.py; `from_` is `from`. Raises ChildError."""
        assert self._child is not None
        return self._child.ask(word, **{name.rstrip("_"): value for name, value in fields.items()})

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
        """Until there are so many of them. Raises ChildError when there are not in time."""
        found: list[Entry] = []

        def enough() -> bool:
            found[:] = self.entries(what, **facts)
            return len(found) >= count

        self.until(enough, timeout_s, f"{count} of {what} {facts}")
        return found

    def until(self, holds: Callable[[], bool], timeout_s: float, what: str = "what was waited for") -> None:
        """Raises ChildError when it does not hold in time."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise ChildError(f"{what}: not within {timeout_s} s")
            time.sleep(POLL_S)

    def _all_on(self) -> bool:
        return all(modem["power"] == "on" for modem in self.status()["modems"].values())

    def _link(self, name: str, port: str) -> Path:
        return self._links / f"{name}.{port}"


def _name(plan: str) -> str:
    """Raises ChildError: the plan has no name."""
    for entry in plan.split(","):
        key, _, value = entry.partition("=")
        if key == "name":
            return value
    raise ChildError(f"{plan!r}: name=… is missing")
