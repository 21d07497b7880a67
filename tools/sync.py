"""``rvx enrol`` and ``rvx sync``: the unit and its hub."""

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import ssl
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from firmware import __version__
from firmware.bounds import Refused as Unwritten
from firmware.config import Config
from firmware.config_sync import hub_address
from firmware.store.database import connect
from firmware.store.received import Overruled, Received
from firmware.sync.client import Client, Refused, Unreached, tls_of
from firmware.sync.laying import set_aside
from firmware.sync.membership import Membership, MembershipError, machine_id, request
from firmware.sync.shown import SyncShown
from tools.errors import DONE, UNKNOWN, UserError
from tools.output import Output, counted, table
from tools.people import viewer_of
from tools.place import config_of

__all__ = ["run"]

CA_MAX = 64 << 10
ASK_S = 5.0
LISTED = 20

WHY: Mapping[str, tuple[str, str]] = {
    "": ("nothing: the hub is reached", ""),
    "not_enrolled": ("the unit is no hub's yet", "make a code at the hub (rvx hub enrol), then rvx enrol URL CODE"),
    "another_hub": (
        "the unit is enrolled with another hub than [sync] hub says",
        "mend [sync] hub, or rvx enrol --anew",
    ),
    "membership": ("the unit's key or certificate cannot be used", "rvx enrol --anew, with a new code"),
    "store": ("the unit's own store cannot be written", "look at the disk: rvx doctor"),
    "name": ("the hub's name is not found", "look at the name servers, and at [sync] hub"),
    "address": ("the hub's address is none that can be asked", "look at [sync] hub"),
    "fingerprint": ("whoever answers shows another certificate than was given", "compare it with what the hub shows"),
    "no_way": ("there is no way to the hub's network", "look at the line, and at routes (IPv6 too)"),
    "refused": (
        "the hub's machine is there, and nobody listens on that port",
        "is the hub running? look at [sync] hub",
    ),
    "timeout": ("no answer in time", "look at the line; something on the way may hold packets back"),
    "broken": ("the connection was broken off", "it is tried again by itself"),
    "proxy": ("the proxy does not let it through", "look at [sync] proxy, proxy_user and the proxy's own rules"),
    "redirected": (
        "somebody leads elsewhere, as a network's sign-in page does (captive portal)",
        "sign in to that network, or have the unit let through",
    ),
    "not_the_hub": (
        "somebody answers who is not the hub: a sign-in page, a proxy or another server",
        "look at what is at that address; have the unit let through",
    ),
    "certificate": (
        "whoever answers has not the hub's certificate: a proxy that opens TLS, or another server",
        "exempt the hub in that proxy, or look at [sync] hub",
    ),
    "tls": ("no TLS 1.3 with whoever answers", "something on the way may be too old, or opens TLS"),
    "own_certificate": (
        "the hub does not take the unit's certificate",
        "ask who looks after the hub; rvx enrol --anew",
    ),
    "revoked": ("the unit's certificate was revoked at the hub", "ask who looks after the hub; rvx enrol --anew"),
    "not_understood": ("the answer is not understood", "is the hub of a version that knows this unit's?"),
    "too_new": ("the hub speaks a newer schema alone", "update the unit"),
    "schema": ("hub and unit have no schema in common", "update the older of the two"),
    "too_many": ("the hub has no time for so many", "it is tried again by itself"),
    "busy": ("the hub, or the directory here, is busy", "it is tried again by itself"),
    "fault": ("the hub has a fault of its own", "tell who looks after the hub"),
}
"""By the word that the process `sync` shows: what is in the way, and what to do."""

HELD_BACK = {
    "power": "the battery is low: only blocks, referrals and the like go",
    "budget": "mobile data's budget of the day is spent: only blocks, referrals and the like go",
}


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    out, config = Output.of(args), config_of(args)
    if args.command == "enrol":
        return _enrol(args, out, config)
    if args.command == "sync overruled":
        return _overruled(out, config)
    if args.command == "sync undo":
        return _undo(args, out, config)
    if args.command == "sync now":
        asyncio.run(_asked(config, "now"))
        if out.json:
            out.document("ok")
        else:
            out.line("asked; rvx sync status shows what comes of it")
        return DONE
    if args.command == "sync accept":
        held = bool(asyncio.run(_asked(config, "accept")).get("held"))
        if out.json:
            out.document("ok", held=held)
        else:
            out.line("they go with the next snapshot, which is fetched now" if held else "nobody is held")
        return DONE
    return _status(out, config, why=args.command == "sync why")


# Enrolment


def _enrol(args: argparse.Namespace, out: Output, config: Config) -> int:
    try:
        url = hub_address(args.url)
    except Unwritten as error:
        raise UserError("RVX-A02", f"URL {error}.") from error
    code = re.sub(r"[\s-]", "", args.code)
    if not re.fullmatch(r"[0-9]{10}", code):
        raise UserError("RVX-A02", "CODE is ten digits.")
    folder = config.paths.sync
    with contextlib.suppress(MembershipError):
        if Membership.read(folder) is not None and not args.anew:
            raise UserError("RVX-Z12")
    made = request(config.unit.name)
    message = {
        "code": code, "csr": made.csr, "name": config.unit.name, "machine": machine_id(), "version": __version__,
    }  # fmt: skip
    try:
        said = asyncio.run(_ask_to_enrol(args, config, url, message))
        member = Membership.keep(folder, url, made, said)
    except Refused as refused:
        code_ = "RVX-Z10" if refused.error in ("code", "too_many") else "RVX-Z05"
        raise UserError(code_, f"{refused.text}") from refused
    except Unreached as error:
        if error.why in ("certificate", "fingerprint"):
            raise UserError("RVX-Z11", f"{_sentence(error.why, error.detail)}.", _shown_by(url, config)) from error
        other = error.why in ("redirected", "not_the_hub", "tls")
        raise UserError("RVX-Z03" if other else "RVX-Z02", f"{_sentence(error.why, error.detail)}.") from error
    except (MembershipError, OSError) as error:
        raise UserError("RVX-Z02", f"{error}.") from error
    if out.json:
        out.document("ok", unit=member.unit, hub=url, configured=config.sync.hub == url)
        return DONE
    out.line(f"The unit is {member.unit} at {url}; its certificate holds until {member.certificate().until:%Y-%m-%d}.")
    if config.sync.hub != url:
        out.line(f'Now write into unit.toml: [sync] hub = "{url}", and start the unit anew.')
    return DONE


async def _ask_to_enrol(
    args: argparse.Namespace, config: Config, url: str, message: dict[str, Any]
) -> Mapping[str, Any]:
    settings, password = config.sync, config.secrets.sync.proxy_password
    fingerprint = None
    if args.fingerprint:
        wanted = re.sub(r"[\s:]", "", args.fingerprint)
        if not re.fullmatch(r"[0-9a-fA-F]{64}", wanted):
            raise UserError("RVX-A02", "--fingerprint is 64 hexadecimal digits.")
        fingerprint = aiohttp.Fingerprint(bytes.fromhex(wanted))
    login = aiohttp.BasicAuth(settings.proxy_user, password) if settings.proxy_user else None
    async with Client(
        url, _trusted(args.ca), proxy=settings.proxy, proxy_auth=login, fingerprint=fingerprint
    ) as client:
        return (await client.ask("POST", "/v1/enrol", "enrolled", message)).body


def _trusted(file: str | None) -> ssl.SSLContext:
    """Who vouches for the hub."""
    if file is None:
        return tls_of(None)
    try:
        with Path(file).open("rb") as opened:
            return tls_of(opened.read(CA_MAX).decode("ascii"))
    except (OSError, UnicodeError, ssl.SSLError) as error:
        raise UserError("RVX-A02", f"--ca {file}: cannot be used.") from error


def _shown_by(url: str, config: Config) -> str:
    """What whoever is there shows, for somebody to compare."""
    if config.sync.proxy:
        return ""
    parts = urlsplit(url)
    with contextlib.suppress(OSError, ValueError):
        pem = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=ASK_S)
        shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        return f"It shows {shown}: if the hub itself shows the same (rvx hub enrol), give that by --fingerprint."
    return ""


# Looking


def _status(out: Output, config: Config, *, why: bool) -> int:
    if not config.sync.hub:
        if out.json:
            out.document("ok", hub=None)
        else:
            out.line("this unit has no hub ([sync] hub)")
        return DONE
    shown = SyncShown.read(config.paths.sync_shown)
    if shown is None:
        raise UserError("RVX-Z01")
    aside = _aside(config) if why else []
    if out.json:
        told = {name: getattr(shown, name) for name in shown.__dataclass_fields__}
        what, fix = WHY.get(shown.why, (shown.why, ""))
        out.document(
            "ok" if shown.connected else "warn", **told, what=what, fix=fix,
            set_aside=[{"kind": kind, "id": name, "why": text} for kind, name, text in aside],
        )  # fmt: skip
        return DONE if shown.connected else UNKNOWN
    rows = [("Hub", _hub(shown))]
    if shown.detail or (why and shown.why):
        rows.append(("Why", _sentence(shown.why, shown.detail)))
    if shown.why and WHY.get(shown.why, ("", ""))[1]:
        rows.append(("Do", WHY[shown.why][1]))
    if shown.again_s is not None:
        rows.append(("Again", f"within {shown.again_s:.0f} s, failed {shown.failures} times"))
    rows.append(("Waiting", _waiting(shown)))
    rows += [("", HELD_BACK[shown.held_back])] if shown.held_back in HELD_BACK else []
    rows.append(("Came", _came(shown)))
    for name, value in (
        ("Held", f"{counted(shown.gone, 'person')} whom the hub has no more; rvx sync accept" if shown.gone else ""),
        ("Aside", f"{counted(shown.aside, 'row')} that cannot be taken in; rvx sync why" if shown.aside else ""),
        ("Refused", f"{counted(shown.refused, 'row')} that the hub cannot use" if shown.refused else ""),
        ("Differs", shown.differs),
        ("Newer", f"{shown.passed} of kinds that this version does not know" if shown.passed else ""),
        ("Overruled", f"{shown.overruled}; rvx sync overruled" if shown.overruled else ""),
        ("Clock", f"the hub's is {shown.clock_s:+.0f} s" if shown.clock_s and abs(shown.clock_s) > 2 else ""),
        ("Twin", "another unit speaks by this name" if shown.twin else ""),
        ("Mobile", f"{shown.metered_mb:.1f} MB today" if shown.metered_mb else ""),
        ("Config", shown.configuration or (f"waits: {shown.waits}" if shown.waits else "")),
    ):
        if value:
            rows.append((name, value))
    for line in table(rows):
        out.line(line)
    for kind, name, text in aside[:LISTED]:
        out.line(f"  {kind} {name}: {text}")
    if len(aside) > LISTED:
        out.line(f"  and {len(aside) - LISTED} more")
    return DONE if shown.connected else UNKNOWN


def _hub(shown: SyncShown) -> str:
    state = "reached" if shown.connected else "not reached"
    since = f" since {_time(shown.since)}" if shown.since else ""
    return f"{shown.hub}: {state}{since}" + (f", as {shown.unit}" if shown.unit else "")


def _waiting(shown: SyncShown) -> str:
    if not shown.waiting:
        return "nothing"
    return f"{counted(shown.waiting, 'row')}, the oldest of {_time(shown.oldest_at)}"


def _came(shown: SyncShown) -> str:
    if shown.fetched:
        of = f" of {shown.fetching / 1e6:.1f}" if shown.fetching else ""
        return f"a snapshot is being fetched: {shown.fetched / 1e6:.1f}{of} MB"
    if not shown.whole_at:
        return "nothing yet" if not shown.heard_at else f"heard {_time(shown.heard_at)}"
    return f"heard {_time(shown.heard_at)}; whole {_time(shown.whole_at)}"


def _sentence(why: str, detail: str) -> str:
    what = WHY.get(why, (why.replace("_", " "), ""))[0]
    return f"{what} ({detail})" if detail else what


def _aside(config: Config) -> list[tuple[str, str, str]]:
    if not config.paths.directory.exists():
        return []
    with closing(connect(config.paths.directory, "directory")) as db:
        return [(item.kind, item.id, why) for item, why in set_aside(db)]


# What does not stand


def _overruled(out: Output, config: Config) -> int:
    with closing(Received.open(config.paths.journal)) as received:
        found = received.overruled()
    if out.json:
        out.document("ok", overruled=[_told(one) for one in found])
        return DONE
    for one in found:
        out.line(f"{one.id}  {_time(one.at)}  {one.kind} {one.item}, by {one.over_by or 'the hub'}")
        out.line(f"   was: {_row(one.row)}")
        out.line(f"   is:  {_row(one.over_row)}")
    out.line(f"{len(found)} that nobody has brought back" if found else "nothing was overruled")
    return DONE


def _undo(args: argparse.Namespace, out: Output, config: Config) -> int:
    with closing(Received.open(config.paths.journal)) as received:
        done = received.undo(args.number, viewer_of(args).id, datetime.now(UTC))
    if not done:
        raise UserError("RVX-Z13", f"There is no number {args.number}.")
    if out.json:
        out.document("ok", number=args.number)
    else:
        out.line("set again as it was set here")
    return DONE


def _told(one: Overruled) -> dict[str, Any]:
    row, over = _public(one.row), _public(one.over_row)
    return {
        "id": one.id,
        "at": one.at,
        "kind": one.kind,
        "item": one.item,
        "row": row,
        "over_row": over,
        "by": one.over_by,
    }


def _public(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {name: value for name, value in row.items() if name != "hash"}


def _row(row: Mapping[str, Any] | None) -> str:
    shown = _public(row)
    return "not set" if shown is None else ", ".join(f"{name} {value}" for name, value in shown.items() if value)[:120]


async def _asked(config: Config, word: str) -> dict[str, Any]:
    """What the process says. Raises UserError where it is away."""
    try:
        async with asyncio.timeout(ASK_S):
            reader, writer = await asyncio.open_unix_connection(config.paths.sync_socket)
            writer.write(word.encode() + b"\n")
            said = json.loads(await reader.readline())
            writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError("RVX-Z01") from error
    return said if isinstance(said, dict) else {}


def _time(text: str) -> str:
    with contextlib.suppress(ValueError):
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
    return "?"
