"""A name server of the building (dnsmasq): one name under which phones find first the unit, then what is behind it."""

from __future__ import annotations

from collections.abc import Sequence

from hil.net import Host
from hil.platform.daemon import Daemon

__all__ = ["DOMAIN", "PROXY_NAME", "Names"]

DOMAIN = "branch.example"
PROXY_NAME = f"proxy.{DOMAIN}"
TTL_S = 300


class Names:
    """Answers for :data:`PROXY_NAME` by SRV (RFC 2782, RFC 3263): `places` are IPv4 addresses, the first preferred."""

    def __init__(self, host: Host, ip: str, places: Sequence[str]) -> None:
        self.ip = ip
        args = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"]
        args += [
            "--pid-file=",
            f"--listen-address={ip}",
            "--bind-interfaces",
            f"--local-ttl={TTL_S}",
            "--log-facility=-",
        ]
        args += [f"--local=/{DOMAIN}/"]
        for number, place in enumerate(places, 1):
            target = f"place{number}.{DOMAIN}"
            args += [f"--host-record={target},{place}"]
            args += [f"--srv-host=_sip._{how}.{PROXY_NAME},{target},5060,{10 * number}" for how in ("udp", "tcp")]
        self._host = host
        self._daemon = Daemon(host, args, host.directory / "dnsmasq.log", self._serves)

    def start(self) -> None:
        """Returns when it listens."""
        self._daemon.start()

    def stop(self) -> None:
        self._daemon.stop()

    def _serves(self) -> bool:
        return f"{self.ip}:53" in self._host.run(["ss", "-H", "-lun"]).stdout
