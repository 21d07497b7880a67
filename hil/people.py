"""Who is away in a storm's building, and comes back, by the product's own way: its directory, referrals, forwardings
and blocks; and the faults of their store. What was changed, and what the journal says of it, goes into the history."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.model import Condition, Entity, Extension, Forwarding, Identity, Kind, Person, Unit
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.paths import Paths
from firmware.store import StoreError, organisation
from firmware.store.changes import Changes, new_id
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from hil.history import Absence, History
from hil.site import Site
from hil.stormdeeds import APART, AWAY, LOST, MAILED, MATE, MOVED, REFERRED, REFERRED_MOBILE, RINGER, STANDIN, Deed, Do
from hil.stormpart import Part
from hil.told import refer

__all__ = ["JournalLocker", "Loader", "People", "load_directory", "torn_message"]

GROUP = f"[pick_up.bygg]\nentity = 'e'\nextensions = ['{RINGER}', '{MATE}']\n"
LASTS = timedelta(hours=10)
"""A referral's: longer than any clock jumps."""
ALAW_BYTES_A_MS = 8
LOAD_EVERY_S = 0.5
LOCKED_S, FREE_S = 3.0, 1.0
"""Longer than a writer waits without a word, and not longer than it waits at all."""
JOIN_S = 12.0


def load_directory(paths: Paths, extensions: tuple[str, ...]) -> None:
    """One municipality with a department in which everybody sits, and no reception; but who is apart has one.
    Raises StoreError, sqlite3.Error."""
    own = {who: f"e{one}" for one, reception in APART.items() for who in (one, reception)}
    houses = {f"e{one}": reception for one, reception in APART.items()}
    bulk = Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(
            Entity(id="e", name="Norrby", municipality="m", greeting="Norrby kommun"),
            *(
                Entity(id=house, name=house, municipality="m", greeting="Norrby", reception=reception)
                for house, reception in houses.items()
            ),
        ),
        units=(Unit(id="u", name="Bygg", entity="e"), *(Unit(id=house, name=house, entity=house) for house in houses)),
        people=(
            Person(
                id=f"p{number}",
                given="Anna",
                family=f"Ek {number}",
                unit=own.get(number, "u"),
                mobile=REFERRED_MOBILE if number == REFERRED else None,
            )
            for number in extensions
        ),
        extensions=(
            Extension(
                number=number,
                kind=Kind.RECEPTION if number in APART.values() else Kind.PERSON,
                unit=own.get(number, "u"),
                person=f"p{number}",
                reach=DEFAULT_CLASS,
                identity=Identity.DIRECT,
                voicemail=number == MAILED,
            )
            for number in extensions
        ),
    )
    with contextlib.closing(connect(paths.directory, "directory")) as directory:
        load(directory, bulk, "rig", datetime.now(UTC))
        organisation.apply(directory, GROUP, LocalNumbering())


class People(Part):
    """`lock` guards the history. Changes are made in a thread of their own, in their order."""

    def __init__(self, paths: Paths, extensions: tuple[str, ...], history: History, lock: threading.RLock) -> None:
        self._paths = paths
        self._extensions = extensions
        self._history = history
        self._lock = lock
        self._ever: set[str] = set()  # ids of changes that were in the outbox once
        self._worker = ThreadPoolExecutor(1, "people")

    def join(self, site: Site) -> None:
        """The directory loaded, somebody away, somebody's calls led on, somebody's phone lost."""
        load_directory(self._paths, self._extensions)
        now = datetime.now(UTC)
        with contextlib.closing(Changes.open(self._paths.journal)) as changes:
            changes.forward(Forwarding(extension=MOVED, condition=Condition.ALWAYS, target=STANDIN, set_at=now), "rig")
            changes.block(LOST, "rig", "lost", now)
            self._refer(changes, "")
        for extension in (*APART, MAILED):
            refer(self._paths, extension, lasts=LASTS)

    def do(self, deed: Deed) -> None:
        """Begin it; what came of it is in the history when it is on the disk."""
        self._worker.submit(self._change, deed)

    def stop(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def figures(self) -> dict[str, int]:
        """Messages that are kept."""
        return {"messages": sum(one.kept_at is not None for one in self._history.messages.values())}

    def see(self) -> None:
        """What the journal says of the changes: raises StoreError, sqlite3.Error."""
        at = time.monotonic()
        with contextlib.closing(sqlite3.connect(f"file:{self._paths.journal}?mode=ro", uri=True)) as db:
            told = [
                body
                for (body,) in db.execute("SELECT body FROM outbox WHERE kind IN ('referral', 'opening', 'message')")
            ]
            kept = {str(name) for (name,) in db.execute("SELECT id FROM referral UNION SELECT id FROM opening")}
            left = {str(name): length for name, length in db.execute("SELECT id, length_ms FROM message")}
        torn = {
            name: torn_message(self._paths.messages / f"{name}.wav", ms) for name, ms in left.items() if ms is not None
        }
        with self._lock:
            self._history.left(at, left, torn)
            times = Counter(str(json.loads(body)["id"]) for body in told)
            self._ever |= times.keys()  # what is safe at the hub is cleared away here
            self._history.changes = at, dict.fromkeys(self._ever, 1) | times, frozenset(kept)

    def _change(self, deed: Deed) -> None:
        with (
            contextlib.suppress(StoreError, sqlite3.Error, OSError),  # not on the disk: not promised to anybody
            contextlib.closing(Changes.open(self._paths.journal)) as changes,
        ):
            if deed.do is Do.BACK:
                self._back(changes)
            else:
                self._back(changes)
                self._refer(changes, deed.caller)

    def _refer(self, changes: Changes, stands_in: str) -> None:
        now = datetime.now(UTC)
        one = Referral(
            id=new_id(), extension=AWAY, reason="meeting", start=now - LASTS, until=now + LASTS, source=Source.PAGE,
            set_by="rig", set_at=now, answers_instead=stands_in, direct=bool(stands_in),
        )  # fmt: skip
        changes.refer([one])
        with self._lock:
            self._history.absences.append(Absence(one.id, stands_in, time.monotonic()))

    def _back(self, changes: Changes) -> None:
        with self._lock:
            over = [absence for absence in self._history.absences if absence.ended_from is None]
            for absence in over:
                absence.ended_from = time.monotonic()
        now = datetime.now(UTC)
        seen = frozenset(absence.id for absence in over)
        opening = Opening(id=new_id(), extension=AWAY, at=now, seen=seen, set_by="rig")
        changes.open_phone(opening, now)
        with self._lock:
            for absence in over:
                absence.opening = opening.id
                absence.opened_at = time.monotonic()


def torn_message(path: Path, length_ms: int) -> str:
    """What is wrong with the sound of a message that was acknowledged, "" for nothing: its WAV header must say what is
    there, as whatever plays it believes that."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return type(error).__name__
    sound = data.find(b"data")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE" or sound < 0:
        return "no WAV"
    held, said = len(data) - sound - 8, int.from_bytes(data[sound + 4 : sound + 8], "little")
    if said != held or int.from_bytes(data[4:8], "little") != len(data) - 8:
        return f"the header says {said} bytes of {held}"
    return "" if held // ALAW_BYTES_A_MS == length_ms else f"{held} bytes for {length_ms} ms"


class _Repeated:
    """A fault that is done again and again while it is in force."""

    def __init__(self, work: Callable[[threading.Event], None]) -> None:
        self._work = work
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def strike(self) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def mend(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
            self._thread = None

    def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(StoreError, sqlite3.Error, OSError):
                self._work(self._over)


class Loader(_Repeated):
    """The directory is replaced by itself, over and over, whatever call is being planned by it."""

    def __init__(self, paths: Paths, extensions: tuple[str, ...]) -> None:
        def work(over: threading.Event) -> None:
            load_directory(paths, extensions)
            over.wait(LOAD_EVERY_S)

        super().__init__(work)


class JournalLocker(_Repeated):
    """Somebody else writes the journal for seconds at a time."""

    def __init__(self, paths: Paths) -> None:
        def work(over: threading.Event) -> None:
            with contextlib.closing(sqlite3.connect(paths.journal, isolation_level=None)) as db:
                db.execute("BEGIN IMMEDIATE")
                over.wait(LOCKED_S)
                db.execute("ROLLBACK")
            over.wait(FREE_S)

        super().__init__(work)
