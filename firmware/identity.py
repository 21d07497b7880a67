"""What makes a unit this one: gathered from it, carried to a spare, put in its place there.

Not part of it: bindings (phones come again within ``register_s``), what the edge has measured, the call journal and the
records. Those stay on the old unit's disk.

What is taken in has no names of files in it, so it can write nowhere but to the places named here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from callcontrol.plan.pins import Pin
from firmware import edgedb
from firmware.config import SECRETS_FILE, Config, load
from firmware.document import FILE_MAX_BYTES
from firmware.paths import Paths
from firmware.store import Credential, Directory
from firmware.store.database import StoreError, connect
from firmware.store.pins import changed_pins

__all__ = ["FORMAT", "Identity", "IdentityError", "NotBlank", "gather", "put_in_place", "running"]

FORMAT = "reservvaxel-identity"
SCHEMA = 1
EXTENSIONS_MAX = 10_000
"""Far above the largest building."""
READ_TIMEOUT_S = 1.0

_LEARNT = re.compile(r"[0-9a-fA-F.:]{2,45}\|[0-9]{1,12}\|[0-9]{1,12}")
"""Source address, first and last seen, as the edge writes them (30-register.cfg, LEARN)."""
_EXTENSION = re.compile(r"[0-9A-Za-z*#+._-]{1,32}")
_OLD_PIN = re.compile(r"[0-9a-f]{32}:[0-9a-f]{64}")
"""As PINs were kept before argon2id; one is given anew."""
_KEY_FILE = re.compile(r"[\x20-\x7e\n]{16,16384}")
"""A key or certificate, as text."""

_FILES: Mapping[str, Callable[[Paths], Path]] = {
    "route_key": lambda paths: paths.route_key,
    "ca": lambda paths: paths.ca,
    "ca_key": lambda paths: paths.ca_key,
    "sync_key": lambda paths: paths.sync / "unit.pem",
    "sync_hub": lambda paths: paths.sync / "hub.json",
}
"""Keys of the unit that are files of their own, by name, and their places."""


class IdentityError(ValueError):
    """What was to be an identity is none that this version can take; the text begins with the field at fault."""


class NotBlank(Exception):
    """There is a unit here already; the text names the file that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``config`` and ``secrets`` are the texts of unit.toml and secrets.toml, ``files`` of the unit's keys, by name;
    ``pins`` by extension, as callcontrol/plan/pins.py keeps them; ``learnt`` is the edge's table."""

    unit: str
    made_at: str
    version: str
    config: str = field(repr=False)
    secrets: str | None = field(repr=False)
    files: Mapping[str, str] = field(repr=False)
    credentials: tuple[Credential, ...]
    pins: Mapping[str, str] = field(repr=False)
    learnt: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """JSON, every secret in clear: to be sealed at once."""
        return json.dumps({"schema": SCHEMA} | asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Identity:
        """Read what :meth:`to_bytes` gave. Raises IdentityError."""
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise IdentityError("contents: not JSON") from None
        if not isinstance(found, dict):
            raise IdentityError("contents: not an object")
        schema = found.pop("schema", None)
        if type(schema) is not int or schema != SCHEMA:
            newer = "; written by a newer rvx" if type(schema) is int and schema > SCHEMA else ""
            raise IdentityError(f"schema: {str(schema)[:20]}, this rvx knows {SCHEMA}{newer}")
        found.setdefault("pins", {})  # nobody need have one
        known = {each.name for each in fields(cls)}
        for name in sorted(known ^ found.keys()):
            why = "is missing" if name in known else "is not known to this rvx; a newer one wrote it"
            raise IdentityError(f"{name[:40]}: {why}")
        return cls(
            unit=_text(found, "unit", 63),
            made_at=_text(found, "made_at", 40),
            version=_text(found, "version", 40),
            config=_text(found, "config", FILE_MAX_BYTES),
            secrets=None if found["secrets"] is None else _text(found, "secrets", FILE_MAX_BYTES),
            files=_files(found["files"]),
            credentials=_credentials(found["credentials"]),
            pins=_pins(found["pins"]),
            learnt=_learnt(found["learnt"]),
        )


def gather(config_file: Path, config: Config, made_at: str, version: str) -> Identity:
    """The identity of the unit that ``config``, read from ``config_file``, is of; it may run meanwhile.

    Raises OSError or StoreError for what cannot be read.
    """
    paths, secrets = config.paths, config_file.with_name(SECRETS_FILE)
    credentials: tuple[Credential, ...] = ()
    pins: dict[str, str] = {}
    if paths.directory.exists():
        directory = Directory.open(paths.directory)
        with closing(directory):
            credentials = directory.credentials()
            pins = {number: pin.hash for number, pin in directory.pins().items()}
    if paths.journal.exists():
        # One that is damaged must not keep a spare from taking this unit's place.
        with suppress(StoreError), closing(connect(paths.journal, "journal")) as journal:
            pins |= {number: pin.hash for number, pin in changed_pins(journal).items()}
    return Identity(
        unit=config.unit.name,
        made_at=made_at,
        version=version,
        config=config_file.read_text("utf-8-sig"),
        secrets=secrets.read_text("utf-8-sig") if secrets.exists() else None,
        files={name: place(paths).read_text("ascii") for name, place in _FILES.items() if place(paths).exists()},
        credentials=credentials,
        pins=pins,
        learnt=_known_learnt(paths),
    )


def put_in_place(identity: Identity, config_file: Path, state: Path | None, *, replace: bool, dry: bool) -> Config:
    """Make this machine the unit that ``identity`` is of; give its configuration. ``state`` lies over its state_dir.

    All is made ready beside its place and then renamed. A cut in the middle of the renaming leaves a mark, on which no
    process starts until this was done again. Records that are here already stay. Raises NotBlank unless ``replace``;
    ConfigError, OSError, sqlite3.Error or StoreError with nothing changed.
    """
    with ExitStack() as cleanup:
        beside = _scratch(config_file.parent, cleanup)
        _write(beside / config_file.name, identity.config, 0o644)
        if identity.secrets is not None:
            _write(beside / SECRETS_FILE, identity.secrets, 0o600)
        config = load(beside / config_file.name)
        if state is not None:
            config = config.in_state(state)
        paths = config.paths
        if not replace and not paths.importing.exists():
            for file in (config_file, paths.directory, paths.tables, paths.learnt):
                if file.exists():
                    raise NotBlank(str(file))
        if dry:
            return config
        ready = Paths(_scratch(paths.state, cleanup))
        _make_state(identity, ready)
        _write(paths.importing, identity.unit, 0o600)
        _sync(paths.state)
        _move(ready, paths)
        if identity.secrets is None:
            config_file.with_name(SECRETS_FILE).unlink(missing_ok=True)
        else:
            os.replace(beside / SECRETS_FILE, config_file.with_name(SECRETS_FILE))
        os.replace(beside / config_file.name, config_file)
        _sync(paths.state)
        _sync(config_file.parent)
        paths.importing.unlink()
        _sync(paths.state)
    return config


def running(paths: Paths) -> str | None:
    """Which process of the unit whose state lies there runs on this machine; None when none does."""
    try:
        pid = int(paths.edge_pid.read_text("ascii"))
        if str(paths.edge_config) in Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace"):
            return f"edge (process {pid})"
    except (OSError, ValueError):
        pass
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(READ_TIMEOUT_S)
        try:
            client.connect(str(paths.unit_socket))
        except OSError:
            return None
    return "unit"


def _make_state(identity: Identity, ready: Paths) -> None:
    directory = Directory.open(ready.directory)
    with closing(directory):
        directory.put_credentials(identity.credentials)
        directory.put_pins({number: Pin(pin) for number, pin in identity.pins.items()})
    if os.geteuid() == 0:
        above = ready.state.parent.stat()
        os.chown(ready.directory, above.st_uid, above.st_gid)
    ready.edge.mkdir(0o700)
    _write(ready.learnt, json.dumps(dict(identity.learnt)), 0o600)
    for name, text in identity.files.items():
        file = _FILES[name](ready)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        _write(file, text, 0o600)
    for path in (*ready.state.rglob("*"), ready.state):
        _sync(path)


def _move(ready: Paths, paths: Paths) -> None:
    for database in (paths.directory, paths.bindings):
        for end in ("-wal", "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
    paths.bindings.unlink(missing_ok=True)
    for path in sorted(ready.state.iterdir()):
        place = paths.state / path.name
        if place.is_dir():
            place.rename(path.with_name(f"former-{path.name}"))
        os.replace(path, place)


def _scratch(folder: Path, cleanup: ExitStack) -> Path:
    """A folder of our own in ``folder``, which is made if need be; it goes with all that is left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".identity-", dir=folder))
    cleanup.callback(shutil.rmtree, made, ignore_errors=True)
    return made


def _write(file: Path, text: str, mode: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as opened:
        os.fchmod(descriptor, mode)
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _known_learnt(paths: Paths) -> dict[str, str]:
    """As the edge last wrote it, at most a minute ago, or before its first start; no rows but of the form it writes."""
    if paths.tables.exists():
        with edgedb.opened(paths.tables, READ_TIMEOUT_S) as db:
            rows = db.execute("SELECT key_name, key_value FROM learnt LIMIT ?", (EXTENSIONS_MAX,)).fetchall()
    elif paths.learnt.exists():
        rows = list(json.loads(paths.learnt.read_bytes()).items())
    else:
        rows = []
    return {str(name): str(value) for name, value in rows if _EXTENSION.fullmatch(name) and _LEARNT.fullmatch(value)}


def _text(found: Mapping[str, Any], name: str, longest: int) -> str:
    value = found[name]
    if not isinstance(value, str) or not 0 < len(value) <= longest or "\0" in value:
        raise IdentityError(f"{name}: expected a text of 1 to {longest} characters")
    return value


def _files(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        raise IdentityError("files: expected an object")
    for name in found:
        if name not in _FILES:
            raise IdentityError(f"files: {name[:40]!r} is not known to this rvx; a newer one wrote it")
    return {name: _like(text, _KEY_FILE, f"files[{name}]") for name, text in found.items()}


def _like(value: object, form: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise IdentityError(f"{name}: not so written")
    return value


def _credentials(found: object) -> tuple[Credential, ...]:
    if not isinstance(found, (list, tuple)) or len(found) > EXTENSIONS_MAX:
        raise IdentityError(f"credentials: expected a list of {EXTENSIONS_MAX} at the most")
    names = {each.name for each in fields(Credential)}
    taken = []
    for number, row in enumerate(found):
        if not isinstance(row, dict) or row.keys() != names or type(row["mode"]) is not int:
            raise IdentityError(f"credentials[{number}]: expected {', '.join(sorted(names))}")
        if not all(isinstance(value, str) or value is None for name, value in row.items() if name != "mode"):
            raise IdentityError(f"credentials[{number}]: expected texts")
        try:
            taken.append(Credential(**row))
        except (TypeError, ValueError) as error:
            raise IdentityError(f"credentials[{number}]: {error}") from None
    return tuple(taken)


def _pins(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or len(found) > EXTENSIONS_MAX:
        raise IdentityError(f"pins: expected at most {EXTENSIONS_MAX}")
    return {
        _like(name, _EXTENSION, "pins"): _pin(pin)
        for name, pin in found.items()
        if not (isinstance(pin, str) and _OLD_PIN.fullmatch(pin))
    }


def _pin(found: object) -> str:
    try:
        return Pin(found).hash  # type: ignore[arg-type]
    except ValueError:
        raise IdentityError("pins: not so written") from None


def _learnt(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or len(found) > EXTENSIONS_MAX:
        raise IdentityError(f"learnt: expected at most {EXTENSIONS_MAX}")
    return {
        _like(name, _EXTENSION, "learnt"): _like(value, _LEARNT, f"learnt[{name}]") for name, value in found.items()
    }
