"""``rvx mcu console|log|flash``: by the process `heart`, which alone holds the microcontroller's port."""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.codec.mcuwords import CHUNK_MAX
from tools.errors import DONE, UserError
from tools.mcuimage import compiled, image_of, sources, version_of
from tools.output import Output, table
from tools.place import config_of

__all__ = ["HeartClient", "run"]

TIMEOUT_S = 5.0
ANSWER_S = 40.0
"""An order is repeated by `heart` before it is given up; the longest lays out a program."""
PROVE_S = 420.0
LINE_MAX = 8192
LOG_QUIET_S = 1.0
PERCENT = 10

_SHOWN = ("hello", "age_s", "telemetry", "bad_frames", "missed_frames")
_STATES = {
    "on": "på / on",
    "lost": "PÅ, SVARAR INTE / ON, NOT HEARD",
    "halting": "stängs av / halting",
    "off": "AV / OFF",
    "pause": "startas om / restarting",
}
_MAINS = {True: "ja / yes", False: "NEJ / NO", None: "okänt / unknown"}
_CAUSES = {
    "boot": "mikrostyrkretsen startade / the microcontroller started",
    "mains_lost": "nätspänningen försvann / mains lost",
    "mains_back": "nätspänningen är tillbaka / mains back",
    "bouncing": "nätspänningen fladdrar / mains flutter",
    "low": "batteriet slut, stopp beordrat / battery at its end, a halt was ordered",
    "heart_lost": "hör inte växeln / the unit is not heard",
    "heart_back": "hör växeln igen / the unit is heard again",
    "halt_told": "växeln stänger av sig / the unit halts",
    "halt_cancelled": "avstängningen ångrad / the halt was called off",
    "halt_failed": "den stängde aldrig av sig / it never halted",
    "cut_halted": "strömmen bröts, växeln hade stannat / cut, it had halted",
    "cut_time": "strömmen bröts, tiden var ute / cut, its time was over",
    "cut_hung": "strömmen bröts, växeln hade hängt sig / cut, it hung",
    "start": "strömmen slogs på / supply on",
    "start_failed": "den startade inte / it did not start",
    "steady": "ett dygn utan fel / a day without fault",
    "program_taken": "nytt program mottaget / new program taken",
    "program_good": "nya programmet bestod provet / new program proved",
    "program_back": "tillbaka till gamla programmet / back to the old program",
    "hot": "för varmt / too hot",
    "limit": "fler händelser skrivs inte i dag / no more is written today",
}
_TROUBLES = {
    "absent": "the port is not there",
    "taken": "the port is taken by another program",
    "forbidden": "heart may not open the port",
    "broken": "the port cannot be set up",
    "url": "[mcu] port cannot be opened",
    "silent": "nothing comes from it",
    "version": "it speaks another version; rvx mcu flash mends that",
}


class HeartClient:
    """A connection to the process `heart`. `seen` is the newest of what it has told. Raises UserError throughout."""

    def __init__(self, place: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.seen: dict[str, Any] = {}
        self.entries: list[dict[str, Any]] = []
        self._number = 0
        self._held = b""
        self._wire = socket.socket(socket.AF_UNIX)
        self._wire.settimeout(timeout_s)
        self._place = place
        try:
            self._wire.connect(str(place))
        except OSError as error:
            self._wire.close()
            denied = "Give the same command with sudo." if isinstance(error, PermissionError) else ""
            raise UserError("RVX-V02", f"{place}: {error}.", denied) from error
        try:
            self.look()
        except UserError:
            self._wire.close()
            raise

    def close(self) -> None:
        self._wire.close()

    def look(self) -> dict[str, Any]:
        """The next line, kept as what it is."""
        while b"\n" not in self._held:
            try:
                data = self._wire.recv(LINE_MAX)
            except OSError as error:
                raise UserError("RVX-V02", f"{self._place}: {error}.") from error
            if not data or len(self._held) > LINE_MAX:
                raise UserError("RVX-V02", f"{self._place}: it has ended.")
            self._held += data
        line, self._held = self._held.split(b"\n", 1)
        try:
            told = json.loads(line)
        except ValueError as error:
            raise UserError("RVX-V02", f"{self._place}: not an object.") from error
        if not isinstance(told, dict):
            raise UserError("RVX-V02", f"{self._place}: not an object.")
        if "trouble" in told:
            self.seen = told
        elif "entry" in told:
            self.entries.append(told["entry"])
        return told

    def order(self, do: str, **fields: int | str) -> None:
        """Waits until it is done."""
        self._number += 1
        try:
            self._wire.sendall(json.dumps({"id": self._number, "do": do, **fields}).encode() + b"\n")
        except OSError as error:
            raise UserError("RVX-V02", f"{self._place}: {error}.") from error
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            told = self.look()
            if told.get("id") == self._number:
                word = told.get("answer") or told.get("error")
                if word == "done":
                    return
                raise UserError("RVX-V03" if word == "lost" else "RVX-V04", f"{do}: {word}.")
        raise UserError("RVX-V03", f"{do}: no answer.")

    def there(self) -> dict[str, Any]:
        """What it told last, if the microcontroller can be heard."""
        until = time.monotonic() + TIMEOUT_S
        while self.seen["trouble"] or self.seen["telemetry"] is None or self.seen["hello"] is None:
            if time.monotonic() > until:
                word = self.seen["trouble"] or "silent"
                raise UserError("RVX-V03", f"{_TROUBLES.get(word, word)}.")
            self.look()
        return self.seen


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it is done; else an error."""
    out = Output.of(args)
    if args.command == "mcu flash" and args.build:
        return _build(out, Path(args.build))
    config = config_of(args)
    if not config.mcu.port:
        raise UserError("RVX-V01")
    client = HeartClient(config.paths.heart_socket)
    try:
        match args.command:
            case "mcu log":
                return _log(out, client, args.first)
            case "mcu flash":
                return _flash(out, client, args.again)
        return _console(out, client, args.once)
    finally:
        client.close()


def _console(out: Output, client: HeartClient, once: bool) -> int:
    seen = client.there()
    if out.json:
        out.document("ok", **{name: seen[name] for name in _SHOWN})
        return DONE
    hello = seen["hello"]
    out.line(f"program {hello['program']} ({hello['slot']}), protocol {hello['protocol'] or '-'}")
    while True:
        telemetry = client.seen["telemetry"]
        if telemetry is not None:
            out.line("  ".join(_told(telemetry)))
        elif client.seen["trouble"]:
            out.line(_TROUBLES.get(client.seen["trouble"], client.seen["trouble"]))
        if once:
            return DONE
        while "trouble" not in client.look():
            pass


def _told(seen: dict[str, Any]) -> Iterator[str]:
    yield f"nät / mains: {_MAINS[seen['mains']]}"
    yield f"växel / unit: {_STATES.get(seen['state'], seen['state'])}"
    yield f"{_shown(seen['battery_mv'], 1000, 'V')}"
    yield f"{_shown(seen['unit_ma'], 1000, 'A')}"
    yield f"{_shown(seen['celsius'], 1, '°C')}"
    if seen["low"]:
        yield "LÅGT BATTERI / BATTERY LOW"
    if seen["halt"]:
        yield "STOPP BEORDRAT / HALT ORDERED"


def _shown(value: float | None, parts: int, unit: str) -> str:
    return f"- {unit}" if value is None else f"{value / parts:.2f} {unit}"


def _log(out: Output, client: HeartClient, first: int) -> int:
    entries = _entries(client, first)
    if out.json:
        out.document("ok", entries=entries)
        return DONE
    if not entries:
        out.line("Loggen är tom. / The log is empty.")
        return DONE
    rows = [
        (
            str(entry["number"]),
            _time(entry),
            _shown(entry["battery_mv"], 1000, "V"),
            _CAUSES.get(entry["cause"], entry["cause"]),
        )
        for entry in entries
    ]
    for line in table(rows):
        out.line(line)
    return DONE


def _entries(client: HeartClient, first: int) -> list[dict[str, Any]]:
    """Those that the microcontroller keeps, in order, each once."""
    newest = client.there()["telemetry"]["newest"]
    client.entries.clear()
    client.order("log", first=first)
    quiet = time.monotonic() + LOG_QUIET_S
    while not any(entry["number"] >= newest for entry in client.entries) and time.monotonic() < quiet:
        count = len(client.entries)
        client.look()
        if len(client.entries) > count:
            quiet = time.monotonic() + LOG_QUIET_S
    return sorted({entry["number"]: entry for entry in client.entries}.values(), key=lambda entry: entry["number"])


def _time(entry: dict[str, Any]) -> str:
    """Where it did not know the time: how long it had been on."""
    if entry["unix_s"] is None:
        return f"+{entry['uptime_s']} s"
    return datetime.fromtimestamp(entry["unix_s"], UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _built() -> tuple[bytes, int]:
    try:
        files = sources()
        return image_of(compiled(files)), version_of(files)
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError("RVX-V05", f"{error}.") from error


def _build(out: Output, place: Path) -> int:
    image, version = _built()
    try:
        place.write_bytes(image)
    except OSError as error:
        raise UserError("RVX-V05", f"{error}.") from error
    if out.json:
        out.document("ok", program=version, bytes=len(image), file=str(place))
    else:
        out.line(f"{place}: program {version}, {len(image)} bytes")
    return DONE


def _flash(out: Output, client: HeartClient, again: bool) -> int:
    image, version = _built()
    before = client.there()["hello"]
    if before["program"] == version and not again:
        if out.json:
            out.document("ok", program=version, slot=before["slot"], sent=False)
        else:
            out.line(f"Programmet finns redan: {version}. / It runs this program already.")
        return DONE
    client.order("begin", size=len(image), version=version, sha256=hashlib.sha256(image).hexdigest())
    shown = -1
    for at in range(0, len(image), CHUNK_MAX):
        client.order("chunk", at=at, data=image[at : at + CHUNK_MAX].hex())
        percent = 100 * (at + CHUNK_MAX) // len(image) // PERCENT * PERCENT
        if percent != shown:
            shown = percent
            out.progress(f"skickar program {version} / sending: {min(100, percent)} %")
    client.order("end")
    out.progress("det nya programmet prövas / the new program is tried")
    _proved(client, before["boot_id"], version)
    out.done()
    slot = client.seen["hello"]["slot"]
    if out.json:
        out.document("ok", program=version, slot=slot, sent=True)
    else:
        out.line(f"Program {version} gäller nu. / Program {version} is in force ({slot}).")
    return DONE


def _proved(client: HeartClient, before: int, version: int) -> None:
    """Waits until the log says that it is good."""
    newest = client.seen["telemetry"]["newest"] if client.seen["telemetry"] else 0
    until = time.monotonic() + PROVE_S
    while time.monotonic() < until:
        client.look()
        hello, telemetry = client.seen["hello"], client.seen["telemetry"]
        if hello is None or telemetry is None or hello["boot_id"] == before or telemetry["newest"] <= newest:
            continue
        first, newest = newest + 1, telemetry["newest"]
        for entry in _entries(client, first):
            if entry["cause"] == "program_back" or hello["program"] != version:
                raise UserError("RVX-V06")
            if entry["cause"] == "program_good":
                return
    raise UserError("RVX-V06", f"It has not proved itself in {PROVE_S:.0f} s.")
