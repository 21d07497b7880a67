"""The building of ``rvx bench calls``: a unit whose platform is dead, 10,000 people, and phones with something set up.

Its extensions, in the order of the directory: callers, plain ones, those whose calls `calls` leads back to back, those
whose calls are forwarded, and people who are away, each until another minute, so that each is told of in other words.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Condition, Forwarding, Kind
from callcontrol.plan.number import LocalNumbering
from firmware.store import organisation
from firmware.store.changes import Changes, new_id
from firmware.store.database import connect
from firmware.store.load import load
from hil.municipality import generate
from hil.net import Net
from hil.phone.sipp import Dial, User
from hil.platform.asterisk import AsteriskPlatform
from hil.site import PROXY, REALM, Site, password
from tools.bench.people import people_file
from tools.bench.processes import confined, tree
from tools.bench.side import Side, cores

__all__ = ["PEOPLE", "STEP_S", "Building"]

PEOPLE = 10_000
CALLERS, EACH, AWAY = 100, 40, 110
"""Callers; extensions of each other kind; people who are away."""
STEP_S = 30.0
ABSENCE = timedelta(hours=1)
PHONE_IP, CALLER_IP, PEER_CALLER_IP = 11, 12, 14
PEER_IP = "10.98.0.2"


class Building:
    """Built by its constructor, in SURVIVAL, its phones registered; gone with its Net."""

    def __init__(self, net: Net, with_peer: bool) -> None:
        self._server, self.client = cores()
        bulk = generate(PEOPLE)
        found = iter([one.number for one in bulk.extensions if one.person and one.kind is Kind.PERSON])
        self.callers = [User(number, password(number)) for number, _ in zip(found, range(CALLERS), strict=False)]
        self.plain, self.led, self.forwarded, self.away = (
            [number for number, _ in zip(found, range(count), strict=False)] for count in (EACH, EACH, EACH, AWAY)
        )
        self._phones = [User(number, password(number)) for number in (*self.plain, *self.led, *self.forwarded)]
        everybody = {user.extension: user.password for user in (*self.callers, *self._phones)}
        self._folder = net.directory
        with confined(self._server):
            self.site = Site(net, users=everybody, configuration={"announcing": {"languages": ["sv"]}})
            with closing(connect(self.site.paths.directory, "directory")) as directory:
                load(directory, bulk, "bench", datetime.now(UTC))
                _picked_up(directory, self.led)
            self._set_up()
            self.peer: Side | None = self._start_peer(net, everybody) if with_peer else None
            self.site.start()
        self.unit = self._side(
            PROXY, CALLER_IP, lambda: tree(self.site.edge.pid, self.site.unit.pid, self.site.calls.pid)
        )
        self.site.platform.kill()
        self.site.wait_mode("SURVIVAL", STEP_S)
        asked = {*self.led, *self.forwarded, *self.away}
        self.site.wait(lambda: self.site.table("ask").keys() >= asked, STEP_S, "known to the edge")

    def file_of_others(self, number: int) -> Path:
        """A file of as many people, other ones each time, with the same extensions."""
        path = self._folder / f"people-{number}.csv"
        path.write_text(people_file(generate(PEOPLE, seed=2 + number)), "utf-8")
        return path

    def bind(self) -> None:
        """Phones and callers registered, where that was too long ago."""
        for side in (self.unit, self.peer):
            if side is not None:
                side.bind([*self.callers, *self._phones])

    def dials(self, callees: Sequence[str]) -> list[Dial]:
        """Each caller rings one of them."""
        return [Dial(user, callees[number % len(callees)]) for number, user in enumerate(self.callers)]

    def _set_up(self) -> None:
        now = datetime.now(UTC)
        with closing(Changes.open(self.site.paths.journal)) as changes:
            for number, target in zip(self.forwarded, self.plain, strict=True):
                one = Forwarding(extension=number, condition=Condition.ALWAYS, target=target, set_at=now)
                changes.forward(one, "bench")
            changes.refer(
                [
                    Referral(
                        id=new_id(),
                        extension=number,
                        reason="meeting",
                        start=now,
                        until=now + ABSENCE + timedelta(minutes=place),
                        source=Source.PAGE,
                        set_by="bench",
                        set_at=now,
                    )
                    for place, number in enumerate(self.away)
                ]
            )

    def _start_peer(self, net: Net, users: dict[str, str]) -> Side:
        host = net.host("asterisk")
        self.site.switch.join(host, "lan", f"{PEER_IP}/24")
        AsteriskPlatform(host, PEER_IP, realm=REALM, users=users, direct_media=True).start()
        return self._side(f"{PEER_IP}:5060", PEER_CALLER_IP, lambda: frozenset(host.pids()), reinvited=True)

    def _side(
        self, proxy: str, caller_ip: int, processes: Callable[[], frozenset[int]], *, reinvited: bool = False
    ) -> Side:
        site = self.site
        phones, callers = site.phone_ip(PHONE_IP), site.phone_ip(caller_ip)
        return Side(site.phones, phones, callers, proxy, processes, reinvited=reinvited)


def _picked_up(directory: sqlite3.Connection, numbers: Sequence[str]) -> None:
    """They can take each other's calls, which `calls` leads for that. Raises ValueError where that may not be."""
    sql = "SELECT entity FROM unit JOIN extension ON extension.unit = unit.id WHERE number = ?"
    (entity,) = directory.execute(sql, (numbers[0],)).fetchone()
    text = f'[pick_up."bench"]\nentity = {json.dumps(entity)}\nextensions = {json.dumps(list(numbers))}\n'
    if faults := organisation.apply(directory, text, LocalNumbering()).faults:
        raise ValueError(faults[0])
