"""A building on one machine: platform, line, unit and a switch with phones, each a host of its own.

    platform 10.99.0.2 ──(line)── 10.99.0.1 unit 10.98.0.1 ──switch── 10.98.0.x phones

The unit is the product, started as systemd would start it: `edge`, `unit` and `calls`, and `trunk` where it has modems.
Beyond that, where asked for: a router past the unit, by which phones reach the platform without it; a second unit on
the same two networks, which shares the addresses of the first (`hil.pair`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from callcontrol.digest import ha1
from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.edge.settings import Socket
from firmware import edgedb
from firmware.paths import Paths
from firmware.restart import drained, places_kept
from firmware.store import Credential, Directory, Journal
from firmware.watch import table
from hil.debian import chroot
from hil.net import Host, Net, Switch
from hil.platform import Platform, PlatformError
from hil.platform.daemon import Daemon
from hil.platform.kamailio import KamailioPlatform
from hil.sim.line import Line

__all__ = ["PLATFORM_IP", "PROXY", "REALM", "Own", "Site", "SiteError", "numbers", "password"]

REALM = "region.example"
PLATFORM_IP = "10.99.0.2"
UNIT_NORTH_IP = "10.99.0.1"
UNIT_SOUTH_IP = "10.98.0.1"
PROXY = f"{UNIT_SOUTH_IP}:5060"
"""What a phone is told."""
PREFIX = "/24"
SOUTH_NET, NORTH_NET = "10.98.0.0/24", "10.99.0.0/24"
ROUTER_SOUTH_IP, ROUTER_NORTH_IP = "10.98.0.254", "10.99.0.254"
SETTLED_AT = "2026-01-01T00:00:00Z"
POLL_S = 0.02
STARTED_S = 40.0
ANSWER_S = 6.0  # of the edge and the unit to the rig; one that is dead refuses at once
SOURCE, SOURCE_PLACE = Path(__file__).parents[1], "/srv"
"""What is tried, and where another Debian finds it."""
DEBIAN_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
T = TypeVar("T")


@dataclass(frozen=True)
class Own:
    """The own addresses of one of two units, where the rig's usual ones are shared."""

    south: str
    north: str


class SiteError(Exception):
    """The building did not come to the state that was waited for."""


def password(extension: str) -> str:
    """Each extension of a rig has its own."""
    return f"pw-{extension}"


def numbers(first: int, count: int) -> dict[str, str]:
    """Extensions in a row, with their passwords."""
    return {str(number): password(str(number)) for number in range(first, first + count)}


class Site:
    """Built by its constructor, running after `start`, gone with its Net. `label` tells several of one Net apart.

    `configuration` lies over the rig's own: section -> key -> value; `modems` are its `[[modem]]`, `tables` others of
    that kind, by name. `credentials` says by which mode (design.md, table of credential modes) the unit knows each
    extension; None: all of `users` by mode 1.

    `router` lets phones reach the platform past the unit: those of `phones`, and others that `past_unit` is told of.
    `own` makes this one of two units; `beside` is the one that platform, networks and phones are shared with.
    `disk_mb`: the unit's state lies on a disk of its own of that size. `prefix` gives, by the unit's folder in memory,
    what begins the command of each of its programs.
    """

    debian: ClassVar[str | None] = os.environ.get("RVX_RIG_DEBIAN")
    """The root of another Debian (see `hil.debian`), in which edge and unit run; None: they run on this machine's."""

    def __init__(
        self,
        net: Net,
        label: str = "",
        *,
        users: Mapping[str, str],
        registration: Literal["path", "contact"] = "path",
        configuration: Mapping[str, Mapping[str, object]] | None = None,
        modems: Sequence[Mapping[str, object]] = (),
        tables: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
        credentials: Mapping[str, int] | None = None,
        delay_ms: float | None = None,
        router: bool = False,
        disk_mb: int | None = None,
        own: Own | None = None,
        beside: Site | None = None,
        platform: Callable[[Host], Platform] | None = None,
        prefix: Callable[[Path], Sequence[str]] | None = None,
        **platform_options: Any,
    ) -> None:
        self.users = dict(users)
        self.beside = beside
        self.host = net.host(f"unit{label}")
        self.platform_host: Host = beside.platform_host if beside else net.host(f"platform{label}")
        self.switch: Switch = beside.switch if beside else net.switch(f"lan{label}")
        self.phones: Host = beside.phones if beside else net.host(f"phones{label}")
        self.wan: Switch | None = beside.wan if beside else net.switch(f"wan{label}") if own or router else None
        south_ip, north_ip = (own.south, own.north) if own else (UNIT_SOUTH_IP, UNIT_NORTH_IP)
        north, far = (self.host, "north", north_ip + PREFIX), (self.platform_host, "line", PLATFORM_IP + PREFIX)
        self.line: Line | None = None
        if self.wan is not None:
            self.wan.join(*north)
            if beside is None:
                self.wan.join(*far)
        elif delay_ms is None:
            net.link(*north, *far)
        else:
            self.line = Line(net, f"line{label}", north, far, delay_ms=delay_ms)
        self.switch.join(self.host, "south", south_ip + PREFIX)
        if beside is None:
            self.switch.join(self.phones, "lan", "10.98.0.10" + PREFIX)
        self.router: Host | None = net.host(f"router{label}") if router else None
        if self.router:
            self._join_router(self.router)
        self.platform: Platform = (
            beside.platform
            if beside
            else platform(self.platform_host)
            if platform
            else KamailioPlatform(
                self.platform_host,
                PLATFORM_IP,
                realm=REALM,
                users=self.users,
                path=registration == "path",
                **platform_options,
            )
        )
        self.config_file = self.host.directory / "unit.toml"
        # In memory, as on a unit.
        self.paths = Paths(self.host.directory / "state", net.memory(self.host.name))
        if disk_mb is not None:
            self.host.tmpfs(self.paths.state, disk_mb)
        self.prefix = list(prefix(self.paths.run)) if prefix else []
        self._write_config(registration, configuration or {}, {"modem": modems, **(tables or {})})
        self._write_credentials(credentials)
        self.edge = self._program("edge", self._edge_serves)
        self.unit = self._program("unit", self._unit_answers)
        self.calls = self._program("calls", self._calls_vouches)
        self.trunk = self._program("trunk", self._trunk_lives) if modems else None
        self._rpc = EdgeRpc(self.paths.edge_socket)

    def start(self, *, unit: bool = True) -> None:
        """Platform, edge and, unless it is to do without, the unit's Python; with it, until the mode is NORMAL."""
        if self.beside is None:
            self.platform.start()
        self.edge.start()
        if unit:
            programs = (self.unit, self.calls, *self._trunks)
            for program in programs:
                program.launch()
            for program in programs:
                program.wait_serving()
            # The edge begins in NORMAL by itself, without anybody who vouches for it.
            self.wait(
                lambda: self.mode() == "NORMAL" and self.table("st").get("lease"), STARTED_S, "NORMAL, vouched for"
            )

    def stop(self) -> None:
        """Ends trunk, calls, unit and edge in good order, and the platform."""
        for program in (*self._trunks, self.calls, self.unit, self.edge):
            with contextlib.suppress(Exception):
                program.stop()
        with contextlib.suppress(Exception):
            self.platform.stop()

    def restart(self, program: Daemon, patience_s: float = 2.0) -> float:
        """As `rvx restart`: the edge drains first, for so long. For how long it was away, seconds."""
        kept: Sequence[Socket] = ()
        if program is self.edge:
            asyncio.run(drained(self._rpc, patience_s))
            kept = [Socket("udp", address, 5060) for address in (UNIT_SOUTH_IP, UNIT_NORTH_IP)]
        with places_kept(kept, self.host.socket):
            began = time.monotonic()
            program.stop()
            program.start()
            return time.monotonic() - began

    def past_unit(self, phone: Host) -> None:
        """This phone reaches the platform by the router; where it is told to."""
        phone.route(NORTH_NET, ROUTER_SOUTH_IP)

    def power_off(self) -> None:
        """The unit is dead: its cables first, as its kernel is the rig's and would say goodbye, then its processes."""
        self.cables_out()
        for program in (*self._trunks, self.calls, self.unit, self.edge):
            with contextlib.suppress(PlatformError):
                program.kill()

    def disk_gone(self, gone: bool) -> None:
        """Edge and unit find nothing at the unit's state any more, and can make nothing; what is open stays so."""
        state = str(self.paths.state)
        command = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", state] if gone else ["umount", state]
        for program in (self.edge, self.unit):
            # Each runs in a mount namespace of its own, as `ip netns exec` gives it one.
            self.host.run(["nsenter", "--mount", "--target", str(program.pid), *command])

    def cables_out(self) -> None:
        """Neither network has the unit any more."""
        for interface in ("south", "north"):
            self.host.link_down(interface)

    def cables_in(self) -> None:
        """End :meth:`cables_out`."""
        for interface in ("south", "north"):
            self.host.link_up(interface)

    def phone_ip(self, number: int) -> str:
        """One more address of the host `phones`; 11 to 250."""
        ip = f"10.98.0.{number}"
        if ip not in self.phones.ip("-o", "-4", "addr", "show"):
            self.phones.address("lan", ip + PREFIX)
        return ip

    # ---- what the unit says of itself

    def rpc(self, method: str, *params: str | int | float) -> Any:
        """One call to the edge. Raises EdgeUnreachable or EdgeError."""
        return asyncio.run(self._rpc.call(method, *params, timeout_s=ANSWER_S))

    def table(self, name: str) -> dict[str, Any]:
        """One of the edge's tables."""
        return table(self.rpc("htable.dump", name))

    def mode(self) -> str:
        """The mode in force at the edge; "" while it does not answer."""
        return self.standing()[0]

    def standing(self) -> tuple[str, str]:
        """Mode and path in force at the edge; "" each while it does not answer, or has none."""
        try:
            held = self.table("st")
        except (EdgeUnreachable, EdgeError):
            return "", ""
        return str(held.get("mode", "")), str(held.get("path", ""))

    def count(self, name: str) -> int:
        """One of the edge's numbers."""
        return int(self.table("count").get(name, 0))

    def serving(self) -> list[bool]:
        """Which nodes of the platform the edge thinks alive, by line."""
        records = self.rpc("dispatcher.list")["RECORDS"]
        return [node["DEST"]["FLAGS"][0] in "AT" for record in records for node in record["SET"]["TARGETS"]]

    def bindings(self) -> dict[str, list[str]]:
        """Contacts by extension, as bound at the edge."""
        (location,) = self.rpc("ul.dump")["Domains"]
        return {
            entry["Info"]["AoR"]: [contact["Contact"]["Address"] for contact in entry["Info"]["Contacts"]]
            for entry in location["Domain"]["AoRs"]
        }

    def bindings_written(self) -> dict[str, list[str]]:
        """Those that the edge would have again after its death: what it holds is written each second."""
        with edgedb.opened(self.paths.bindings, ANSWER_S) as db:
            rows = db.execute("SELECT username, contact FROM location ORDER BY username, contact").fetchall()
        return {user: [contact for name, contact in rows if name == user] for user in {name for name, _ in rows}}

    def status(self) -> dict[str, Any]:
        """What `rvx status` reads."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_S)
            client.connect(str(self.paths.unit_socket))
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        found: dict[str, Any] = json.loads(answer)
        return found

    def owner(self, file: Path) -> str:
        """Whose it is, by the names of the Debian in which edge and unit run."""
        if self.debian is None:
            return file.owner()
        users = (line.split(":") for line in Path(self.debian, "etc/passwd").read_text().splitlines())
        return next(name for name, _, number, *_ in users if int(number) == file.stat().st_uid)

    def journal(self) -> Journal:
        """The unit's journal.db, opened anew."""
        return Journal.open(self.paths.journal)

    def wait_mode(self, mode: str, timeout_s: float) -> float:
        """How long it took, seconds."""
        return self.wait(lambda: self.mode() == mode, timeout_s, f"mode {mode}")

    def wait_back(self, timeout_s: float) -> float:
        """Until it is on the way back to the platform, or there: a moment of RETURNING may go unseen."""
        return self.wait(lambda: self.mode() in ("RETURNING", "NORMAL"), timeout_s, "on the way back")

    def wait(self, reached: Callable[[], object], timeout_s: float, what: str) -> float:
        """Until `reached` says so; how long it took, seconds. Raises SiteError."""
        began = time.monotonic()
        while not reached():
            if time.monotonic() - began > timeout_s:
                raise SiteError(
                    f"not {what} within {timeout_s} s; mode {self.mode()!r}; the edge's log ends:\n{self.log()}"
                )
            time.sleep(POLL_S)
        return time.monotonic() - began

    def log(self) -> str:
        """The end of the programs' logs."""
        logs = [self._log(name) for name in ("edge", "unit", "calls", "trunk")]
        return "\n---\n".join(log.read_text(errors="replace")[-1500:] for log in logs if log.exists())

    # ---- making it

    def _join_router(self, router: Host) -> None:
        assert self.wan is not None
        self.switch.join(router, "south", ROUTER_SOUTH_IP + PREFIX)
        self.wan.join(router, "north", ROUTER_NORTH_IP + PREFIX)
        router.forward()
        self.platform_host.route(SOUTH_NET, ROUTER_NORTH_IP)
        self.past_unit(self.phones)

    def _log(self, name: str) -> Path:
        return self.host.directory / f"{name}.log"

    def _program(self, name: str, serving: Callable[[], bool]) -> Daemon:
        command = ["-m", "firmware.app", name, "--config", str(self.config_file)]
        if self.debian is None:
            command = [*self.prefix, sys.executable, *command]
        else:
            command = ["env", "-i", "-C", SOURCE_PLACE, DEBIAN_PATH, "python3", "-B", *command]
            places = {SOURCE_PLACE: SOURCE} | {str(path): path for path in (self.host.directory, self.paths.run)}
            command = chroot(Path(self.debian), places, command)
        return Daemon(self.host, command, self._log(name), serving)

    def _edge_serves(self) -> bool:
        try:
            self.rpc("core.uptime")
        except (EdgeUnreachable, EdgeError):
            return False
        return True

    def _unit_answers(self) -> bool:
        try:
            self.status()
        except OSError:
            return False
        return True

    def _calls_vouches(self) -> bool:
        return self._edge_serves() and int(self.table("st").get("calls", 0)) > time.time()

    def _trunk_lives(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.paths.trunk_socket))
            except OSError:
                return False
        return self._edge_serves() and int(self.table("st").get("trunk", 0)) > time.time()

    @property
    def _trunks(self) -> tuple[Daemon, ...]:
        return () if self.trunk is None else (self.trunk,)

    def _write_config(
        self,
        registration: str,
        over: Mapping[str, Mapping[str, object]],
        rows: Mapping[str, Sequence[Mapping[str, object]]],
    ) -> None:
        sections: dict[str, dict[str, object]] = {
            "unit": {"name": "gw-rig", "state_dir": str(self.paths.state), "run_dir": str(self.paths.run)},
            "network": {"phone_networks": ["10.98.0.0/24"], "platform_interface": "north"},
            "platform": {"nodes": [self.platform.uri], "realm": self.platform.realm, "registration": registration},
            "edge": {
                "listen": [f"udp:{UNIT_SOUTH_IP}:5060", f"tcp:{UNIT_SOUTH_IP}:5060"],
                "platform_listen": [f"udp:{UNIT_NORTH_IP}:5060", f"tcp:{UNIT_NORTH_IP}:5060"],
            },
            "survival": {"learnt_after_s": 0},
            # A rig's crowd registers at once.
            "returning": {"hold_down_s": 1, "hold_down_max_s": 4, "spread_s": 0, "registrations_per_s": 10_000},
            "trunk": {"sets_clock": "no"},
            # Codes are judged sooner than words; who judges words says so.
            "announcing": {"languages": []},
            # All phones of a rig come from one address.
            "limits": {"requests_per_source_s": 20_000, "requests_per_address_s": 20_000},
        }
        for section, values in over.items():
            sections.setdefault(section, {}).update(values)
        tables = [
            *((f"[{name}]", values) for name, values in sections.items()),
            *((f"[[{name}]]", each) for name, some in rows.items() for each in some),
        ]
        text = "\n".join(
            f"{head}\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
            for head, values in tables
        )
        self.config_file.write_text(text)

    def _write_credentials(self, modes: Mapping[str, int] | None) -> None:
        self.paths.state.mkdir(exist_ok=True)
        directory = Directory.open(self.paths.directory)
        modes = dict.fromkeys(self.users, 1) if modes is None else modes
        directory.put_credentials(
            Credential(
                extension=extension,
                mode=mode,
                ha1_md5=None if mode == 4 else ha1(extension, self.platform.realm, self.users[extension], "md5"),
                ha1_sha256=None,
                realm=self.platform.realm,
                user=extension,
                changed_at=SETTLED_AT,
            )
            for extension, mode in modes.items()
        )
        directory.close()
