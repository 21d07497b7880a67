"""Kamailio as the shared platform: a registrar and proxy with digest, in the plainest form that a real one has."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from hil.net import Host
from hil.platform import Binding, PlatformError, ip_of
from hil.platform.daemon import Daemon, OneDaemon

__all__ = ["Call", "KamailioPlatform"]

RPC_TIMEOUT_S = 6.0  # one that is dead refuses at once; one that is only starved of processor is waited for
RPC_ANSWER_MAX_BYTES = 65_536
EXPIRES_MAX_S = 3_600
SHARED_MEMORY_MB = 64
PRIVATE_MEMORY_MB = 8
BACKEND_MS = 30_000  # after which a proxy gives up a backend that says nothing
CALL_STATES: dict[int, Literal["setup", "ringing", "up"]] = {1: "setup", 2: "ringing", 3: "up", 4: "up"}
LAMPS_SCHEMA = Path("/usr/share/kamailio/db_sqlite/presence-create.sql")
SCHEMA = """
CREATE TABLE IF NOT EXISTS version (table_name TEXT PRIMARY KEY, table_version INTEGER NOT NULL);
INSERT OR REPLACE INTO version VALUES ('secret', 2), ('location', 9), ('location_attrs', 1);
DROP TABLE IF EXISTS secret;
CREATE TABLE secret (id INTEGER PRIMARY KEY, key_name TEXT NOT NULL, key_type INTEGER NOT NULL DEFAULT 0,
    value_type INTEGER NOT NULL DEFAULT 0, key_value TEXT NOT NULL, expires INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS location (id INTEGER PRIMARY KEY, ruid VARCHAR(64) UNIQUE, username VARCHAR(64),
    domain VARCHAR(64), contact VARCHAR(512), received VARCHAR(128), path VARCHAR(512), expires TIMESTAMP, q REAL,
    callid VARCHAR(255), cseq INTEGER, last_modified TIMESTAMP, flags INTEGER, cflags INTEGER, user_agent VARCHAR(255),
    socket VARCHAR(64), methods INTEGER, instance VARCHAR(255), reg_id INTEGER DEFAULT 0, server_id INTEGER DEFAULT 0,
    connection_id INTEGER DEFAULT 0, keepalive INTEGER DEFAULT 0, partition INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS location_attrs (id INTEGER PRIMARY KEY, ruid VARCHAR(64), username VARCHAR(64),
    domain VARCHAR(64), aname VARCHAR(64), atype INTEGER, avalue VARCHAR(512), last_modified TIMESTAMP);
"""

_ids = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """A call that the platform believes alive."""

    call_id: str
    caller: str  # URI
    callee: str  # URI
    state: Literal["setup", "ringing", "up"]  # "up" since the callee's 200, acknowledged or not


class KamailioPlatform(OneDaemon):
    """A :class:`hil.platform.Platform`.

    ``users`` maps extension to password. ``path=False`` ignores Path, so that the unit has to rewrite contacts.
    ``persistent`` keeps bindings over a restart, on disk within a second. A shorter expiry than ``min_expires_s`` is
    refused (423), a longer one than ``max_expires_s`` is cut. ``answers_options=False`` drops OPTIONS.
    112, +46 numbers and codes go to ``outside`` (a SIP URI with an IP address), whose own calls are not challenged;
    without it they do not exist (404). ``challenges_emergency=False`` takes 112 from anybody.

    ``also`` are other addresses where it is reached, by UDP.

    With ``lamps`` phones may subscribe to who is on the phone and what waits in a mailbox, by Kamailio's own presence
    modules, for ``min_subscription_s`` at the least; a new start has forgotten who did.

    Its faults (:meth:`busy503` to :meth:`sick`) come and go while it runs, in any overlap; a new start begins without.
    """

    def __init__(
        self,
        host: Host,
        ip: str,
        port: int = 5060,
        *,
        realm: str,
        users: dict[str, str],
        path: bool = True,
        persistent: bool = False,
        min_expires_s: int = 0,
        max_expires_s: int = EXPIRES_MAX_S,
        answers_options: bool = True,
        challenges_emergency: bool = True,
        outside: str | None = None,
        lamps: bool = False,
        min_subscription_s: int = 0,
        also: Sequence[str] = (),
    ) -> None:
        self.realm = realm
        self.uri = f"sip:{ip}:{port}"
        self.users = dict(users)
        directory = host.directory / "kamailio"
        directory.mkdir(exist_ok=True)
        self._answers_options = answers_options
        self._control = directory / "control.sock"
        self._database = directory / "platform.db"
        self._lamps = directory / "lamps.db"
        self._has_lamps = lamps
        flags = {
            "PATH": path,
            "PERSISTENT": persistent,
            "EMERGENCY_OPEN": not challenges_emergency,
            "OUTSIDE": outside is not None,
            "LAMPS": lamps,
        }
        words = {
            "ip": ip,
            "port": str(port),
            "realm": realm,
            "control": str(self._control),
            "database": str(self._database),
            "lamps": str(self._lamps),
            "min_subscription": str(min_subscription_s),
            "min_expires": str(min_expires_s),
            "max_expires": str(max_expires_s),
            "backend_ms": str(BACKEND_MS),
            "outside": outside or "",
            "also": "\n".join(["mhomed=1", *(f"listen=udp:{one}:{port}" for one in also)] if also else []),
            "outside_ip": ip_of(outside) if outside else "",
        }
        config = directory / "kamailio.cfg"
        config.write_text(render(words))
        defines = [arg for flag, on in flags.items() if on for arg in ("-A", flag)]
        memory = ["-m", str(SHARED_MEMORY_MB), "-M", str(PRIVATE_MEMORY_MB)]
        args = ["kamailio", "-f", str(config), "-DD", "-E", "-Y", str(directory), *memory, *defines]
        self._daemon = Daemon(host, args, directory / "kamailio.log", self._serves)

    def start(self) -> None:
        """Start and wait until it serves. Raises PlatformError with the end of its log."""
        with contextlib.closing(sqlite3.connect(self._database)) as database, database:
            database.executescript(SCHEMA)
            rows = self.users.items()
            database.executemany("INSERT INTO secret (key_name, key_value) VALUES (?, ?)", rows)
        if self._has_lamps:
            self._lamps.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(self._lamps)) as database, database:
                database.executescript(SCHEMA + LAMPS_SCHEMA.read_text())
        self._control.unlink(missing_ok=True)
        self._daemon.start()
        if not self._answers_options:
            self.options(False)

    def busy503(self, on: bool) -> None:
        """Answer 503 to every request, OPTIONS included, or stop doing so."""
        self._fault("busy503", int(on))

    def later(self, retry_after_s: int) -> None:
        """Refuse every REGISTER by 503 with this Retry-After; 0 takes them again."""
        self._fault("later", retry_after_s)

    def options(self, answered: bool) -> None:
        """Answer OPTIONS, or be silent to them."""
        self._fault("no_options", int(not answered))

    def sick(self, on: bool) -> None:
        """Answer OPTIONS and give no answer to anything else, or stop doing so."""
        self._fault("sick", int(on))

    def bare_100(self, on: bool) -> None:
        """A proxy with a dead backend: INVITEs are challenged, get their 100, and nothing more for BACKEND_MS."""
        self._fault("bare_100", int(on))

    def trunk_gone(self, code: int = 503) -> None:
        """Answer calls to numbers outside (112 too) by this code, 300 or more; 0: carry them again."""
        self._fault("trunk", code)

    def close(self, extension: str) -> None:
        """An owner has closed it: there is no such extension any more, until the next start."""
        self._call("htable.delete", "secret", extension)

    def slow(self, trying_s: float, ringing_s: float) -> None:
        """An INVITE that it takes gets its 100 after ``trying_s`` and goes on to its callee ``ringing_s`` later.

        The challenge comes at once. 0, 0 is normal.
        """
        self._fault("trying_ms", round(trying_s * 1000))
        self._fault("ringing_ms", round(ringing_s * 1000))

    def anchors(self, on: bool) -> None:
        """Name itself as the place of the sound in every session description; it carries none."""
        self._fault("anchors", int(on))

    def dialogs(self) -> list[Call]:
        """The calls that it believes alive, by its own dialogs; those that nobody ended are ghosts."""
        return calls_of(self._ask("dlg.list").get("result"))

    def registrations(self) -> dict[str, list[Binding]]:
        """What it holds now, by extension; extensions without a contact are left out."""
        held = {user: bindings_of(self._ask("ul.lookup", "location", user).get("result")) for user in self.users}
        return {user: bindings for user, bindings in held.items() if bindings}

    def on_disk(self) -> Counter[str]:
        """How many bindings of each extension it would have again after its death; one that is ``persistent``."""
        with contextlib.closing(sqlite3.connect(self._database, timeout=RPC_TIMEOUT_S)) as database:
            return Counter(user for (user,) in database.execute("SELECT username FROM location"))

    def seen(self) -> dict[str, int]:
        """Requests received since the start, by method, retransmissions included."""
        dump = self._ask("htable.dump", "seen").get("result") or []
        return {item["name"]: item["value"] for row in dump for item in row["slot"]}

    def _serves(self) -> bool:
        try:
            return "result" in self._ask("core.uptime")
        except PlatformError:
            return False

    def _fault(self, name: str, value: int) -> None:
        self._call("htable.seti", "fault", name, value)

    def _call(self, method: str, *params: str | int) -> None:
        answer = self._ask(method, *params)
        if "error" in answer:
            raise PlatformError(f"{method}: {answer['error']}")

    def _ask(self, method: str, *params: str | int) -> dict[str, Any]:
        """One call of Kamailio's JSON-RPC over its datagram socket: the answer's object."""
        number = next(_ids)
        ours = self._control.with_name(f"ask{number}.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
            control.settimeout(RPC_TIMEOUT_S)
            try:
                control.bind(str(ours))
                request = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
                control.sendto(json.dumps(request).encode(), str(self._control))
                answer: dict[str, Any] = json.loads(control.recv(RPC_ANSWER_MAX_BYTES))
            except (OSError, ValueError) as error:
                raise PlatformError(f"{self.uri} does not answer {method}: {error}") from error
            finally:
                ours.unlink(missing_ok=True)
        return answer


def render(words: dict[str, str]) -> str:
    """The configuration with its ``@words@`` filled."""
    template = resources.files("hil.platform").joinpath("kamailio.cfg").read_text()
    return re.sub(r"@([a-z_]+)@", lambda match: words[match[1]], template)


def calls_of(dialogs: list[dict[str, Any]] | None) -> list[Call]:
    """The calls in an answer of ``dlg.list``, but for those that have ended."""
    return [
        Call(
            call_id=dialog["call-id"],
            caller=dialog["from_uri"],
            callee=dialog["to_uri"],
            state=CALL_STATES[dialog["state"]],
        )
        for dialog in dialogs or []
        if dialog["state"] in CALL_STATES
    ]


def bindings_of(record: dict[str, Any] | None) -> list[Binding]:
    """The contacts in an answer of ``ul.lookup``; None is an extension that holds none."""
    contacts = [entry["Contact"] for entry in (record or {}).get("Contacts", [])]
    return [
        Binding(
            contact=contact["Address"],
            path=None if contact["Path"] == "[not set]" else contact["Path"],
            expires_s=contact["Expires"],
        )
        for contact in contacts
        if isinstance(contact["Expires"], int)  # words mean that it has expired or was deleted
    ]
