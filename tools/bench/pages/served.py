"""Pages by HTTP from a process of its own, with a directory of 100,000 people: how soon they come, how heavy they are,
and what the unit's memory is meanwhile.

Somebody looks people up, opens a person, their own page, the form of a referral, and the organisation. Timed from the
first byte of the request to the last of the answer, by a client on the same machine."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import aiohttp

from callcontrol.plan.model import Extension
from callcontrol.plan.number import LocalNumbering
from firmware.store.load import Bulk, load
from firmware.store.people import People
from firmware.store.sessions import SessionRows
from firmware.web.server import COOKIE
from hil.municipality import generate
from hil.questions import questions
from tools.bench.figures import Class, Figure, Goal, Scalar, percentile
from tools.bench.processes import pss_mb, tree

__all__ = ["measure"]

PEOPLE = {True: 20_000, False: 100_000}
ROUNDS = {True: 40, False: 400}
"""Of five pages each."""
HOME = "m1"
"""Whose people the visitors are, and see."""
VISITORS = 40
"""Each with an address of their own: who asks without end from one is held up."""
MEMORY_SAMPLES = 20
START_S, ANSWER_S = 20.0, 10.0
CONFIG = """\
[unit]
name = "bench"
state_dir = "{state}"
[platform]
realm = "bench.invalid"
[edge]
listen = ["udp:127.0.0.1:{port}"]
[web]
listen = ["127.0.0.1:{web}"]
"""
_FILES = re.compile(r'(?:src|href)="(/static/[^"]+)"')


@dataclass
class _Seen:
    times_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    script_kb: float = 0.0
    first_kb: float = 0.0
    by_page: dict[str, list[float]] = field(default_factory=dict)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    tell(f"taking in {PEOPLE[quick]} people")
    with tempfile.TemporaryDirectory(prefix="rvx-bench-pages-") as name:
        folder = Path(name)
        bulk = generate(PEOPLE[quick])
        cookies = _taken_in(folder, bulk)
        tell("asking for pages")
        with _running(folder) as (port, pids):
            seen = asyncio.run(_ask(port, pids, cookies, bulk, ROUNDS[quick]))
    made = Class.SIMULATED
    asked = len(seen.times_ms)
    figures = [
        Figure("page_ms_p95", round(percentile(seen.times_ms, 95), 1), asked, "pages", made, Goal(100)),
        Figure("page_kb", round(seen.first_kb, 1), asked, "pages", made, Goal(100)),
        Figure("script_kb", round(seen.script_kb, 1), asked, "pages", made, Goal(30)),
        Figure("unit_memory_mb", round(max(seen.memory_mb), 1), len(seen.memory_mb), "memory_samples", made, Goal(150)),
    ]
    slow = {f"page_ms_p95 {path}": round(percentile(times, 95), 1) for path, times in seen.by_page.items()}
    return figures, {"people": PEOPLE[quick], **slow}


def _taken_in(folder: Path, bulk: Bulk) -> list[str]:
    """What the visitors' browsers hold."""
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    with closing(people):
        load(people.directory, bulk, "bench", datetime.now(UTC))
    _, phones = _home(bulk)
    numbers = [one.number for one in phones if one.person][:VISITORS]
    with closing(SessionRows.open(folder / "journal.db")) as sessions:
        return [sessions.begin(number, True, datetime.now(UTC)) for number in numbers]


@contextmanager
def _running(folder: Path) -> Iterator[tuple[int, frozenset[int]]]:
    """`web` and `unit`; where pages are had, and the processes."""
    ports = [_free_port(kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    file = folder / "unit.toml"
    file.write_text(CONFIG.format(state=folder, port=ports[0], web=ports[1]), "utf-8")
    command = [sys.executable, "-m", "firmware.app"]
    with (folder / "log").open("wb") as log:
        started = [
            subprocess.Popen([*command, name, "--config", str(file)], stdout=log, stderr=log)
            for name in ("web", "unit")
        ]
        try:
            _wait_for(ports[1])
            yield ports[1], tree(*(one.pid for one in started))
        finally:
            for one in started:
                one.terminate()
            for one in started:
                one.wait(START_S)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the pages did not come up")


def _home(bulk: Bulk) -> tuple[set[str], tuple[Extension, ...]]:
    """Units and extensions of whom the visitors see."""
    entities = {one.id: one.municipality for one in bulk.entities}
    units = {one.id for one in bulk.units if entities[one.entity] == HOME}
    return units, tuple(one for one in bulk.extensions if one.unit in units)


async def _ask(port: int, pids: frozenset[int], cookies: Sequence[str], bulk: Bulk, rounds: int) -> _Seen:
    seen = _Seen()
    units, phones = _home(bulk)
    at_home = tuple(one for one in bulk.people if one.unit in units)
    wanted = questions(at_home, tuple(one for one in bulk.units if one.id in units), phones, rounds)
    people = [one.id for one in at_home if not one.protected]
    for number, (question, person) in enumerate(zip(wanted, cycle(people), strict=False)):
        visitor = number % VISITORS
        connector = aiohttp.TCPConnector(local_addr=(f"127.0.1.{visitor + 1}", 0))
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        headers = {"Cookie": f"{COOKIE}={cookies[visitor]}"}
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", connector=connector, timeout=timeout, headers=headers
        ) as client:
            if not number:
                await _first_load(client, seen)
            for path in ("/", "/find", f"/person/{person}", "/away", "/organisation"):
                query = {"/find": {"q": question.text}, "/away": {"reason": "meeting"}}.get(path, {})
                _, took_ms = await _got(client, path, query)
                seen.times_ms.append(took_ms)
                seen.by_page.setdefault(path if not path.startswith("/person") else "/person", []).append(took_ms)
        if number % max(1, rounds // MEMORY_SAMPLES) == 0:
            seen.memory_mb.append(pss_mb(pids))
    return seen


async def _first_load(client: aiohttp.ClientSession, seen: _Seen) -> None:
    """The first page with all that it draws in."""
    body, _ = await _got(client, "/", {})
    files = sorted(set(_FILES.findall(body.decode())))
    bodies = {name: (await _got(client, name, {}))[0] for name in files}
    seen.first_kb = (len(body) + sum(map(len, bodies.values()))) / 1024
    worker, _ = await _got(client, "/sw.js", {})
    scripts = [len(body) for name, body in bodies.items() if name.partition("?")[0].endswith(".js")]
    seen.script_kb = (sum(scripts) + len(worker)) / 1024


async def _got(client: aiohttp.ClientSession, path: str, query: dict[str, str]) -> tuple[bytes, float]:
    began = time.perf_counter()
    async with client.get(path, params=query, allow_redirects=False) as answer:
        body = await answer.read()
    if answer.status != 200:
        raise AssertionError(f"{path}: {answer.status}")
    return body, (time.perf_counter() - began) * 1000
