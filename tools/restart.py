"""`rvx restart`: a process of the running unit starts anew, and no call is lost by it.

The edge is asked first whether its configuration can be used, then let finish what runs. Whoever supervises (systemd,
`rvx run`) starts it again."""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.edge.settings import Socket
from firmware.config import Config
from firmware.edge import EdgeUnavailable, check_edge
from firmware.restart import drained, places_kept
from tools.errors import DONE, UserError
from tools.output import Output
from tools.place import config_of

__all__ = ["PROCESSES", "run"]

PROCESSES = ("edge", "unit", "calls", "trunk", "web", "standby")
BACK_S = 20.0
LOOK_EVERY_S = 0.02


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the process is there again; else an error."""
    out, config = Output.of(args), config_of(args)
    pid_file = config.paths.run / f"{args.process}.pid"
    pid = _pid(pid_file)
    if pid is None:
        raise UserError("RVX-E04", f"No process {args.process} runs on {config.paths.state}.")
    left: int | None = None
    kept: Sequence[Socket] = ()
    if args.process == "edge":
        try:
            said = check_edge(config)
        except EdgeUnavailable as error:
            raise UserError("RVX-E02", f"{error}.") from error
        if said:
            raise UserError("RVX-E02", said[0], "The edge was not touched.")
        left = asyncio.run(drained(EdgeRpc(config.paths.edge_socket), args.patience))
        kept = [Socket.parse(entry) for entry in {*config.edge.listen, *config.edge.platform_listen}]
    began = time.monotonic()
    try:
        with places_kept(kept):
            os.kill(pid, signal.SIGTERM)
            while not _is_back(config, args.process, pid_file, pid):
                if time.monotonic() - began > BACK_S:
                    raise UserError("RVX-E05", f"{args.process} has not come back within {BACK_S:.0f} s.")
                time.sleep(LOOK_EVERY_S)
    except OSError as error:
        raise UserError("RVX-E02", f"{error}.") from error
    away_ms = round((time.monotonic() - began) * 1000)
    if out.json:
        out.document("ok", process=args.process, away_ms=away_ms, transactions_left=left)
    else:
        out.line(f"{args.process}: omstartad, borta i {away_ms} ms. / Restarted, away for {away_ms} ms.")
    return DONE


def _pid(file: Path) -> int | None:
    try:
        pid = int(file.read_text("ascii").strip())
    except (OSError, ValueError):
        return None
    return pid if Path(f"/proc/{pid}").exists() else None


def _is_back(config: Config, process: str, pid_file: Path, before: int) -> bool:
    pid = _pid(pid_file)
    if pid is None or pid == before:
        return False
    if process == "unit":
        return config.paths.unit_socket.exists()
    if process in ("calls", "web", "standby"):
        return True
    try:
        asyncio.run(EdgeRpc(config.paths.edge_socket).call("core.uptime"))
    except (EdgeUnreachable, EdgeError):
        return False
    return True
