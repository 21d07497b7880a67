"""The edge as a process: its folders and files, the check by Kamailio itself, the command that starts it.

Kamailio runs as the user of the configuration, without capabilities; the files that it runs on are made here before."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pwd
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from callcontrol.edge.render import TLS_CERTIFICATE, TLS_KEY, dispatcher_list, render, tls_domains
from callcontrol.edge.settings import DataSettings, EdgeSettings, GatewaySettings, PairSettings, Socket, sip_host_port
from callcontrol.plan.codes import observed, of_calls, of_numbers, pattern
from firmware import certificate
from firmware.bindings import restore_bindings
from firmware.certificate import CertificateError
from firmware.config import NO_PROBE, Config, Standby
from firmware.document import sha256_of
from firmware.names import Kept, addresses_of
from firmware.paths import Paths, closed_to_others
from firmware.store import Credential, Directory, StoreError

__all__ = [
    "EdgeUnavailable",
    "certificate_file",
    "check_edge",
    "credential_rows",
    "edge_command",
    "edge_is_of",
    "edge_settings",
    "make_state",
    "prepare_edge",
    "renew_certificate",
]

KAMAILIO = "kamailio"
UNUSED_INDEXES = (
    "location_account_contact_idx",
    "location_expires_idx",
    "location_tcpcon_idx",
    "location_connection_idx",
)
"""Of Kamailio's table of bindings, which it writes by ruid and reads whole: each costs every REGISTER a page."""
SCHEMA_DIR = Path("/usr/share/kamailio/db_sqlite")
"""Where the Debian package keeps the tables that its own version expects."""
ROUTE_KEY_BYTES = 16
TABLES = ("st", "count", "cred", "learnt", "ask")
"""Kamailio's hash tables that outlive it."""
PACKAGE_MEMORY_MB = 16
"""Private memory of each Kamailio process, of which it takes what it needs."""
PAIR_MEMORY_MB = 192
"""Of one of two units, beyond its own: 4,096 connections have each a buffer that holds 48 KB more (cfg/80-pair.cfg)."""
RECEIVE_BUFFER_BYTES = 4 << 20
"""A whole building's REGISTERs at once wait here; the kernel may grant less (net.core.rmem_max)."""
GATEWAY_DB = "gateway.db"
GATEWAY_EXPIRES_S = 300
CHECK_TIMEOUT_S = 20
ROOM_BYTES = 1 << 18
"""SQLite's working files beside the tables, and some."""

log = logging.getLogger("rvx")


class EdgeUnavailable(Exception):
    """The edge cannot be started: what is missing, in words."""


def edge_settings(
    config: Config, *, events: bool = False, route_key: str = "", kept: Kept | None = None
) -> EdgeSettings:
    """What of the unit's configuration the edge must know; `kept` is what names stand for, None: as last known."""
    paths = config.paths
    kept = Kept.load(paths.nodes) if kept is None else kept
    codes = config.codes.table
    return EdgeSettings(
        run_dir=paths.run,
        edge_dir=paths.edge,
        acc_dir=paths.acc,
        realm=config.platform.realm,
        listen=tuple(map(Socket.parse, config.edge.listen)),
        platform_listen=tuple(map(Socket.parse, config.edge.platform_listen)),
        phone_networks=tuple(config.network.phone_networks),
        nodes=addresses_of(config.platform.nodes, kept) or tuple(config.platform.nodes),
        data_nodes=addresses_of(config.platform.data_nodes, kept) or tuple(config.platform.data_nodes),
        data=_data(config),
        former_nodes=tuple(kept.former),
        by_contact=config.platform.registration == "contact",
        expires_s=config.platform.expires_s,
        probe="" if config.platform.probe == NO_PROBE else config.platform.probe,
        register_s=config.edge.register_s,
        control_port=config.edge.control_port,
        calls_port=config.edge.calls_port,
        trunk_port=config.edge.trunk_port,
        modems=any(modem.emergency != "never" for modem in config.modem),
        late_port=config.edge.late_port,
        workers=config.edge.workers,
        learnt=config.survival.learnt == "inside",
        learnt_after_s=config.survival.learnt_after_s,
        ring_ms=config.survival.signal_s * config.survival.ring_signals * 1000,
        first_response_min_ms=config.survival.first_response_min_ms,
        first_response_max_ms=config.survival.first_response_max_ms,
        first_response_initial_ms=config.survival.first_response_initial_ms,
        ringing_ms=config.survival.ringing_s * 1000,
        good_probes=config.returning.good_probes,
        registrations_per_s=config.returning.registrations_per_s,
        emergency_numbers=tuple(config.emergency.numbers),
        gateway=config.emergency_gateway,
        trunk_gateway=_trunk_gateway(config),
        codes=pattern(codes),
        codes_noted=of_calls(codes),
        codes_before=of_numbers(codes),
        codes_observed=observed(codes) if config.codes.observed != "no" else "",
        mailbox=config.announcing.voicemail if config.announcing.voicemail_always == "yes" else "",
        codes_heard=config.codes.observed == "heard",
        gateway_username=config.secrets.gateway.username,
        gateway_password=config.secrets.gateway.password,
        no_ringing_ms=config.emergency.no_ringing_s * 1000,
        hold_s=config.emergency.hold_s,
        modem_no_ringing_ms=config.trunk.emergency_ringing_s * 1000,
        calls_per_phone=config.emergency.calls_per_phone,
        requests_per_source_s=config.limits.requests_per_source_s,
        requests_per_address_s=config.limits.requests_per_address_s,
        ban_s=config.limits.ban_s,
        failed_auth_per_minute=config.limits.failed_auth_per_minute,
        wrong_answers_north=config.limits.wrong_answers_north,
        shared_memory_mb=config.edge.shared_memory_mb,
        route_key=route_key,
        pair=_pair(config.standby),
        # A tunnel's address comes with it, and it may come later than the edge.
        shares=bool(config.standby.shared or config.data.address),
        events=events,
    )


def _trunk_gateway(config: Config) -> GatewaySettings | None:
    gateway = config.gateway
    if not gateway.address:
        return None
    return GatewaySettings(
        uri=gateway.address,
        prefix=gateway.prefix,
        national=gateway.numbers == "national",
        calls_max=gateway.calls_max,
        registers=gateway.register == "yes",
        realm=gateway.realm or sip_host_port(gateway.address)[0],
    )


def _data(config: Config) -> DataSettings | None:
    data = config.data
    return DataSettings(data.address, data.port, data.control_port, config.trunk.reception) if data.address else None


def _pair(standby: Standby) -> PairSettings | None:
    if not standby.pair:
        return None
    own, peer = (standby.own_link, standby.peer_link) if standby.own_link else (standby.own, standby.peer)
    probe = Socket("udp", standby.own_north, standby.tables_port) if standby.own_north else None
    return PairSettings(Socket("tcp", own, standby.tables_port), peer, probe)


def make_state(config: Config) -> None:
    """The folders that all processes share. Raises EdgeUnavailable where the edge's user could not enter them, or where
    only half of an identity is."""
    paths = config.paths
    if paths.importing.exists():
        raise EdgeUnavailable(f"an import of an identity was cut ({paths.importing}): give rvx identity import again")
    for folder, key in ((paths.state, "state_dir or --state"), (paths.run, "run_dir")):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        if os.geteuid() == 0 and (closed := closed_to_others(folder)):
            raise EdgeUnavailable(
                f"the edge's user {config.edge.user!r} cannot enter {closed}: give another place by [unit] {key}"
            )


def credential_rows(credentials: tuple[Credential, ...]) -> dict[str, str]:
    """The edge's table `cred`: extension -> mode:HA1 (MD5):HA1 (SHA-256):user."""
    return {c.extension: f"{c.mode}:{c.ha1_md5 or ''}:{c.ha1_sha256 or ''}:{c.user}" for c in credentials}


def prepare_edge(config: Config, *, events: bool = False) -> None:
    """Folders, tables and rendered files, owned by the edge's user. Raises EdgeUnavailable when that cannot be."""
    if shutil.which(KAMAILIO) is None:
        raise EdgeUnavailable("Kamailio is not installed (Debian packages kamailio and kamailio-sqlite-modules)")
    settings = edge_settings(config, events=events)
    owner = _owner(config)
    try:
        for folder in (settings.run_dir, settings.edge_dir, settings.acc_dir):
            folder.mkdir(parents=True, exist_ok=True)
            _hand_over(folder, owner, 0o755 if folder == settings.run_dir else 0o700)
        _make_tables(config, owner)
        settings = replace(
            settings,
            edge_dir=_tables_folder(config.paths, owner),
            route_key=_route_key(config, config.paths.route_key, owner),
        )
        if settings.tls:
            settings = _with_certificate(config, settings)
        if settings.trunk_gateway and settings.trunk_gateway.registers:
            _make_registration(settings, settings.trunk_gateway, owner)
        rendered = {"edge.cfg": render(settings), "dispatcher.list": dispatcher_list(settings)}
        if settings.tls:
            rendered["tls.cfg"] = tls_domains(settings)
        for name, text in rendered.items():
            file = settings.run_dir / name
            file.write_text(text, "utf-8")
            _hand_over(file, owner, 0o600)
        config.paths.edge_told.write_text(_told(config), "ascii")
    except (OSError, sqlite3.Error, StoreError) as error:
        raise EdgeUnavailable(f"{error}") from error


def edge_is_of(config: Config) -> bool:
    """Whether the edge that runs was started by what this configuration tells it."""
    try:
        return config.paths.edge_told.read_text("ascii") == _told(config)
    except (OSError, UnicodeError):
        return False


def _told(config: Config) -> str:
    """By what one that the edge was started by is told from another; what names stand for it hears while it runs."""
    return sha256_of(repr((edge_settings(config, kept=Kept()), config.limits, config.tls)))


def renew_certificate(config: Config) -> bool:
    """Puts the unit's certificate where the edge reads it: the given one, or one of its own CA.

    Whether it is another than before: a running edge is to be told. Raises CertificateError or EdgeUnavailable."""
    paths, settings, owner = config.paths, edge_settings(config), _owner(config)
    place, key_place = certificate_file(config), paths.edge / TLS_KEY
    if config.tls.certificate:
        changed = certificate.install(Path(config.tls.certificate), Path(config.tls.key), place, key_place)
    else:
        certificate.make_ca(config.unit.name, paths.ca, paths.ca_key)
        paths.ca.parent.chmod(0o755)
        paths.ca.chmod(0o644)
        addresses = frozenset(s.address for s in (*settings.listen, *settings.platform_listen) if s.transport == "tls")
        changed = certificate.make(config.unit.name, addresses, paths.ca, paths.ca_key, place, key_place)
    for file in (place, key_place):
        _hand_over(file, owner, 0o600)
    return changed


def _with_certificate(config: Config, settings: EdgeSettings) -> EdgeSettings:
    """The settings with TLS by the certificate as it should be, else by the one of the last start; else without TLS, as
    its fault shall not keep the other phones from their calls. Raises EdgeUnavailable where no place is left."""
    try:
        renew_certificate(config)
    except CertificateError as error:
        log.error("rvx-event kind=certificate_fault why=%s", str(error).replace(" ", "_"))
        if certificate_file(config).exists():
            return settings
        others = tuple(socket for socket in settings.listen if socket.transport != "tls")
        if not others:
            raise EdgeUnavailable(f"{error}") from error
        north = tuple(socket for socket in settings.platform_listen if socket.transport != "tls")
        return replace(settings, listen=others, platform_listen=north)
    return settings


def certificate_file(config: Config) -> Path:
    """Where the edge's certificate lies, given or own."""
    return config.paths.edge / TLS_CERTIFICATE


def edge_command(config: Config) -> list[str]:
    """Starts Kamailio in the foreground: with no rights but its user's, where we have more to give away."""
    paths = config.paths
    command = [KAMAILIO, "-f", str(paths.edge_config), "-DD", "-E"]
    command += [*_memory(config), "-b", str(RECEIVE_BUFFER_BYTES)]
    command += ["-P", str(paths.edge_pid), "-Y", str(paths.run)]
    owner = _owner(config)
    if owner is None:
        return command
    drop = [f"--reuid={owner[0]}", f"--regid={owner[1]}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *drop, "--inh-caps=-all", "--bounding-set=-all", "--", *command]


def _memory(config: Config) -> list[str]:
    """How much memory Kamailio gets, and by which of its managers; a check needs as much as a start."""
    shared_mb = config.edge.shared_memory_mb + (PAIR_MEMORY_MB if config.standby.pair else 0)
    return ["-m", str(shared_mb), "-M", str(PACKAGE_MEMORY_MB), "-x", "fm", "-X", "tlsf"]


def check_edge(config: Config) -> list[str]:
    """What Kamailio itself says against the configuration rendered from `config`; empty when it is content."""
    if shutil.which(KAMAILIO) is None:
        raise EdgeUnavailable("Kamailio is not installed (Debian packages kamailio and kamailio-sqlite-modules)")
    with tempfile.TemporaryDirectory(prefix="rvx-check-") as folder:
        run = Path(folder)
        settings = replace(edge_settings(config), run_dir=run, edge_dir=run, acc_dir=run)
        if settings.trunk_gateway and settings.trunk_gateway.registers:
            _make_registration(settings, settings.trunk_gateway, None)
        (run / "edge.cfg").write_text(render(settings), "utf-8")
        (run / "dispatcher.list").write_text(dispatcher_list(settings), "utf-8")
        (run / "tls.cfg").write_text(tls_domains(settings), "utf-8")
        command = [KAMAILIO, "-c", "-f", str(run / "edge.cfg"), "-Y", folder, *_memory(config)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return [f"Kamailio did not finish its check within {CHECK_TIMEOUT_S} s"]
    if done.returncode == 0:
        return []
    said = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line or "CRITICAL" in line]
    return said or [f"Kamailio ended its check with code {done.returncode}"]


def _owner(config: Config) -> tuple[int, int] | None:
    """User and group that the edge runs as; None where we are not root and it runs as we do."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(config.edge.user)
    except KeyError as error:
        raise EdgeUnavailable(f"there is no user {config.edge.user!r} ([edge] user)") from error
    if entry.pw_uid == 0:
        raise EdgeUnavailable("the edge does not run as root ([edge] user)")
    return entry.pw_uid, entry.pw_gid


def _hand_over(path: Path, owner: tuple[int, int] | None, mode: int) -> None:
    path.chmod(mode)
    if owner is not None:
        os.chown(path, *owner)


def _make_tables(config: Config, owner: tuple[int, int] | None) -> None:
    """The tables that this very Kamailio expects, from its own package; what is there already is left alone.

    Bindings have a file of their own, so that its two writers never meet; they begin with those of the machine's last
    life. New tables begin with the credentials of directory.db, so that no phone comes too early to be known, and with
    what the unit had learnt that this one replaces."""
    paths = config.paths
    standard, bindings, table = (
        (SCHEMA_DIR / f"{name}-create.sql").read_text("utf-8") for name in ("standard", "usrloc", "htable")
    )
    named = [_named(table, name) for name in TABLES]
    begun: dict[Path, Callable[[sqlite3.Connection], None]] = {
        paths.bindings: lambda db: restore_bindings(db, paths.bindings_kept, config.edge.register_s),
        paths.tables: lambda db: _put_known(db, paths),
    }
    for (file, begin), scripts in zip(begun.items(), ([bindings], named), strict=True):
        if not file.exists():
            part = file.with_suffix(".part")
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as db:
                db.execute("PRAGMA journal_mode=WAL")
                for script in (standard, *scripts):
                    db.executescript(script)
                for index in UNUSED_INDEXES:
                    db.execute(f"DROP INDEX IF EXISTS {index}")
                begin(db)
                db.commit()
            part.rename(file)
        elif file == paths.tables:
            _make_missing(file, table)
        for path in file.parent.glob(file.name + "*"):
            _hand_over(path, owner, 0o600)


def _make_registration(settings: EdgeSettings, gateway: GatewaySettings, owner: tuple[int, int] | None) -> None:
    """What Kamailio registers at the gateway: one row of its module's own table, in memory, its owner's alone."""
    file, scripts = settings.run_dir / GATEWAY_DB, (SCHEMA_DIR / f"{name}-create.sql" for name in ("standard", "uac"))
    file.unlink(missing_ok=True)
    file.touch(0o600)
    host, port = sip_host_port(gateway.uri)
    row = {
        "l_uuid": "gateway",
        "l_username": "gateway",
        "l_domain": settings.realm or host,
        "r_username": settings.gateway_username,
        "r_domain": host,
        "realm": gateway.realm,
        "auth_username": settings.gateway_username,
        "auth_password": settings.gateway_password,
        "auth_proxy": f"sip:{host}:{port}",
        "expires": GATEWAY_EXPIRES_S,
    }
    with closing(sqlite3.connect(file)) as db:
        for script in scripts:
            db.executescript(script.read_text("utf-8"))
        columns = ", ".join(row)
        db.execute(f"INSERT INTO uacreg ({columns}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608  our own names
        db.commit()
    _hand_over(file, owner, 0o600)


def _tables_folder(paths: Paths, owner: tuple[int, int] | None) -> Path:
    """Where Kamailio is to open its tables: on the disk, or where that is full, a copy of them in memory, until the
    next start. Calls and 112 need no disk, but SQLite does, and Kamailio does not start without its tables."""
    probe = paths.edge / "room"
    try:
        probe.write_bytes(bytes(ROOM_BYTES))
        return paths.edge
    except OSError:
        for name in (paths.tables.name, f"{paths.tables.name}-wal"):
            copy = paths.run / name
            copy.unlink(missing_ok=True)
            if (paths.edge / name).exists():
                shutil.copyfile(paths.edge / name, copy)
                _hand_over(copy, owner, 0o600)
        (paths.run / f"{paths.tables.name}-shm").unlink(missing_ok=True)
        return paths.run
    finally:
        probe.unlink(missing_ok=True)


def _named(table: str, name: str) -> str:
    """Kamailio's own script for a hash table, for one of this name."""
    return table.replace(" htable ", f" {name} ").replace("'htable'", f"'{name}'")


def _make_missing(file: Path, table: str) -> None:
    """Tables that this version has and the one that made the file had not. On a full disk all stays as it is."""
    try:
        with closing(sqlite3.connect(file)) as db:
            there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for name in TABLES:
                if name not in there:
                    db.executescript(_named(table, name))
    except sqlite3.Error as error:
        log.warning("rvx-event kind=tables_left why=%s", str(error).replace(" ", "_"))


def _put_known(db: sqlite3.Connection, paths: Paths) -> None:
    if paths.directory.exists():
        with closing(Directory.open(paths.directory)) as opened:
            rows = credential_rows(opened.credentials())
        db.executemany("INSERT INTO cred (key_name, key_value) VALUES (?, ?)", rows.items())
    if paths.learnt.exists():
        learnt = json.loads(paths.learnt.read_bytes())
        db.executemany("INSERT INTO learnt (key_name, key_value) VALUES (?, ?)", learnt.items())


def _route_key(config: Config, file: Path, owner: tuple[int, int] | None) -> str:
    """Kept, so that calls that are up outlive a restart of the edge; of a pair the same on both, so that they outlive a
    takeover."""
    if config.standby.pair:
        return hashlib.sha256(f"route {config.secrets.standby.key}".encode()).hexdigest()[: 2 * ROUTE_KEY_BYTES]
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_hex(ROUTE_KEY_BYTES), "ascii")
    _hand_over(file, owner, 0o600)
    return file.read_text("ascii").strip()
