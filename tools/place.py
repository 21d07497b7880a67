"""Which configuration and which data a command means, found alike by all of them."""

import argparse
import fcntl
import os
from pathlib import Path
from typing import IO

from firmware.config import SECRETS_FILE, Config, ConfigError, Problem, default, load
from firmware.paths import Paths, closed_to_others
from tools.errors import UserError
from tools.parser import DEFAULT_CONFIG

__all__ = ["alone_on", "code_of", "config_of", "config_path", "developer_state"]

DEVELOPER_STATE = Path("state")  # in the working folder, when there is no configuration
INSTALLED_STATE = Path("/var/lib/reservvaxel")


def config_path(args: argparse.Namespace) -> Path | None:
    """The configuration file: ``--config`` or ``RVX_CONFIG``, else the installed one, else none."""
    if args.config:
        return Path(args.config)
    installed = Path(DEFAULT_CONFIG)
    return installed if installed.exists() else None


def developer_state() -> Path:
    """Where a unit without configuration keeps its data: in the working folder, or, where root's own folders keep the
    edge's user out of that, where an installed unit does."""
    here = DEVELOPER_STATE.absolute()
    return INSTALLED_STATE if os.geteuid() == 0 and closed_to_others(here) else here


def config_of(args: argparse.Namespace) -> Config:
    """The configuration a command works by, with ``--state`` laid over it; a faulty file ends the command."""
    path = config_path(args)
    try:
        if path is None:
            return default(Path(args.state or developer_state()))
        config = load(path)
    except ConfigError as error:
        first = error.problems[0]
        remedy = f"rvx check {path} lists every fault." if len(error.problems) > 1 else ""
        raise UserError(code_of(first), f"{first}.", remedy) from error
    if args.state:
        config = config.in_state(Path(args.state).absolute())
    return config


def code_of(problem: Problem) -> str:
    """The code of a problem with the configuration: its content, or a file that cannot be used at all."""
    if problem.line is not None or problem.key:
        return "RVX-C01"
    return "RVX-C03" if problem.file.name == SECRETS_FILE else "RVX-C02"


def alone_on(paths: Paths) -> IO[bytes]:
    """Holds the folder of data for this command alone until it is closed, or this process is gone."""
    paths.run.mkdir(parents=True, exist_ok=True)
    lock = (paths.run / "run.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        detail = f"Another rvx works in {paths.state}."
        raise UserError("RVX-J02", detail, "End that one, or name another folder by --state DIR.") from error
    return lock
