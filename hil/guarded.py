"""A building whose router takes the unit's address when the unit is dead, and refuses what phones send to it: the
product's `[standby] peer_is = "router"`, and keepalived for the router's VRRP.

platform 10.99.0.2 ──wan── 10.99.0.1 unit 10.98.0.2 ──switch── 10.98.0.x phones
                      └─── 10.99.0.254 router 10.98.0.254 ──┘
                           10.98.0.1: the unit's while it lives, else the router's
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from firmware.config import Standby
from firmware.standby import ADVERT_S, ROUTER_PRIORITY
from hil.net import Net
from hil.platform import PlatformError
from hil.platform.daemon import Daemon
from hil.site import PREFIX, UNIT_NORTH_IP, UNIT_SOUTH_IP, Own, Site

__all__ = ["Guarded", "router_conf"]

OWN = Own("10.98.0.2", UNIT_NORTH_IP)
GROUP = Standby().group
SERVES_S = 20.0


def router_conf() -> str:
    """All that keepalived of the router is told."""
    return f"""\
global_defs {{
    vrrp_version 3
}}
vrrp_instance phones {{
    state BACKUP
    interface south
    virtual_router_id {GROUP}
    priority {ROUTER_PRIORITY}
    advert_int {ADVERT_S}
    virtual_ipaddress {{
        {UNIT_SOUTH_IP}{PREFIX}
    }}
}}
"""


class Guarded(Site):
    """A :class:`Site` with the process `standby`, and a router that has it too."""

    def __init__(
        self, net: Net, label: str = "", *, configuration: Mapping[str, Mapping[str, object]] | None = None, **more: Any
    ) -> None:
        shared = UNIT_SOUTH_IP + PREFIX
        standby = {"shared": [f"{shared} south"], "own": OWN.south, "peer_is": "router"}
        over = {**(configuration or {}), "standby": standby}
        super().__init__(net, label, own=OWN, router=True, configuration=over, **more)
        self.keepalived = self._program("standby", (self.paths.run / "vrrp.pid").exists)
        assert self.router is not None
        folder = self.router.directory
        file, pid = folder / "keepalived.conf", folder / "vrrp.pid"
        file.write_text(router_conf())
        command = ["keepalived", "--dont-fork", "--log-console", "--vrrp", f"--use-file={file}"]
        command += [f"--pid={folder}/keepalived.pid", f"--vrrp_pid={pid}"]
        self._vrrp = Daemon(self.router, command, folder / "keepalived.log", pid.exists)

    @property
    def in_service(self) -> bool:
        """Whether the unit has the address of the phones' network."""
        return f"inet {UNIT_SOUTH_IP}/" in self.host.ip("-o", "-4", "addr", "show", "dev", "south")

    def start(self, *, unit: bool = True) -> None:
        super().start(unit=unit)
        self.keepalived.start()
        self.wait(lambda: self.in_service, SERVES_S, "in service")
        self._vrrp.start()

    def power_off(self) -> None:
        super().power_off()
        with contextlib.suppress(PlatformError):
            self.keepalived.kill()

    def power_on(self) -> None:
        """Everything of the unit starts again, as by systemd."""
        # What neither kernel nor memory keep without power.
        for file in self.paths.run.glob("*.pid"):
            file.unlink()
        self.host.run(["ip", "address", "del", UNIT_SOUTH_IP + PREFIX, "dev", "south"], check=False)
        self.cables_in()
        for program in (self.edge, self.unit, self.calls, self.keepalived):
            program.start()

    def stop(self) -> None:
        for program in (self.keepalived, self._vrrp):
            with contextlib.suppress(PlatformError):
                program.stop()
        super().stop()
