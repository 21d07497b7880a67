"""Two units and a hub that set the same things, over a network that loses, repeats and delays, with clocks that are
wrong and journals and a hub that are put back from copies: do they agree in the end, on what somebody had set?

All of it by one seed, with the units' and the hub's own code and messages; without sockets, and with a clock of ours.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.model import Condition, Forwarding, Whole
from callcontrol.plan.pins import LANES, MEMORY_KIB, PASSES, Pin
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Key, Service
from firmware import __version__
from firmware.paths import Paths
from firmware.store import outbox
from firmware.store.changes import Changes
from firmware.store.database import to_text
from firmware.store.joining import GROWS, row_here
from firmware.store.pins import PinRows
from firmware.store.received import Received
from firmware.store.registers import REGISTERS
from firmware.store.sending import Sending
from firmware.store.services import Services
from firmware.store.wholes import Wholes
from firmware.sync import wire
from firmware.sync.down import Down, Overtaken
from firmware.sync.feeding import start
from firmware.sync.kinds import KINDS, Way
from firmware.sync.merge import item_of
from firmware.sync.up import Batch, Up
from firmware.sync.wire import Entry, Item
from tools.bench.sync.town import ENTITY, TOWN, UNIT, items, numbers
from tools.hub import greeting, snapshot
from tools.hub.backup import back_up, restore
from tools.hub.entries import Forked
from tools.hub.feed import Cursor
from tools.hub.items import Items
from tools.hub.place import Place
from tools.hub.publishing import publish
from tools.hub.store import Store
from tools.hub.taking import Taking
from tools.hub.units import Units

__all__ = ["Outcome", "converge"]

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
EXTENSIONS = numbers(3)
BOTH = frozenset(kind.name for kind in KINDS.values() if kind.way is not Way.DOWN)
ALWAYS = Schedule.parse("mån-sön dygnet runt")
CLOCKS_S = (0, 0, 0, 1, -20, 250, -250, 600, -600, 40_000, -86_400, 5 * 31_536_000, -5 * 31_536_000)
LAST_ROUNDS = 12
KEPT_NEWEST = 3
"""Rows that stay in an outbox when they are backed up: few, so that journals are cleared in so short a time."""


@dataclass
class Outcome:
    """`mixtures`: what is nobody's, or is not the same everywhere, in words."""

    seed: int
    set: int = 0
    lost_messages: int = 0
    restored: int = 0
    overruled: int = 0
    mixtures: list[str] = field(default_factory=list)


def converge(folder: Path, seed: int, steps: int = 120) -> Outcome:
    """`folder` is empty, and is left full."""
    with closing(World(folder, seed)) as world:
        world.run(steps)
        return world.outcome


class Branch:
    """A unit: its files, its clock, what it has under way."""

    def __init__(self, world: World, name: str, identity: str) -> None:
        self.world, self.name, self.identity = world, name, identity
        self.ahead_ms = 0
        self.paths = Paths(world.folder / name)
        self.paths.state.mkdir()
        self.copy = world.folder / f"{name}-copy"
        self.sent = Batch("", (), 0)
        self.asked: dict[str, Any] | None = None  # on its way to the hub
        self.answer: dict[str, Any] | None = None  # on its way back
        self.page: dict[str, Any] | None = None
        self.epoch = ""
        self.open()

    def open(self) -> None:
        journal = self.paths.journal
        self.changes, self.services, self.wholes = Changes.open(journal), Services.open(journal), Wholes.open(journal)
        self.pins = PinRows.open(self.paths.directory, journal)
        self.up, self.down = Up(self.paths, sound=False), Down(self.paths)
        self.db = self.changes._db
        self.in_session = False

    def close(self) -> None:
        for each in (self.changes, self.services, self.wholes, self.pins, self.up, self.down):
            each.close()

    def hang_up(self) -> None:
        self.in_session, self.asked, self.answer, self.page = False, None, None, None

    # What people do

    def deed(self, random: Random, name: str) -> None:
        """Something that somebody sets here; `name` is of nobody else's."""
        extension, now = random.choice(EXTENSIONS), self.world.now
        before = self.world.last(self.db)
        deeds: tuple[Callable[[], object], ...] = (
            lambda: self.changes.forward(
                Forwarding(extension=extension, condition=Condition.ALWAYS, target=_number(random), set_at=now), name
            ),
            lambda: self.changes.forward(
                Forwarding(extension=extension, condition=Condition.ALWAYS, target=_number(random), set_at=now), name
            ),
            lambda: self.changes.end_forwarding(extension, Condition.ALWAYS, name, now),
            lambda: self.changes.block(extension, name, "lost", now),
            lambda: self.changes.lift(extension, name, now),
            lambda: self.changes.lock(extension, name, now),
            lambda: self.changes.unlock(extension, name, now),
            lambda: self.changes.sign("1003", extension, signed_in=random.random() < 0.5, now=now),
            lambda: self.services.press(Service(entity=ENTITY, hours=ALWAYS), random.choice(tuple(Key)), name, now),
            lambda: self.wholes.refer([UNIT], Whole(id=name, reason="course", start=now, until=None, set_by=name), now),
            lambda: self.wholes.end([UNIT], name, now),
            lambda: self.pins.change(extension, Pin(_HASH.format(random.randrange(10, 99))), name, now),
            lambda: self.pins.remove(extension, name, now),
            lambda: self.changes.refer([_referral(name, extension, now)]),
            lambda: self.changes.open_phone(
                Opening(id=name, extension=extension, at=now, seen=self._referred(extension), set_by=name), now
            ),
            lambda: self.changes.change("person", f"p{extension}", {"title": name}, name, now),
            lambda: self._undo(random, name),
        )
        random.choice(deeds)()
        self.world.was_set(self, before)

    def _referred(self, extension: str) -> frozenset[str]:
        found = self.db.execute("SELECT id FROM referral WHERE extension = ?", (extension,))
        return frozenset(name for (name,) in found)

    def _undo(self, random: Random, name: str) -> None:
        received = Received(self.db)
        if over := received.overruled():
            received.undo(random.choice(over).id, name, self.world.now)

    # What `sync` does

    def begin(self) -> None:
        """A session; and whatever it finds is due."""
        self.hang_up()
        world = self.world
        self.epoch = self.up.begin(f"{self.name:0>32}"[:32])
        spans, feed = self.up.spans(), self.down.feed()
        said = {
            "schemas": [wire.SCHEMA], "version": __version__, "machine": f"{int(self.identity[-1], 16):032x}",
            "epoch": self.epoch,
            "epochs": {name: {"first": first, "last": last} for name, (first, last) in spans.items()},
            "hub": feed.hub if feed else None, "cursor": feed.cursor if feed else None,
            "time": to_text(world.now + timedelta(milliseconds=self.ahead_ms)),
            "config": {"version": 0, "state": "none", "sha256": None, "override": False},
        }  # fmt: skip
        judged = wire.read("session", wire.write(said))
        answer = greeting.greet(world.hub, self.identity, judged, "", world.now)
        if feed is not None and feed.hub != answer["hub"]:
            for batch in list(self.up.live()):
                sent = [Item.of(json.loads(json.dumps(item.plain()))) for item in batch]
                world.taking.state(self.identity, sent, world.now)
        self.up.held(dict(answer["held"]), dict(answer["backed_up"]))
        self.in_session = True
        if start(feed, self.epoch, known=answer["cursor_known"]) is not None:
            self.snapshot()

    def snapshot(self) -> None:
        world = self.world
        made = snapshot.make(world.hub, world.partition(self), None)
        with suppress(Overtaken):
            self.down.snapshot(made.file, world.hub.generation, self.epoch)

    def send(self, random: Random) -> None:
        """A batch goes out, of some lane, of some size; the one before it is forgotten."""
        lanes = random.sample(range(4), k=4) if random.random() < 0.5 else range(4)
        self.answer = None
        found = self.up.next(lanes, random.choice((1, 300, 4_000)), frozenset())
        if found is not None:
            self.asked = {"epoch": found.epoch, "entries": [entry.plain() for entry in found.entries]}
            self.sent = found

    def arrives(self, *, answered: bool) -> None:
        """What is under way arrives at the hub; or its answer is lost."""
        if self.asked is None:
            return
        world, asked = self.world, json.loads(json.dumps(self.asked))
        entries = list(map(Entry.of, asked["entries"]))
        try:
            taken = world.taking.outbox(self.identity, asked["epoch"], entries, world.now)
        except Forked as forked:
            answer: dict[str, Any] = {"forked": forked.number}
        else:
            cursor = Cursor(world.hub.generation, world.partition(self).number, taken.place)
            answer = {
                "held": taken.life.held, "above": taken.above, "backed_up": taken.life.backed_up,
                "cursor": str(cursor), "refused": [{"n": number, "why": why} for number, why in taken.refused],
            }  # fmt: skip
            wire.judged("taken", answer)
            world.refused += [f"{self.name}: {why}" for _, why in taken.refused if "directory" not in why]
        if answered:
            self.answer = {**answer, "epoch": asked["epoch"]}
            self.asked = None
        else:
            world.outcome.lost_messages += 1

    def hears(self) -> None:
        """The answer is here."""
        if self.answer is None:
            return
        answer, self.answer = self.answer, None
        if "forked" in answer:
            self.up.forked(answer["epoch"], answer["forked"])
            self.begin()
        else:
            told = (answer["held"], answer["above"], answer["backed_up"], answer["cursor"])
            self.up.answered(self.sent, *told)

    def ask(self, random: Random) -> None:
        """The hub says what is new; that is under way."""
        feed = self.down.feed()
        if feed is None or feed.cursor is None:
            return
        world, whose = self.world, self.world.partition(self)
        cursor = Cursor.of(feed.cursor)
        assert cursor is not None
        if cursor.generation != world.hub.generation or not Items(world.hub).known_place(cursor.place):
            self.begin()
            return
        found, place, more = Items(world.hub).page(whose, cursor.place, random.choice((1, 2, 1000)))
        self.page = {
            "hub": world.hub.generation, "cursor": str(Cursor(world.hub.generation, whose.number, place)),
            "more": more, "items": [json.loads(json.dumps(item.plain())) for item in found],
        }  # fmt: skip

    def reads(self) -> None:
        """What the hub said is here."""
        if self.page is not None:
            page, self.page = self.page, None
            before = self._unsent()
            self.down.page(page, self.epoch)
            given_way = before.items() - self._unsent().items()
            self.world.outcome.mixtures += [
                f"{self.name}: {key} gave way to what the hub said before" for key in given_way
            ]

    def _unsent(self) -> dict[tuple[str, str], str]:
        """Registers as they are set here, of which the hub has said nothing."""
        sql = "SELECT kind, id FROM stamped WHERE number IS NOT NULL AND effect IS NULL"
        found = [(kind, name) for kind, name in self.db.execute(sql) if kind in REGISTERS]
        return {(kind, name): _text(row_here(self.db, kind, name)) for kind, name in found}

    # Copies

    def copied(self) -> None:
        self.copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.copy)) as to:
            self.db.backup(to)

    def put_back(self) -> None:
        """The journal, from its copy."""
        if not self.copy.exists():
            return
        self.close()
        for file in self.paths.state.glob("journal.db*"):
            file.unlink()
        shutil.copyfile(self.copy, self.paths.journal)
        self.hang_up()
        self.open()
        self.world.forget_gone()
        self.world.outcome.restored += 1


class World:
    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, Random(seed)  # noqa: S311  chance, not secrecy
        self.outcome = Outcome(seed)
        self.now = BEGAN
        self.made: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.grown: set[tuple[str, str]] = set()
        self.refused: list[str] = []
        self.copy: Path | None = None
        self._hubs = 0
        self._here: Branch | None = None
        self._patched = ExitStack()
        self._patched.enter_context(mock.patch.object(outbox, "_wall_ms", self._wall_ms))
        self._patched.enter_context(mock.patch("firmware.store.sending.TOLD_AT_ONCE", KEPT_NEWEST))
        self.hub = Store.make(Place(folder / "hub0"), "Navet", ["localhost"], self.now)
        publish(self.hub, "bench", items(EXTENSIONS), self.now)
        units = Units(self.hub)
        span = (f"{EXTENSIONS[0]}-{EXTENSIONS[-1]}",)
        names = [self.hub.transact(partial(units.add, one, (TOWN,), span, self.now)) for one in "ab"]
        self.branches = [Branch(self, name, identity) for name, identity in zip("ab", names, strict=True)]
        for branch in self.branches:
            with self.at(branch):
                branch.begin()

    def close(self) -> None:
        for branch in self.branches:
            branch.close()
        self.hub.close()
        self._patched.close()

    @property
    def taking(self) -> Taking:
        return Taking(self.hub)

    def partition(self, branch: Branch) -> Any:
        return Units(self.hub).partition(branch.identity)

    @contextmanager
    def at(self, branch: Branch) -> Iterator[None]:
        """By its clock."""
        self._here = branch
        yield
        self._here = None

    def _wall_ms(self) -> int:
        ahead = self._here.ahead_ms if self._here else 0
        return int(self.now.timestamp() * 1000) + ahead

    def run(self, steps: int) -> None:
        for step in range(steps):
            self.now += timedelta(milliseconds=self.random.choice((0, 1, 40, 2_000, 90_000)))
            branch = self.random.choice(self.branches)
            with self.at(branch):
                self._step(branch, f"s{step}")
        self._end()
        self._judge()

    def _step(self, branch: Branch, name: str) -> None:
        random = self.random
        chance = random.random()
        if chance < 0.3:
            branch.deed(random, name)
        elif chance < 0.36:
            self._at_hub(name)
        elif chance < 0.38:
            branch.ahead_ms = random.choice(CLOCKS_S) * 1000
        elif chance < 0.40:
            branch.begin()
        elif chance < 0.41:
            branch.copied()
        elif chance < 0.42:
            branch.put_back()
        elif chance < 0.43:
            self.now += timedelta(milliseconds=1)  # its name is its time
            self.copy = back_up(self.hub, self.folder / "copies", self.now).folder
        elif chance < 0.44:
            self._restore()
        elif not branch.in_session:
            branch.begin()
        elif chance < 0.56:
            branch.send(random)
        elif chance < 0.68:
            branch.arrives(answered=random.random() < 0.7)
        elif chance < 0.78:
            branch.hears()
        elif chance < 0.9:
            branch.ask(random)
        else:
            branch.reads()

    def _at_hub(self, name: str) -> None:
        """Somebody sets something at the hub."""
        random, at = self.random, to_text(self.now)
        extension = random.choice(EXTENSIONS)
        rows: tuple[tuple[str, dict[str, Any]], ...] = (
            ("forwarding", {
                "extension": extension, "condition": "always", "target": _number(random), "set_at": at, "set_by": name,
            }),
            ("lock", {"extension": extension, "since": at, "set_by": name}),
            ("signed_out", {"hunt": "1003", "extension": extension, "at": at}),
            ("block", {"id": name, "extension": extension, "since": at, "set_by": name, "why": "lost"}),
        )  # fmt: skip
        kind, row = random.choice(rows)
        over = self.hub.db.execute("SELECT id FROM overruled WHERE ended_at IS NULL").fetchall()
        if over and random.random() < 0.3:
            self.taking.undo(random.choice(over)[0], name, self.now)
            return
        ended = kind != "block" and random.random() < 0.3
        item = Item(kind, KINDS[kind].id_of(row), None if ended else row)
        self.taking.set_here(item, self.now)
        self.made[item.kind, item.id].add(_text(item.row))
        self.outcome.set += 1

    def _restore(self) -> None:
        if self.copy is None:
            return
        self._hubs += 1
        self.hub.close()
        self.hub = restore(self.copy, Place(self.folder / f"hub{self._hubs}"), self.now)
        for branch in self.branches:
            branch.hang_up()
        self.forget_gone()
        self.outcome.restored += 1

    # What was set

    def last(self, db: sqlite3.Connection) -> dict[str, int]:
        return dict(db.execute("SELECT epoch, max(number) FROM outbox GROUP BY epoch"))

    def was_set(self, branch: Branch, before: dict[str, int]) -> None:
        for epoch, number, kind, subject, body, stamp in branch.db.execute(
            "SELECT epoch, number, kind, subject, body, stamp FROM outbox"
        ):
            if number > before.get(epoch, 0):
                item = item_of(kind, subject, json.loads(body), stamp, branch.identity)
                if item is not None:
                    self.made[item.kind, item.id].add(_text(item.row))
                    if item.kind in GROWS:
                        self.grown.add((item.kind, item.id))
                self.outcome.set += 1

    def forget_gone(self) -> None:
        """What neither the hub nor any unit has any more, as a copy was put back, is lost as such things are."""
        for kind, name in list(self.grown):
            known = [Items(self.hub).one(kind, name), *(row_here(one.db, kind, name) for one in self.branches)]
            if not any(known):
                self.grown.discard((kind, name))

    # In the end

    def _end(self) -> None:
        """Clocks are right, nothing is lost any more."""
        for branch in self.branches:
            branch.ahead_ms = 0
            with self.at(branch):
                branch.begin()
        for _ in range(LAST_ROUNDS):
            for branch in self.branches:
                self.now += timedelta(seconds=1)
                with self.at(branch):
                    for _ in range(200):
                        branch.send(Random(0))  # noqa: S311  chance, not secrecy
                        if branch.asked is None:
                            break
                        branch.arrives(answered=True)
                        branch.hears()
                    for _ in range(400):
                        branch.ask(self.random)
                        if branch.page is None:
                            continue
                        more = branch.page["more"]
                        branch.reads()
                        if not more:
                            break

    def _judge(self) -> None:
        wrong = self.outcome.mixtures
        wrong += [f"refused: {why}" for why in self.refused]
        standing = {
            (kind, name): (json.loads(row) if row else None, stamp)
            for kind, name, row, stamp in self.hub.db.execute("SELECT kind, id, row, stamp FROM item")
            if kind in BOTH
        }
        (self.outcome.overruled,) = self.hub.db.execute("SELECT count(*) FROM overruled").fetchone()
        for (kind, name), (row, _) in standing.items():
            if row is not None and _text(row) not in self.made[kind, name]:
                wrong.append(f"{kind} {name}: nobody set {_text(row)}")
        wrong += [f"{kind} {name}: is lost" for kind, name in self.grown if (kind, name) not in standing]
        for branch in self.branches:
            wrong += self._differs(branch, standing)

    def _differs(self, branch: Branch, standing: dict[tuple[str, str], tuple[Any, str]]) -> Iterator[str]:
        db = branch.db
        for (kind, name), (row, stamp) in standing.items():
            here = row_here(db, kind, name)
            if _text(here) != _text(row):
                yield f"{branch.name}: {kind} {name}: {_text(here)}, and at the hub {_text(row)}"
            known = db.execute("SELECT stamp FROM stamped WHERE kind = ? AND id = ?", (kind, name)).fetchone()
            if row is not None and (known is None or known[0] != stamp):
                yield f"{branch.name}: {kind} {name}: stamp {known and known[0]}, and at the hub {stamp}"
        for kind in BOTH:
            table = GROWS[kind] if kind in GROWS else REGISTERS[kind].table
            key = "id" if kind in GROWS else " || '|' || ".join(KINDS[kind].key)
            for (name,) in db.execute(f"SELECT {key} FROM {table}"):  # noqa: S608  names of ours
                if (kind, name) not in standing or standing[kind, name][0] is None:
                    yield f"{branch.name}: {kind} {name} is here alone"
        left = Sending(db).waiting()
        pending = db.execute("SELECT count(*) FROM stamped WHERE number IS NOT NULL").fetchone()[0]
        waiting = db.execute("SELECT count(*) FROM waiting_item").fetchone()[0]
        if left or pending or waiting:
            yield f"{branch.name}: {left} not sent, {pending} not settled, {waiting} not taken"
        titles = db.execute("SELECT count(*) FROM change").fetchone()[0]
        if titles:
            yield f"{branch.name}: {titles} changes lie over the directory yet"


_HASH = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'c' * 22}${{}}{'h' * 41}"


def _number(random: Random) -> str:
    return f"07{random.randrange(10**8):08}"


def _referral(name: str, extension: str, now: datetime) -> Referral:
    return Referral(
        id=name, extension=extension, reason="meeting", start=now, until=now + timedelta(hours=1), source=Source.PAGE,
        set_by=name, set_at=now,
    )  # fmt: skip


def _text(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True)
