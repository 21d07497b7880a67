"""What unit and hub say: what is let through, what is refused and how that is named."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sync import wire
from firmware.sync.kinds import KINDS, Way
from firmware.sync.wire import Digest, Entry, Item, WireError

AT = "2026-11-23T06:35:39.000000Z"
EPOCH = "0123456789abcdef"
STAMP = "01234567890a-0001-u7"

ROWS: dict[str, dict[str, Any]] = {
    "municipality": {"id": "m1", "name": "Norrby", "hours": None, "choices": {"phone_hours": 1}, "reasons": {}},
    "reach_class": {"name": "sweden", "open": ["national"]},
    "entity": {
        "id": "e1", "municipality": "m1", "name": "Norrby kommun", "greeting": "Norrby", "main_number": "+4690100",
        "reception": "1000", "numbers": ["+4690100"],
        "service": {
            "hours": "mån-fre 8-16", "lunch": None, "night_to": None, "lunch_to": None, "night_text": "",
            "lunch_text": "", "on_call": [["Jour", "+46701234567", None]],
        },
    },
    "unit": {
        "id": "o1", "entity": "e1", "parent": None, "name": "Skolan", "cost_centre": "12", "secret": False,
        "identity": None, "telephony_contact": None, "attended_by": None, "unstaffed": False,
        "emergency_number": None, "on_call": None,
    },
    "person": {
        "id": "p1", "given": "Åsa", "family": "Öberg", "unit": "o1", "title": "", "cost_centre": "",
        "duties": ["skola"], "search_words": [], "location": "", "email": None, "sms": None,
        "mobile": "+46701234567", "deputy": None,
        "phone_hours": None, "protected": False, "visibility": {"mobile": "municipality"},
    },
    "extension": {
        "number": "1001", "kind": "person", "unit": "o1", "person": "p1", "reach": "sweden", "identity": "direct",
        "direct_number": None, "mobile": None, "mobile_twin": None, "hours": None, "fallback": None,
        "voicemail": True, "announcement": None, "distribution": None, "members": [],
    },
    "pick_up": {"name": "skolan", "entity": "e1", "barge_in": False, "members": ["1001"]},
    "role": {"person": "p1", "roles": [{"role": "operator", "scope": "*"}]},
    "credential": {
        "extension": "1001", "mode": 1, "ha1_md5": "0" * 32, "ha1_sha256": None, "realm": "r", "user": "1001",
        "changed_at": AT,
    },
    "pin": {"extension": "1001", "hash": "$argon2id$x"},
    "config": {"name": "config", "version": 3},
    "referral": {
        "id": "r1", "extension": "1001", "reason": "lunch", "start": AT, "until": None, "answers_instead": "",
        "direct": False, "open": False, "information": "", "source": "code", "set_by": "1001", "set_at": AT,
        "every": None,
    },
    "opening": {"id": "o1", "extension": "1001", "at": AT, "seen": ["r1"], "set_by": "1001"},
    "block": {"id": "b1", "extension": "1001", "since": AT, "set_by": "p1", "why": "lost"},
    "lift": {"id": "l1", "extension": "1001", "at": AT, "seen": ["b1"], "set_by": "p1"},
    "forwarding": {"extension": "1001", "condition": "busy", "target": "1002", "set_at": AT, "set_by": "1001"},
    "lock": {"extension": "1001", "since": AT, "set_by": "1001"},
    "signed_out": {"hunt": "1100", "extension": "1001", "at": AT},
    "service_key": {"entity": "e1", "state": "night", "set_at": AT, "until": None, "set_by": "1000"},
    "department": {
        "id": "d1", "unit": "o1", "reason": "course", "start": AT, "until": None, "emergency_number": None,
        "information": "", "set_by": "p1", "set_at": AT, "ended_at": None, "ended_by": None,
    },
    "pin_change": {"extension": "1001", "hash": "$argon2id$x", "set_at": AT, "set_by": "1001"},
}  # fmt: skip


def item(kind: str, **changes: object) -> dict[str, Any]:
    row = ROWS[kind]
    return {"kind": kind, "id": KINDS[kind].id_of(row), "row": row, "stamp": STAMP, "by": "u7"} | changes


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_of_each_kind_is_taken_and_given_again(kind: str) -> None:
    taken = Item.of(item(kind))
    assert taken.plain() == item(kind)
    assert Item.of(item(kind, row=None)).row is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_lacks_a_field_is_refused_by_its_name(kind: str) -> None:
    for field in ROWS[kind]:
        with pytest.raises(WireError) as refused:
            Item.of(item(kind, row={name: value for name, value in ROWS[kind].items() if name != field}))
        assert refused.value.field == field


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_takes_what_is_out_of_bounds(kind: str) -> None:
    for field in ROWS[kind]:
        for value in (["x" * 5000], "x" * 5000, {"x": "x" * 5000}, -(1 << 70), 1.5):
            with pytest.raises(WireError) as refused:
                Item.of(item(kind, row=ROWS[kind] | {field: value}))
            assert refused.value.field.partition(".")[0] in (field, "id"), value
            assert "xxx" not in str(refused.value)


def test_every_kind_has_a_row_and_every_row_a_kind() -> None:
    rows = {name.removeprefix("row_") for name in wire.definitions() if name.startswith("row_")}
    assert rows == {*KINDS, "change"}
    assert {kind.way for kind in KINDS.values()} == set(Way)


def test_a_row_that_is_another_things_is_refused() -> None:
    with pytest.raises(WireError, match="is not what extension and condition of its row make"):
        Item.of(item("forwarding", id="1002|busy"))


def test_more_than_is_known_is_let_through() -> None:
    """A newer hub says more; what it says more is no part of the digest."""
    newer = Item.of(item("person", row=ROWS["person"] | {"pronoun": "hen"}, more=1))
    older = Item.of(item("person"))
    assert newer.row != older.row
    assert str(Digest.of([newer])) == str(Digest.of([older]))
    assert not Item.of(item("person") | {"kind": "robot", "row": {"x": 1}}).known


BAD: tuple[tuple[str, object, str, str], ...] = (
    ("enrol", {}, "code", "is missing"),
    ("enrol", {"code": "123", "csr": "", "name": "a", "machine": "0" * 32, "version": "1"}, "code", "must match"),
    ("outbox", [], "", "must be object"),
    ("outbox", {"session": "s" * 16, "epoch": EPOCH, "entries": []}, "entries", "must have 1 or more"),
    ("outbox", {"session": "s" * 16, "epoch": EPOCH, "entries": [{"n": 0}]}, "entries.0.at", "is missing"),
    ("outbox", {"session": "s" * 16, "epoch": EPOCH, "entries": [{}] * 1001}, "entries", "must have at most 1000"),
    ("feed", {"hub": EPOCH, "cursor": "a b", "more": False, "items": []}, "cursor", "must match"),
    ("sessioned", {"schema": True}, "backed_up", "is missing"),
    ("state", {"session": "s" * 16, "items": {}}, "items", "must be array"),
)


@pytest.mark.parametrize(("name", "value", "field", "said"), BAD)
def test_a_message_that_is_not_as_its_schema_says_is_refused_by_field(
    name: str, value: object, field: str, said: str
) -> None:
    with pytest.raises(WireError) as refused:
        wire.read(name, json.dumps(value).encode())
    assert (refused.value.field, refused.value.text[: len(said)]) == (field, said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>", "is no JSON"),
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": "\\ud800"}', "is no text in UTF-8"),
        (b"[" * 100_000, "is too deep"),
        (b"[" * 40 + b"]" * 40, "is too deep"),
        (b"1" * 5_000, "is no JSON"),
    ],
)
def test_what_python_would_let_through_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(WireError) as refused:
        wire.parsed(data)
    assert refused.value.text == said


def test_a_pair_of_surrogates_is_a_letter() -> None:
    assert wire.parsed(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_gzip_is_unpacked_no_further_than_is_allowed() -> None:
    data = bytes(100_000)
    assert wire.unpack(wire.pack(data), 100_000) == data
    assert wire.pack(data) == wire.pack(data)
    for packed, most, said in (
        (wire.pack(data), 99_999, "is more than 99999 bytes unpacked"),
        (wire.pack(data)[:-1], 100_000, "is no whole gzip"),
        (wire.pack(b"") + wire.pack(b""), 100_000, "is no whole gzip"),
        (b"<html>", 10, "is no gzip"),
        (gzip.compress(bytes(50_000_000), 9), 1_000, "is more than 1000 bytes unpacked"),
    ):
        with pytest.raises(WireError, match=said):
            wire.unpack(packed, most)


def test_an_entry_is_given_again_as_it_came_and_its_sound_is_no_content() -> None:
    plain = {"n": 7, "at": AT, "stamp": STAMP, "kind": "message", "subject": "1001", "body": {"id": "x", "ms": 1}}
    silent, sounding = Entry.of(plain), Entry.of(plain | {"sound": {"sha256": "0" * 64, "bytes": 9}})
    assert silent.plain() == plain
    assert sounding.sound == ("0" * 64, 9)
    assert silent.content == sounding.content
    assert silent.content != Entry.of(plain | {"stamp": None}).content


@given(st.permutations([Item.of(item(kind)) for kind in KINDS]), st.integers(0, len(KINDS)))
def test_a_digest_does_not_know_the_order(items: list[Item], at: int) -> None:
    whole, parts = Digest.of(items), Digest.of(items[:at])
    parts.join(Digest.of(items[at:]))
    assert (str(whole), whole.rows) == (str(parts), parts.rows)
    for one in items:
        assert one.row is not None
        whole.take(one.kind, one.id, one.row)
    assert (str(whole), whole.rows) == ("0" * 32, 0)


def test_a_digest_is_as_it_always_was() -> None:
    """Another sum would have every unit of the older version take a snapshot each day."""
    assert str(Digest.of(Item.of(item(kind)) for kind in KINDS)) == "0cc73c8a4f7c599027199d8d3fffa96b"


@given(st.binary(max_size=200))
def test_no_bytes_are_met_with_anything_but_a_refusal(data: bytes) -> None:
    for name in ("session", "outbox", "feed", "item"):
        with contextlib.suppress(WireError):
            wire.read(name, data)


@pytest.mark.parametrize(
    "at", ["0000-00-00T00:00:00.000000Z", "2026-02-30T10:00:00.000000Z", "2026-11-23T24:00:00.000000Z", "2026-11-23"]
)
def test_a_time_that_there_is_none_of_is_refused(at: str) -> None:
    row = ROWS["block"] | {"since": at}
    with pytest.raises(WireError, match=r"since"):
        wire.judged("row_block", row)
