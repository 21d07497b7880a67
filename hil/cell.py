"""A building's second way to its platform: a line that is slow, narrow or lossy as a mobile network, and WireGuard on
it.

    unit 100.64.0.1 ──(cell)── 100.64.0.2 platform        WireGuard: 10.88.0.2 unit, 10.88.0.1 platform
                                          platform 10.97.0.1 ──── 10.97.0.5 world

Both ends run wireguard-go: the kernel here has none. The world, where calls to numbers outside end, lies behind the
platform and is reached by either way."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from firmware.data.shown import Tunnel
from hil.net import Net
from hil.platform.daemon import Daemon
from hil.sim.line import Line
from hil.site import Site

__all__ = ["ALSO", "DATA_NODE_IP", "WORLD_IP", "Cell", "Keys", "configuration"]

UNIT_IP, PLATFORM_IP = "100.64.0.1", "100.64.0.2"
DATA_IP, DATA_NODE_IP = "10.88.0.2", "10.88.0.1"
WORLD_IP, WORLD_NET, WORLD_ROUTER_IP = "10.97.0.5", "10.97.0.0/24", "10.97.0.1"
ALSO = (DATA_NODE_IP, WORLD_ROUTER_IP)
"""Where the platform is reached beside its line."""
PORT = 51820
PEER = "wgplat"
HANDSHAKE_S = 20.0
POLL_S = 0.05
OWN_SOCKETS = "mkdir -p /run/wireguard && mount -t tmpfs hil /run/wireguard && "
"""Each end has that folder for itself: by `ip netns exec` it is in a mount namespace of its own."""
_PEER = (
    OWN_SOCKETS
    + f"wireguard-go --foreground {PEER} & p=$!; until wg show {PEER} >/dev/null 2>&1; do sleep 0.05; done; "
    + f"wg setconf {PEER} /dev/stdin && ip address add {DATA_NODE_IP}/24 dev {PEER} && "
    + f"ip link set dev {PEER} mtu 1280 up; wait $p"
)


def _made(*command: str, text: str = "") -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Keys:
    """Of both ends, new each time."""

    unit: str = field(default_factory=lambda: _made("wg", "genkey"), repr=False)
    platform: str = field(default_factory=lambda: _made("wg", "genkey"), repr=False)

    @staticmethod
    def public(key: str) -> str:
        return _made("wg", "pubkey", text=key)


def configuration(keys: Keys, **data: object) -> dict[str, Mapping[str, object]]:
    """What a `Site` is given for it."""
    return {
        "platform": {"data_nodes": [f"sip:{DATA_NODE_IP}:5060"]},
        "data": {
            "address": DATA_IP,
            "interface": "wwan",
            "peer_key": keys.public(keys.platform),
            "endpoint": f"{PLATFORM_IP}:{PORT}",
            "allowed": ["10.88.0.0/24", WORLD_NET],
            **data,
        },
    }


class Cell:
    """Laid to a `Site` that was made with `configuration` and `also=ALSO`, before that is started. Its programs begin
    as the site's do."""

    def __init__(self, net: Net, site: Site, keys: Keys, *, delay_ms: float = 60.0, rate_kbit: float = 0.0) -> None:
        self.site = site
        far = site.platform_host
        self.line = Line(
            net, "cell", (site.host, "wwan", f"{UNIT_IP}/24"), (far, "wwan", f"{PLATFORM_IP}/24"), delay_ms=delay_ms
        )
        if rate_kbit:
            self.line.rate(rate_kbit)
        self.world = net.host("world")
        net.link(self.world, "eth", f"{WORLD_IP}/24", far, "world", f"{WORLD_ROUTER_IP}/24")
        self.world.route("default", WORLD_ROUTER_IP)
        far.forward()
        # What the unit has there is at no other place: the platform's own networks come by the line alone.
        secrets = site.config_file.with_name("secrets.toml")
        secrets.write_text(f'[data]\nprivate_key = "{keys.unit}"\n')
        secrets.chmod(0o600)
        peer = f"[Interface]\nPrivateKey = {keys.platform}\nListenPort = {PORT}\n"
        peer += f"[Peer]\nPublicKey = {keys.public(keys.unit)}\nAllowedIPs = {DATA_IP}/32\n"
        self._peer = far.popen(["sh", "-c", _PEER], stdin=subprocess.PIPE, text=True)
        assert self._peer.stdin is not None
        self._peer.stdin.write(peer)
        self._peer.stdin.close()
        deadline = time.monotonic() + HANDSHAKE_S
        while DATA_NODE_IP not in far.ip("-o", "-4", "address", "show"):
            if time.monotonic() > deadline or self._peer.poll() is not None:
                raise RuntimeError("the platform's WireGuard did not start")
            time.sleep(POLL_S)
        program = [*site.prefix, sys.executable, "-m", "firmware.app"]
        arguments = ["--config", str(site.config_file)]
        self.data = Daemon(site.host, [*program, "data", *arguments], self._log("data"), site.paths.data_shown.exists)
        tunnel = ["sh", "-c", OWN_SOCKETS + 'exec "$@"', "sh", *program, "tunnel", *arguments]
        self.tunnel = Daemon(site.host, tunnel, self._log("tunnel"), site.paths.tunnel.exists)

    def start(self) -> None:
        """Both programs, until the tunnel's ends have met."""
        for program in (self.tunnel, self.data):
            program.launch()
        for program in (self.tunnel, self.data):
            program.wait_serving()
        self.site.wait(self._shaken, HANDSHAKE_S, "the tunnel's ends have met")

    def stop(self) -> None:
        for program in (self.data, self.tunnel):
            program.stop()

    def _shaken(self) -> bool:
        shown = Tunnel.read(self.site.paths.tunnel)
        return shown is not None and shown.handshake_s is not None

    def _log(self, name: str) -> Path:
        return self.site.host.directory / f"{name}.log"
