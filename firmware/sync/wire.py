"""What unit and hub say to each other, version 1: built and judged by `schema/*.json`, the one truth for both and for
the hub's OpenAPI. No IO, no clock.

All that comes from the other side goes through `read`, `judged` or `Item.of`, which raise WireError and name the
field. A field that a schema does not name is let through and not read: a newer peer may say more."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn, Self

import fastjsonschema

from firmware.sync.kinds import KINDS

__all__ = [
    "ENTRIES_MAX",
    "ERRORS",
    "HEADER",
    "ITEMS_MAX",
    "REQUEST_BYTES_MAX",
    "SCHEMA",
    "SOUND_PIECE_MAX",
    "Digest",
    "Entry",
    "Item",
    "WireError",
    "definitions",
    "judged",
    "number_of",
    "pack",
    "parsed",
    "plain_row",
    "read",
    "unpack",
    "write",
]

SCHEMA = 1
HEADER = "Reservvaxel-Schema"
"""Of every request and answer; its value is the schema that it is written by."""

REQUEST_BYTES_MAX = 4 << 20
"""Of a body, unpacked; also of every answer but a snapshot. A peer's gzip is not unpacked further."""
ENTRIES_MAX = 1_000
ITEMS_MAX = 1_000
SOUND_PIECE_MAX = 256 << 10
FIELD_MAX = 200
"""Characters of a field's name in an error: keys are the peer's."""
DEPTH_MAX = 32

ERRORS: Mapping[str, tuple[int, str]] = {
    "refused": (400, "This is not as its schema says."),
    "schema": (400, "There is no schema that both of us know."),
    "certificate": (401, "A unit shows the certificate that it was given."),
    "revoked": (403, "This certificate was revoked."),
    "code": (403, "There is no such code, or it was used, or it is too old."),
    "not_yours": (403, "This is another unit's."),
    "not_found": (404, "There is nothing here."),
    "method": (405, "Not by this method."),
    "cursor_unknown": (409, "This place in the feed is not known: take a snapshot."),
    "forked": (409, "This number is held with other content."),
    "offset": (409, "The next byte is another one: Upload-Offset says which."),
    "session": (410, "This session is over: begin another."),
    "too_large": (413, "This is more than is taken at once."),
    "range": (416, "There are not so many bytes."),
    "hash": (422, "The whole is not what its name says: begin again."),
    "fault": (500, "This is a fault of the hub's."),
    "busy": (503, "Not now: come again after Retry-After seconds."),
    "too_many": (429, "Too often: come again after Retry-After seconds."),
}
"""The words of an error's `error`, with the status that each goes by and its sentence."""


class WireError(ValueError):
    """What came is not as it must be; `field` says where in it ("" for the whole). The text has nothing of its
    values."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}" if field else text)
        self.field = field[:FIELD_MAX]
        self.text = text


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a unit's outbox. `sound`: SHA-256 and length of what was sent before it."""

    n: int
    at: str
    stamp: str | None
    kind: str
    subject: str
    body: Mapping[str, Any]
    sound: tuple[str, int] | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """From an entry of a message that was judged."""
        sound = value.get("sound")
        return cls(
            int(value["n"]),
            value["at"],
            value["stamp"],
            value["kind"],
            value["subject"],
            value["body"],
            (sound["sha256"], int(sound["bytes"])) if sound else None,
        )

    def plain(self) -> dict[str, Any]:
        """As a message has it."""
        row: dict[str, Any] = {
            "n": self.n, "at": self.at, "stamp": self.stamp, "kind": self.kind, "subject": self.subject,
            "body": self.body,
        }  # fmt: skip
        if self.sound:
            row["sound"] = {"sha256": self.sound[0], "bytes": self.sound[1]}
        return row

    @property
    def content(self) -> str:
        """The SHA-256 of what makes two entries of one number the same; its sound is no part of it."""
        told = [self.n, self.at, self.stamp, self.kind, self.subject, self.body]
        return hashlib.sha256(_canonical(told)).hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """What is so of one thing; `row` None: it is no more. `by`: the unit that set it, or "hub"."""

    kind: str
    id: str
    row: Mapping[str, Any] | None
    stamp: str | None = None
    by: str | None = None

    @classmethod
    def of(cls, value: object) -> Self:
        """From a parsed item. A kind that is not known is let through, its row unread (`known`). Raises WireError."""
        given = judged("item", value)
        kind, name, row = given["kind"], given["id"], given["row"]
        if row is not None and (known := KINDS.get(kind)) is not None:
            judged(f"row_{kind}", row)
            if name != known.id_of(row):
                raise WireError("id", f"is not what {' and '.join(known.key)} of its row make")
        return cls(kind, name, row, given["stamp"], given["by"])

    def plain(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.id, "row": self.row, "stamp": self.stamp, "by": self.by}

    @property
    def known(self) -> bool:
        return self.kind in KINDS


@dataclass(slots=True)
class Digest:
    """Of a set of items, whatever their order: the sum, modulo 2^128, of the first 128 bits of SHA-256 of each. What
    the schema does not name is no part of it, so that a newer hub and an older unit agree."""

    rows: int = 0
    sum: int = field(default=0)

    def add(self, kind: str, name: str, row: Mapping[str, Any]) -> None:
        self.add_number(number_of(kind, name, row))

    def add_number(self, number: int) -> None:
        self.rows += 1
        self.sum = (self.sum + number) % (1 << 128)

    def take(self, kind: str, name: str, row: Mapping[str, Any]) -> None:
        """The contrary of `add`."""
        self.rows -= 1
        self.sum = (self.sum - number_of(kind, name, row)) % (1 << 128)

    def join(self, other: Digest) -> None:
        self.rows += other.rows
        self.sum = (self.sum + other.sum) % (1 << 128)

    def __str__(self) -> str:
        return f"{self.sum:032x}"

    @classmethod
    def of(cls, items: Iterable[Item]) -> Self:
        made = cls()
        for item in items:
            if item.row is not None:
                made.add(item.kind, item.id, item.row)
        return made


def read(name: str, data: bytes) -> Mapping[str, Any]:
    """The message `name` of a body that is unpacked already. Raises WireError."""
    return judged(name, parsed(data))


def parsed(data: bytes) -> Any:
    """JSON in UTF-8, with what Python would let through refused: NaN, lone surrogates, depth. Raises WireError."""
    try:
        text = data.decode("utf-8")
        value = _decoded(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        if text.count("[") + text.count("{") > DEPTH_MAX:
            _refuse_deep(value)
    except WireError:
        raise
    except UnicodeError:
        raise WireError("", "is no text in UTF-8") from None
    except RecursionError:
        raise WireError("", "is too deep") from None
    except ValueError:
        raise WireError("", "is no JSON") from None
    return value


def judged(name: str, value: object) -> Mapping[str, Any]:
    """`value`, which is as the schema's definition `name` says. Raises WireError."""
    try:
        _judge(name)(value)
    except fastjsonschema.JsonSchemaValueException as fault:
        raise _error(fault) from None
    assert isinstance(value, dict)
    return value


def write(value: Mapping[str, Any]) -> bytes:
    return _encoded(value).encode("utf-8")


def plain_row(kind: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a row says by the schema, and in one way: two rows that mean the same are equal."""
    fields = _fields(kind)
    kept = {key: value for key, value in row.items() if key in fields} if fields else dict(row)
    if (known := KINDS.get(kind)) is not None:
        for name in known.sets:
            if isinstance(listed := kept.get(name), list):
                one = {_canonical(each): each for each in listed}
                kept[name] = [one[key] for key in sorted(one)]
    return kept


def number_of(kind: str, name: str, row: Mapping[str, Any]) -> int:
    """What an item adds to a digest: the same for two rows that say the same, by this schema."""
    return int.from_bytes(hashlib.sha256(_canonical([kind, name, plain_row(kind, row)])).digest()[:16], "big")


def pack(data: bytes) -> bytes:
    """By gzip; the same for the same."""
    return gzip.compress(data, 6, mtime=0)


def unpack(data: bytes, most: int = REQUEST_BYTES_MAX) -> bytes:
    """Of one gzip, of which not more than `most` bytes are made. Raises WireError."""
    opened = zlib.decompressobj(wbits=31)
    try:
        made = opened.decompress(data, most + 1)
    except zlib.error:
        raise WireError("", "is no gzip") from None
    if len(made) > most:
        raise WireError("", f"is more than {most} bytes unpacked")
    if not opened.eof or opened.unused_data:
        raise WireError("", "is no whole gzip, or more than one")
    return made


@cache
def definitions() -> Mapping[str, Any]:
    """All definitions of `schema/*.json` by name, as JSON Schema; each refers to others by `#/definitions/NAME`."""
    found: dict[str, Any] = {}
    for file in sorted((files("firmware.sync") / "schema").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".json"):
            more = json.loads(file.read_text("utf-8"))["definitions"]
            if double := found.keys() & more.keys():
                raise AssertionError(f"{file.name}: {min(double)} is defined twice")
            found |= more
    return found


@cache
def _judge(name: str) -> Callable[[object], object]:
    if name not in definitions():
        raise AssertionError(f"no such message: {name}")
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions()}
    made: Callable[[object], object] = fastjsonschema.compile(schema, formats={"utc-time": _is_time}, use_default=False)
    return made


def _is_time(text: str) -> bool:
    """What a pattern cannot say: there is no 30 February."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _error(fault: fastjsonschema.JsonSchemaValueException) -> WireError:
    where = ".".join(part for part in fault.path[1:])
    wanted = fault.definition if isinstance(fault.definition, dict) else {}
    if fault.rule == "required" and isinstance(fault.value, dict):
        missing = min(set(wanted.get("required", ())) - fault.value.keys(), default="")
        return WireError(f"{where}.{missing}" if where else missing, "is missing")
    said = {
        "type": f"must be {_words(wanted.get('type'))}",
        "pattern": f"must match {wanted.get('pattern')}",
        "enum": f"must be one of {', '.join(map(str, wanted.get('enum', ())))}",
        "minimum": f"must not be below {wanted.get('minimum')}",
        "maximum": f"must not be above {wanted.get('maximum')}",
        "minLength": f"must have {wanted.get('minLength')} characters or more",
        "maxLength": f"must have at most {wanted.get('maxLength')} characters",
        "minItems": f"must have {wanted.get('minItems')} or more",
        "maxItems": f"must have at most {wanted.get('maxItems')}",
        "maxProperties": f"must have at most {wanted.get('maxProperties')}",
        "uniqueItems": "must not have the same twice",
        "format": "must be a time that there is",
    }
    return WireError(where, said.get(str(fault.rule), "is not as the schema says"))


def _words(kind: object) -> str:
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _refuse_constant(name: str) -> NoReturn:
    raise WireError("", f"{name} is no JSON")


def _refuse_deep(value: object, depth: int = 0) -> None:
    if depth > DEPTH_MAX:
        raise WireError("", "is too deep")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _refuse_deep(each, depth + 1)


def _canonical(value: object) -> bytes:
    return _sorted(value).encode("utf-8")


# Made once: a codec for each line of a snapshot costs as much as the line.
_decoded = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@cache
def _fields(kind: str) -> frozenset[str]:
    known = definitions().get(f"row_{kind}", {})
    return frozenset(known.get("properties", ()))
