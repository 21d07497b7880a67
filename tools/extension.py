"""``rvx extension``: who may register when the platform is gone, before a platform's feed can say so.

A secret is read from a prompt, from standard input or from an import file, or made here; it is never an argument, where
every user of the machine could read it. Only its hashes are kept, and only a secret made here is shown, once.
"""

import argparse
import csv
import dataclasses
import difflib
import getpass
import io
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from callcontrol.digest import ha1
from callcontrol.plan.pins import PIN_MAX, fault_of, kept
from firmware.config import Config
from firmware.store import Credential, Directory, StoreError
from firmware.store.database import to_text
from firmware.store.directory import LEARNT, MODES
from firmware.store.pins import PinRows
from tools.errors import DONE, USAGE, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["Fault", "new_pin", "new_secret", "parse", "refuse", "run", "text_of"]

MIN_SECRET_LENGTH = 8
MAX_SECRET_LENGTH = 128
MAX_IMPORT_BYTES = 4 * 1024 * 1024
MAX_IMPORT_ROWS = 10_000  # far above the largest building
MAX_FAULTS = 100  # so many are listed; a file of the wrong kind has one on every line

# No letters or figures that are mistaken for each other when typed into a phone; 16 of them are 80 bits.
_TYPED_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_SECRET_LENGTH = 16
_PIN_LENGTH = 8

_COLUMNS = ("extension", "mode", "secret", "ha1_md5", "ha1_sha256", "user")
_DEFAULT_MODE = 2


class Fault(NamedTuple):
    """What is wrong on a line of an import file."""

    line: int
    message: str


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in ``directory.db`` of the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "extension add": _add,
        "extension import": _import,
        "extension list": _list,
        "extension remove": _remove,
        "extension pin": _pin,
        "extension block": _block,
        "extension lift": _lift,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


def new_secret() -> str:
    """A secret that a person can type into a phone and nobody can guess."""
    return "".join(secrets.choice(_TYPED_SIGNS) for _ in range(_SECRET_LENGTH))


def parse(text: str, realm: str, reserved: frozenset[str], changed_at: str) -> tuple[list[Credential], list[Fault]]:
    """The credentials of a CSV file, and every fault in it.

    The first line names the columns: ``extension``, and of ``mode`` (else 2), ``secret`` or ``ha1_md5`` and
    ``ha1_sha256``, ``user`` (else the extension) what the modes need. Commas or semicolons part them. No fault says
    what a secret was.
    """
    first = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    try:
        names = [name.strip().lower() for name in rows.fieldnames or []]
    except csv.Error as error:
        return [], [Fault(1, str(error))]
    rows.fieldnames = names
    faults = [Fault(1, _unknown_column(name)) for name in names if name not in _COLUMNS]
    faults += [Fault(1, f"column {name} occurs twice") for name in sorted(set(names)) if names.count(name) > 1]
    if "extension" not in names and not faults:
        faults.append(Fault(1, "no column extension; the first line must name the columns"))
    if faults:
        return [], faults
    credentials: list[Credential] = []
    seen: dict[str, int] = {}
    try:
        for row in rows:
            line = rows.line_num
            if len(credentials) + len(faults) >= MAX_IMPORT_ROWS:
                faults.append(Fault(line, f"more than {MAX_IMPORT_ROWS} lines"))
                break
            try:
                credential = _from_row(row, realm, reserved, changed_at)
            except ValueError as error:
                faults.append(Fault(line, str(error)))
                continue
            before = seen.setdefault(credential.extension, line)
            if before != line:
                faults.append(Fault(line, f"extension {credential.extension} is already on line {before}"))
            credentials.append(credential)
    except csv.Error as error:
        faults.append(Fault(rows.reader.line_num, str(error)))
    if not credentials and not faults:
        faults.append(Fault(1, "no line but the names of the columns"))
    return credentials, faults


def _unknown_column(name: str) -> str:
    near = difflib.get_close_matches(name, _COLUMNS, n=1)
    known = f"did you mean {near[0]}?" if near else f"known are {', '.join(_COLUMNS)}"
    return f"column {name[:40]!r} is not known; {known}"


def _from_row(row: Mapping[str | None, str | None], realm: str, reserved: frozenset[str], at: str) -> Credential:
    """One line's credential; a ValueError says what is wrong with it."""
    if None in row:
        raise ValueError("more values than columns")
    value = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    mode = value["mode"] or str(_DEFAULT_MODE)
    if mode not in {str(known) for known in MODES}:
        raise ValueError(f"mode {mode[:20]!r}: expected 1 to 4")
    hashes = {name: value[name].lower() or None for name in ("ha1_md5", "ha1_sha256")}
    if not value["secret"]:
        if int(mode) != LEARNT and not any(hashes.values()):
            raise ValueError(f"mode {mode} needs a secret or its hashes")
        user = value["user"] or value["extension"]
        _check_extension(value["extension"], reserved)
        return Credential(value["extension"], int(mode), **hashes, realm=realm, user=user, changed_at=at)
    if any(hashes.values()):
        raise ValueError("both a secret and its hashes; give one of them")
    return _credential(value["extension"], int(mode), value["secret"], value["user"], realm, reserved, at)


def _credential(
    extension: str, mode: int, secret: str | None, user: str, realm: str, reserved: frozenset[str], at: str
) -> Credential:
    """A credential from a secret, None for the mode that has none; a ValueError says what is wrong."""
    _check_extension(extension, reserved)
    # Made first, as the form of its names must be right before they are hashed.
    learnt = Credential(extension, LEARNT, None, None, realm, user or extension, at)
    if mode == LEARNT:
        if secret is not None:
            raise ValueError("mode 4 is learnt and has no secret")
        return learnt
    if secret is None:
        raise ValueError(f"mode {mode} needs a secret")
    _check_secret(secret, extension)
    md5, sha256 = (ha1(learnt.user, realm, secret, algorithm) for algorithm in ("md5", "sha256"))
    return dataclasses.replace(learnt, mode=mode, ha1_md5=md5, ha1_sha256=sha256)


def _check_extension(extension: str, reserved: frozenset[str]) -> None:
    if extension in reserved:
        raise ValueError(f"{extension} is an emergency number and can be nobody's extension")


def _check_secret(secret: str, extension: str) -> None:
    if not MIN_SECRET_LENGTH <= len(secret) <= MAX_SECRET_LENGTH:
        raise ValueError(f"the secret must have {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} characters")
    if not secret.isprintable():
        raise ValueError("the secret holds a character that cannot be typed")
    if secret.strip(extension) == "" or len(set(secret)) == 1:
        raise ValueError("the secret is the extension, or one character over and over")


def _add(args: argparse.Namespace, out: Output, config: Config) -> int:
    secret = _secret(args)
    try:
        credential = _credential(args.extension, args.mode, secret, "", _realm(config), _reserved(config), _now())
    except ValueError as error:
        raise UserError("RVX-D01", f"{error}.") from error
    with _directory(config, write=True) as directory:
        known = credential.extension in {each.extension for each in directory.credentials()}
        directory.put_credential(credential)
    done = "changed" if known else "added"
    shown = secret if args.generate else None
    if out.json:
        fields: dict[str, Any] = {"secret": shown} if shown else {}
        out.document("ok", extension=credential.extension, mode=credential.mode, action=done, **fields)
        return DONE
    out.line(f"{credential.extension} {done}, mode {credential.mode}: {MODES[credential.mode]}")
    if shown:
        out.line(f"user {credential.user}, secret {shown}")
        out.note("The secret is shown only now.")
    return DONE


def _secret(args: argparse.Namespace) -> str | None:
    if args.mode == LEARNT:
        if args.generate or args.secret_stdin:
            raise UserError(
                "RVX-D01", "Mode 4 is learnt and has no secret.", "Leave --generate and --secret-stdin out."
            )
        return None
    if args.generate:
        return new_secret()
    return _typed(args, "secret", MAX_SECRET_LENGTH)


def _typed(args: argparse.Namespace, what: str, longest: int) -> str:
    """From standard input, or a prompt, twice."""
    if args.secret_stdin:
        # One character more than may be, so that a longer one is refused and not cut.
        return sys.stdin.readline(longest + 2).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UserError("RVX-D01", f"There is no {what}.", "Give --generate or --secret-stdin.")
    secret = getpass.getpass(f"{what[0].upper()}{what[1:]} of {args.extension}: ")
    if secret != getpass.getpass("Once more: "):
        raise UserError("RVX-D01", f"The two {what}s differ.", "Give the same command again.")
    return secret


def _import(args: argparse.Namespace, out: Output, config: Config) -> int:
    path = Path(args.file)
    credentials, faults = parse(text_of(path), _realm(config), _reserved(config), _now())
    if faults:
        return refuse(out, path, faults)
    known: set[str] = set()
    if not args.dry_run or _file(config).exists():
        with _directory(config, write=not args.dry_run) as directory:
            known = {each.extension for each in directory.credentials()}
            if not args.dry_run:
                directory.put_credentials(credentials)
    changed = sum(each.extension in known for each in credentials)
    added = len(credentials) - changed
    if out.json:
        out.document("ok", dry_run=args.dry_run, added=added, changed=changed)
        return DONE
    would = "would be " if args.dry_run else ""
    out.line(f"{added} {would}added, {changed} {would}changed")
    if not args.dry_run:
        out.note(f"{path} holds secrets: remove it when the phones have them.")
    return DONE


def text_of(path: Path) -> str:
    """Of an import file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMPORT_BYTES + 1)
    except OSError as error:
        raise UserError("RVX-D03", f"{path}: {error.strerror}.", "Name a file that you may read.") from error
    if len(data) > MAX_IMPORT_BYTES:
        raise UserError("RVX-D03", f"{path} is larger than {MAX_IMPORT_BYTES // 1024**2} MiB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError("RVX-D03", f"{path}:{line}: not UTF-8.", "Save the file as CSV UTF-8.") from error


def refuse(out: Output, path: Path, faults: list[Fault]) -> int:
    """Says every fault; nothing has been changed."""
    faults = sorted(faults)
    if out.json:
        problems = [
            {
                "id": "RVX-D03",
                "severity": "fail",
                "area": "extensions",
                "file": str(path),
                "line": fault.line,
                "observed": fault.message,
            }
            for fault in faults
        ]
        out.document("fail", problems)
        return USAGE
    for fault in faults[:MAX_FAULTS]:
        out.line(f"{path}:{fault.line}: {fault.message}")
    out.line(f"{counted(len(faults), 'fault')}; nothing was changed. More: rvx explain RVX-D03")
    return USAGE


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    credentials: tuple[Credential, ...] = ()
    if _file(config).exists():
        with _directory(config, write=False) as directory:
            credentials = directory.credentials()
    if out.json:
        rows = [
            {
                "extension": each.extension,
                "mode": each.mode,
                "user": each.user,
                "realm": each.realm,
                "md5": each.ha1_md5 is not None,
                "sha256": each.ha1_sha256 is not None,
                "changed_at": each.changed_at,
            }
            for each in credentials
        ]
        out.document("ok", extensions=rows)
        return DONE
    lines = table((each.extension, f"mode {each.mode}", each.changed_at[:10], MODES[each.mode]) for each in credentials)
    for line in lines:
        out.line(line)
    out.line(f"{counted(len(credentials), 'extension')} in {_file(config)}")
    return DONE


def _remove(args: argparse.Namespace, out: Output, config: Config) -> int:
    removed = False
    if _file(config).exists():
        with _directory(config, write=True) as directory:
            removed = directory.remove(args.extension)
    if not removed:
        raise UserError("RVX-D02", f"{args.extension} is not in {_file(config)}.")
    if out.json:
        out.document("ok", extension=args.extension, action="removed")
    else:
        out.line(f"{args.extension} removed")
    return DONE


def _pin(args: argparse.Namespace, out: Output, config: Config) -> int:
    """For the pages, the mailbox from another phone, locks, and who is led out from outside ([trunk] leads_out)."""
    if args.remove:
        with opened(config) as store:
            if not _pin_rows(store).remove(args.extension, viewer_of(args).id, datetime.now(UTC)):
                raise UserError("RVX-D02", f"{args.extension} has no PIN.")
        return _said(args, out, "has no PIN any more")
    pin = new_pin(args.extension) if args.generate else _typed(args, "PIN", PIN_MAX)
    if (fault := fault_of(pin, args.extension)) is not None:
        raise UserError("RVX-D01", f"the PIN: {fault}.")
    with opened(config) as store:
        if store.people.extension(args.extension) is None:
            raise UserError("RVX-D02", f"{args.extension} is not in the directory of people.")
        _pin_rows(store).change(args.extension, kept(pin), viewer_of(args).id, datetime.now(UTC))
    if out.json:
        shown: dict[str, Any] = {"pin": pin} if args.generate else {}
        out.document("ok", extension=args.extension, action="has a PIN", **shown)
        return DONE
    out.line(f"{args.extension} has a PIN" + (f": {pin}" if args.generate else ""))
    if args.generate:
        out.note("The PIN is shown only now.")
    return DONE


def _pin_rows(store: Opened) -> PinRows:
    return PinRows(store.people.directory, store.people.journal)


def new_pin(extension: str) -> str:
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(_PIN_LENGTH))
        if fault_of(pin, extension) is None:
            return pin


def _block(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config) as store:
        done = store.changes.block(args.extension, viewer_of(args).id, args.why, datetime.now(UTC))
    return _said(args, out, "blocked" if done else "blocked already")


def _lift(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config) as store:
        done = store.changes.lift(args.extension, viewer_of(args).id, datetime.now(UTC))
    return _said(args, out, "no longer blocked" if done else "not blocked")


def _said(args: argparse.Namespace, out: Output, state: str) -> int:
    if out.json:
        out.document("ok", extension=args.extension, action=state)
    else:
        out.line(f"{args.extension}: {state}")
    return DONE


@contextmanager
def _directory(config: Config, write: bool) -> Iterator[Directory]:
    """The open directory. A file that root makes here belongs to who owns the state folder, which is the unit."""
    path = _file(config)
    try:
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        directory = Directory.open(path)
        if new and os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise UserError("RVX-J02", f"{path.parent}: {error.strerror}.") from error
    except StoreError as error:
        raise UserError("RVX-J01", f"{error}.") from error
    try:
        yield directory
    except StoreError as error:
        raise UserError("RVX-J01", f"{error}.") from error
    finally:
        directory.close()


def _file(config: Config) -> Path:
    return config.unit.state_dir / "directory.db"


def _realm(config: Config) -> str:
    """What the hashes are made with; the edge challenges with the same."""
    if not config.platform.realm:
        raise UserError(
            "RVX-C01", "[platform] realm is not set, and a secret's hashes hold it.", "Set it, then repeat."
        )
    return config.platform.realm


def _reserved(config: Config) -> frozenset[str]:
    return frozenset(config.emergency.numbers)


def _now() -> str:
    return to_text(datetime.now(UTC))
