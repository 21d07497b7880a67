"""``rvx trunk status|test|why``: what the process `trunk` says of its modems, a test call, and the steps of 112."""

import argparse
import json
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callcontrol.trunk.steps import KEPT
from firmware.paths import Paths
from firmware.store import StoreError
from firmware.store.steps import Noted
from firmware.store.trunk import TrunkRows
from firmware.trunk.telling import steps_said
from tools.errors import DONE, FAILED, UserError
from tools.output import Output, table
from tools.place import config_of

__all__ = ["ask", "run"]

TIMEOUT_S = 90.0
"""A test call takes its time."""
ANSWER_MAX_BYTES = 4 << 20

_CARDS = {"green": "grönt / green", "yellow": "gult / yellow", "red": "RÖTT / RED"}
_REASONS = {
    "away": "modemet svarar inte / the modem does not answer",
    "no_sim": "SIM-kortet är inte redo / the SIM is not ready",
    "no_network": "inget nät / no network",
    "emergency_only": "bara nödsamtal / emergency calls only",
    "unknown_network": "nätet är okänt / the network is not known",
    "mending": "modemet lagas / the modem is being mended",
    "unproved": "samtal är aldrig provade / calls were never tried",
    "old_proof": "provet är äldre än 30 dagar / the proof is older than 30 days",
    "failed": "provsamtalet misslyckades / the test call failed",
    "one_way": "ljudet gick inte åt båda håll / sound did not go both ways",
    "half_proved": "ljudet är inte provat åt båda håll / sound is not proved both ways",
    "no_sms": "SMS är inte provat / SMS is not proved",
    "weak": "svag signal / weak signal",
    "roaming": "främmande nät / roaming",
    "old_network": "2G/3G eller utan VoLTE / 2G/3G, or without VoLTE",
    "no_number": "SIM-kortets nummer är inte känt / the SIM's number is not known",
}
_SHARED = {
    "same": "samma operatör / the same operator",
    "shared": "delat radionät / a shared radio network",
    "not_known": "inget gemensamt känt / nothing known in common",
    "unknown": "okänt / unknown",
}


def run(args: argparse.Namespace) -> int:
    """Asks the process, and shows what it says."""
    out, paths = Output.of(args), config_of(args).paths
    match args.command:
        case "trunk test":
            return _test(out, paths, args.modem)
        case "trunk why":
            return _why(out, paths)
    return _status(out, paths)


def ask(place: Path, question: dict[str, str]) -> dict[str, Any]:
    """One answer of the process. Raises UserError."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(str(place))
            client.sendall(json.dumps(question).encode() + b"\n")
            said = b""
            while len(said) < ANSWER_MAX_BYTES and (data := client.recv(65536)):
                said += data
        answer = json.loads(said)
    except (OSError, ValueError) as error:
        denied = "Give the same command with sudo." if isinstance(error, PermissionError) else ""
        raise UserError("RVX-G03", f"{place}: {error}.", denied) from error
    if not isinstance(answer, dict):
        raise UserError("RVX-G03", f"{place}: not an object.")
    return answer


def _status(out: Output, paths: Paths) -> int:
    told = ask(paths.trunk_socket, {"do": "status"})
    if out.json:
        out.document("ok", **told)
        return DONE
    modems = told["modems"]
    rows = [
        (
            modem["name"],
            _CARDS[modem["card"]],
            modem["number"] or "-",
            modem["network"] or modem["operator"] or "-",
            modem["technology"] or "-",
            f"{modem['dbm']} dBm" if modem["dbm"] is not None else "-",
            modem["carries"] or ("112" if modem["kept_for_112"] else "ledig / free"),
        )
        for modem in modems
    ]
    for line in table(rows):
        out.line(line)
    for modem in modems:
        for reason in modem["reasons"]:
            out.line(f"  {modem['name']}: {_REASONS.get(reason, reason)}")
    for pair in told["shared"]:
        out.line(f"  {pair['one']}, {pair['other']}: {_SHARED.get(pair['shared'], pair['shared'])}")
    return DONE


def _test(out: Output, paths: Paths, modem: str) -> int:
    told = ask(paths.trunk_socket, {"do": "test", "modem": modem})
    if "error" in told:
        raise UserError("RVX-G04", f"{modem[:40]!r}: {told['error']}.")
    good = all(one["good"] for one in told.values())
    if out.json:
        out.document("ok" if good else "failed", **told)
    else:
        for what, one in told.items():
            out.line(f"{what}: {'ja / yes' if one['good'] else 'nej / no'} {one['detail']}".rstrip())
    return DONE if good else FAILED


def _why(out: Output, paths: Paths) -> int:
    """As it is on the disk, whatever lives."""
    noted: tuple[Noted, ...] = ()
    if paths.journal.exists():
        try:
            with closing(TrunkRows.open(paths.journal)) as rows:
                noted = rows.steps(datetime.now(UTC) - KEPT)
        except (StoreError, sqlite3.Error) as error:
            raise UserError("RVX-J01", f"{error}.") from error
    steps = steps_said(noted)
    if out.json:
        out.document("ok", steps=steps)
        return DONE
    if not steps:
        out.line("Inga samtal till 112 på 30 dagar. / No calls to 112 in 30 days.")
        return DONE
    for line in table([(s["at"], s["call"][:24], s["step"], s["modem"] or "-", s["detail"] or "-") for s in steps]):
        out.line(line)
    return DONE
