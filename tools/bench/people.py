"""What the unit knows of people: how fast it is found, taken in and decided on, and that no power cut loses any of it.

100,000 made-up people of six municipalities (hil/municipality.py). Questions are timed as they stand and as they are
typed; a question is answered when whoever was meant, or a namesake, is among the first three.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Call, Condition, Forwarding, Mode, State, Visibility
from callcontrol.plan.number import LocalNumbering, pretty
from callcontrol.plan.plan import plan
from firmware.store import people_csv
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import Bulk, load
from firmware.store.people import People
from firmware.store.people_csv import Reading
from firmware.store.search import Finder
from firmware.store.staged import Stage
from firmware.store.visible import Viewer
from hil import storework
from hil.municipality import generate
from hil.net import Net
from hil.phone.sipp import Dial, Sipp, User
from hil.powercut import images, record
from hil.questions import questions, typed
from hil.site import PROXY, REALM, Site, numbers
from tools.bench import Report
from tools.bench.figures import Class, Figure, Goal, Scalar, percentile
from tools.bench.processes import pss_mb, tree

__all__ = ["measure", "people_file"]

PEOPLE, QUESTIONS, PLANS = 100_000, 500, 5_000
QUICK_PEOPLE, QUICK_QUESTIONS, QUICK_PLANS = 20_000, 240, 1_000
FIRST = 3
BUILDING = 1_000
CALLS, QUICK_CALLS = 1_000, 100
RATE = 50.0  # 1/s
PHONES = 40
FIRST_EXTENSION = 100_001
STEP_S = 30.0
MEMORY_SAMPLES = 20
REFERRED = 100  # extensions of it that are referred, and as many forwarded, while plans are made
_HEADING = (
    *("kommun", "organisation", "enhet", "kostnadsställe", "id", "förnamn", "efternamn", "titel", "anknytning", "typ"),
    *("direktnummer", "mobil", "ansvar", "telefontid", "plats", "e-post", "skyddad", "röstbrevlåda", "synlighet"),
)
NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)


@dataclass(frozen=True)
class _Searched:
    times_ms: Sequence[float]
    found: int
    asked: int
    missed: Counter[str]


@dataclass(frozen=True)
class _Called:
    calls: int
    failed: int
    handed: int
    samples: Sequence[float]

    @property
    def memory_mb(self) -> float:
        return max(self.samples)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> Report:
    """Make, import, ask, plan, cut the power."""
    count = QUICK_PEOPLE if args.quick else PEOPLE
    folder = Path(tempfile.mkdtemp(prefix="rvx-bench-people-"))
    try:
        tell(f"1 of 5  importing {count} people")
        bulk = generate(count)
        import_s = _import(folder, bulk)
        tell("2 of 5  asking")
        searched = _search(folder, bulk, args.samples or (QUICK_QUESTIONS if args.quick else QUESTIONS))
        tell("3 of 5  planning")
        plans_us = _plan(folder, bulk, QUICK_PLANS if args.quick else PLANS)
        tell("4 of 5  cutting the power")
        cut, lost = _cut(folder, times=0 if args.quick else 1)
        tell("5 of 5  plain calls")
        called = _call(bulk, QUICK_CALLS if args.quick else CALLS)
    finally:
        shutil.rmtree(folder)
    made = Class.SIMULATED
    asked = len(searched.times_ms)
    figures = (
        Figure("search_p50_ms", round(percentile(searched.times_ms, 50), 2), asked, "search_samples", made),
        Figure("search_p99_ms", round(percentile(searched.times_ms, 99), 2), asked, "search_samples", made, Goal(20)),
        Figure(
            "found_first_three_percent",
            round(100 * searched.found / searched.asked, 1),
            searched.asked,
            "questions",
            made,
            Goal(95, at_least=True),
        ),
        Figure("import_100k_s", round(import_s * PEOPLE / count, 1), count, "imported", made, Goal(60)),
        Figure("plan_us_p99", round(percentile(plans_us, 99), 1), len(plans_us), "plans", made, Goal(200)),
        Figure("crash_images", cut, cut, "crash_images", made),
        Figure("acknowledged_lost", lost, cut, "crash_images", made, Goal(0)),
        Figure("plain_calls_python_saw", called.handed, called.calls, "plain_calls", made, Goal(0)),
        Figure("unit_memory_mb", round(called.memory_mb, 1), len(called.samples), "memory_samples", made, Goal(120)),
    )
    failed: dict[str, Scalar] = {"plain_calls_failed": called.failed}
    missed: dict[str, Scalar] = {f"missed {kind}": number for kind, number in sorted(searched.missed.items())}
    return Report(figures, {"people": count, **failed, **missed})


def _import(folder: Path, bulk: Bulk) -> float:
    """Seconds from a file to a directory that is there."""
    source = folder / "people.csv"
    source.write_text(people_file(bulk), "utf-8")
    began = time.perf_counter()
    reading = Reading(LocalNumbering())
    database = connect(folder / "directory.db", "directory")
    with people_csv.opened(source) as file, closing(database), Stage(database) as stage:
        stage.read(reading, file)
        if reading.faults:
            raise AssertionError(reading.faults[:3])
        stage.take_in("bench", NOW)
    return time.perf_counter() - began


def people_file(bulk: Bulk) -> str:
    """The people as the file of a subscriber system."""
    municipalities = {one.id: one.name for one in bulk.municipalities}
    entities = {one.id: one for one in bulk.entities}
    units = {one.id: one for one in bulk.units}
    people = {one.id: one for one in bulk.people}
    text = io.StringIO()
    out = csv.writer(text, delimiter=";")
    out.writerow(_HEADING)
    for one in bulk.extensions:
        unit = units[one.unit]
        entity = entities[unit.entity]
        row = [municipalities[entity.municipality], entity.name, unit.name, unit.cost_centre]
        person = people.get(one.person or "")
        if person is None:
            row += ["", "", "", "", one.number, str(one.kind), "", "", "", "", "", "", "", "", ""]
        else:
            row += [person.id, person.given, person.family, person.title, one.number, str(one.kind)]
            row += [pretty(number) if number else "" for number in (one.direct_number, person.mobile)]
            row += ["|".join(person.duties), str(person.phone_hours or ""), person.location, person.email or ""]
            row += ["ja" if person.protected else "", "ja" if one.voicemail else ""]
            row += [", ".join(f"{name}={who}" for name, who in person.visibility.items())]
        out.writerow(row)
    return text.getvalue()


def _search(folder: Path, bulk: Bulk, count: int) -> _Searched:
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    people.look_again()
    finder = Finder(people.directory, people)
    viewer = Viewer(id="bench", sees=Visibility.OPERATOR, municipality="norrby")
    asked = questions(tuple(bulk.people), tuple(bulk.units), tuple(bulk.extensions), count)
    times, right, missed = [], 0, Counter[str]()
    for question in asked:
        for text in (*typed(question.text), question.text):
            began = time.perf_counter()
            found = finder.find(text, viewer, NOW)
            times.append((time.perf_counter() - began) * 1000)
        if any(question.right(one.card.person) for one in found[:FIRST]):
            right += 1
        else:
            missed[question.kind] += 1
    people.close()
    return _Searched(times, right, len(asked), missed)


def _plan(folder: Path, bulk: Bulk, count: int) -> list[float]:
    """Microseconds a decision, by a directory in which many are away and forwarded."""
    chance = random.Random(1)  # noqa: S311  chance, not secrecy
    numbers = [one.number for one in bulk.extensions if one.person][:BUILDING]
    changes = Changes.open(folder / "journal.db")
    for number in chance.sample(numbers, REFERRED):
        until = NOW + timedelta(hours=2)
        one = Referral(
            id=f"b{number}", extension=number, reason="meeting", start=NOW, until=until, source=Source.PAGE,
            set_by="bench", set_at=NOW,
        )  # fmt: skip
        changes.refer([one])
    for number in chance.sample(numbers, REFERRED):
        target = chance.choice(numbers)
        changes.forward(Forwarding(extension=number, condition=Condition.ALWAYS, target=target, set_at=NOW), "bench")
    changes.close()
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    people.warm(numbers)
    state = State(mode=Mode.SURVIVAL, platform=False)
    times = []
    for _ in range(count):
        call = Call(caller=chance.choice(numbers), dialled=chance.choice(numbers))
        began = time.perf_counter()
        people.look_again()
        plan(call, people, state, NOW + timedelta(minutes=1))
        times.append((time.perf_counter() - began) * 1e6)
    people.close()
    return times


def _cut(folder: Path, times: int) -> tuple[int, int]:
    """Disks that a power cut could leave, and how many of them had lost or halved anything."""
    work, disk = folder / "work", folder / "disk"
    work.mkdir()
    root = Path(__file__).parents[2]
    done = record([sys.executable, "-m", "hil.storework", str(work)], work, cwd=root)
    tried = bad = 0
    for image in images(done, seed=1, times=times):
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        image.write(disk)
        tried += 1
        bad += bool(storework.check(disk, image.acknowledged))
    return tried, bad


def _call(bulk: Bulk, count: int) -> _Called:
    """Calls between extensions that have nothing of their own set up, in SURVIVAL; how many `calls` was asked about.

    Memory is that of the process `unit` (PSS), which keeps the edge's table by a directory of all these people.
    """
    with Net("rvbp") as net:
        site = Site(net, users=numbers(FIRST_EXTENSION, PHONES))
        directory = connect(site.paths.directory, "directory")
        load(directory, bulk, "bench", NOW)
        directory.close()
        site.start()
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        phones = Sipp(site.phones, site.phone_ip(11), PROXY, REALM)
        callers = Sipp(site.phones, site.phone_ip(12), PROXY, REALM)
        users = [User(number, secret) for number, secret in numbers(FIRST_EXTENSION, PHONES).items()]
        phones.register(users, rate=RATE)
        site.wait(lambda: site.table("ask"), STEP_S, "the edge's table of who is no plain extension")
        before = site.count("handed")
        plain = [user.extension for user in users if user.extension not in site.table("ask")]
        dials = [Dial(user, plain[(place + 1) % len(plain)]) for place, user in enumerate(users)]
        dials = [dial for dial in dials if dial.callee != dial.caller.extension]
        with phones.answer(ring_ms=1, traced=False):
            placing = callers.place(dials, count=count, rate=RATE, hold_ms=50, patience_ms=5000, traced=False)
            done = placing.wait_load()
        samples = []
        for _ in range(MEMORY_SAMPLES):
            samples.append(pss_mb(tree(site.unit.pid)))
            time.sleep(0.1)
        handed = site.count("handed") - before
        site.stop()
    return _Called(count, count - done.ok, handed, samples)
