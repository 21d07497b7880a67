"""A day's writes of the store, for a power cut to fall into; each is acknowledged on standard output when it is done.

``python -m hil.storework FOLDER [--unsafe nosync|apart|early]``: with a fault planted, which the replay must find.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.media.g711 import alaw_decode, alaw_encode
from callcontrol.media.pcm import FRAME_BYTES
from callcontrol.media.recorder import HEADER_BYTES, mend, read_recording
from callcontrol.media.tones import Tone, tone_pcm
from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.faultreport import Fault, FaultReport
from callcontrol.plan.faultreport import Source as Reported
from callcontrol.plan.leaver import Leaver
from callcontrol.plan.model import Condition, Forwarding, Whole
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Key, Service
from callcontrol.trunk.smsqueue import Kind, Outcome
from firmware.messages import Kept, Messages
from firmware.paths import Paths
from firmware.recordings import BYTES_A_MS
from firmware.store import Credential, Directory, Journal
from firmware.store.calendars import CalendarRows
from firmware.store.changes import Changes
from firmware.store.faults import FaultRows
from firmware.store.fold import AccFolder
from firmware.store.leavers import Leavers
from firmware.store.load import load
from firmware.store.people_csv import Reading
from firmware.store.services import Services
from firmware.store.sms import Report, Sms, SmsRows
from firmware.store.smscame import Came, CameRows, What
from firmware.store.staged import Stage
from firmware.store.wholes import Wholes
from hil import archivework, mailwork
from hil.municipality import generate
from hil.storecalendar import CALENDAR_FOUND, calendar_torn, read_calendar

__all__ = ["check", "main"]

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
PEOPLE = 60
ADDED, REMOVED = 2, 1  # by a file of changes
ROUNDS = 4
HA1 = "0" * 32
SPOKEN = [tone_pcm(Tone.RECORDING)[1][:FRAME_BYTES]] * 45
"""Of a message: a second, less a little."""
MOBILE = "+46701234567"
ALWAYS = Schedule.parse("mån-sön dygnet runt")
LINE = "INVITE|f{n}|t{n}|call{n}|200|OK|{at}|1001|1002|local|0||\n"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.storework")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--unsafe", choices=["nosync", "apart", "early"], default="")
    args = parser.parse_args(words)
    if args.unsafe == "nosync":
        _without_syncs()
    if args.unsafe == "apart":
        _in_two_transactions()
    if args.unsafe == "early":
        _sound_unsynced()
    _work(args.folder)
    return 0


def _work(folder: Path) -> None:
    changes = Changes.open(folder / "journal.db")
    journal = Journal.open(folder / "journal.db")
    directory = Directory.open(folder / "directory.db")
    (folder / "acc").mkdir()
    sms, came = SmsRows.open(folder / "journal.db"), CameRows.open(folder / "journal.db")
    services, wholes = Services.open(folder / "journal.db"), Wholes.open(folder / "journal.db")
    calendars = CalendarRows.open(folder / "journal.db")
    messages = Messages(Paths(folder))
    messages.recovered.result()
    folder_of_acc = AccFolder(folder / "acc", journal, rotate_bytes=200)
    for number in range(ROUNDS):
        now = BEGAN + timedelta(minutes=number)
        one = f"r{number}"
        changes.refer([_referral(one, now), _referral(f"{one}-2", now)])
        _told("referral", one)
        _told("referral", f"{one}-2")
        changes.open_phone(
            Opening(id=f"o{number}", extension="1001", at=now, seen=frozenset({one}), set_by="anna"), now
        )
        _told("opening", f"o{number}")
        changes.forward(
            Forwarding(extension=f"10{number}", condition=Condition.BUSY, target="1002", set_at=now), "anna"
        )
        _told("forwarding", f"10{number}")
        changes.block(f"20{number}", "anna", "lost", now)
        _told("block", f"20{number}")
        changes.change("person", f"p{number}", {"title": "Rektor"}, "anna", now)
        _told("change", f"p{number}")
        changes.looked("operator", "person", f"p{number}", "mobile", "asked by the police", now)
        _told("look", f"p{number}")
        services.press(Service(entity=one, hours=ALWAYS), Key.NIGHT, "1000", now)
        _told("service", one)
        wholes.refer([f"u{number}"], Whole(id=one, reason="course", start=now, until=None, set_by="anna"), now)
        _told("department", one)
        _of_people(folder, one, now)
        recording = messages.begin("1001", "1002", f"call{number}", "busy")
        for frame in SPOKEN:
            recording.push(frame)
        if recording.finish().result() is not Kept.YES:
            raise AssertionError("a message that was not kept")
        _told("message", recording.recorder.path.stem)
        _short_message(sms, came, one, now)
        mailwork.work(folder / "journal.db", one, now, _told)
        read_calendar(calendars, f"30{number}", now, _told)
        incident = journal.incident_begin(now, "platform", "SURVIVAL")
        _told("incident", str(incident))
        directory.put_credential(Credential(f"10{number}", 2, HA1, None, "r", f"10{number}", "2026-03-02T08:00:00Z"))
        _told("credential", f"10{number}")
        with (folder / "acc" / "acc_0.log").open("a") as lines:
            lines.write(LINE.format(n=number, at=int(now.timestamp())))
            lines.flush()
            os.fsync(lines.fileno())
        folder_of_acc.fold()
        _told("record", f"call{number}")
        if folder_of_acc.rotation_due():
            folder_of_acc.rename()
    archivework.work(folder, messages, SPOKEN, BEGAN, _told)
    changes.lift("200", "anna", BEGAN)
    _told("lifted", "200")
    load(directory._db, generate(PEOPLE), "generated", BEGAN)
    _told("loaded", str(PEOPLE))
    _take_changes(directory._db)
    _told("loaded", str(PEOPLE + ADDED - REMOVED))
    for opened in (messages, changes, journal, directory, sms, came, services, wholes, calendars):
        opened.close()


def _of_people(folder: Path, name: str, now: datetime) -> None:
    """Somebody leaves, and somebody reports a fault."""
    with closing(Leavers.open(folder / "journal.db")) as leavers:
        leaver = Leaver(
            id=name, person=name, name="Anna", unit="u", extensions=(f"3{name[1:]}",), last_day=None, began_at=now,
            set_by="bo",
        )  # fmt: skip
        leavers.begin(leaver, now)
        _told("leaver", name)
    with closing(FaultRows.open(folder / "journal.db")) as faults:
        report = FaultReport(
            id=name, at=now, extension=None, reporter="1001", source=Reported.CODE, what=Fault.OTHER, mode="SURVIVAL"
        )
        faults.report(report)
        _told("fault_report", name)


def _short_message(sms: SmsRows, came: CameRows, name: str, now: datetime) -> None:
    """One of two parts is queued, given to a modem and reported; of another the answer never comes; one comes."""
    for which, parts in ((name, 2), (f"{name}-doubt", 1)):
        sms.put([Sms(id=which, kind=Kind.ALARM, number=MOBILE, text="hej", set_by="x", queued_at=now, parts=parts)])
        _told("sms", which)
    while (taken := sms.take("m1", now)) is not None:
        number, due = taken
        given = f"{due.sms}/{due.part}"
        _told("given", given)
        if due.sms == name:
            sms.ended(number, Outcome.TAKEN, now, reference=number)
            _told("taken", given)
            sms.report(Report("m1", number, MOBILE, "", 0, "delivered"), now)
            _told("reported", given)
    pdu = came.keep("m1", name.encode(), now)
    if pdu is None:
        raise AssertionError("a message that had come before")
    _told("pdu", name)
    came.handled(Came(id=name, sender=MOBILE, text="hej", came_at=now, what=What.REPLY), (pdu.id,))
    _told("came", name)


def _take_changes(db: sqlite3.Connection) -> None:
    """A file of changes, with somebody new, changed and removed in it."""
    (somebody,) = db.execute("SELECT max(id) FROM person").fetchone()
    (other,) = db.execute("SELECT min(id) FROM person").fetchone()
    rows = [f"ny;Norrby;Bygg;new{number};Ny;{number}" for number in range(ADDED)]
    rows += [f"bort;;;{somebody};;", f"ändrad;Norrby;Bygg;{other};Ek;Chef"]
    text = "\n".join(["ändring;kommun;enhet;id;efternamn;titel", *rows])
    reading = Reading(LocalNumbering(), changes=True)
    with Stage(db, changes=True) as stage:
        stage.read(reading, io.StringIO(text))
        if reading.faults:
            raise AssertionError(reading.faults)
        stage.take_in("changes", BEGAN)


def check(folder: Path, acknowledged: tuple[bytes, ...]) -> list[str]:
    """What is lost, or half done, on a disk that a cut left; opening the files as the unit does at its next start."""
    promised = [json.loads(line) for line in acknowledged]
    if not (folder / "journal.db").exists():
        return [f"lost {kind} {name}" for kind, name in promised]
    wrong: list[str] = []
    journal = sqlite3.connect(folder / "journal.db")
    directory = sqlite3.connect(folder / "directory.db")
    try:
        Changes.open(folder / "journal.db").close()
        Directory.open(folder / "directory.db").close()
        _recovered(folder)
        for kind, name in promised:
            if kind in ("given", "taken", "reported"):
                wrong += _part_wrong(journal, kind, name)
                continue
            if kind.startswith(("mail", "memo")) or kind == "deleted":
                continue
            db, sql = (directory if kind in ("credential", "loaded") else journal), _FOUND[kind]
            if kind == "block" and ["lifted", name] in promised:
                continue
            if db.execute(sql, (name,)).fetchone() is None and not _lifting(journal, kind, name):
                wrong.append(f"lost {kind} {name}")
        wrong += _messages_torn(folder, journal, {name for kind, name in promised if kind == "message"})
        wrong += mailwork.wrong(journal, promised)
        wrong += archivework.wrong(folder, journal, promised)
        wrong += _half_done(journal)
        wrong += calendar_torn(journal)
        people = directory.execute("SELECT count(*) FROM person").fetchone()[0]
        loaded = directory.execute("SELECT people FROM loaded").fetchone()
        titled = directory.execute("SELECT count(*) FROM person WHERE title = 'Chef' AND family = 'Ek'").fetchone()[0]
        found = directory.execute("SELECT count(*) FROM found WHERE found MATCH 'ny'").fetchone()[0]
        after = PEOPLE + ADDED - REMOVED
        states = {(0, 0, 0): None, (PEOPLE, 0, 0): PEOPLE, (after, 1, ADDED): after}
        if (people, titled, found) not in states or (loaded and loaded[0]) != states[people, titled, found]:
            wrong.append(f"half a directory: {people} people, {titled} changed, {found} found; {loaded}")
    except Exception as error:
        wrong.append(f"not opened: {error}")
    finally:
        journal.close()
        directory.close()
    return wrong


_FOUND = {
    "referral": "SELECT 1 FROM referral WHERE id = ?",
    "opening": "SELECT 1 FROM opening WHERE id = ?",
    "forwarding": "SELECT 1 FROM forwarding WHERE extension = ?",
    "block": "SELECT 1 FROM block WHERE extension = ?",
    "change": "SELECT 1 FROM change WHERE id = ?",
    "leaver": "SELECT 1 FROM leaver JOIN block ON why = 'leaver ' || id WHERE id = ?",
    "fault_report": "SELECT 1 FROM fault_report WHERE id = ?",
    "service": "SELECT 1 FROM service_key WHERE entity = ?",
    "department": "SELECT 1 FROM department_referral WHERE id = ?",
    "look": "SELECT 1 FROM look WHERE subject = ?",
    "incident": "SELECT 1 FROM incident WHERE id = ?",
    "record": "SELECT 1 FROM record WHERE call_id = ?",
    "credential": "SELECT 1 FROM credential WHERE extension = ?",
    "message": "SELECT 1 FROM message WHERE id = ? AND length_ms IS NOT NULL",
    "sms": "SELECT 1 FROM sms JOIN sms_part ON sms = id WHERE id = ?",
    "pdu": "SELECT 1 FROM sms_pdu WHERE pdu = CAST(? AS BLOB)",
    "came": "SELECT 1 FROM sms_came JOIN sms_pdu ON whole = sms_came.id WHERE sms_came.id = ?",
    "retention": "SELECT 1 FROM retention WHERE decision = ?",
    "extract": "SELECT 1 FROM extract WHERE id = ?",
    "reserve": "SELECT 1 FROM reserve WHERE unit = ?",
    "lifted": "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM block WHERE extension = ?)",
    "loaded": "SELECT 1 FROM loaded WHERE people >= ?",
    **CALENDAR_FOUND,
}
_KINDS = (
    *("referral", "opening", "forwarding", "block", "person", "look", "message", "sms", "sms_reply"),
    *("service", "department", "leaver", "fault_report"),
    *("service", "department", "retention", "extract", "reserve"),
    *("service", "department", "leaver", "fault_report", "calendar"),
)


def _recovered(folder: Path) -> None:
    """The next start of `calls`, and of `trunk`, puts in order what was cut."""
    messages = Messages(Paths(folder))
    messages.recovered.result()
    messages.close()
    with closing(SmsRows.open(folder / "journal.db")) as sms:
        sms.crashed(BEGAN)
    mailwork.recovered(folder / "journal.db", BEGAN)


def _part_wrong(journal: sqlite3.Connection, kind: str, name: str) -> list[str]:
    """A part that a modem was given must not wait to be sent as if it had not been."""
    sms, _, part = name.partition("/")
    sql = "SELECT state FROM sms_part WHERE sms = ? AND number = ?"
    row = journal.execute(sql, (sms, part)).fetchone()
    allowed = {"given": _GIVEN, "taken": _GIVEN - {"perhaps"}, "reported": {"delivered"}}[kind]
    return [] if row and row[0] in allowed else [f"{kind} {name}: {row[0] if row else 'gone'}"]


_GIVEN = {"perhaps", "sent", "delivered"}


def _messages_torn(folder: Path, journal: sqlite3.Connection, promised: set[str]) -> list[str]:
    """Sound that was promised and is not whole, files and rows without each other, headers that say what is not so."""
    wrong = []
    rows = dict(journal.execute("SELECT id, length_ms FROM message"))
    deleting = {
        name for (name,) in journal.execute("SELECT id FROM message WHERE extension = ?", (archivework.DELETING,))
    }
    files = {path.stem: path for path in (folder / "messages").glob("*.wav")}
    if rows.keys() - deleting != files.keys() - deleting:  # sound goes before its row
        wrong.append(f"messages: rows {sorted(rows)}, files {sorted(files)}")
    for name, path in files.items():
        if name in promised and read_recording(path) != _read_back(SPOKEN):
            wrong.append(f"message {name}: not what was said")
        if mend(path) or rows.get(name) != (path.stat().st_size - HEADER_BYTES) // BYTES_A_MS:
            wrong.append(f"message {name}: {rows.get(name)} ms, {path.stat().st_size} bytes")
    return wrong


def _read_back(frames: Iterable[bytes]) -> bytes:
    """As A-law gives it back."""
    return alaw_decode(b"".join(map(alaw_encode, frames)))


def _lifting(journal: sqlite3.Connection, kind: str, name: str) -> bool:
    """The block that is being lifted may be gone before that is acknowledged."""
    sql = "SELECT 1 FROM outbox WHERE kind = 'block' AND subject = ? AND body LIKE '%lifted%'"
    return kind == "block" and journal.execute(sql, (name,)).fetchone() is not None


def _half_done(journal: sqlite3.Connection) -> list[str]:
    """Changes without their outbox row, rows of the outbox without their change, gaps."""
    wrong = []
    numbers = [number for (number,) in journal.execute("SELECT number FROM outbox ORDER BY number")]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append(f"outbox has gaps: {numbers}")
    told = {kind: [] for kind in _KINDS}  # type: ignore[var-annotated]
    for kind, subject, body in journal.execute("SELECT kind, subject, body FROM outbox"):
        if kind in told and "lifted" not in body and '"deleted"' not in body:
            told[kind].append(json.loads(body).get("id", subject))
    lifted = journal.execute("SELECT count(*) FROM outbox WHERE body LIKE '%lifted%'").fetchone()[0]
    for kind, sql in (
        ("referral", "SELECT id FROM referral"),
        ("opening", "SELECT id FROM opening"),
        ("forwarding", "SELECT extension FROM forwarding"),
        ("person", "SELECT id FROM change"),
        ("look", "SELECT subject FROM look"),
        ("retention", "SELECT municipality FROM retention"),
        ("extract", "SELECT id FROM extract"),
        ("reserve", "SELECT unit FROM reserve"),
        ("service", "SELECT entity FROM service_key"),
        ("leaver", "SELECT id FROM leaver"),
        ("fault_report", "SELECT id FROM fault_report"),
        ("calendar", "SELECT extension FROM calendar"),
        ("department", "SELECT id FROM department_referral"),
        ("message", "SELECT id FROM message WHERE length_ms IS NOT NULL"),
        ("sms", "SELECT id FROM sms WHERE ended_at IS NOT NULL"),
        ("sms_reply", "SELECT id FROM sms_came"),
    ):
        there = sorted(name for (name,) in journal.execute(sql))
        if there != sorted(told[kind]):
            wrong.append(f"{kind}: {there} is there, {sorted(told[kind])} is told of")
    blocks = journal.execute("SELECT count(*) FROM block").fetchone()[0]
    if blocks + lifted != len(told["block"]):
        wrong.append(f"block: {blocks} there, {len(told['block'])} told of, {lifted} lifted")
    return wrong


def _referral(name: str, now: datetime) -> Referral:
    return Referral(
        id=name, extension="1001", reason="meeting", start=now, until=now + timedelta(hours=1), source=Source.PAGE,
        set_by="anna", set_at=now,
    )  # fmt: skip


def _told(kind: str, name: str) -> None:
    os.write(sys.stdout.fileno(), json.dumps([kind, name]).encode() + b"\n")


def _without_syncs() -> None:
    """A fault planted: SQLite does not sync."""
    from firmware.store import database

    prepare = database._prepare

    def unsynced(connection: sqlite3.Connection, path: Path, scripts: list[str]) -> None:
        prepare(connection, path, scripts)
        connection.execute("PRAGMA synchronous = OFF")

    database._prepare = unsynced


def _sound_unsynced() -> None:
    """A fault planted: a message is acknowledged before its sound is on the disk."""
    os.fsync = os.fdatasync = lambda fd: None


def _in_two_transactions() -> None:
    """A fault planted: a change, and afterwards what the platform has to hear of it."""
    from firmware.store import outbox
    from firmware.store.database import transact

    def apart(
        self: Changes, now: datetime, kind: str, subject: str, body: Mapping[str, object], work: Callable[[], bool]
    ) -> bool:
        changed = transact(self._db, work)
        if changed:
            transact(self._db, lambda: outbox.add(self._db, now, kind, subject, body))
        return changed

    Changes._told = apart  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
