"""What the hub says, into the store: pages of its feed, snapshots, what a digest is compared with. All of one thread,
of which the connections are; what goes both ways into ``journal.db``, then the platform's into ``directory.db`` with
the place in the feed: whatever is cut between them is heard again, and is then known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firmware.paths import Paths
from firmware.store.database import connect, to_text
from firmware.store.joining import Taken
from firmware.store.received import Received
from firmware.sync.arriving import Arriving
from firmware.sync.feeding import COUNTED_KINDS, HELD_KINDS, KNOWN, OWN_KINDS, shrinks
from firmware.sync.laying import Feed, Laid, Page, feed_of, lay, people_in, put_feed, set_aside
from firmware.sync.listing import LISTED, items
from firmware.sync.tables import KEPT_KINDS, table_of
from firmware.sync.wire import Digest, Item, WireError, judged, number_of

__all__ = ["Down", "Heard", "Overtaken", "Stale"]


class Stale(Exception):
    """A snapshot that came before is of another life of the hub: another is to be fetched."""


class Overtaken(Exception):
    """Somebody else wrote the directory while a snapshot was compared with it: to be done again."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a page or snapshot. `passed`: items of kinds that this program does not know; `configured`: a new
    configuration is there."""

    feed: Feed
    laid: Laid
    passed: int = 0
    configured: bool = False
    changed: int = 0
    overruled: int = 0


class Down:
    def __init__(self, paths: Paths) -> None:
        self._db = connect(paths.directory, "directory")
        try:
            self._received = Received.open(paths.journal)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._received.close()
        self._db.close()

    def feed(self) -> Feed | None:
        """How far the hub was followed; of no life of ``journal.db`` where that was put back, and lacks what came."""
        known = feed_of(self._db)
        if known is not None and known.cursor is not None and not self._received.has(known.cursor):
            return replace(known, epoch="")
        return known

    def aside(self) -> list[tuple[Item, str]]:
        return set_aside(self._db)

    def page(self, answer: Mapping[str, Any], epoch: str) -> Heard:
        """A page of the feed, with its cursor. Raises sqlite3.Error with its place not moved."""
        known = feed_of(self._db)
        assert known is not None  # a feed is followed from a snapshot's place
        found: list[Item] = []
        bad: dict[tuple[str, str], str] = {}
        for value in answer["items"]:
            try:
                found.append(Item.of(value))
            except WireError as error:
                if value["kind"] in KEPT_KINDS:
                    bad[value["kind"], value["id"]] = str(error)
        now = datetime.now(UTC)
        taken = self._received.take(found, now, answer["cursor"])
        kept, gone = self._kept(found, known)
        feed = replace(
            known,
            hub=answer["hub"],
            cursor=answer["cursor"],
            epoch=epoch,
            gone=known.gone + gone,
            heard_at=to_text(now),
        )
        if any(item.kind in KEPT_KINDS for item in kept) or bad:
            laid = lay(self._db, Page(kept, set_aside(self._db), bad), lambda: feed, now)
        else:
            put_feed(self._db, feed)
            laid = Laid(0, self._aside_count())
        settled = self._received.caught_up(answer["cursor"], now)
        return self._heard(feed, laid, found, (taken, settled))

    def snapshot(self, file: Path, hub: str, epoch: str) -> Heard:
        """`hub`: of which life it must be. Raises WireError for a file that is none, Stale, Overtaken, sqlite3.Error,
        OSError; the place is not moved then."""
        now = datetime.now(UTC)
        taken: list[Taken] = []

        def both(some: Sequence[Item]) -> None:
            taken.append(self._received.take(some, now))

        with Arriving(self._db) as arriving:
            arriving.read(file, both)
            if arriving.head["hub"] != hub:
                raise Stale
            known, people = feed_of(self._db), people_in(self._db)
            own = frozenset(kind for kind in OWN_KINDS if not arriving.rows[kind])
            arriving.keep_gone(own)
            allowed = arriving.head["shrink_allowed"] or (known is not None and known.allowed)
            before = {"person": known.people if known else 0}
            held = not allowed and any(
                shrinks(self._count(kind), arriving.gone[kind], before.get(kind, 0))
                for kind in COUNTED_KINDS
                if kind not in own
            )
            if held:
                arriving.keep_gone(HELD_KINDS)

            def feed() -> Feed:
                return Feed(
                    hub=arriving.head["hub"],
                    cursor=arriving.head["cursor"],
                    epoch=epoch,
                    kinds=KNOWN,
                    people=max(people, before["person"]) if held else people_in(self._db),
                    gone=max(1, arriving.gone["person"]) if held else 0,
                    whole_at=to_text(now),
                    heard_at=to_text(now),
                )

            def check() -> None:
                if not arriving.unchanged():
                    raise Overtaken

            laid = lay(self._db, arriving, feed, now, check=check)
            taken.append(self._received.caught_up(arriving.head["cursor"], now))
            return replace(self._heard(feed(), laid, (), taken), configured=True, passed=arriving.passed)

    def allow(self) -> bool:
        """Whoever was held may go, with the next snapshot; False: nobody is held."""
        known = feed_of(self._db)
        if known is None or not known.gone:
            return False
        put_feed(self._db, replace(known, allowed=True))
        return True

    def lose_place(self) -> None:
        """The feed is gone on with from a snapshot."""
        if (known := feed_of(self._db)) is not None:
            put_feed(self._db, replace(known, cursor=None))

    def right(self) -> None:
        """The directory was found to be as the hub has it: by so many people a shrinking is measured from now on."""
        known = feed_of(self._db)
        if known is not None and not known.gone:
            put_feed(self._db, replace(known, people=people_in(self._db)))

    def digests(self) -> tuple[str | None, dict[str, Digest], frozenset[str]]:
        """The place in the feed, the digest of each kind as the hub would have it, and kinds of which that cannot be
        said."""
        self._db.execute("BEGIN")
        try:
            known = feed_of(self._db)
            made = {kind: Digest.of(items(self._db, (kind,))) for kind in LISTED}
            waiting = set_aside(self._db)
            unreadable = set[str]()
            for item, _ in waiting:
                try:
                    if item.row is not None:
                        judged(f"row_{item.kind}", item.row)
                except WireError:
                    unreadable.add(item.kind)
            for kind in {item.kind for item, _ in waiting} - unreadable:
                here = {item.id: item.row for item in items(self._db, (kind,))}
                for item, _ in waiting:
                    if item.kind == kind and (row := here.get(item.id)) is not None:
                        made[kind].take(kind, item.id, row)
                    if item.kind == kind and item.row is not None:
                        made[kind].add_number(number_of(kind, item.id, item.row))
            return known.cursor if known else None, made, frozenset(unreadable)
        finally:
            self._db.execute("COMMIT")

    def _kept(self, found: Sequence[Item], known: Feed) -> tuple[list[Item], int]:
        """Without the removals that are held; and how many people they are."""
        gone = dict.fromkeys(COUNTED_KINDS, 0)
        for item in found:
            if item.row is None and item.kind in gone:
                gone[item.kind] += self._is_there(item)
        before = {"person": known.people}
        held = known.gone > 0 or any(
            shrinks(self._count(kind), count, before.get(kind, 0)) for kind, count in gone.items() if count
        )
        if not held:
            return list(found), 0
        left = [item for item in found if item.row is not None or item.kind not in HELD_KINDS]
        return left, gone["person"] or int(any(gone.values()))

    def _heard(self, feed: Feed, laid: Laid, found: Sequence[Item], taken: Sequence[Taken]) -> Heard:
        return Heard(
            feed,
            laid,
            passed=sum(not item.known for item in found),
            configured=any(item.kind == "config" for item in found),
            changed=sum(each.changed for each in taken),
            overruled=sum(each.overruled for each in taken),
        )

    def _is_there(self, item: Item) -> bool:
        table = table_of(item.kind)
        assert table is not None
        sql = f"SELECT 1 FROM {table.name} WHERE {table.key} = ?"  # noqa: S608  names of ours
        return self._db.execute(sql, (item.id,)).fetchone() is not None

    def _count(self, kind: str) -> int:
        if kind == "person":
            return people_in(self._db)
        return int(self._db.execute("SELECT count(*) FROM credential").fetchone()[0])

    def _aside_count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM aside").fetchone()[0])
