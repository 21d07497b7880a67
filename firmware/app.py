"""The only wiring: which process is made of which parts.

`python -m firmware.app PROCESS` is what systemd starts on a unit and `rvx run` on a laptop (`programs`). Without a
configuration file a unit is this machine alone (`firmware.config.default`).

Each process loads its own parts alone: the edge starts at once, and a library that one lacks stops no other."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from callcontrol.edge.rpc import EdgeRpc
from callcontrol.edge.settings import Socket
from drivers.arp import announce
from firmware.config import SECRETS_FILE, Config, ConfigError, default, load
from firmware.edge import EdgeUnavailable, check_edge, edge_command, make_state, prepare_edge
from firmware.generations import guard, steady_s
from firmware.keepalived import keepalived_command, prepare_keepalived
from firmware.processes import Program, end_own_leftover

__all__ = [
    "check_edge",
    "edge_rpc",
    "main",
    "main_calls",
    "main_data",
    "main_edge",
    "main_heart",
    "main_standby",
    "main_sync",
    "main_trunk",
    "main_tunnel",
    "main_unit",
    "main_web",
    "programs",
]

USAGE = 2
UNAVAILABLE = 3


def edge_rpc(config: Config) -> EdgeRpc:
    """To the running edge of this unit, for a process that lives long."""
    return EdgeRpc(config.paths.edge_socket, kept=True)


def programs(config: Config, arguments: list[str], *, events: bool = False) -> tuple[Program, ...]:
    """Edge, unit and calls; trunk where there are modems, data and tunnel for a way by data, web where there are pages
    or mail, sync where there is a hub, standby of a pair, heart where there is a microcontroller. `arguments` lead each
    to its configuration."""
    paths = config.paths
    here = [sys.executable, "-m", "firmware.app"]
    told = ["--events"] if events else []
    there = {
        "unit": True,
        "calls": True,
        "trunk": bool(config.modem),
        "data": bool(config.data.address),
        "tunnel": config.data.tunnel,
        "web": config.has_web,
        "sync": bool(config.sync.hub),
        "standby": bool(config.standby.shared),
        "heart": bool(config.mcu.port),
    }
    names = [name for name, is_there in there.items() if is_there]
    return (
        Program("edge", [*here, "edge", *arguments, *told], log=paths.edge_log),
        *(Program(name, [*here, name, *arguments], log=paths.run / f"{name}.log") for name in names),
    )


def main_edge(config: Config, *, events: bool = False) -> None:
    """Becomes Kamailio: nothing of Python is left in the way of calls."""
    paths = config.paths
    end_own_leftover(paths.edge_pid, str(paths.edge_config))
    paths.edge_pid.unlink(missing_ok=True)
    prepare_edge(config, events=events)
    if os.geteuid() == 0:
        # Phones and routers may remember another machine for these addresses: the unit that this one replaces.
        with contextlib.suppress(OSError):
            announce(Socket.parse(entry).address for entry in (*config.edge.listen, *config.edge.platform_listen))
    command = edge_command(config)
    os.execvp(command[0], command)  # noqa: S606  a program by name, no shell


def main_standby(config: Config) -> None:
    """Becomes keepalived."""
    if not config.standby.shared:
        raise EdgeUnavailable("this unit has no other beside it ([standby] shared)")
    prepare_keepalived(config)
    command = keepalived_command(config)
    os.execvp(command[0], command)  # noqa: S606  a program by name, no shell


def main_heart(config: Config) -> None:
    """Becomes the small program that the microcontroller hears: nothing of the rest stays in memory."""
    if not config.mcu.port:
        raise EdgeUnavailable("this unit has no microcontroller ([mcu] port)")
    paths = config.paths
    command = [sys.executable, "-m", "firmware.heart", config.mcu.port, str(paths.run), str(paths.state)]
    os.execv(sys.executable, command)  # noqa: S606  a program by name, no shell


def main_unit(config: Config, file: Path | None = None) -> None:
    """Until SIGTERM or SIGINT. `file`: the configuration, where there is one."""
    from firmware.unit import Unit

    edge = edge_rpc(config)
    asyncio.run(_until_told(Unit(config, edge, file).run(), edge))


def main_calls(config: Config) -> None:
    """Until SIGTERM or SIGINT."""
    from firmware.calls import Calls

    edge = edge_rpc(config)
    asyncio.run(_until_told(Calls(config, edge).run(), edge))


def main_trunk(config: Config, secrets: Path | None = None) -> None:
    """Until SIGTERM or SIGINT. `secrets`: the file that the PINs are from."""
    from drivers.modem.kept import open_modem
    from drivers.modem.pins import PinFile
    from firmware.trunk.process import Trunk

    written = secrets.stat().st_mtime_ns if secrets is not None and secrets.exists() else 0
    pins = PinFile(config.paths.sim_pins, str(written))

    async def work() -> None:
        await Trunk(config, lambda settings: open_modem(settings, pins=pins)).run()

    asyncio.run(_until_told(work()))


def main_data(config: Config) -> None:
    """Until SIGTERM or SIGINT."""
    if not config.data.address:
        raise EdgeUnavailable("this unit has no way by mobile data ([data] address)")
    from firmware.data.process import DataWay

    edge = edge_rpc(config)
    asyncio.run(_until_told(DataWay(config, edge).run(), edge))


def main_tunnel(config: Config) -> None:
    """Until SIGTERM or SIGINT."""
    if not config.data.tunnel:
        raise EdgeUnavailable("this unit has no tunnel ([data] peer_key)")
    from firmware.data.tunnel import Tunnel, TunnelError

    try:
        asyncio.run(_until_told(Tunnel(config).run()))
    except TunnelError as error:
        raise EdgeUnavailable(str(error)) from error


def main_web(config: Config) -> None:
    """Until SIGTERM or SIGINT."""
    from firmware.web.process import WebProcess

    asyncio.run(_until_told(WebProcess(config).run()))


def main_sync(config: Config, file: Path | None = None) -> None:
    """Until SIGTERM or SIGINT. `file`: of the configuration, which the hub may send anew."""
    if not config.sync.hub:
        raise EdgeUnavailable("this unit has no hub ([sync] hub)")
    from firmware.sync.process import SyncProcess

    edge = edge_rpc(config)

    async def work() -> None:
        await SyncProcess(config, edge, file).run()

    asyncio.run(_until_told(work(), edge))


async def _until_told(work: Coroutine[Any, Any, None], edge: EdgeRpc | None = None) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        if edge is not None:
            edge.close()


def main(words: list[str] | None = None) -> int:
    """The entry point of the processes; people use `rvx`."""
    parser = argparse.ArgumentParser(prog="python -m firmware.app", allow_abbrev=False)
    parser.add_argument(
        "process", choices=["edge", "unit", "calls", "trunk", "data", "tunnel", "web", "sync", "standby", "heart"]
    )
    parser.add_argument("--config", type=Path, help="without it, a unit of this machine alone")
    parser.add_argument("--state", type=Path, help="lies over [unit] state_dir")
    parser.add_argument("--run", default="", help="with --state: lies over [unit] run_dir")
    parser.add_argument("--address", help="without --config: also answer phones on this address")
    parser.add_argument("--events", action="store_true", help="edge: tell registrations and calls in its log")
    args = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        config = _config(args)
        make_state(config)
        os.umask(0o077)
        if args.process == "edge":
            main_edge(config, events=args.events)
        elif args.process == "standby":
            main_standby(config)
        elif args.process == "heart":
            main_heart(config)
        elif args.process == "unit":
            main_unit(config, args.config)
        elif args.process == "trunk":
            main_trunk(config, args.config.with_name(SECRETS_FILE) if args.config else None)
        elif args.process == "data":
            main_data(config)
        elif args.process == "web":
            main_web(config)
        elif args.process == "sync":
            main_sync(config, args.config)
        elif args.process == "tunnel":
            main_tunnel(config)
        else:
            main_calls(config)
    except (ConfigError, EdgeUnavailable, OSError) as error:
        print(error, file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else UNAVAILABLE
    return 0


def _config(args: argparse.Namespace) -> Config:
    if args.config is None:
        return default(args.state or Path("state"), args.address)
    config = _placed(load(args.config), args)
    if guard(args.config, config.paths.state, steady_s(config)):
        config = _placed(load(args.config), args)
    return config


def _placed(config: Config, args: argparse.Namespace) -> Config:
    return config if args.state is None else config.in_state(args.state, args.run)


if __name__ == "__main__":
    sys.exit(main())
