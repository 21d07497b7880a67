"""Networks of namespaces: hosts, wires and switches for real peers, which leave nothing behind.

Everything that a :class:`Net` makes carries its owner's name (prefix, pid, the pid's start time, number). A *keeper*, a
small program on the other end of a pipe, removes all of it when the owner says so or dies, whatever it dies of. What a
killed keeper left is swept by the next Net on this machine.

Faults are laid on the receiving end of both directions of a wire, before the receiver sees a frame: the sender notices
nothing, as with a real line. (A drop on the sending side is reported to the sender as an error or as congestion.)
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Host", "Net", "NetError", "Switch"]

NETNS_DIR = Path("/run/netns")
MEMORY_DIR = Path("/dev/shm")  # noqa: S108  what lies there is made by us alone, or not at all
"""What Linux keeps in memory."""
CLONE_NEWNET = 0x40000000
OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro")
COMMAND_TIMEOUT_S = 30.0
REMOVE_TIMEOUT_S = 30.0
POLL_S = 0.002
LOSS_PARTS = 10_000  # resolution of loss: a hundredth of a percent

_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_INTERFACE = re.compile(r"[a-z][a-z0-9_]{0,14}")
_numbers = itertools.count(1)


class NetError(Exception):
    """A command of the network failed, or was asked for something that is not there."""


class Net:
    """A network of namespaces; use it as a context manager.

    ``name_prefix`` begins the name of everything made (lower-case letters). ``directory`` is where hosts keep files;
    a given one is kept, otherwise a temporary one is made and removed. Needs root.
    """

    def __init__(self, name_prefix: str = "rv", directory: Path | None = None) -> None:
        if not re.fullmatch(r"[a-z]{1,8}", name_prefix):
            raise NetError(f"name prefix {name_prefix!r}: one to eight lower-case letters expected")
        self.run_name = f"{name_prefix}-{os.getpid()}-{_start_ticks(os.getpid())}-{next(_numbers)}"
        self._prefix = name_prefix
        self.directory = directory or _temporary(self.run_name)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._hosts: dict[str, Host] = {}
        self._processes: list[subprocess.Popen[Any]] = []

    def __enter__(self) -> Net:
        if os.geteuid() != 0:
            raise NetError("network namespaces need root")
        _sweep(self._prefix)
        self.directory.mkdir(mode=0o755, exist_ok=True)
        keep = [sys.executable, "-I", __file__, self.run_name]  # -I: hil/ must not come before the standard library
        self._keeper = subprocess.Popen(
            keep, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._keeper is not None
        _, complaint = self._keeper.communicate(b"done\n", timeout=2 * REMOVE_TIMEOUT_S)
        for process in self._processes:
            process.wait(REMOVE_TIMEOUT_S)  # the keeper has killed it
            for stream in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()
        if self._keeper.returncode != 0 and error is None:
            raise NetError(f"{self.run_name} was not removed: {complaint.decode(errors='replace').strip()}")

    def host(self, name: str) -> Host:
        """A new namespace with its loopback up."""
        if not _NAME.fullmatch(name):
            raise NetError(f"host name {name!r}: 1 to 20 of a-z, 0-9 and '-' expected, a letter first")
        if name in self._hosts:
            raise NetError(f"there is a host {name!r} already")
        host = Host(name, f"{self.run_name}-{name}", self.directory / name, self._processes)
        host.directory.mkdir(mode=0o755, exist_ok=True)
        _command("ip", "netns", "add", host.ns)
        host.ip("link", "set", "dev", "lo", "up")
        self._hosts[name] = host
        return host

    def memory(self, name: str) -> Path:
        """A new folder in memory, gone with this Net."""
        folder = _in_memory(self.run_name)
        if not folder.exists():
            folder.mkdir(mode=0o755)
        (folder / name).mkdir(mode=0o755)
        return folder / name

    def link(self, a: Host, a_if: str, a_cidr: str | None, b: Host, b_if: str, b_cidr: str | None) -> None:
        """A wire between two hosts; an interface without address (None) is only up.

        Checksums and segments are made by the sender, so that every frame is whole on the wire.
        """
        for host, name in ((a, a_if), (b, b_if)):
            if not _INTERFACE.fullmatch(name) or name in host.wires:
                raise NetError(f"{host.name}: {name!r} is no interface name, or is taken")
        _command(
            *("ip", "link", "add", "name", a_if, "netns", a.ns),
            *("type", "veth", "peer", "name", b_if, "netns", b.ns),
        )
        a.wires[a_if], b.wires[b_if] = Wire(b, b_if), Wire(a, a_if)
        for host, name, cidr in ((a, a_if, a_cidr), (b, b_if, b_cidr)):
            host.run(["ethtool", "-K", name, *(word for offload in OFFLOADS for word in (offload, "off"))])
            if cidr is not None:
                host.address(name, cidr)
            host.ip("link", "set", "dev", name, "up")

    def switch(self, name: str) -> Switch:
        """A switch (Linux bridge) in a namespace of its own."""
        host = self.host(name)
        host.ip("link", "add", "name", Switch.BRIDGE, "type", "bridge", "forward_delay", "0")
        host.ip("link", "set", "dev", Switch.BRIDGE, "up")
        return Switch(self, host)


@dataclass(frozen=True)
class Wire:
    """The wire at one interface: its other end, and the faults laid on the frames that arrive here."""

    peer: Host
    peer_if: str
    dropped: bool = False
    loss_percent: float = 0.0

    def rules(self, interface: str) -> str:
        """The nft script that makes these faults so, in one transaction.

        The hook comes before every protocol, ``hil.sim.line`` included, and after captures (``tcpdump``).
        """
        table = f"netdev wire_{interface}"
        hook = f'type filter hook ingress device "{interface}" priority 0; policy'
        script = f"add table {table}\ndelete table {table}\n"
        if self.dropped:
            script += f"table {table} {{\nchain faults {{\n{hook} drop;\n}}\n}}\n"
        elif self.loss_percent > 0:
            parts = round(self.loss_percent * LOSS_PARTS / 100)
            rule = f"numgen random mod {LOSS_PARTS} < {parts} drop"
            script += f"table {table} {{\nchain faults {{\n{hook} accept;\n{rule}\n}}\n}}\n"
        return script


@dataclass(eq=False)
class Host:
    """One namespace: processes, addresses, and faults of its wires. Made by :meth:`Net.host`."""

    name: str
    ns: str
    directory: Path
    _processes: list[subprocess.Popen[Any]] = field(repr=False)
    wires: dict[str, Wire] = field(default_factory=dict, repr=False)
    _routes: list[tuple[str, str]] = field(default_factory=list, repr=False)

    def popen(self, args: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program here, in a process group of its own; it is killed when the net goes.

        ``options`` are those of ``subprocess.Popen``; streams that are not named lead nowhere.
        """
        for stream in ("stdin", "stdout", "stderr"):
            options.setdefault(stream, subprocess.DEVNULL)
        options["start_new_session"] = True
        process = subprocess.Popen(["ip", "netns", "exec", self.ns, *args], **options)
        self._processes.append(process)
        # Until it has entered the namespace, nobody who looks for what runs there would find it.
        while process.poll() is None and not _is_in(process.pid, self.ns):
            time.sleep(POLL_S)
        return process

    def run(
        self, args: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S, *, check: bool = True, text_in: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program here to its end. A failure raises NetError, unless ``check`` is off."""
        return _run(["ip", "netns", "exec", self.ns, *args], timeout_s, check=check, text_in=text_in)

    def ip(self, *args: str) -> str:
        """The ``ip`` command, here."""
        return _command("ip", "-n", self.ns, *args)

    def address(self, ifname: str, cidr: str) -> None:
        """Give an interface one more address."""
        self.ip("address", "add", cidr, "dev", ifname, *(["nodad"] if ":" in cidr else []))

    def route(self, cidr: str, via: str) -> None:
        """Reach ``cidr`` ("default" is one) by a neighbour; the route survives that the cable is pulled."""
        self.ip("route", "replace", cidr, "via", via)
        self._routes.append((cidr, via))

    def forward(self, masquerade_on: str | None = None) -> None:
        """Be a router; with ``masquerade_on``, a NAT towards that interface."""
        self.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])
        if masquerade_on is not None:
            hook = "type nat hook postrouting priority 100;"
            rule = f'oifname "{masquerade_on}" masquerade'
            self._nft(f"table ip nat {{\nchain out {{\n{hook}\n{rule}\n}}\n}}\n")

    def socket(self, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
        """An IPv4 socket of this process that lives in this namespace."""
        opened: list[socket.socket] = []

        def open_here() -> None:
            _enter(self.ns)
            opened.append(socket.socket(socket.AF_INET, kind))

        # The thread stays in the namespace and ends: no other thread is ever moved.
        thread = threading.Thread(target=open_here)
        thread.start()
        thread.join()
        if not opened:
            raise NetError(f"{self.name}: no socket could be opened")
        return opened[0]

    def tmpfs(self, place: Path, size_mb: int) -> None:
        """A small disk of its own at a folder in this host's directory; it goes with the net."""
        place.mkdir(exist_ok=True)
        _command("mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=755", "hil", str(place))

    def pids(self, group: int | None = None) -> list[int]:
        """The living processes in this namespace, or those of one process group in it."""
        pids = _pids_in(self.ns)
        return pids if group is None else [pid for pid in pids if _group(pid) == group]

    def blackhole(self, ifname: str) -> None:
        """Nothing comes in or gets out by this interface, ARP neither, and nobody is told."""
        self._fault(ifname, dropped=True)

    def unblackhole(self, ifname: str) -> None:
        """End :meth:`blackhole`; a loss that was set holds again."""
        self._fault(ifname, dropped=False)

    def loss(self, ifname: str, percent: float) -> None:
        """Lose this share of the frames at random, in each direction; 0 ends it."""
        if not 0 <= percent <= 100:
            raise NetError(f"loss {percent} %: 0 to 100 expected")
        self._fault(ifname, loss_percent=percent)

    def link_down(self, ifname: str) -> None:
        """Pull the cable: the interface stays up and has no carrier."""
        wire = self._wire(ifname)
        wire.peer.ip("link", "set", "dev", wire.peer_if, "down")

    def link_up(self, ifname: str) -> None:
        """Put the cable back; routes that the other end lost by it are set again."""
        wire = self._wire(ifname)
        wire.peer.ip("link", "set", "dev", wire.peer_if, "up")
        for cidr, via in wire.peer._routes:
            with contextlib.suppress(NetError):  # by another cable that is out itself
                wire.peer.ip("route", "replace", cidr, "via", via)

    def carrier(self, ifname: str) -> bool:
        """Whether the interface has a carrier."""
        (link,) = json.loads(_command("ip", "-json", "-n", self.ns, "link", "show", "dev", ifname))
        return "LOWER_UP" in link["flags"]

    def _wire(self, ifname: str) -> Wire:
        try:
            return self.wires[ifname]
        except KeyError:
            raise NetError(f"{self.name} has no interface {ifname!r}, only {sorted(self.wires)}") from None

    def _fault(self, ifname: str, **fault: Any) -> None:
        near = self._wire(ifname)
        far = near.peer.wires[near.peer_if]
        for host, name, wire in ((self, ifname, near), (near.peer, near.peer_if, far)):
            host.wires[name] = replace(wire, **fault)
            host._nft(host.wires[name].rules(name))

    def _nft(self, script: str) -> None:
        self.run(["nft", "-f", "-"], text_in=script)


class Switch:
    """A switch whose ports lead to hosts."""

    BRIDGE = "br0"

    def __init__(self, net: Net, host: Host) -> None:
        self._net = net
        self._ports = itertools.count(1)
        self.host = host

    def join(self, host: Host, ifname: str, cidr: str | None) -> None:
        """A wire from a port of this switch to a new interface of the host."""
        port = f"port{next(self._ports)}"
        self._net.link(host, ifname, cidr, self.host, port, None)
        self.host.ip("link", "set", "dev", port, "master", self.BRIDGE)


def _run(args: Sequence[str], timeout_s: float, *, check: bool, text_in: str = "") -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(args, input=text_in, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetError(f"{' '.join(args)}: {error}") from error
    if check and done.returncode != 0:
        raise NetError(f"{' '.join(args)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def _command(*args: str) -> str:
    return _run(args, COMMAND_TIMEOUT_S, check=True).stdout


def _enter(ns: str) -> None:
    """Move the calling thread into a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(NETNS_DIR / ns, "rb") as space:
        if libc.setns(space.fileno(), CLONE_NEWNET) != 0:
            raise NetError(f"{ns}: {os.strerror(ctypes.get_errno())}")


def _start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; with the pid it names the process. None: it is gone."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _group(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[2]) if fields else None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from ``state`` (proc(5), field 3) on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _is_in(pid: int, ns: str) -> bool:
    """Whether a process is in a named namespace; a zombie has left its own."""
    try:
        space, theirs = os.stat(NETNS_DIR / ns), os.stat(f"/proc/{pid}/ns/net")
    except OSError:
        return False
    return (space.st_dev, space.st_ino) == (theirs.st_dev, theirs.st_ino)


def _pids_in(ns: str) -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _is_in(int(name), ns)]


def _temporary(run_name: str) -> Path:
    return Path(tempfile.gettempdir()) / run_name


def _in_memory(run_name: str) -> Path:
    return MEMORY_DIR / run_name


def _mounts(below: Path) -> list[str]:
    """What is mounted in a folder, innermost first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return sorted((words[1] for line in lines if (words := line.split())[1].startswith(f"{below}/")), reverse=True)


def _spaces(run_name: str) -> Iterator[str]:
    if NETNS_DIR.is_dir():
        yield from (name for name in os.listdir(NETNS_DIR) if name.startswith(f"{run_name}-"))


def _remove(run_name: str) -> None:
    """Kill what runs in the namespaces of one Net, then remove them and its temporary folders."""
    deadline = time.monotonic() + REMOVE_TIMEOUT_S
    while pids := [pid for ns in _spaces(run_name) for pid in _pids_in(ns)]:
        if time.monotonic() > deadline:
            raise NetError(f"processes would not die: {pids}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S)
    for place in _mounts(_temporary(run_name)):
        _run(["umount", "--lazy", place], COMMAND_TIMEOUT_S, check=False)
    for ns in _spaces(run_name):
        # Another Net's sweep may be at the same leftover.
        if _run(["ip", "netns", "delete", ns], COMMAND_TIMEOUT_S, check=False).returncode and ns in _spaces(run_name):
            raise NetError(f"{ns} could not be deleted")
    for folder in (_temporary(run_name), _in_memory(run_name)):
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(prefix: str) -> None:
    """Remove what Nets of dead processes left."""
    left = re.compile(rf"({prefix}-(\d+)-(\d+)-\d+)(-.*)?")
    names = [*(os.listdir(NETNS_DIR) if NETNS_DIR.is_dir() else []), *os.listdir(tempfile.gettempdir())]
    matches = (left.fullmatch(name) for name in names)
    runs = {match[1] for match in matches if match and _start_ticks(int(match[2])) != int(match[3])}
    for run_name in runs:
        _remove(run_name)


def _keep(run_name: str) -> int:
    """The keeper: wait until the owner says so or is gone, then remove all that was its."""
    sys.stdin.readline()
    try:
        _remove(run_name)
    except NetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_keep(sys.argv[1]))
