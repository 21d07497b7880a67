"""From the hub to a unit: a whole directory of 10,000 people, a hundred changes, one change at a time; and memory.

`full_10k_people_s`: from the request of a snapshot to its last row in ``directory.db``, indexed; each into a directory
that is new. `delta_100_ms`: from the request of the feed to a hundred changed people in the directory. Both by the
product's own classes, in this process. `change_seen_s`: from the hub's commit, in a process of its own, to where the
process `sync` has written it, which waits in a long poll."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from firmware.paths import Paths
from firmware.sync.client import Client, tls_of
from firmware.sync.down import Down
from firmware.sync.fetching import Snapshot
from firmware.sync.up import Up
from firmware.sync.wire import ITEMS_MAX, Item
from tools.bench.figures import LEAST_SAMPLES, Class, Figure, Goal, Scalar, percentile
from tools.bench.processes import pss_mb, tree
from tools.bench.sync.pair import Hub, Unit, enrolled, hub, people, started, within

__all__ = ["measure"]

PEOPLE = 10_000
RUNS = {True: 2, False: 20}
CHANGED = 100
CHANGES = {True: 20, False: 60}
MEMORY_SAMPLES = 20
SEEN_WITHIN_S = 30.0
POLL_S = 0.005


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    tell(f"{PEOPLE} people")
    town = people(PEOPLE)
    with tempfile.TemporaryDirectory(prefix="rvx-bench-sync-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with hub(folder) as at:
            at.publish(town)
            unit = enrolled(at, folder / "unit", "bench")
            tell("snapshots and hundreds of changes")
            full, delta = asyncio.run(_runs(at, unit, town, folder, RUNS[quick]))
            tell("one change at a time")
            seen, unit_mb, hub_mb = _changes(at, unit, town, CHANGES[quick])
    made = Class.SIMULATED
    figures = [
        Figure("full_10k_people_s", _median(full, 2), len(full), "full_runs", made, Goal(1.5)),
        Figure("delta_100_ms", _median(delta, 1), len(delta), "delta_runs", made, Goal(50)),
        Figure("change_seen_s_p95", round(percentile(seen, 95), 3), len(seen), "changes", made, Goal(0.5)),
        Figure("unit_memory_mb", round(max(unit_mb), 1), len(unit_mb), "memory_samples", made, Goal(150)),
        Figure("hub_memory_mb", round(max(hub_mb), 1), len(hub_mb), "memory_samples", made, Goal(150)),
    ]
    worst = {"full_10k_people_s_max": round(max(full), 2), "delta_100_ms_max": round(max(delta), 1)}
    return figures, {"people": PEOPLE, **worst, "change_seen_s_p50": round(percentile(seen, 50), 3)}


def _median(values: list[float], digits: int) -> float | None:
    """None of too few."""
    return round(percentile(values, 50), digits) if len(values) >= LEAST_SAMPLES else None


async def _runs(at: Hub, unit: Unit, town: list[Item], folder: Path, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of whole directories, and ms of a hundred changes."""
    full, delta, member = [], [], unit.member
    async with Client(member.hub, tls_of(member.ca, str(member.key_file))) as client:
        for run in range(runs):
            place = Paths(folder / f"run{run}")
            place.state.mkdir()
            with closing(Up(place)) as up:
                epoch = up.begin("b" * 32)
            with closing(Down(place)) as down:
                began = time.monotonic()
                snapshot = Snapshot(place.state, lambda came, whole: None)
                await snapshot.fetch(client)
                heard = down.snapshot(snapshot.file, at.store.generation, epoch)
                full.append(time.monotonic() - began)
                assert down.digests()[1]["person"].rows == PEOPLE
                town[:] = changed(town, range(run * CHANGED, (run + 1) * CHANGED), f"delta {run}")
                at.publish(town)
                began = time.monotonic()
                cursor, more = heard.feed.cursor or "", True
                while more:
                    query = {"after": cursor, "limit": str(ITEMS_MAX), "wait": "0"}
                    said = (await client.ask("GET", "/v1/feed", "feed", query=query)).body
                    down.page(said, epoch)
                    cursor, more = said["cursor"], said["more"]
                delta.append(1000 * (time.monotonic() - began))
                assert _titles(place, f"delta {run}") == CHANGED
    return full, delta


def _changes(at: Hub, unit: Unit, town: list[Item], count: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds, and MB of the unit's processes and of the hub's."""
    seen: list[float] = []
    unit_mb: list[float] = []
    hub_mb: list[float] = []
    rng = random.Random(1)  # noqa: S311  chance, not secrecy
    assert at.process is not None
    with started(unit, "sync", "unit") as pids:
        within(lambda: _count(unit.paths) == PEOPLE, "the directory", SEEN_WITHIN_S)
        for number in range(count):
            time.sleep(rng.uniform(0.02, 0.12))
            town[:] = changed(town, range(number, number + 1), f"seen {number}")
            at.publish(town)
            seen.append(
                within(lambda now=number: _titles(unit.paths, f"seen {now}") == 1, "a change", SEEN_WITHIN_S, POLL_S)  # type: ignore[misc]
            )
            if number % max(1, count // MEMORY_SAMPLES) == 0:
                unit_mb.append(pss_mb(tree(*pids.values())))
                hub_mb.append(pss_mb(tree(at.process.pid)))
    return seen, unit_mb, hub_mb


def changed(town: list[Item], which: range, title: str) -> list[Item]:
    """The same with another title of some of the people."""
    those = [place for place, item in enumerate(town) if item.kind == "person"]
    found = list(town)
    for number in which:
        place = those[number % len(those)]
        item = found[place]
        found[place] = Item("person", item.id, dict(item.row or {}) | {"title": title})
    return found


def _count(paths: Paths, which: str = "TRUE", title: str = "") -> int:
    if not paths.directory.exists():
        return 0
    with closing(sqlite3.connect(f"file:{paths.directory}?mode=ro", uri=True, timeout=SEEN_WITHIN_S)) as db:
        try:
            sql = f"SELECT count(*) FROM person WHERE {which}"  # noqa: S608  ours
            return int(db.execute(sql, {"title": title}).fetchone()[0])
        except sqlite3.OperationalError:  # it is being made
            return 0


def _titles(paths: Paths, title: str) -> int:
    return _count(paths, "title = :title", title)
