"""``rvx power status|watch|test|explain``: how long the phones last without mains, and why."""

import argparse
import asyncio
import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.ups.line import MainsLine, Proof, Sample, prove
from drivers.ups.model import Mains, Reading, Source
from firmware.config import Config
from firmware.power.ageing import Trend
from firmware.power.opening import open_sources
from firmware.power.policy import Policy
from firmware.power.remembered import trends
from firmware.status import Power, PowerSource
from firmware.statusread import StatusError
from firmware.store import StoreError
from firmware.store.batteries import BatteryRows
from firmware.store.database import connect
from firmware.store.power import PowerEvent, PowerMinute, PowerRows
from tools.curve import curve
from tools.errors import DONE, FAILED, UserError
from tools.output import WIDTH, Output, table
from tools.picture import picture
from tools.place import config_of
from tools.powershown import PARTS, ageing_words, clock, power_rows
from tools.status import ask_unit

__all__ = ["run"]

WATCH_EVERY_S = 2.0
EVENTS_SHOWN = 8
_LABEL = 8  # columns
DAY = timedelta(hours=24)
SAMPLE_EVERY_S = 0.5
_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_MAINS = {"on": "nät / mains", "lost": "BORTA / LOST", None: "okänt / unknown"}
_PROOFS = {
    Proof.HIGH: 'mains_is = "high"',
    Proof.LOW: 'mains_is = "low"',
    Proof.NO_CUT: "inget avbrott sågs av någon annan källa / no cut was seen by another source",
    Proof.STANDS_STILL: "linjen rörde sig inte: fel pinne? / the line did not move: another pin?",
    Proof.DISAGREES: "linjen följde inte nätet / the line did not follow mains",
}


def run(args: argparse.Namespace) -> int:
    out, config = Output.of(args), config_of(args)
    match args.command:
        case "power test":
            return asyncio.run(_test(out, config, args.seconds, cut=args.cut))
        case "power explain":
            return _explain(out, config)
        case "power watch":
            while True:
                if out.paint.terminal and not out.json:
                    sys.stdout.write(_HOME_AND_CLEAR)
                try:
                    _status(out, config, None)
                except UserError as error:
                    out.note(f"rvx: {error.code} {error.entry.en.what} {error.detail}")
                time.sleep(WATCH_EVERY_S)
    return _status(out, config, args.svg)


def _asked(config: Config) -> Power:
    """Raises UserError."""
    try:
        power = ask_unit(config.paths.unit_socket).power
    except (OSError, StatusError) as error:
        denied = "Give the same command with sudo." if isinstance(error, PermissionError) else ""
        raise UserError("RVX-W12", f"{config.paths.unit_socket}: {error}.", denied) from error
    if power is None:
        raise UserError("RVX-W12", "No source of power is configured ([[ups]]).")
    return power


def _kept(config: Config, now: datetime) -> tuple[tuple[PowerMinute, ...], tuple[PowerEvent, ...], Mapping[str, Trend]]:
    try:
        with contextlib.closing(connect(config.paths.journal, "journal")) as journal:
            rows, batteries = PowerRows(journal), BatteryRows(journal)
            return rows.minutes(now - DAY), rows.events(EVENTS_SHOWN), trends(batteries, config.ups)
    except (StoreError, sqlite3.Error, OSError) as error:
        raise UserError("RVX-J01", f"{error}.") from error


def _status(out: Output, config: Config, svg: str | None) -> int:
    now, power = datetime.now(UTC), _asked(config)
    minutes, events, ages = _kept(config, now)
    if svg is not None:
        _write(Path(svg), picture(minutes, now, simulated=power.simulated))
    if out.json:
        told = [{"at": one.at.isoformat(), "what": one.what, "name": one.name, "detail": one.detail} for one in events]
        aged = {
            name: asdict(one) | {"change_at": one.change_at.isoformat() if one.change_at else None}
            for name, one in ages.items()
        }
        out.document("ok", power=asdict(power), events=told, minutes_kept=len(minutes), batteries=aged)
        return DONE
    for label, left, right in power_rows(power, now):
        _rows(out, f"{label:<{_LABEL}}", left, right)
    if minutes:
        out.line()
        for line in curve(minutes, now):
            out.line(line)
    out.line()
    for line in table([_HEAD, *(_source(one) for one in power.sources)]):
        out.line(line)
    for each in power.sources:
        if (age := ages.get(each.name)) is not None:
            _rows(out, f"{each.name}: ", *ageing_words(age))
    if events:
        out.line()
        for one in reversed(events):
            out.line(f"{clock(one.at.isoformat(), now)}  {one.what} {one.name} {one.detail}".rstrip())
    return DONE


def _rows(out: Output, label: str, left: str, right: str) -> None:
    """On one line where both fit."""
    if not right or len(label) + len(left) + 2 + len(right) <= WIDTH:
        out.line(f"{label}{left}  {right}".rstrip())
    else:
        out.line(label + left)
        out.line(" " * len(label) + right)


def _write(place: Path, text: str) -> None:
    try:
        place.write_text(text, "utf-8")
    except OSError as error:
        raise UserError("RVX-A02", f"{place}: {error.strerror}.") from error


_HEAD = ("källa/source", "nät/mains", "laddning/charge", "V", "W", "min", "")


def _source(one: PowerSource) -> tuple[str, ...]:
    def number(value: float | None, form: str) -> str:
        return "?" if value is None else format(value, form)

    why = ", ".join(filter(None, (one.trouble, *one.doubts)))
    return (
        one.name,
        _MAINS.get(one.mains, "?"),
        number(one.charge_percent, ".0f"),
        number(one.volts, ".2f"),
        number(one.watts, ".0f"),
        number(one.minutes, ".0f"),
        why,
    )


def _explain(out: Output, config: Config) -> int:
    now, power, settings = datetime.now(UTC), _asked(config), config.power
    loads = Policy(config, {}).loads
    if out.json:
        out.document(
            "ok",
            power=asdict(power),
            sheds=[{"name": load.name, "at_minutes": load.at_minutes, "part": load.part.value} for load in loads],
            low_minutes=settings.low_minutes,
            halt_minutes=settings.halt_minutes,
        )
        return DONE
    for _, left, right in power_rows(power, now):
        _rows(out, "", left, right)
    out.line()
    for part in power.unknown:
        swedish, english = PARTS[part]
        out.line(f"Om {swedish} är inget känt. / Nothing is known of {english}.")
    rows = [
        (f"{load.at_minutes:.0f} min", load.name, load.kind, "AV / OFF" if load.name in power.shed else "på / on",
         f"{load.watts:.0f} W" if load.watts else "? W")
        for load in loads
    ]  # fmt: skip
    rows.append((f"{settings.low_minutes} min", "lågt / low", "", "", ""))
    rows.append((f"{settings.halt_minutes} min", "stopp / halt", " ".join(settings.halt_command) or "-", "", ""))
    for line in table(rows):
        out.line(line)
    out.line()
    out.line("Minuter: det som säkert är kvar, eller hälften av det troliga om det är mer.")
    out.line("Minutes: what is certainly left, or half of what is likely where that is more.")
    return DONE


async def _test(out: Output, config: Config, seconds: int, *, cut: bool) -> int:
    """Each source, opened here and listened to."""
    sources = open_sources(config)
    if not sources:
        raise UserError("RVX-W12", "No source of power is configured ([[ups]]).")
    last: dict[str, Reading] = {}
    began = asyncio.get_running_loop().time()

    def telling(source: Source) -> Callable[[Reading], None]:
        def told(reading: Reading) -> None:
            before = last.get(source.name)
            last[source.name] = reading
            if before is None or (before.mains, before.trouble) != (reading.mains, reading.trouble):
                what = reading.trouble or _MAINS[None if reading.mains is Mains.UNKNOWN else reading.mains.value]
                out.note(f"{reading.at_s - began:6.1f} s  {source.name}: {what}")

        return told

    tasks = [asyncio.create_task(source.run(telling(source))) for source in sources]
    samples: dict[str, list[Sample]] = {}
    lines = [source for source in sources if isinstance(source, MainsLine)]
    try:
        while (now_s := asyncio.get_running_loop().time()) < began + seconds:
            said = {reading.mains for name, reading in last.items() if name not in {line.name for line in lines}}
            other = said.pop() if len(said) == 1 else Mains.UNKNOWN
            for line in lines if cut else ():
                samples.setdefault(line.name, []).append(Sample(now_s, line.level, other))
            await asyncio.sleep(SAMPLE_EVERY_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for source in sources:
            await source.close()
    proofs = {name: prove(found) for name, found in samples.items()}
    bad = [source.name for source in sources if source.name not in last or last[source.name].trouble]
    bad += [name for name, proof in proofs.items() if proof not in (Proof.HIGH, Proof.LOW)]
    if out.json:
        readings = {name: asdict(reading) for name, reading in last.items()}
        told = json.loads(json.dumps(readings))
        out.document("fail" if bad else "ok", sources=told, proofs={name: each.value for name, each in proofs.items()})
        return FAILED if bad else DONE
    for source in sources:
        reading = last.get(source.name)
        word = out.paint.word("fail" if source.name in bad else "ok")
        out.line(f"{word} {source.name}: {_said(reading)}")
    for name, proof in proofs.items():
        out.line(f"{'':7}{name}: {_PROOFS[proof]}")
    return FAILED if bad else DONE


def _said(reading: Reading | None) -> str:
    if reading is None:
        return "sade inget / told nothing"
    known = [
        f"{value:.2f}".rstrip("0").rstrip(".") + unit
        for value, unit in (
            (reading.charge_percent, " %"), (reading.volts, " V"), (reading.amps, " A"), (reading.watts, " W"),
            (reading.minutes, " min"),
        )
        if value is not None
    ]  # fmt: skip
    mains = _MAINS[None if reading.mains is Mains.UNKNOWN else reading.mains.value]
    return ", ".join((mains, *known, *([reading.trouble] if reading.trouble else [])))
