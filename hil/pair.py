"""A building with two units, of which one serves: the product's standby, with keepalived in each unit's namespace.

platform 10.99.0.2 ──wan── 10.99.0.11 first  10.98.0.2 ──switch── 10.98.0.x phones
                      └─── 10.99.0.12 second 10.98.0.3 ──┘
                           10.99.0.1 and 10.98.0.1: whichever serves
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from hil.net import Net
from hil.phone import Phone
from hil.platform import PlatformError
from hil.site import PREFIX, UNIT_NORTH_IP, UNIT_SOUTH_IP, Own, Site

__all__ = ["OWN", "Pair", "Standby"]

OWN = (Own("10.98.0.2", "10.99.0.11"), Own("10.98.0.3", "10.99.0.12"))
KEY = "0123456789abcdef0123456789abcdef"
SERVES_S = 20.0


class Standby(Site):
    """One of the two: a :class:`Site` with the process `standby` beside edge and unit."""

    def __init__(
        self, net: Net, label: str, place: int, configuration: Mapping[str, Mapping[str, object]], **options: Any
    ) -> None:
        own, peer = OWN[place], OWN[1 - place]
        standby: dict[str, object] = {
            "shared": [f"{UNIT_SOUTH_IP}{PREFIX} south", f"{UNIT_NORTH_IP}{PREFIX} north"],
            "own": own.south,
            "peer": peer.south,
            "own_north": own.north,
            "peer_north": peer.north,
        }
        over = {**configuration, "standby": standby, "unit": {"name": f"gw-rig-{place + 1}"}}
        super().__init__(net, f"{label}{place + 1}", own=own, configuration=over, **options)
        secrets = self.config_file.with_name("secrets.toml")
        secrets.write_text(f'[standby]\nkey = "{KEY}"\n')
        secrets.chmod(0o600)
        self.keepalived = self._program("standby", (self.paths.run / "vrrp.pid").exists)

    @property
    def in_service(self) -> bool:
        """Whether it has the shared address of the phones' network."""
        return f"inet {UNIT_SOUTH_IP}/" in self.host.ip("-o", "-4", "addr", "show", "dev", "south")

    @contextlib.contextmanager
    def arrival(self) -> Iterator[Future[float]]:
        """The moment at which it gets the shared address of the phones' network, time.monotonic(): as its kernel says
        it, however busy this machine is with what else happens then."""
        arrived: Future[float] = Future()
        watching: subprocess.Popen[str] = self.host.popen(
            ["ip", "-4", "monitor", "address"], stdout=subprocess.PIPE, text=True
        )

        heard = watching.stdout
        assert heard is not None

        def read() -> None:
            for line in heard:
                if f"inet {UNIT_SOUTH_IP}/" in line and not line.startswith("Deleted"):
                    arrived.set_result(time.monotonic())
                    return

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        try:
            yield arrived
        finally:
            watching.kill()
            watching.wait()
            reading.join()
            heard.close()

    def is_vouched_for(self) -> bool:
        """In NORMAL, and by its unit's word."""
        return self.mode() == "NORMAL" and bool(self.table("st").get("lease"))

    def power_off(self) -> None:
        super().power_off()
        with contextlib.suppress(PlatformError):
            self.keepalived.kill()
        # What a kernel without power would not keep.
        for interface, address in (("south", UNIT_SOUTH_IP), ("north", UNIT_NORTH_IP)):
            self.host.run(["ip", "address", "del", address + PREFIX, "dev", interface], check=False)

    def power_on(self) -> None:
        """Everything starts again, as by systemd."""
        self.cables_in()
        self.start_own()
        self.keepalived.start()

    def start_own(self) -> None:
        """All but what gives it the shared addresses."""
        self.edge.start()
        self.unit.start()
        self.calls.start()

    def stop(self) -> None:
        with contextlib.suppress(PlatformError):
            self.keepalived.stop()
        super().stop()


class Pair:
    """Both, after `start`; the first serves. `options` are those of :class:`Site`."""

    def __init__(
        self,
        net: Net,
        label: str = "",
        *,
        configuration: Mapping[str, Mapping[str, object]] | None = None,
        **options: Any,
    ) -> None:
        self.phones: tuple[Phone, ...] = ()  # those with sound, where a test or a bench has put some
        over = configuration or {}
        first = Standby(net, label, 0, over, **options)
        self.units = (first, Standby(net, label, 1, over, **options, beside=first))

    @property
    def serving(self) -> list[Standby]:
        """Who has the shared addresses; one, on a good day."""
        return [unit for unit in self.units if unit.in_service]

    def start(self) -> None:
        first, second = self.units
        first.platform.start()
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(Standby.start_own, self.units))
        first.keepalived.start()
        first.wait(lambda: first.in_service, SERVES_S, "in service")
        second.keepalived.start()
        for unit in self.units:
            unit.wait(unit.is_vouched_for, SERVES_S, "NORMAL, vouched for")

    def stop(self) -> None:
        """Both at once, in good order, and the platform."""
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(Standby.stop, self.units))
