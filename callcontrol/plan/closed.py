"""What a caller is told whose call comes to a reception that is closed: until when, and who is on call (B10). Pure."""

from __future__ import annotations

import json
from collections.abc import Collection

from callcontrol.plan.model import Directory
from callcontrol.plan.service import Served, Service, Serving
from callcontrol.plan.steps import Say

__all__ = ["closed"]


def closed(now: Serving, service: Service, directory: Directory, passed_over: Collection[str | None]) -> Say:
    """Its fill: the entity's own words, when it opens, its hours, the numbers outside that are on call, and the first
    extension of ours that is, to which one may be led: none of `passed_over`."""
    night = now.state is Served.NIGHT
    fill = [("entity", service.entity), ("text", service.night_text if night else service.lunch_text)]
    if now.opens_at is not None:
        fill.append(("opens_at", now.opens_at.isoformat()))
    if night:
        fill.append(("hours", str(service.hours)))
    told, offered = [], None
    for each in now.on_call:
        ours = directory.extension(each.number)
        if ours is None:
            told.append((each.name, each.number))
        elif offered is None and not ours.blocked and each.number not in passed_over:
            offered = each
    if told:
        fill.append(("on_call", json.dumps(told, ensure_ascii=False)))
    if offered is not None:
        fill += [("offered", offered.number), ("offered_name", offered.name)]
    return Say(rule="B10", words=str(now.state) if now.opens_at else "closed", fill=tuple(fill))
