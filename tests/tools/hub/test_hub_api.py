"""The hub as units meet it: over TLS, by message, in every order of loss."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import random
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from firmware.sync import wire
from firmware.sync.kinds import KINDS
from firmware.sync.wire import Digest, Item
from tools.hub.ca import Signer, make_ca
from tools.hub.items import Items
from tools.hub.sending import push
from tools.hub.taking import Taking
from tools.hub.testing import Running, running
from tools.hub.units import Units

EPOCH, OTHER = "00000000000000aa", "00000000000000bb"
AT = "2026-11-23T09:00:00.000000Z"
Make = Callable[..., Any]


def entry(
    n: int, kind: str = "notice", body: Mapping[str, Any] | None = None, stamp: str | None = None
) -> dict[str, Any]:
    return {"n": n, "at": AT, "stamp": stamp, "kind": kind, "subject": "1001", "body": body or {"n": n}}


def stamp(seconds_ago: float = 0, node: str = "unit") -> str:
    return f"{int((time.time() - seconds_ago) * 1000):012x}-0000-{node}"


def referral(name: str, extension: str = "1001") -> dict[str, Any]:
    return {
        "id": name, "extension": extension, "reason": "sjuk", "start": AT, "until": None, "answers_instead": "",
        "direct": False, "open": False, "information": "", "source": "page", "set_by": "anna", "set_at": AT,
        "every": None,
    }  # fmt: skip


def forwarding(target: str, extension: str = "1001") -> dict[str, Any]:
    return {"extension": extension, "condition": "always", "target": target, "set_at": AT, "set_by": target}


def town(name: str = "norrby", first: int = 1001, people: int = 3) -> list[Item]:
    """A municipality with people who have extensions, credentials too."""
    unit = f"{name}/{name}/bygg"
    items = [
        Item("municipality", name, {"id": name, "name": name, "hours": None, "choices": {}, "reasons": {}}),
        Item("reach_class", "sweden", {"name": "sweden", "open": ["local"]}),
        Item("entity", f"{name}/{name}", {
            "id": f"{name}/{name}", "municipality": name, "name": name, "greeting": "", "main_number": None,
            "reception": None, "numbers": [], "service": None,
        }),
        Item("unit", unit, {
            "id": unit, "entity": f"{name}/{name}", "parent": None, "name": "Bygg", "cost_centre": "", "secret": False,
            "identity": None, "telephony_contact": None, "attended_by": None, "unstaffed": False,
            "emergency_number": None, "on_call": None,
        }),
    ]  # fmt: skip
    numbers = [str(first + n) for n in range(people)]
    items += [
        Item("person", f"p{number}", {
            "id": f"p{number}", "given": "Anna", "family": "Öberg", "unit": unit, "title": "", "cost_centre": "",
            "duties": [], "search_words": [], "location": "", "email": None, "sms": None, "mobile": None,
            "deputy": None, "phone_hours": None, "protected": False, "visibility": {},
        })
        for number in numbers
    ]  # fmt: skip
    items += [
        Item("extension", number, {
            "number": number, "kind": "person", "unit": unit, "person": f"p{number}", "reach": "sweden",
            "identity": "direct", "direct_number": None, "mobile": None, "mobile_twin": None, "hours": None,
            "fallback": None, "voicemail": False, "announcement": None, "distribution": None, "members": [],
        })
        for number in numbers
    ]  # fmt: skip
    return items + [
        Item("credential", number, {
            "extension": number, "mode": 1, "ha1_md5": "a" * 32, "ha1_sha256": None, "realm": "x", "user": number,
            "changed_at": AT,
        })
        for number in numbers
    ]  # fmt: skip


async def cursor_of(caller: Any) -> str:
    return str((await caller.snapshot())[0]["cursor"])


# Who comes


async def test_a_code_is_good_once(hub: Running, unit: Make) -> None:
    name, code = hub.code()
    first = await unit(code=code)
    assert first.unit == name
    again = await unit(enrolled=False)
    body = {"code": code, "csr": first.csr, "name": "x", "machine": "0" * 32, "version": "1"}
    assert (await again.post("/v1/enrol", body))[1]["error"] == "code"


async def test_codes_are_not_guessed(hub: Running, unit: Make) -> None:
    whoever, one = await unit(enrolled=False), await unit()
    body = {"csr": one.csr, "name": "x", "machine": "0" * 32, "version": "1"}
    words = [(await whoever.post("/v1/enrol", {**body, "code": f"{n:010}"}))[1]["error"] for n in range(12)]
    assert words == ["code"] * 10 + ["too_many"] * 2
    _, code = hub.code(name="Later")
    assert (await whoever.post("/v1/enrol", {**body, "code": code}))[0] == 429


@pytest.mark.parametrize("csr", ["-----BEGIN X-----\nAAAA\n-----END X-----\n"])
async def test_what_cannot_be_signed_uses_no_code(hub: Running, unit: Make, csr: str) -> None:
    _, code = hub.code()
    whoever = await unit(enrolled=False)
    body = {"code": code, "csr": csr, "name": "x", "machine": "0" * 32, "version": "1"}
    status, answer = await whoever.post("/v1/enrol", body)
    assert (status, answer["error"], answer["field"]) == (400, "refused", "csr")
    assert (await unit(code=code)).unit


async def test_nobody_without_a_certificate(unit: Make) -> None:
    whoever = await unit(enrolled=False)
    for path in ("/v1/session", "/v1/outbox", "/v1/renew", "/v1/state"):
        assert await whoever.post(path, {}) == (401, wire_error("certificate"))
    for path in ("/v1/feed", "/v1/snapshot", "/v1/digest", "/v1/config"):
        assert await whoever.get(path) == (401, wire_error("certificate"))


def wire_error(word: str, field: str | None = None) -> dict[str, Any]:
    return {"error": word, "field": field, "text": wire.ERRORS[word][1]}


async def test_a_revoked_one_is_out_at_once(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    waiting = asyncio.create_task(one.get("/v1/feed", after=await cursor_of(one), wait=20))
    await asyncio.sleep(0.1)
    hub.store.transact(lambda: Units(hub.store).revoke(one.unit, "stolen", datetime.now(UTC)))
    assert (await asyncio.wait_for(waiting, 5))[1]["error"] == "revoked"
    assert (await one.send(entry(1)))[1]["error"] == "revoked"


async def test_a_strangers_certificate_is_refused_by_tls(hub: Running, unit: Make, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    make_ca(tmp_path / "other", "Another", datetime.now(UTC))
    stranger = await unit(signer=Signer(tmp_path / "other"))
    with pytest.raises(aiohttp.ClientError):
        await stranger.get("/v1/config")


async def test_one_that_is_over_is_refused_by_tls(hub: Running, unit: Make) -> None:
    late = await unit(signer=Signer(hub.place.ca), now=datetime.now(UTC) - timedelta(days=400))
    with pytest.raises(aiohttp.ClientError):
        await late.get("/v1/config")


async def test_one_that_the_hub_does_not_know_is_nobodys(hub: Running, unit: Make) -> None:
    whoever = await unit(signer=Signer(hub.place.ca))
    assert await whoever.get("/v1/config") == (401, wire_error("certificate"))


async def test_another_machine_takes_a_units_place(hub: Running, unit: Make) -> None:
    old = await unit()
    code = hub.store.transact(lambda: Units(hub.store).make_code(old.unit, datetime.now(UTC)))
    new = await unit(code=code)
    assert new.unit == old.unit
    assert (await old.get("/v1/config"))[0] == 403
    assert (await new.get("/v1/config"))[0] == 204


async def test_a_certificate_is_made_anew(unit: Make) -> None:
    one = await unit()
    status, answer = await one.post("/v1/renew", {"csr": one.csr})
    assert status == 200
    wire.judged("renewed", answer)
    assert (await one.get("/v1/config"))[0] == 204  # and the old one holds until its end


# Messages that are none


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"", None), (b"{", None), (b"[]", None), (b"{}", "config"), (b"\xff", None), (b'{"schemas": NaN}', None)],
)
async def test_what_is_no_message_is_named(unit: Make, body: bytes, field: str | None) -> None:
    status, answer = await (await unit()).post("/v1/session", body)
    assert (status, answer["error"], answer["field"]) == (400, "refused", field)


async def test_too_much_and_too_packed(unit: Make) -> None:
    one = await unit()
    bomb = gzip.compress(b" " * (64 << 20))
    status, answer = await one.post("/v1/outbox", bomb, **{"Content-Encoding": "gzip"})
    assert (status, answer["error"]) == (413, "too_large")
    status, answer = await one.post("/v1/outbox", b"no gzip", **{"Content-Encoding": "gzip"})
    assert (status, answer["error"]) == (400, "refused")


async def test_of_another_schema(unit: Make) -> None:
    one = await unit()
    status, answer = await one.post("/v1/outbox", {}, **{wire.HEADER: "7"})
    assert (status, answer["error"], answer["schemas"]) == (400, "schema", [1])
    assert (await one.get("/v1/nothing"))[1]["error"] == "not_found"
    assert (await one.post("/v1/feed", {}))[1]["error"] == "method"


# Up


async def test_rows_are_held_once_in_any_order(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    sent = [entry(n) for n in range(1, 201)]
    chance = random.Random(1)
    batches = [chance.sample(sent, 40) for _ in range(12)] + [sent]
    for batch in batches:
        status, answer = await one.send(*batch)
        assert status == 200
        wire.judged("taken", answer)
    assert (answer["held"], answer["above"], answer["backed_up"]) == (200, [], 0)
    assert hub.store.db.execute("SELECT count(*), max(number) FROM entry").fetchone() == (200, 200)
    assert hub.store.db.execute("SELECT low, high FROM span").fetchall() == [(1, 200)]


async def test_gaps_are_told(unit: Make) -> None:
    one = await unit()
    await one.greet()
    _, answer = await one.send(entry(1), entry(2), entry(5), entry(9), entry(7), entry(8))
    assert (answer["held"], answer["above"]) == (2, [[5, 5], [7, 9]])
    _, answer = await one.send(entry(3), entry(4))
    assert (answer["held"], answer["above"]) == (5, [[7, 9]])


async def test_a_number_with_other_content_is_a_fork(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    await one.send(entry(1), entry(2))
    status, answer = await one.send(entry(2, body={"n": 3}), entry(3))
    assert (status, answer["error"], answer["n"]) == (409, "forked", 2)
    assert hub.store.db.execute("SELECT count(*) FROM entry").fetchone() == (2,)
    assert [one.kind for one in Units(hub.store).findings()] == ["forked"]


async def test_what_the_archive_had_deleted_is_no_fork(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    row = entry(1, "memo", {"id": "m1", "text": "secret"})
    gone = {**entry(1, "memo", {"id": "m1", "deleted": "2026-7"}), "subject": ""}
    for each in (row, gone, row, gone):
        assert (await one.send(each))[1]["held"] == 1
    assert hub.store.db.execute("SELECT subject, body FROM entry").fetchall() == [
        ("", '{"id":"m1","deleted":"2026-7"}')
    ]


async def test_a_session_that_is_over(unit: Make) -> None:
    one = await unit()
    await one.greet()
    old = one.session
    await one.greet()
    one.session, new = old, one.session
    assert (await one.send(entry(1)))[1]["error"] == "session"
    one.session = new
    assert (await one.send(entry(1)))[0] == 200


async def test_a_session_says_what_is_held(unit: Make) -> None:
    one = await unit()
    await one.greet()
    await one.send(entry(1), entry(2))
    answer = await one.greet()
    assert (answer["held"], answer["backed_up"], answer["cursor_known"]) == ({EPOCH: 2}, {EPOCH: 0}, False)


async def test_what_the_unit_has_no_more_is_not_waited_for(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    await one.send(entry(3))
    answer = await one.greet(epochs={EPOCH: {"first": 7, "last": 9}})
    assert answer["held"] == {EPOCH: 6}
    (found,) = Units(hub.store).findings()
    assert (found.kind, found.detail) == ("lost", {"numbers": [[1, 2], [4, 6]]})
    assert (await one.send(entry(7), entry(8)))[1]["held"] == 8


async def test_two_units_with_one_identity(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    assert "twin" not in await one.greet(OTHER)  # a new life knows nothing of the old one
    assert (await one.greet(EPOCH))["twin"] is True  # and the old one speaks again
    assert [found.kind for found in Units(hub.store).findings()] == ["twin"]


async def test_a_new_life_of_one_unit_is_none(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    both = {EPOCH: {"first": 1, "last": 2}, OTHER: {"first": 1, "last": 0}}
    for _ in range(3):
        assert "twin" not in await one.greet(OTHER, epochs=both)
    assert (await one.send(entry(1), epoch=EPOCH))[0] == 200
    assert Units(hub.store).findings() == ()


async def test_a_row_that_cannot_be_so_is_held_and_named(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    bad = {**referral("r1"), "source": "nobody"}
    status, answer = await one.send(entry(1, "referral", bad, stamp()), entry(2))
    assert (status, answer["held"]) == (200, 2)
    assert [refused["n"] for refused in answer["refused"]] == [1]
    assert [found.kind for found in Units(hub.store).findings()] == ["refused"]


async def test_records_of_many_batches_are_known_by_their_call(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    records = [
        entry(n, "record", {"call_id": f"{n}@x", "from_tag": "t", "caller": "1001", "callee": "1002", "began_at": AT})
        for n in range(1, 3_001)
    ]
    for first in range(0, len(records), 1000):
        assert (await one.send(*records[first : first + 1000]))[0] == 200
    assert (await one.send({**records[0], "n": 3_001}))[1]["held"] == 3_001
    assert hub.store.db.execute("SELECT count(*) FROM known WHERE kind = 'record'").fetchone() == (3_000,)


# Down


async def test_what_one_unit_sets_the_other_hears_at_once(hub: Running, unit: Make) -> None:
    hub.publish(town())
    one, other = await unit(), await unit(name="Biblioteket")
    await one.greet()
    cursor = await cursor_of(other)
    waiting = asyncio.create_task(other.feed(cursor, wait=20))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    _, taken = await one.send(entry(1, "referral", referral("r1"), stamp()))
    page = await waiting
    assert time.monotonic() - began < 0.5
    assert [(item["kind"], item["id"], item["by"]) for item in page["items"]] == [("referral", "r1", one.unit)]
    assert page["items"][0]["row"] == referral("r1")
    assert page["cursor"] == (await other.feed(page["cursor"]))["cursor"]
    own = await one.feed(await cursor_of(one))
    assert own["cursor"].split(".")[2] == taken["cursor"].split(".")[2]


async def test_what_another_process_wrote_is_heard_too(hub: Running, unit: Make) -> None:
    hub.publish(town())
    async with running(hub.place.state) as second:  # another server of the same store
        one, other = await unit(), await unit(name="Biblioteket")
        other.url = second.url
        await one.greet()
        waiting = asyncio.create_task(other.feed(await cursor_of(other), wait=20))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await one.send(entry(1, "referral", referral("r1"), stamp()))
        assert [item["id"] for item in (await waiting)["items"]] == ["r1"]
        assert time.monotonic() - began < 1
        one.url = second.url  # and a session is no process's
        assert (await one.send(entry(2)))[1]["held"] == 2


async def test_who_asks_nothing_is_left(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.web.server.FIRST_S", 0.3)
    context = ssl.create_default_context(cafile=str(hub.ca))
    port = int(hub.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_of_a_register_the_last_stamp_counts_and_the_loser_is_kept(hub: Running, unit: Make) -> None:
    hub.publish(town())
    one, other = await unit(), await unit(name="Biblioteket")
    await one.greet()
    await other.greet()
    await one.send(entry(1, "forwarding", forwarding("2"), stamp(10, "a")))
    await other.send(entry(1, "forwarding", forwarding("3"), stamp(20, "b")))
    assert standing(hub, "forwarding", "1001|always") == forwarding("2")
    rows = hub.store.db.execute("SELECT item, by FROM overruled").fetchall()
    assert rows == [("1001|always", other.unit)]
    page = await other.feed(first_of(hub, other))
    assert page["items"][-1]["row"] == forwarding("2")  # who lost hears what stands
    ended = {"extension": "1001", "condition": "always", "target": None, "ended": True, "set_by": "x"}
    await other.send(entry(2, "forwarding", ended, stamp(5, "b")))
    assert standing(hub, "forwarding", "1001|always") is None


async def test_what_was_overruled_counts_again_when_that_is_undone(hub: Running, unit: Make) -> None:
    hub.publish(town())
    one, other = await unit(), await unit(name="Biblioteket")
    await one.greet()
    await other.greet()
    await one.send(entry(1, "forwarding", forwarding("2"), stamp(20, "a")))
    cursor = await cursor_of(one)
    await other.send(entry(1, "forwarding", forwarding("3"), stamp(10, "b")))
    (number,) = hub.store.db.execute("SELECT id FROM overruled").fetchone()
    assert Taking(hub.store).undo(number, "anna", datetime.now(UTC))
    assert not Taking(hub.store).undo(number, "anna", datetime.now(UTC))
    assert standing(hub, "forwarding", "1001|always") == forwarding("2")
    page = await one.feed(cursor)
    assert [(item["row"]["target"], item["by"]) for item in page["items"]] == [("2", "hub")]


async def test_a_stamp_of_the_future_counts_as_of_now(hub: Running, unit: Make) -> None:
    hub.publish(town())
    one = await unit()
    await one.greet()
    await one.send(entry(1, "forwarding", forwarding("2"), stamp(-86_400, "a")))
    page = await one.feed(first_of(hub, one))
    (item,) = [item for item in page["items"] if item["kind"] == "forwarding"]
    assert int(item["stamp"][:12], 16) / 1000 < time.time() + 1
    assert "clock" in {found.kind for found in Units(hub.store).findings()}
    await one.send(entry(2, "forwarding", forwarding("3"), stamp(-1, "a")))
    assert standing(hub, "forwarding", "1001|always") == forwarding("3")


def first_of(hub: Running, one: Any) -> str:
    return f"{hub.store.generation}.1.0"


def standing(hub: Running, kind: str, name: str) -> Any:
    found = Items(hub.store).one(kind, name)
    assert found is not None
    return found[0].row


async def test_each_has_its_own_part_of_the_people(hub: Running, unit: Make) -> None:
    hub.publish(town() + [item for item in town("soderby", 2001) if item.kind != "reach_class"])
    north = await unit(municipalities=("norrby",), serves=("1001-1002",))
    south = await unit(name="Söder", municipalities=("soderby",), serves=("2003",))
    seen = {}
    for caller in (north, south):
        head, *items, end = await caller.snapshot()
        wire.judged("snapshot_head", head)
        wire.judged("snapshot_end", end)
        found = [Item.of(item) for item in items]
        assert (end["rows"], end["digest"]) == (len(found), str(Digest.of(found)))
        assert sum(head["counts"].values()) == len(found)
        seen[caller.unit] = {(item.kind, item.id) for item in found}
        _, digests = await caller.get("/v1/digest", cursor=head["cursor"])
        wire.judged("digests", digests)
        for kind in head["counts"]:
            assert digests["kinds"][kind]["digest"] == str(Digest.of(item for item in found if item.kind == kind))
    assert {name for kind, name in seen[north.unit] if kind == "credential"} == {"1001", "1002"}
    assert {name for kind, name in seen[south.unit] if kind == "credential"} == {"2003"}
    assert {name for kind, name in seen[north.unit] if kind == "person"} == {"p1001", "p1002", "p1003"}
    assert {name for kind, name in seen[south.unit] if kind == "municipality"} == {"soderby"}
    page = await north.feed(first_of(hub, north))
    assert {(item["kind"], item["id"]) for item in page["items"]} == seen[north.unit]


async def test_another_part_is_another_snapshot(hub: Running, unit: Make) -> None:
    hub.publish(town())
    one = await unit()
    cursor = await cursor_of(one)
    hub.store.transact(lambda: Units(hub.store).give(one.unit, ("norrby",), ("1001",)))
    assert (await one.get("/v1/feed", after=cursor))[1]["error"] == "cursor_unknown"
    assert (await one.greet(cursor=cursor))["cursor_known"] is False
    cursor = await cursor_of(one)
    assert (await one.greet(cursor=cursor))["cursor_known"] is True


@pytest.mark.parametrize("cursor", ["", "x", "0123456789abcdef.1.0", "..", "9" * 60])
async def test_places_that_are_not_known(unit: Make, cursor: str) -> None:
    assert (await (await unit()).get("/v1/feed", after=cursor))[1]["error"] == "cursor_unknown"


async def test_who_moves_to_another_municipality_is_gone_here(hub: Running, unit: Make) -> None:
    both = [*town(), *(item for item in town("soderby", 2001) if item.kind != "reach_class")]
    hub.publish(both)
    north = await unit(municipalities=("norrby",))
    await north.greet()
    await north.send(entry(1, "referral", referral("r1", "1001"), stamp()))
    cursor = await cursor_of(north)
    south = await unit(name="S", municipalities=("soderby",))
    there = await cursor_of(south)
    moved = []
    for item in both:
        row = dict(item.row or {})
        if item.id in ("p1001", "1001") and item.kind in ("person", "extension"):
            row["unit"] = "soderby/soderby/bygg"
        moved.append(Item(item.kind, item.id, row))
    hub.publish(sorted(moved, key=lambda item: list(KINDS).index(item.kind)))
    page = await north.feed(cursor)
    assert [item["row"] for item in page["items"]] == [None] * 3
    assert {(item["kind"], item["id"]) for item in page["items"]} == {
        ("person", "p1001"), ("extension", "1001"), ("referral", "r1"),
    }  # fmt: skip
    page = await south.feed(there)
    assert {(item["kind"], item["id"]) for item in page["items"] if item["row"]} == {
        ("person", "p1001"), ("extension", "1001"), ("referral", "r1"),
    }  # fmt: skip


async def test_only_what_changed_is_told(hub: Running, unit: Make) -> None:
    people = town()
    assert hub.publish(people) == len(people)
    one = await unit()
    cursor = await cursor_of(one)
    assert hub.publish(people) == 0
    row = {**(people[4].row or {}), "family": "Ek"}
    assert hub.publish([*people[:4], Item("person", people[4].id, row), *people[5:-1]]) == 2
    page = await one.feed(cursor)
    assert [(item["kind"], (item["row"] or {}).get("family")) for item in page["items"]] == [("person", "Ek")]


async def test_a_snapshot_is_gone_on_with(hub: Running, unit: Make) -> None:
    hub.publish(town(people=200))
    one = await unit()
    async with one.http.get(f"{one.url}/v1/snapshot") as answer:
        whole, etag = await answer.read(), answer.headers["ETag"]
    hub.publish(town(people=190))
    headers = {"Range": "bytes=1000-", "If-Range": etag}
    async with one.http.get(f"{one.url}/v1/snapshot", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (206, whole[1000:])
        assert answer.headers["Content-Range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    headers["If-Range"] = '"../../hub.db"'
    async with one.http.get(f"{one.url}/v1/snapshot", headers=headers) as answer:
        assert answer.status == 200
        assert await answer.read() != whole


async def test_a_change_asked_for_is_the_platforms_until_the_source_says_otherwise(hub: Running, unit: Make) -> None:
    people = town()
    hub.publish(people)
    one = await unit()
    await one.greet()
    cursor = await cursor_of(one)
    body = {"id": "p1001", "fields": {"title": "Chef", "location": "Plan 3"}, "set_by": "anna"}
    _, taken = await one.send(entry(1, "person", body, stamp()))
    assert taken["refused"] == []
    page = await one.feed(cursor)
    assert page["items"][0]["row"]["title"] == "Chef"
    assert hub.publish(people) == 0
    changed = [
        Item(item.kind, item.id, {**(item.row or {}), "title": "Rektor"}) if item.id == "p1001" else item
        for item in people
    ]
    hub.publish(changed)
    row = standing(hub, "person", "p1001")
    assert (row["title"], row["location"]) == ("Rektor", "Plan 3")


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("nobody", {"title": "x"}, "id: is not in the directory"),
        ("p1001", {"shoe": 44}, "shoe: is no field of it"),
        ("p1001", {"title": 44}, "title: must be string"),
    ],
)
async def test_a_change_that_will_not_do(
    hub: Running, unit: Make, name: str, fields: Mapping[str, Any], why: str
) -> None:
    hub.publish(town())
    one = await unit()
    await one.greet()
    _, taken = await one.send(entry(1, "person", {"id": name, "fields": fields, "set_by": "a"}, stamp()))
    assert [refused["why"] for refused in taken["refused"]] == [why]


# Sound


async def put_piece(one: Any, sha: str, offset: int, length: int, piece: bytes) -> tuple[int, str]:
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(length)}
    async with one.http.patch(f"{one.url}/v1/sound/{sha}", data=piece, headers=headers) as answer:
        return answer.status, answer.headers.get("Upload-Offset", "")


async def test_sound_comes_before_its_row_and_goes_on_where_it_ended(hub: Running, unit: Make) -> None:
    one = await unit()
    await one.greet()
    sound = random.Random(1).randbytes(600_000)
    sha = hashlib.sha256(sound).hexdigest()
    row = {**entry(1, "message", {"id": "m1"}), "sound": {"sha256": sha, "bytes": len(sound)}}
    _, answer = await one.send(row, entry(2))
    assert (answer["held"], answer["above"], answer["refused"]) == (0, [[2, 2]], [{"n": 1, "why": "sound"}])
    size = len(sound)
    assert await put_piece(one, sha, 0, size, sound[:250_000]) == (204, "250000")
    assert await put_piece(one, sha, 0, size, sound[:250_000]) == (409, "250000")
    async with one.http.head(f"{one.url}/v1/sound/{sha}") as head:
        assert head.headers["Upload-Offset"] == "250000"
    assert await put_piece(one, sha, 250_000, size, sound[250_000:500_000]) == (204, "500000")
    assert await put_piece(one, sha, 500_000, size, sound[500_000:]) == (204, "600000")
    assert await put_piece(one, sha, 500_000, size, sound[500_000:]) == (204, "600000")
    assert (await one.send(row))[1]["held"] == 2


async def test_sound_that_is_not_what_it_says(unit: Make) -> None:
    one = await unit()
    assert (await put_piece(one, "0" * 64, 0, 4, b"abcd"))[0] == 422
    assert await put_piece(one, "0" * 64, 0, 8, b"abcd") == (204, "4")
    assert (await put_piece(one, "0" * 63 + "g", 0, 4, b"abcd"))[0] == 400
    assert (await put_piece(one, "1" * 64, 0, 1 << 40, b"abcd"))[0] == 413


async def test_how_far_a_unit_has_read_is_kept(hub: Running, unit: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.hub.server.SEEN_EVERY_S", 0.05)
    caller = await unit()
    await caller.greet()
    hub.publish(town())
    cursor = await cursor_of(caller)
    sql = "SELECT position, address FROM unit WHERE id = ?"
    place = int(cursor.rpartition(".")[2])
    until = time.monotonic() + 5
    while hub.store.db.execute(sql, (caller.unit,)).fetchone() != (place, "127.0.0.1"):
        assert time.monotonic() < until
        await caller.feed(cursor, wait=0)
        await asyncio.sleep(0.05)


async def test_each_unit_hears_of_its_own_configuration(hub: Running, unit: Make) -> None:
    """Also where several are sent one after the other, before any of them has asked."""
    units = [await unit(name=name) for name in ("skolan", "vardcentralen", "biblioteket")]
    for one in units:
        push(hub.store, Signer(hub.place.ca), one.unit, "[unit]\n", "0.1.0", "test", datetime.now(UTC))
    rows = hub.store.db.execute("SELECT id, json_extract(row, '$.version') FROM item WHERE kind = 'config' ORDER BY id")
    assert rows.fetchall() == sorted((one.unit, 1) for one in units)
