"""What is decided of what is kept, and that nothing else is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Entity, Unit
from callcontrol.records import Outcome as Ended
from callcontrol.records import Record, Way
from callcontrol.trunk.smsqueue import Kind as SmsKind
from callcontrol.trunk.smsqueue import Outcome
from drivers.clock import Clock
from firmware import archive as daily
from firmware.archive import Archive
from firmware.paths import Paths, recording_of
from firmware.store.database import to_text
from firmware.store.journal import Journal
from firmware.store.kept import BATCH, KEPT, count
from firmware.store.load import Municipality, load
from firmware.store.messages import Message, MessageRows
from firmware.store.retention import DAYS_MAX, Kind, Retention, Rule, cutoff
from firmware.store.sending import Sending
from firmware.store.sms import Sms, SmsRows
from firmware.store.threats import Threat, ThreatRows

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=100), NOW - timedelta(days=10)
SECRET = "hör av dig om barnet"


def rule(kind: Kind = Kind.MESSAGE, days: int | None = 90, municipality: str = "norrby", **fields: Any) -> Rule:
    return Rule(
        **{"municipality": municipality, "kind": kind, "days": days, "decision": "KS 1", "set_at": NOW, "set_by": "eva"}
        | fields
    )


def message(name: str, extension: str = "1001", at: datetime = OLD) -> Message:
    return Message(id=name, extension=extension, caller="+46700000001", left_at=at, length_ms=1000)


@pytest.fixture
def archive(store: Any, tmp_path: Path) -> Iterator[Archive]:
    (tmp_path / "messages").mkdir()
    with Archive(Paths(tmp_path)) as opened:
        yield opened


def leave(archive: Archive, *messages: Message) -> None:
    for one in messages:
        MessageRows(archive.journal).left(one)
        archive.journal.execute("UPDATE message SET heard_at = ? WHERE id = ?", (to_text(NOW), one.id))
        recording_of(archive._paths.messages, one.id).write_bytes(b"RIFF")


def left(archive: Archive) -> set[str]:
    names = set(MessageRows(archive.journal).all())
    assert names == {path.stem for path in archive._paths.messages.iterdir()}
    return names


@pytest.mark.parametrize(
    ("days", "whose", "expected"),
    [
        ({"norrby": 90}, {"norrby"}, 90),
        ({"norrby": 90, "sund": 30}, {"norrby", "sund"}, 90),
        ({"norrby": 90}, {"norrby", "sund"}, None),
        ({"norrby": 90, "sund": None}, {"norrby", "sund"}, None),
        ({"norrby": 90, "sund": None}, {"norrby"}, 90),
        ({}, {"norrby"}, None),
        ({"norrby": 90}, set(), None),
    ],
)
def test_each_must_let_it_go(days: dict[str, int | None], whose: set[str], expected: int | None) -> None:
    rules = {name: rule(days=number, municipality=name) for name, number in days.items()}
    assert cutoff(rules, whose, NOW) == (NOW - timedelta(days=expected) if expected else None)


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"days": 0}, "days"), ({"days": DAYS_MAX + 1}, "days"), ({"decision": " "}, "decision"),
     ({"decision": "a\nb"}, "decision")],
)  # fmt: skip
def test_what_is_no_decision_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        rule(**fields)


def test_without_a_decision_nothing_is_ever_deleted(archive: Archive) -> None:
    leave(archive, message("a"), message("b", at=NOW - timedelta(days=20_000)))
    assert archive.run(NOW) == {}
    Retention(archive.journal).decide(rule(days=None))
    assert archive.run(NOW) == {}
    assert left(archive) == {"a", "b"}


def test_what_is_older_goes_with_its_sound_and_what_the_outbox_says_of_it(archive: Archive) -> None:
    leave(archive, message("old"), message("new", at=NEW), message("nobodys", "9999"))
    Retention(archive.journal).decide(rule())
    assert archive.run(NOW) == {Kind.MESSAGE: 2}  # in the only municipality there is what is nobody's goes too
    assert left(archive) == {"new"}
    (done,) = Retention(archive.journal).deletions(10)
    assert (done.items, done.decision, done.municipality) == (2, "KS 1", "norrby")
    bodies = [json.loads(body) for (body,) in archive.journal.execute("SELECT body FROM outbox WHERE kind = 'message'")]
    assert [body.get("caller") for body in bodies] == [None, "+46700000001", None]
    assert {body["id"]: body.get("deleted") for body in bodies} == {"old": "KS 1", "new": None, "nobodys": "KS 1"}
    numbers = [number for (number,) in archive.journal.execute("SELECT number FROM outbox ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))  # no gap: the platform counts
    assert archive.run(NOW) == {}


def test_what_waits_of_calls_goes_with_them_and_the_hub_hears_of_it(archive: Archive) -> None:
    Sending(archive.journal).begin("a" * 32, OLD)

    def call(name: str, tag: str, at: datetime) -> Record:
        return Record(
            call_id=name,
            from_tag=tag,
            to_tag=f"{tag}2",
            caller="1001",
            callee="+46700000001",
            way=Way.LOCAL,
            began_at=at,
            answered_at=None,
            ended_at=None,
            outcome=Ended.NO_ANSWER,
            sip_code=408,
            emergency=False,
            time_certain=True,
        )

    Journal(archive.journal).fold(
        "acc", 1, 1, [call("old", "a", OLD), call("both", "a", OLD), call("both", "b", NEW), call("new", "a", NEW)]
    )
    archive.journal.execute("UPDATE outbox SET held = 1")
    Retention(archive.journal).decide(rule(Kind.RECORD))
    assert archive.run(NOW) == {Kind.RECORD: 2}
    rows = archive.journal.execute(
        "SELECT subject, held, body FROM outbox WHERE kind = 'record' ORDER BY number"
    ).fetchall()
    assert [(subject, held, json.loads(body).get("caller")) for subject, held, body in rows] == [
        ("", 0, None), ("1001", 1, "1001"), ("1001", 1, "1001"), ("1001", 1, "1001"),
    ]  # fmt: skip
    assert json.loads(rows[0][2]) == {"call_id": "old", "deleted": "KS 1"}


@pytest.mark.parametrize(
    ("heard", "kept", "discarded", "goes"),
    [(0, 0, 0, False), (1, 0, 0, True), (1, 1, 0, False), (0, 0, 1, True), (0, 1, 1, False)],
)
def test_what_nobody_has_heard_and_what_is_to_be_kept_stays(
    heard: int, kept: int, discarded: int, goes: bool, archive: Archive
) -> None:
    leave(archive, message("a"))
    values = [to_text(NOW) if one else None for one in (heard, kept, discarded)]
    archive.journal.execute("UPDATE message SET heard_at = ?, kept_at = ?, discarded_at = ?", values)
    Retention(archive.journal).decide(rule())
    assert archive.run(NOW) == ({Kind.MESSAGE: 1} if goes else {})


@pytest.mark.parametrize(("by_owner", "hours", "goes"), [(True, 25, True), (True, 23, False), (False, 25, False)])
def test_what_its_owner_has_done_with_goes_where_the_owner_may(
    by_owner: bool, hours: int, goes: bool, archive: Archive
) -> None:
    leave(archive, message("a", at=NEW), message("b", at=NEW))
    sql = "UPDATE message SET discarded_at = ? WHERE id = 'a'"
    archive.journal.execute(sql, (to_text(NOW - timedelta(hours=hours)),))
    Retention(archive.journal).decide(rule(days=None, by_owner=by_owner))
    assert archive.run(NOW) == ({Kind.MESSAGE: 1} if goes else {})


def test_one_that_is_being_spoken_stays(archive: Archive) -> None:
    MessageRows(archive.journal).begin(message("begun"))
    Retention(archive.journal).decide(rule())
    assert archive.run(NOW) == {}


def test_each_municipality_decides_of_its_own(archive: Archive, store: Any, bulk_of: Any) -> None:
    base = bulk_of()
    more = bulk_of(
        municipalities=(*base.municipalities, Municipality(id="sund", name="Sund")),
        entities=(*base.entities, Entity(id="sunds", name="Sund", municipality="sund", greeting="Hej")),
        units=(*base.units, Unit(id="skola", name="Skola", entity="sunds")),
        extensions=tuple(
            one if one.number != "1002" else type(one)(number="1002", kind=one.kind, unit="skola", reach=one.reach)
            for one in base.extensions
        ),
    )
    load(store.people.directory, more, "by hand", NOW)
    archive.municipalities = {"norrby": "Norrby", "sund": "Sund"}
    leave(archive, message("n"), message("s", "1002"), message("nobodys", "9999"))
    Retention(archive.journal).decide(rule())
    assert archive.run(NOW) == {Kind.MESSAGE: 1}
    assert left(archive) == {"s", "nobodys"}
    Retention(archive.journal).decide(rule(municipality="sund", days=99))
    assert archive.run(NOW) == {Kind.MESSAGE: 2}


def test_a_record_between_two_goes_when_both_let_it(archive: Archive) -> None:
    rows = [("1001", "1002"), ("1001", "+46700000001"), ("+46700000001", "1001"), ("9", "8")]
    for place, (caller, callee) in enumerate(rows):
        archive.journal.execute(
            "INSERT INTO record (call_id, from_tag, to_tag, caller, callee, began_at, way, outcome, sip_code,"
            " emergency, time_certain) VALUES (?, 'f', 't', ?, ?, ?, 'local', 'busy', 486, 0, 1)",
            (f"c{place}", caller, callee, to_text(OLD)),
        )
    Retention(archive.journal).decide(rule(Kind.RECORD))
    assert archive.run(NOW) == {Kind.RECORD: len(rows)}


def test_a_short_message_goes_whole_when_it_is_over(archive: Archive) -> None:
    rows = SmsRows(archive.journal)
    for name in ("done", "waits"):
        rows.put([Sms(id=name, kind=SmsKind.ALARM, number="+46700000001", text=SECRET, set_by="x", queued_at=OLD)])
    number, _ = rows.take("m1", OLD) or (0, None)
    rows.ended(number, Outcome.REFUSED, OLD)
    rows.ended(number, Outcome.TAKEN, OLD, reference=1)
    archive.journal.execute("UPDATE sms SET ended_at = ? WHERE id = 'done'", (to_text(OLD),))
    Retention(archive.journal).decide(rule(Kind.SMS))
    assert archive.run(NOW) == {Kind.SMS: 1}
    assert [name for (name,) in archive.journal.execute("SELECT DISTINCT sms FROM sms_part")] == ["waits"]


def test_many_go_in_batches(archive: Archive) -> None:
    number = BATCH + 7
    for one in range(number):
        leave(archive, message(f"m{one}", at=OLD + timedelta(seconds=one // 3)))
    Retention(archive.journal).decide(rule())
    assert archive.run(NOW) == {Kind.MESSAGE: number}
    assert left(archive) == set()
    assert sum(one.items for one in Retention(archive.journal).deletions(10)) == number


def test_what_a_cut_leaves_half_is_deleted_the_next_time(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(archive, message("old"))
    Retention(archive.journal).decide(rule())

    def cut(*_: object) -> int:
        raise OSError("cut")

    with monkeypatch.context() as patched:
        patched.setattr(daily, "delete", cut)
        with pytest.raises(OSError, match="cut"):
            archive.run(NOW)
    assert set(MessageRows(archive.journal).all()) == {"old"}  # its sound is gone: never the other way round
    assert archive.run(NOW) == {Kind.MESSAGE: 1}
    assert left(archive) == set()


def test_what_is_deleted_is_in_no_file_any_more(archive: Archive, tmp_path: Path) -> None:
    sql = "INSERT INTO sms_came VALUES ('a', '+46700000001', ?, ?, 'reply', '1001')"
    archive.journal.execute(sql, (SECRET, to_text(OLD)))
    Retention(archive.journal).decide(rule(Kind.SMS))
    archive.journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal = tmp_path / "journal.db"
    assert SECRET.encode() in journal.read_bytes()
    archive.run(NOW)
    archive.journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert SECRET.encode() not in journal.read_bytes()


@pytest.mark.parametrize(
    ("told", "deletes"),
    [(None, False), (Clock(False, None), False), (Clock(True, 4000.0), False), (Clock(True, 0.1), True)],
)
def test_by_a_clock_that_nobody_keeps_nothing_is_deleted(told: Clock | None, deletes: bool, archive: Archive) -> None:
    leave(archive, message("old", at=datetime(2025, 2, 1, tzinfo=UTC)))
    Retention(archive.journal).decide(rule())
    assert bool(daily._delete(archive._paths, lambda: told)) is deletes


async def test_what_cannot_be_deleted_is_known_until_it_can(archive: Archive) -> None:
    leave(archive, message("old", at=datetime(2025, 2, 1, tzinfo=UTC)))
    Retention(archive.journal).decide(rule())
    every_day = daily.Daily(archive._paths, lambda: Clock(True, 0.1))
    archive.journal.execute("CREATE TRIGGER full BEFORE DELETE ON message BEGIN SELECT RAISE(FAIL, 'full'); END")
    await every_day.once()
    assert every_day.fault == "full"
    archive.journal.execute("DROP TRIGGER full")
    await every_day.once()
    assert every_day.fault == ""
    assert left(archive) == set()


def test_every_place_is_one_and_can_be_counted(archive: Archive) -> None:
    for place in KEPT:
        assert count(archive.journal, place) == (0, None, None)
        columns = {str(row[1]) for row in archive.journal.execute(f"PRAGMA table_info({place.table})")}
        assert {place.key, place.at, *place.of} <= columns


def test_referrals_and_threats_go_too(archive: Archive, store: Any) -> None:
    for name, until in (("ended", OLD), ("lasts", None)):
        store.changes.refer([
            Referral(
                id=name, extension="1001", reason="sjuk", start=OLD - timedelta(days=1), until=until,
                source=Source.PAGE, set_by="eva", set_at=OLD,
            )
        ])  # fmt: skip
    with closing(ThreatRows.open(archive._paths.journal)) as rows:
        rows.mark(
            Threat(
                id="t", extension="1001", other="+46700000001", call_id="c", other_call_id="d", marked_at=OLD,
                recorded=False,
            )
        )  # fmt: skip
    for kind in (Kind.REFERRAL, Kind.THREAT):
        Retention(archive.journal).decide(rule(kind))
    assert archive.run(NOW) == {Kind.REFERRAL: 1, Kind.THREAT: 1}
    assert [name for (name,) in archive.journal.execute("SELECT id FROM referral")] == ["lasts"]
