"""Reads a status back from its JSON object (firmware/status.py), and what the process `trunk` says of itself. It is
foreign: a field of another kind is refused with its name; a word that a later version has added is not known here, and
a field that is not known is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from firmware.modes import Cause, Mode, Path, Reason
from firmware.status import (
    SCHEMA,
    Calls,
    Closed,
    Data,
    Modem,
    Node,
    Pair,
    Phones,
    Power,
    PowerBox,
    PowerSource,
    Problem,
    Severity,
    Status,
    Sync,
    Trunk,
    Web,
)

__all__ = ["StatusError", "read_status", "trunk_of"]

_T = TypeVar("_T")
_Json = Mapping[str, Any]


class StatusError(ValueError):
    """A JSON object that is no status that this version understands."""


def read_status(document: object) -> Status:
    """What `Status.to_json` made, also of a later version of the same schema. Raises StatusError."""
    top = _object(document, "status")
    if top.get("schema") != SCHEMA:
        raise StatusError(f"schema is {top.get('schema')!r}, expected {SCHEMA}")
    phones = _object(top.get("phones", {}), "phones")
    pair = _object(top["pair"], "pair") if top.get("pair") is not None else None
    calls = _object(top.get("calls", {}), "calls")
    return Status(
        unit=_text(top, "unit") or "",
        version=_text(top, "version") or "",
        time=_text(top, "time") or "",
        started_at=_text(top, "started_at"),
        mode=_word(top, "mode", Mode),
        path=_word(top, "path", Path),
        cause=_word(top, "cause", Cause),
        reason=_word(top, "reason", Reason),
        since=_text(top, "since"),
        in_mode_s=_number(top, "in_mode_s"),
        hold_left_s=_number(top, "hold_left_s"),
        lease_left_s=_number(top, "lease_left_s"),
        edge=_flag(top, "edge"),
        calls_process=_flag(top, "calls_process"),
        platform=_flag(top, "platform"),
        gateway=_flag(top, "gateway"),
        place=_text(top, "place") or "",
        nodes=tuple(
            Node(
                uri=_text(node, "uri") or "",
                path=_word(node, "path", Path) or Path.LINE,
                serving=_flag(node, "serving"),
                probe_ms=_number(node, "probe_ms"),
            )
            for node in _objects(top, "nodes")
        ),
        phones=Phones(**{name: _count(phones, name) for name in Phones.__dataclass_fields__}),
        calls=Calls(**{name: _count(calls, name) for name in Calls.__dataclass_fields__}),
        pair=None
        if pair is None
        else Pair(
            _flag(pair, "in_service"),
            _flag(pair, "peer_in_service"),
            _texts(pair, "silent"),
            _flag(pair, "tables"),
        ),
        data=_data_of(top["data"]) if top.get("data") is not None else None,
        trunk=trunk_of(top["trunk"]) if top.get("trunk") is not None else None,
        web=_web_of(top["web"]) if top.get("web") is not None else None,
        sync=_sync_of(top["sync"]) if top.get("sync") is not None else None,
        power=_power_of(top["power"]) if top.get("power") is not None else None,
        closed=tuple(
            Closed(_text(one, "name") or "", _text(one, "state"), _flag(one, "by_key"), _text(one, "opens_at"))
            for one in _objects(top, "closed")
        ),
        problems=tuple(
            Problem(
                **{name: _text(one, name) or "" for name in ("id", "area", "observed", "expected", "effect", "fix")},
                severity=_word(one, "severity", Severity) or Severity.WARN,
                since=_text(one, "since"),
            )
            for one in _objects(top, "problems")
        ),
    )


def _data_of(value: object) -> Data:
    found = _object(value, "data")
    return Data(
        process=_flag(found, "process"),
        tunnel=_flag(found, "tunnel"),
        calls=_count(found, "calls"),
        calls_max=_count(found, "calls_max"),
        capacity_kbit=_number(found, "capacity_kbit"),
        rtt_ms=_number(found, "rtt_ms"),
        loss_percent=_number(found, "loss_percent"),
        day_mb=_number(found, "day_mb"),
        month_mb=_number(found, "month_mb"),
        level=_text(found, "level"),
    )


def _web_of(value: object) -> Web:
    found = _object(value, "web")
    flags = {name: _flag(found, name) for name in ("process", "pages", "phone_book", "identity")}
    return Web(**flags, trouble=_text(found, "trouble") or "")


def _sync_of(value: object) -> Sync:
    found = _object(value, "sync")
    read: dict[str, Any] = {name: _flag(found, name) for name in ("process", "enrolled", "connected", "twin")}
    read |= {name: _text(found, name) or "" for name in ("why", "detail", "held_back")}
    read |= {name: _text(found, name) for name in ("since", "contact_at", "oldest_at", "whole_at")}
    read |= {name: _count(found, name) for name in ("waiting", "gone", "aside", "refused", "overruled")}
    return Sync(**read, clock_s=_number(found, "clock_s"))


_POWER_TEXTS = ("state", "mains", "since", "until", "limits", "shed_next", "halt", "discharging")
_POWER_NUMBERS = ("minutes", "inside_minutes", "likely_minutes", "mobile_minutes")
_SOURCE_NUMBERS = ("age_s", "charge_percent", "volts", "watts", "minutes", "likely_minutes", "holds_percent")


def _power_of(value: object) -> Power:
    found = _object(value, "power")
    read: dict[str, Any] = {name: _text(found, name) for name in _POWER_TEXTS}
    read |= {name: _number(found, name) for name in _POWER_NUMBERS}
    read |= {name: _texts(found, name) for name in ("unknown", "shed", "faults")}
    return Power(
        **read,
        sure=_flag(found, "sure"),
        time_certain=_flag(found, "time_certain") is not False,
        simulated=_flag(found, "simulated") is True,
        sources=tuple(
            PowerSource(
                name=_text(one, "name") or "",
                keeps=_texts(one, "keeps"),
                mains=_text(one, "mains"),
                trouble=_text(one, "trouble"),
                doubts=_texts(one, "doubts"),
                **{name: _number(one, name) for name in _SOURCE_NUMBERS},
            )
            for one in _objects(found, "sources")
        ),
        boxes=tuple(
            PowerBox(
                part=_text(one, "part") or "",
                address=_text(one, "address") or "",
                reached=_flag(one, "reached"),
                rtt_ms=_number(one, "rtt_ms"),
                gone=_flag(one, "gone") is True,
            )
            for one in _objects(found, "boxes")
        ),
    )


def trunk_of(value: object) -> Trunk:
    """Reads it from a status, and from what the process `trunk` says of itself. Raises StatusError."""
    found = _object(value, "trunk")
    texts = tuple(name for name in Modem.__dataclass_fields__ if name not in ("name", "dbm"))
    return Trunk(
        process=_flag(found, "process"),
        modems=tuple(
            Modem(
                name=_text(one, "name") or "",
                dbm=_count(one, "dbm"),
                **{name: _text(one, name) for name in texts},
            )
            for one in _objects(found, "modems")
        ),
    )


def _object(value: object, name: str) -> _Json:
    if not isinstance(value, dict):
        raise StatusError(f"{name} is no object")
    return value


def _objects(top: _Json, name: str) -> list[_Json]:
    values = top.get(name, [])
    if not isinstance(values, list):
        raise StatusError(f"{name} is no list")
    return [_object(value, name) for value in values]


def _texts(top: _Json, name: str) -> tuple[str, ...]:
    values = top.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise StatusError(f"{name} is no list of texts")
    return tuple(values)


def _as(top: _Json, name: str, kinds: tuple[type, ...]) -> Any:
    value = top.get(name)
    if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        raise StatusError(f"{name} is {value!r}")
    return value


def _text(top: _Json, name: str) -> str | None:
    value: str | None = _as(top, name, (str,))
    return value


def _flag(top: _Json, name: str) -> bool | None:
    value: bool | None = _as(top, name, (bool,))
    return value


def _count(top: _Json, name: str) -> int | None:
    value: int | None = _as(top, name, (int,))
    return value


def _number(top: _Json, name: str) -> float | None:
    value: float | None = _as(top, name, (int, float))
    return value


def _word(top: _Json, name: str, words: type[_T]) -> _T | None:
    """One of an enumeration; a word that a later version has added is not known here."""
    value = _text(top, name)
    try:
        return None if value is None else words(value)  # type: ignore[call-arg]
    except ValueError:
        return None
