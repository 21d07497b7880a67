"""What waits for the hub: rows of the outbox by their importance, and what the hub has said of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from firmware.store import outbox, telling
from firmware.store.database import OfJournal, to_text, transact
from firmware.store.joining import Joining
from firmware.store.journal import Journal
from firmware.store.outbox import TOLD_AT_ONCE, Entry
from firmware.sync.merge import of_one_life

__all__ = ["LANES", "SOUND", "Sending"]

LANES: tuple[frozenset[str], ...] = (
    frozenset(("block", "lift", "lock", "pin", "config")),
    frozenset(("referral", "opening", "forwarding", "service", "department", "member", "person", "unit", "extension")),
    frozenset(),
    frozenset(("message", "threat", "greeting")),
)
"""Kinds by how soon they go; the third has all that no other names, the last what has sound, which goes before."""
SOUND = 3
QUEUED_AT_ONCE = 500
"""Records from before there was a hub, in one transaction."""
PRUNED_AT_ONCE = 2_000
MOVED_AT_ONCE = 5_000

_COLUMNS = "epoch, number, at, kind, subject, body, stamp"


class Sending(OfJournal):
    """Belongs to the thread that opened it. Every method but `forked` is one transaction. Raises sqlite3.Error."""

    def begin(self, machine: str, now: datetime) -> str:
        """The unit has a hub; the epoch. `machine`: whose disk this is, as 32 hexadecimal digits: a journal that was
        written on another one is a copy, or a card that was moved, and begins another life."""

        def work() -> str:
            self._db.execute("INSERT INTO uplink (id, since) VALUES (1, ?) ON CONFLICT DO NOTHING", (to_text(now),))
            life = outbox.epoch(self._db, now)
            (known,) = self._db.execute("SELECT machine FROM epoch").fetchone()
            if known and known != machine:
                return outbox.begin_epoch(self._db, now, machine)
            self._db.execute("UPDATE epoch SET machine = ?", (machine,))
            return life

        return transact(self._db, work)

    def queue_earlier(self) -> bool:
        """Tell of records from before there was a hub, some at a time, and of incidents; False when that is done."""

        def work() -> bool:
            done, since = self._db.execute("SELECT queued_record, since FROM uplink").fetchone()
            found = Journal(self._db).records_after(done, QUEUED_AT_ONCE)
            for number, record in found:
                telling.record(self._db, record)
                done = number
            if not found:
                telling.earlier_incidents(self._db, since)
            last = done if found else -1
            self._db.execute("UPDATE uplink SET queued_record = ?", (last,))
            return bool(found)

        (done,) = self._db.execute("SELECT queued_record FROM uplink").fetchone()
        return done >= 0 and transact(self._db, work)

    def state(self) -> tuple[str, int]:
        """The epoch, and the last number that it has given."""
        row = self._db.execute("SELECT epoch, number FROM epoch").fetchone()
        return (str(row[0]), int(row[1])) if row else ("", 0)

    def epochs(self) -> tuple[str, ...]:
        """Those of which something waits: earlier lives first."""
        current, _ = self.state()
        return tuple(sorted(self._lives("held = 0"), key=lambda name: (name == current, name)))

    def spans(self) -> dict[str, tuple[int, int]]:
        """The first number that is here yet, and the last that there was, of each life of which something is here, and
        of the present one."""
        ends = ("min", "max")
        each = ", ".join(f"(SELECT {end}(number) FROM outbox WHERE epoch = ?1)" for end in ends)  # noqa: S608  ours
        sql = f"SELECT {each}"
        found: dict[str, tuple[int, int]] = {name: self._db.execute(sql, (name,)).fetchone() for name in self._lives()}
        current, last = self.state()
        if current:
            found[current] = (found[current][0] if current in found else last + 1, last)
        return found

    def _lives(self, which: str = "TRUE") -> list[str]:
        """By leaps: there are few of them, each with very many rows."""
        sql = (
            f"WITH RECURSIVE life (name) AS (SELECT min(epoch) FROM outbox WHERE {which} UNION ALL"  # noqa: S608  ours
            f" SELECT (SELECT min(epoch) FROM outbox WHERE {which} AND epoch > name) FROM life WHERE name IS NOT NULL)"
            " SELECT name FROM life WHERE name IS NOT NULL"
        )
        return [name for (name,) in self._db.execute(sql)]

    def waiting(self) -> dict[str, int]:
        """How many rows wait, by kind."""
        return dict(self._db.execute("SELECT kind, count(*) FROM outbox WHERE held = 0 GROUP BY kind"))

    def rows(self, epoch: str, lane: int, limit: int, without: Collection[int] = ()) -> tuple[Entry, ...]:
        """The first of a lane that the hub does not hold; `without` leaves out some by number."""
        left = ", ".join("?" for _ in without)
        waits = f"WHERE held = 0 AND epoch = ? AND number NOT IN ({left})"
        if LANES[lane]:
            # Each kind by itself: in another order all that waits would be gone through.
            sql = f"SELECT {_COLUMNS} FROM outbox INDEXED BY outbox_kind {waits} AND kind = ? ORDER BY number LIMIT ?"  # noqa: S608  ours
            found = [
                Entry(*row) for kind in LANES[lane] for row in self._db.execute(sql, (epoch, *without, kind, limit))
            ]
            return tuple(sorted(found, key=lambda entry: entry.number)[:limit])
        named = sorted(kind for kinds in LANES for kind in kinds)
        places = ", ".join("?" for _ in named)
        sql = (
            f"SELECT {_COLUMNS} FROM outbox INDEXED BY outbox_waiting {waits} AND kind NOT IN ({places})"  # noqa: S608
            " ORDER BY number LIMIT ?"
        )
        return tuple(Entry(*row) for row in self._db.execute(sql, (epoch, *without, *named, limit)))

    def answered(
        self,
        epoch: str,
        sent: Iterable[int],
        held: int,
        above: Iterable[Sequence[int]],
        backed_up: int,
        cursor: str,
        now: datetime,
    ) -> None:
        """Of those that were sent the hub holds all up to `held`, and the ranges `above`, both ends counted; what they
        have set stands in its feed at `cursor`; what is backed up there may go. Of others that it says to hold nothing
        is believed: in a journal that was put back their numbers are other rows'."""
        ranges = [(1, held), *((int(first), int(last)) for first, last in above)]
        these = json.dumps([one for one in sent if any(first <= one <= last for first, last in ranges)])

        def work() -> None:
            sql = "UPDATE outbox SET held = 1 WHERE epoch = ? AND number IN (SELECT value FROM json_each(?))"
            self._db.execute(sql, (epoch, these))
            sql = (
                "UPDATE stamped SET effect = ? WHERE epoch = ? AND number IN (SELECT value FROM json_each(?))"
                " AND effect IS NULL"
            )
            self._db.execute(sql, (cursor, epoch, these))
            self._prune(epoch, backed_up)
            heard = self._db.execute("SELECT heard FROM uplink").fetchone()
            if heard is not None and heard[0] is not None and of_one_life(cursor, heard[0]):
                joining = Joining(self._db, now)
                joining.settle(heard[0])
                joining.end()

        transact(self._db, work)

    def held(self, held: Mapping[str, int], backed_up: Mapping[str, int]) -> None:
        """As the hub says at the begin of a session: it may be one that was restored, and has lost what it had said
        that it holds. All that is here and above that is told again."""

        def work() -> None:
            for (epoch,) in self._db.execute("SELECT DISTINCT epoch FROM outbox").fetchall():
                sql = "UPDATE outbox SET held = 0 WHERE epoch = ? AND number > ? AND held = 1"
                lost = self._db.execute(sql, (epoch, held.get(epoch, 0))).rowcount
                if lost:
                    sql = "UPDATE stamped SET effect = NULL WHERE epoch = ? AND number > ?"
                    self._db.execute(sql, (epoch, held.get(epoch, 0)))
                self._prune(epoch, min(held.get(epoch, 0), backed_up.get(epoch, 0)))

        transact(self._db, work)

    def forked(self, epoch: str, number: int, now: datetime) -> str:
        """The hub holds another row by this number: this journal was put back, or is a copy. What it does not hold of
        this epoch from there on is told under numbers of a new one, which is given; what stands there of the other life
        is the hub's. Cut in between, the rest is found out as this was."""

        def begin() -> str:
            life, _ = self.state()
            return outbox.begin_epoch(self._db, now) if life == epoch else life

        def move() -> bool:
            sql = "SELECT number FROM outbox WHERE epoch = ? AND (number >= ? OR held = 0) ORDER BY number LIMIT ?"
            numbers = [found for (found,) in self._db.execute(sql, (epoch, number, MOVED_AT_ONCE))]
            (last,) = self._db.execute("SELECT number FROM epoch").fetchone()
            moves = [(life, last + place, epoch, old) for place, old in enumerate(numbers, start=1)]
            sql = "UPDATE outbox SET epoch = ?, number = ?, held = 0 WHERE epoch = ? AND number = ?"
            self._db.executemany(sql, moves)
            sql = "UPDATE stamped SET epoch = ?, number = ?, effect = NULL WHERE epoch = ? AND number = ?"
            self._db.executemany(sql, moves)
            self._db.execute("UPDATE epoch SET number = ?", (last + len(numbers),))
            return bool(numbers)

        life = transact(self._db, begin)
        while transact(self._db, move):
            pass  # nobody else waits for longer than for one of these
        return life

    def _prune(self, epoch: str, backed_up: int) -> None:
        """What is safe elsewhere; the newest stay for those who go through them one by one (`outbox.since`)."""
        current, last = self.state()
        limit = min(backed_up, last - TOLD_AT_ONCE) if epoch == current else backed_up
        sql = (
            "DELETE FROM outbox WHERE epoch = ?1 AND held = 1 AND number IN"
            " (SELECT number FROM outbox WHERE epoch = ?1 AND number <= ?2 ORDER BY number LIMIT ?3)"
        )
        self._db.execute(sql, (epoch, limit, PRUNED_AT_ONCE))
