"""The process `tunnel`: WireGuard on the modem's data interface, by the kernel's module, else by wireguard-go in user
space.

It has the one right that a network needs (CAP_NET_ADMIN), and no other part of the unit has it for this. Keys go to
`wg` by its standard input. What takes the tunnel is only what lies behind it: no default route is ever set that other
traffic would take. The tunnel's own packets are marked, and have a routing table of their own that leads by the data
interface or nowhere; what lies behind the tunnel is unreachable while it is not there, and never goes out by the line
in clear."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from firmware.config import Config
from firmware.config_data import Data, DataKey
from firmware.edge import EdgeUnavailable

__all__ = ["INTERFACE", "Tunnel", "TunnelError", "routers_of", "setconf_text"]

INTERFACE = "rvxdata"
MARK = TABLE = 5256
"""Of the tunnel's own packets, and the routing table that they take."""
MAIN = "main"
RULE_PRIORITY = 5256
LAST_METRIC = 4_294_967_290
"""Of routes that say "unreachable" where no other one is."""
LOOK_EVERY_S = 5.0
HANDSHAKE_EVERY_S = 15.0
"""A young handshake is asked for again so often; an old one at each look."""
RESOLVE_EVERY_S = 60.0
"""An endpoint by name is asked for again so often,"""
HANDSHAKE_OLD_S = 150.0
"""and at once when the last handshake is older than this: WireGuard makes one each 120 s while anything is sent."""
COMMAND_S = 10.0
READY_S = 5.0
_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all,+net_admin", "--no-new-privs", "--")

log = logging.getLogger("rvx")


class TunnelError(Exception):
    """A command of the system failed: which one, and what it said."""


def setconf_text(data: Data, keys: DataKey, endpoint: str) -> str:
    """What `wg setconf` reads; `endpoint` is ADDRESS:PORT."""
    lines = [
        "[Interface]",
        f"PrivateKey = {keys.private_key}",
        f"FwMark = {MARK if data.interface else 'off'}",
        "[Peer]",
    ]
    lines += [f"PublicKey = {data.peer_key}"]
    lines += [f"PresharedKey = {keys.preshared_key}"] if keys.preshared_key else []
    lines += [f"Endpoint = {endpoint}", f"AllowedIPs = {', '.join(data.allowed)}"]
    lines += [f"PersistentKeepalive = {data.keepalive_s or 'off'}"]
    return "\n".join(lines) + "\n"


def routers_of(answer: str) -> dict[str, str]:
    """The router of the interface in each routing table, by `ip -json route show default dev … table all`; "" without a
    hop. Where a table has several, the first."""
    found: dict[str, str] = {}
    try:
        routes = json.loads(answer or "[]")
    except ValueError:
        return found
    for route in routes if isinstance(routes, list) else ():
        if isinstance(route, dict) and route.get("dst") == "default":
            found.setdefault(str(route.get("table", MAIN)), str(route.get("gateway", "")))
    return found


class Tunnel:
    """One per process; `run` returns only by being cancelled, or raises TunnelError for a supervisor to begin again."""

    def __init__(self, config: Config) -> None:
        self._data, self._keys = config.data, config.secrets.data
        self._shown, self._kept = config.paths.tunnel, config.paths.endpoint
        self._endpoint = ""
        self._resolved_s = self._asked_s = 0.0
        self._handshake_at: int | None = None  # unix s
        self._user: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Until cancelled; then nothing of it is left."""
        if shutil.which("wg") is None:
            raise EdgeUnavailable("WireGuard's tools are not installed (Debian package wireguard-tools)")
        await self._clear()
        try:
            await self._resolve()
            if not self._endpoint:
                raise TunnelError(f"{self._data.endpoint}: nobody knows where that is")
            await self._make()
            while True:
                await self._keep()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await asyncio.shield(self._clear())

    async def _make(self) -> None:
        await self._open_interface()
        await _run("wg", "setconf", INTERFACE, "/dev/stdin", text=setconf_text(self._data, self._keys, self._endpoint))
        await _run("ip", "address", "replace", f"{self._data.address}/32", "dev", INTERFACE)
        await _run("ip", "link", "set", "dev", INTERFACE, "mtu", str(self._data.mtu), "up")
        for network in self._data.allowed:
            await _run("ip", "route", "replace", "unreachable", network, "metric", str(LAST_METRIC))
            await _run("ip", "route", "replace", network, "dev", INTERFACE, "src", self._data.address)
        if self._data.interface:
            await _run(
                "ip", "route", "replace", "unreachable", "default", "metric", str(LAST_METRIC), "table", str(TABLE)
            )
            await _run("ip", "rule", "add", "fwmark", str(MARK), "lookup", str(TABLE), "priority", str(RULE_PRIORITY))
        log.warning("rvx-event kind=tunnel_made by=%s", "user" if self._user else "kernel")

    async def _open_interface(self) -> None:
        try:
            await _run("ip", "link", "add", "dev", INTERFACE, "type", "wireguard")
            return
        except TunnelError as error:
            if shutil.which("wireguard-go") is None:
                why = "and wireguard-go is not installed (Debian package wireguard-go)"
                raise EdgeUnavailable(f"the kernel has no WireGuard ({error}), {why}") from error
        self._user = await asyncio.create_subprocess_exec(
            *_with_rights(["wireguard-go", "--foreground", INTERFACE]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath), "LOG_LEVEL": "silent", "WG_PROCESS_FOREGROUND": "1"},
        )
        deadline = time.monotonic() + READY_S
        while True:
            with contextlib.suppress(TunnelError):
                await _run("wg", "show", INTERFACE, "listen-port")
                return
            if self._user.returncode is not None or time.monotonic() > deadline:
                raise TunnelError("wireguard-go did not open its interface")
            await asyncio.sleep(0.05)

    async def _keep(self) -> None:
        if self._user is not None and self._user.returncode is not None:
            raise TunnelError(f"wireguard-go ended with code {self._user.returncode}")
        try:
            socket.if_nametoindex(INTERFACE)
        except OSError as error:
            raise TunnelError(f"{INTERFACE} is gone") from error
        handshake_s = await self._handshake_s()
        await self._route()
        now = time.monotonic()
        old = handshake_s is None or handshake_s > HANDSHAKE_OLD_S
        if (old or now - self._resolved_s >= RESOLVE_EVERY_S) and await self._resolve():
            await _run("wg", "set", INTERFACE, "peer", self._data.peer_key, "endpoint", self._endpoint)
            log.warning("rvx-event kind=tunnel_endpoint_moved")
        _write(self._shown, {"handshake_s": handshake_s, "by": "user" if self._user else "kernel", "at": time.time()})

    async def _handshake_s(self) -> float | None:
        """Since the last one that is known of; None: there was none."""
        now_s, at = time.monotonic(), self._handshake_at
        young = at is not None and time.time() - at <= HANDSHAKE_OLD_S
        if not young or now_s - self._asked_s >= HANDSHAKE_EVERY_S:
            self._asked_s = now_s
            self._handshake_at = at = _handshake_at(await _run("wg", "show", INTERFACE, "latest-handshakes"))
        return None if at is None else max(0.0, time.time() - at)

    async def _route(self) -> None:
        """The tunnel's own packets go by the data interface; one that was away comes back with another router."""
        data, answer = self._data, ""
        if not data.interface:
            return
        with contextlib.suppress(TunnelError):
            answer = await _run("ip", "-4", "-json", "route", "show", "default", "dev", data.interface, "table", "all")
        known = routers_of(answer)
        via = data.next_hop or known.get(MAIN, "")
        if known.get(str(TABLE)) == via:
            return
        hop = ["via", via] if via else []
        with contextlib.suppress(TunnelError):  # it is not there now
            await _run("ip", "route", "replace", "default", *hop, "dev", data.interface, "table", str(TABLE))

    async def _resolve(self) -> bool:
        """Whether the endpoint is another than before, or is known at all now. What it was last is kept: a line that is
        cut takes the name servers along."""
        self._resolved_s = time.monotonic()
        host, _, port = self._data.endpoint.rpartition(":")
        loop = asyncio.get_running_loop()
        found = self._endpoint
        try:
            async with asyncio.timeout(COMMAND_S):
                answers = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
            addresses = [_place(str(answer[4][0]), port) for answer in answers]
            found = self._endpoint if self._endpoint in addresses else addresses[0]
            _write(self._kept, {"name": self._data.endpoint, "endpoint": found})
        except (OSError, TimeoutError, IndexError):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                kept = json.loads(self._kept.read_text("utf-8"))
                if not found and kept["name"] == self._data.endpoint:
                    found = str(kept["endpoint"])
        moved, self._endpoint = found != self._endpoint, found
        return moved and bool(found)

    async def _clear(self) -> None:
        """What an earlier life left too."""
        if self._user is not None and self._user.returncode is None:
            with contextlib.suppress(ProcessLookupError, TimeoutError):  # a signal to our whole group has ended it, too
                self._user.terminate()
                await asyncio.wait_for(self._user.wait(), COMMAND_S)
        commands: Iterable[Sequence[str]] = [
            ("ip", "link", "delete", "dev", INTERFACE),
            ("ip", "rule", "delete", "fwmark", str(MARK), "lookup", str(TABLE)),
            ("ip", "route", "flush", "table", str(TABLE)),
            *(
                ("ip", "route", "delete", "unreachable", network, "metric", str(LAST_METRIC))
                for network in self._data.allowed
            ),
        ]
        for command in commands:
            with contextlib.suppress(TunnelError):
                await _run(*command)
        self._shown.unlink(missing_ok=True)


def _place(address: str, port: str) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _handshake_at(answer: str) -> int | None:
    """When the last one was, unix s, by `wg show … latest-handshakes`; None: there was none."""
    word = answer.split()[-1] if answer.split() else ""
    return int(word) or None if word.isdigit() else None


def _with_rights(command: Sequence[str]) -> list[str]:
    return [*_RIGHTS, *command] if os.geteuid() == 0 else list(command)


async def _run(*command: str, text: str = "") -> str:
    """Its output. Raises TunnelError."""
    process = await asyncio.create_subprocess_exec(
        *_with_rights(command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(COMMAND_S):
            out, said = await process.communicate(text.encode())
    except TimeoutError:
        raise TunnelError(f"{' '.join(command[:3])}: no end within {COMMAND_S:.0f} s") from None
    finally:
        # Whoever is cancelled leaves nothing that would go on after what is then taken away.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise TunnelError(f"{' '.join(command[:3])}: {said.decode(errors='replace').strip()[:200]}")
    return out.decode(errors="replace")


def _write(file: Path, shown: dict[str, Any]) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(shown), "utf-8")
    part.replace(file)
