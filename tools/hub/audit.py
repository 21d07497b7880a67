"""Who did what at the hub: one line for each, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firmware.store.database import from_text, to_text
from tools.hub.store import Store

__all__ = ["Line", "lines", "note"]


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    who: str
    what: str
    subject: str
    detail: Mapping[str, Any]


def note(
    store: Store, now: datetime, who: str, what: str, subject: str, detail: Mapping[str, object] | None = None
) -> None:
    """Within the transaction of what was done. `detail` has nothing secret."""
    values = (to_text(now), who, what, subject, json.dumps(detail or {}, ensure_ascii=False, sort_keys=True))
    store.db.execute("INSERT INTO audit (at, who, what, subject, detail) VALUES (?, ?, ?, ?, ?)", values)


def lines(store: Store, limit: int) -> list[Line]:
    """The newest first."""
    sql = "SELECT at, who, what, subject, detail FROM audit ORDER BY id DESC LIMIT ?"
    return [
        Line(from_text(at), who, what, subject, json.loads(detail))
        for at, who, what, subject, detail in store.db.execute(sql, (limit,))
    ]
