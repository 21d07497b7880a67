"""``rvx threat``: the calls that were marked as threats, and their sound, for those who may (requirements.md, B12)."""

import argparse
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfileobj

from callcontrol.media.recorder import mend
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.recordings import recording_of
from firmware.store.threats import Threat, ThreatRows
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

EVERY = "*"


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder. Each look is written down before anything is shown."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "threat list": _list,
        "threat export": _export,
    }
    if not args.why.strip():
        raise UserError("RVX-A02", "--why is empty: each look at what is secret is recorded.")
    return actions[args.command](args, Output.of(args), config_of(args))


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    threats = _looked(args, config, EVERY, "row")
    told = [_told(threat, config) for threat in threats]
    if out.json:
        out.document("ok", threats=told)
        return DONE
    for line in table(_row(one) for one in told) if told else ():
        out.line(line)
    out.line(f"{counted(len(told), 'threat')} marked")
    return DONE


def _export(args: argparse.Namespace, out: Output, config: Config) -> int:
    threat = next((one for one in _looked(args, config, args.id, "sound") if one.id == args.id), None)
    if threat is None:
        raise UserError("RVX-M05", f"{args.id} is no threat that was marked here.")
    target = Path(args.file)
    try:
        source = recording_of(config.paths.threats, threat.id).open("rb")
    except OSError as error:
        raise UserError("RVX-M05", f"{threat.id}: {error.strerror}.") from error
    with source:
        try:
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                copyfileobj(source, file)
            mend(target)  # of one that is being recorded still
        except OSError as error:
            raise UserError("RVX-K04", f"{target}: {error.strerror}.") from error
        except ValueError as error:
            raise UserError("RVX-M05", f"{threat.id}: no sound of ours.") from error
    if out.json:
        out.document("ok", file=str(target), threat=_told(threat, config))
    else:
        out.line(f"the sound of {threat.id} is in {target}")
    return DONE


def _looked(args: argparse.Namespace, config: Config, subject: str, field: str) -> tuple[Threat, ...]:
    """All threats, once it is written down who looks, and what for."""
    with opened(config) as store:
        store.changes.looked(viewer_of(args).id, "threat", subject, field, args.why, datetime.now(UTC))
        try:
            with closing(ThreatRows.open(config.paths.journal)) as rows:
                return rows.all()
        except sqlite3.Error as error:
            raise UserError("RVX-J06", f"{config.paths.journal}: {error}.") from error


def _told(threat: Threat, config: Config) -> dict[str, object]:
    return {
        "id": threat.id,
        "marked_at": threat.marked_at.isoformat(),
        "extension": threat.extension,
        "other": threat.other,
        "call_id": threat.call_id,
        "sound": _sound(threat, config),
        "length_ms": threat.length_ms,
    }


def _sound(threat: Threat, config: Config) -> str:
    if not threat.recorded:
        return "none"
    if not recording_of(config.paths.threats, threat.id).exists():
        return "gone"
    return "kept" if threat.length_ms is not None else "begun"


def _row(told: dict[str, object]) -> tuple[str, ...]:
    marked = datetime.fromisoformat(str(told["marked_at"])).astimezone(STOCKHOLM)
    length = f"{told['length_ms'] / 1000:.0f} s" if isinstance(told["length_ms"], int) else ""
    sound = f"sound {told['sound']} {length}".rstrip()
    return str(told["id"]), f"{marked:%Y-%m-%d %H:%M}", f"{told['extension']} by {told['other']}", sound
