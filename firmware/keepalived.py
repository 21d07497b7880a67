"""keepalived as a process of the unit: it gives the shared addresses to one of two units (see `firmware.standby`).

It runs as root, as it gives and takes addresses and routes; of the network it hears the other unit's adverts alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from firmware import alive
from firmware.bounds import parse_shared
from firmware.config import Config
from firmware.edge import EdgeUnavailable
from firmware.standby import keepalived_conf, preferred_routes, ways

__all__ = ["check_keepalived", "keepalived_command", "prepare_keepalived"]

KEEPALIVED = "keepalived"
COMMAND_TIMEOUT_S = 10


def prepare_keepalived(config: Config) -> None:
    """Renders its configuration. Raises EdgeUnavailable when it cannot be, or keepalived itself refuses it."""
    if shutil.which(KEEPALIVED) is None:
        raise EdgeUnavailable("keepalived is not installed (Debian package keepalived)")
    file = config.paths.keepalived_config
    file.write_text(_rendered(config), "utf-8")
    file.chmod(0o600)
    if said := check_keepalived(file):
        raise EdgeUnavailable(f"keepalived refuses its configuration: {said[0]}")


def keepalived_command(config: Config) -> list[str]:
    """Starts it in the foreground, its files beside ours: several may run on one machine."""
    run = config.paths.run
    files = [f"--pid={run}/keepalived.pid", f"--vrrp_pid={run}/vrrp.pid", f"--checkers_pid={run}/checkers.pid"]
    return [
        *(KEEPALIVED, "--dont-fork", "--log-console", "--vrrp", f"--use-file={run}/keepalived.conf"),
        *files,
    ]


def check_keepalived(file: Path) -> list[str]:
    """What keepalived itself says against a configuration; empty when it is content."""
    said = file.with_suffix(".said")
    command = [KEEPALIVED, f"--config-test={said}", f"--use-file={file}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [f"no answer within {COMMAND_TIMEOUT_S} s"]
    finally:
        lines = said.read_text("utf-8", "replace").splitlines() if said.exists() else []
        said.unlink(missing_ok=True)
    if done.returncode == 0:
        return []
    return [line for line in (*lines, *done.stderr.splitlines()) if line] or [f"exit code {done.returncode}"]


def _rendered(config: Config) -> str:
    standby = config.standby
    between = tuple(ways(standby).values())
    routes = [
        route
        for shared in map(parse_shared, standby.shared)
        for route in preferred_routes(shared, _routes(shared.interface), between)
    ]
    # The system's own Python and nothing of ours, as the check is started each second; keepalived 2.3 calls a path
    # with a symbolic link insecure.
    python = os.path.realpath(sys.executable)
    check = f"{python} -I -S {Path(alive.__file__).resolve()} {config.edge.control_port}"
    line = config.network.platform_interface
    first = parse_shared(standby.shared[0]).interface
    return keepalived_conf(standby, routes, check=check, line="" if line == first else line, log_name=config.unit.name)


def _routes(interface: str) -> list[dict[str, Any]]:
    command = ["ip", "-json", "-4", "route", "show", "dev", interface]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
    if done.returncode:
        raise EdgeUnavailable(f"{interface}: {done.stderr.strip() or 'no routes can be read'}")
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found
