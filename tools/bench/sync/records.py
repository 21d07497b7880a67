"""Records of calls on their way up: how many a second, how heavy, and each once whatever happens.

The rows are told as a unit tells them (firmware/store/telling.py), sent by the product's own classes to a real hub, as
the process `sync` does it. Meanwhile answers are lost, batches are sent again and in another order, the hub's process
is killed and started anew, and the unit's connections are dropped without a word. At the end the hub is asked what it
holds.

`records_per_s` counts all of that time. `bytes_per_record`: packed bodies of whole batches that were sent once."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from callcontrol.records import Outcome, Record, Way
from firmware import __version__
from firmware.paths import Paths
from firmware.store import telling
from firmware.store.database import OfJournal, to_text, transact
from firmware.sync import wire
from firmware.sync.client import Client, Refused, Unreached, tls_of
from firmware.sync.sending import ALL_LANES, Pace
from firmware.sync.up import Batch, Up
from tools.bench.figures import Class, Figure, Goal, Scalar
from tools.bench.sync.pair import Hub, Unit, enrolled, hub

__all__ = ["measure"]

RECORDS = {True: 10_000, False: 1_000_000}
KILLS = {True: 1, False: 10}
AT_ONCE = 5_000
LOST, AGAIN, SWAPPED, DROPPED = 0.03, 0.03, 0.1, 0.01
"""Shares of batches: whose answer is lost; that are sent again; that go before the one before; after which the unit's
connections are gone."""
MACHINE = "c" * 32
DOWN_S = 0.05
TRIES_MAX = 200


@dataclass
class _Went:
    sent: int = 0
    packed: list[float] = field(default_factory=list)
    """Bytes a record, of each whole batch."""
    faults: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("lost", "again", "swapped", "dropped"), 0))
    seconds: float = 0.0


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    count = RECORDS[quick]
    with tempfile.TemporaryDirectory(prefix="rvx-bench-sync-") as name:
        folder = Path(name)
        with hub(folder) as at:
            unit = enrolled(at, folder / "unit", "bench")
            tell(f"writing {count} records")
            _write(unit.paths, count)
            tell("sending them")
            went = asyncio.run(_send(at, unit, count, KILLS[quick], tell))
            held, different = _held(at)
    made = Class.SIMULATED
    each_once = held == different == count
    figures = [
        Figure("records_per_s", round(count / went.seconds), count, "records", made, Goal(2000, at_least=True)),
        Figure("records_each_once", float(each_once), count, "records", made, Goal(1, at_least=True)),
        Figure("bytes_per_record", round(sum(went.packed) / len(went.packed), 1), count, "records", made, Goal(120)),
    ]
    return figures, {
        "records_each_once": each_once,
        "records_held": held,
        "records_different": different,
        "hub_kills": KILLS[quick],
        **{f"batches_{name}": number for name, number in went.faults.items()},
    }


def _write(paths: Paths, count: int) -> None:
    with closing(Up(paths)) as up:
        up.begin(MACHINE)
    rng = random.Random(2)  # noqa: S311  chance, not secrecy
    made = _records(rng, count)
    with closing(OfJournal.open(paths.journal)) as journal:
        left = count
        while left:
            some = [next(made) for _ in range(min(AT_ONCE, left))]
            transact(journal._db, partial(_tell, journal, some))
            left -= len(some)


def _tell(journal: OfJournal, some: list[Record]) -> None:
    for record in some:
        telling.record(journal._db, record)


def _records(rng: random.Random, count: int) -> Iterator[Record]:
    """As the edge's journal has them: Call-IDs and tags of 64 and more random bits, as phones make them."""
    at = datetime(2026, 11, 1, 7, tzinfo=UTC)
    for _ in range(count):
        at += timedelta(microseconds=rng.randrange(20_000_000))
        answered = rng.random() < 0.7
        began = at + timedelta(seconds=rng.uniform(1, 20))
        yield Record(
            call_id=f"{uuid.UUID(int=rng.getrandbits(128))}",
            from_tag=f"{rng.getrandbits(64):016x}",
            to_tag=f"{rng.getrandbits(64):016x}",
            caller=str(rng.randrange(100_000, 700_000)),
            callee=str(rng.randrange(100_000, 700_000)),
            began_at=at,
            answered_at=began if answered else None,
            ended_at=began + timedelta(seconds=rng.expovariate(1 / 120)) if answered else began,
            way=rng.choice((Way.LOCAL, Way.LOCAL, Way.GATEWAY)),
            outcome=Outcome.ANSWERED if answered else rng.choice((Outcome.BUSY, Outcome.NO_ANSWER)),
            sip_code=200 if answered else 486,
            emergency=False,
            time_certain=True,
        )


async def _send(at: Hub, unit: Unit, count: int, kills: int, tell: Callable[[str], None]) -> _Went:
    went, rng, member = _Went(), random.Random(3), unit.member  # noqa: S311  chance, not secrecy
    tls = tls_of(member.ca, str(member.key_file))
    due = [count * (number + 1) // (kills + 1) for number in range(kills)]
    began = time.monotonic()
    told_s = began
    tries = 0
    while True:
        up = Up(unit.paths)
        try:
            async with Client(member.hub, tls) as client:
                session = await _begin(client, up)
                tries = 0
                pace = Pace()
                while (found := up.next(ALL_LANES, pace.bytes, frozenset())) is not None:
                    turn_s = time.monotonic()
                    if due and went.sent >= due[0]:
                        due.pop(0)
                        await asyncio.to_thread(_killed, at)
                    await _turn(client, session, up, found, went, rng, pace)
                    pace = pace.went(found.size, time.monotonic() - turn_s)
                    if time.monotonic() - told_s > 15:
                        told_s = time.monotonic()
                        tell(f"{went.sent} sent")
                    if rng.random() < DROPPED:
                        went.faults["dropped"] += 1
                        raise Unreached("broken", "dropped here")
                went.seconds = time.monotonic() - began
                return went
        except (Unreached, Refused) as error:
            if isinstance(error, Refused) and error.error not in ("session", "busy"):
                raise
            tries += 1
            if tries > TRIES_MAX:
                raise
            await asyncio.sleep(DOWN_S)
        finally:
            up.close()


async def _begin(client: Client, up: Up) -> str:
    epoch = up.begin(MACHINE)
    spans = up.spans()
    message = {
        "schemas": [wire.SCHEMA], "version": __version__, "machine": MACHINE, "epoch": epoch,
        "epochs": {name: {"first": first, "last": last} for name, (first, last) in spans.items()},
        "hub": None, "cursor": None, "time": to_text(datetime.now(UTC)),
        "config": {"version": 0, "state": "none", "sha256": None, "override": False},
        "counts": {"waiting": 0, "overruled": 0, "aside": 0},
    }  # fmt: skip
    said = (await client.ask("POST", "/v1/session", "sessioned", message)).body
    up.held(dict(said["held"]), dict(said["backed_up"]))
    return str(said["session"])


async def _turn(
    client: Client, session: str, up: Up, found: Batch, went: _Went, rng: random.Random, pace: Pace
) -> None:
    """One batch, or two of which the later goes first."""
    batches = [found]
    if rng.random() < SWAPPED:
        later = up.next(ALL_LANES, pace.bytes, frozenset((found.epoch, entry.n) for entry in found.entries))
        if later is not None:
            went.faults["swapped"] += 1
            batches = [later, found]
    for batch in batches:
        message = {"session": session, "epoch": batch.epoch, "entries": [entry.plain() for entry in batch.entries]}
        said = (await client.ask("POST", "/v1/outbox", "taken", message)).body
        if rng.random() < AGAIN:
            went.faults["again"] += 1
            said = (await client.ask("POST", "/v1/outbox", "taken", message)).body
        if rng.random() < LOST:
            went.faults["lost"] += 1
            continue
        if len(went.packed) < TRIES_MAX:
            packed = wire.pack(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())
            went.packed.append(len(packed) / len(batch.entries))
        went.sent += len(batch.entries)
        up.answered(batch, said["held"], [*said["above"]], said["backed_up"], said["cursor"])


def _killed(at: Hub) -> None:
    at.stop(signal.SIGKILL)
    at.start()


def _held(at: Hub) -> tuple[int, int]:
    """How many records the hub holds, and how many of them are of different calls."""
    sql = "SELECT count(*), count(DISTINCT json_extract(body, '$.call_id')) FROM entry WHERE kind = 'record'"
    held, different = at.store.db.execute(sql).fetchone()
    return int(held), int(different)
