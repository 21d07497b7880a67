"""``rvx identity``: carries a unit to a spare, in one file that a passphrase seals. The procedure is docs/spare.md.

The passphrase is read from a prompt or a file, or made here; it is never an argument, where every user of the machine
could read it.
"""

import argparse
import contextlib
import getpass
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.arp import taken
from firmware import __version__
from firmware.bounds import parse_listen
from firmware.config import Config, ConfigError, load
from firmware.identity import FORMAT, Identity, IdentityError, NotBlank, gather, put_in_place, running
from firmware.paths import Paths
from firmware.seal import PASSPHRASE_MAX, SEALED_MAX_BYTES, SealError, WrongPassphrase, seal, unseal
from firmware.store import StoreError
from firmware.store.database import to_text
from tools.errors import DONE, UserError
from tools.extension import new_secret
from tools.output import Output, counted
from tools.parser import DEFAULT_CONFIG
from tools.place import alone_on, config_of, config_path

__all__ = ["run"]

FILE_MAX_BYTES = SEALED_MAX_BYTES + 4096
ASK_S = 0.5
"""How long another unit gets to answer at each of the addresses."""
ASK = (
    "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};branch=z9hG4bK-rvx-import;rport\r\nMax-Forwards: 1\r\n"
    "From: <sip:rvx@{1}>;tag=import\r\nTo: <sip:{0}>\r\nCall-ID: rvx-import@{1}\r\nCSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n"
)
_PASSPHRASES = 2
"""Secrets of tools.extension in a made passphrase: 160 bits."""


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    actions: dict[str, Callable[[argparse.Namespace, Output], int]] = {
        "identity export": _export,
        "identity import": _import,
    }
    return actions[args.command](args, Output.of(args))


def _export(args: argparse.Namespace, out: Output) -> int:
    source, target = config_path(args), Path(args.file)
    if source is None:
        raise UserError("RVX-C02", "There is no configuration, and so no identity.", "Name it by --config FILE.")
    config = config_of(args)
    if target.exists():
        raise UserError("RVX-I01", f"{target} is there already.", "Name another file, or remove it.")
    passphrase = "-".join(new_secret() for _ in range(_PASSPHRASES)) if args.generate else _passphrase(args, twice=True)
    out.progress("1 of 2: reading the unit's identity")
    try:
        identity = gather(source, config, to_text(datetime.now(UTC)), __version__)
    except (OSError, sqlite3.Error, StoreError) as error:
        raise UserError("RVX-J01", f"{error}.") from error
    out.progress("2 of 2: sealing it")
    with _refusals():
        sealed = seal(FORMAT, passphrase, identity.to_bytes())
    _write(target, sealed)
    shown = passphrase if args.generate else None
    if out.json:
        out.document("ok", **_facts(identity), file=str(target), bytes=len(sealed), passphrase=shown)
        return DONE
    out.line(f"{identity.unit}: {_contents(identity)}")
    out.line(f"in {target}, {len(sealed)} bytes, sealed")
    if shown:
        out.line(f"passphrase {shown}")
        out.note("The passphrase is shown only now. Keep it apart from the file: without it the file opens for nobody.")
    out.note("No call record is in it; they stay on the unit. Make a new file after each change of phones or settings.")
    return DONE


def _import(args: argparse.Namespace, out: Output) -> int:
    target = config_path(args) or Path(DEFAULT_CONFIG)
    state = Path(args.state).absolute() if args.state else None
    _not_running(target, state)
    data = _read(Path(args.file))
    passphrase = _passphrase(args, twice=False)
    out.progress("1 of 3: opening the file")
    with _refusals():
        identity = Identity.from_bytes(unseal(FORMAT, passphrase, data))
    out.progress("2 of 3: looking whether the unit itself is still there")
    config = _put(identity, target, state, args, dry=True)
    paths = config.paths
    if (who := running(paths)) is not None:
        raise UserError("RVX-I03", f"{who} runs on {paths.state}.")
    if not args.force and (place := _answers(config)) is not None:
        raise UserError("RVX-I04", f"Another machine has {place}.")
    if not args.dry_run:
        out.progress("3 of 3: putting it in place")
        with alone_on(paths):
            _put(identity, target, state, args, dry=False)
    if out.json:
        out.document("ok", **_facts(identity), dry_run=args.dry_run, config=str(target), state=str(paths.state))
        return DONE
    would = "would be" if args.dry_run else "is now"
    out.line(f"this machine {would} {identity.unit}: {_contents(identity)}")
    out.line(f"as it was {identity.made_at[:16].replace('T', ' ')} UTC; in {target} and {paths.state}")
    out.note(f"The old {identity.unit} must not be started again: two units with one identity take each other's calls.")
    return DONE


def _put(identity: Identity, target: Path, state: Path | None, args: argparse.Namespace, *, dry: bool) -> Config:
    try:
        return put_in_place(identity, target, state, replace=args.replace, dry=dry)
    except NotBlank as error:
        raise UserError("RVX-I05", f"{error} is here already.") from error
    except ConfigError as error:
        first = error.problems[0]
        where = "config" if first.file.name == target.name else "secrets"
        raise UserError("RVX-I02", f"{where}: {first.key or 'the text'}: {first.message}.") from error
    except (OSError, sqlite3.Error, StoreError) as error:
        raise UserError("RVX-J02", f"{error}.") from error


def _not_running(target: Path, state: Path | None) -> None:
    """Before anything is asked for: what this machine is now must not run."""
    paths = Paths(state) if state else None
    with contextlib.suppress(ConfigError):
        paths = paths or load(target).paths
    if paths is not None and (who := running(paths)) is not None:
        raise UserError("RVX-I03", f"{who} runs on {paths.state}.")


def _answers(config: Config) -> str | None:
    """The first address of the unit that another machine has now; None when none is seen."""
    with contextlib.suppress(OSError):  # not root
        for address in taken(parse_listen(entry).address for entry in _listens(config)):
            return address
    for entry in _listens(config):
        place = parse_listen(entry)
        if not _is_own(place.address) and _answers_at(place.protocol, place.address, place.port):
            return entry
    return None


def _listens(config: Config) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*config.edge.listen, *config.edge.platform_listen)))


def _is_own(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _answers_at(protocol: str, address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as probe:
        probe.settimeout(ASK_S)
        try:
            probe.connect((address, port))
            if protocol == "udp":
                own = "{}:{}".format(*probe.getsockname())
                probe.send(ASK.format(f"{address}:{port}", own).encode())
                probe.recv(1)
        except OSError:
            return False
    return True


def _passphrase(args: argparse.Namespace, *, twice: bool) -> str:
    if args.passphrase_file:
        try:
            with open(args.passphrase_file, encoding="utf-8") as file:
                # One character more than may be, so that a longer one is refused and not cut.
                return file.readline(PASSPHRASE_MAX + 2).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise UserError("RVX-I02", f"passphrase: {args.passphrase_file}: {why}.") from error
    if not sys.stdin.isatty():
        raise UserError("RVX-I02", "passphrase: there is none.", "Give it at a terminal, or by --passphrase-file.")
    passphrase = getpass.getpass("Passphrase: ")
    if twice and passphrase != getpass.getpass("Once more: "):
        raise UserError("RVX-I02", "passphrase: the two differ.", "Give the same command again.")
    return passphrase


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What is wrong with a sealed file, with the field named."""
    try:
        yield
    except WrongPassphrase as error:
        raise UserError("RVX-I02", f"{error}.", "Give the passphrase that was set when the file was made.") from error
    except (IdentityError, SealError) as error:
        raise UserError("RVX-I02", f"{error}.") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise UserError("RVX-I01", f"{path}: {error.strerror}.", "Name a file that you may read.") from error
    if len(data) > FILE_MAX_BYTES:
        raise UserError("RVX-I02", f"sealed_bytes: {path} is larger than {FILE_MAX_BYTES} bytes.")
    return data


def _write(path: Path, data: bytes) -> None:
    """A new file, for its owner alone, whole on the disk or not there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError("RVX-I01", f"{path}: {error.strerror}.", "Name a new file where you may write.") from error


def _facts(identity: Identity) -> dict[str, Any]:
    return {
        "unit": identity.unit,
        "made_at": identity.made_at,
        "made_by": identity.version,
        "extensions": len(identity.credentials),
        "learnt": len(identity.learnt),
        "secrets": identity.secrets is not None,
        "records": 0,
    }


def _contents(identity: Identity) -> str:
    secrets = ", secrets" if identity.secrets is not None else ""
    return f"configuration{secrets}, {counted(len(identity.credentials), 'extension')}, {len(identity.learnt)} learnt"
