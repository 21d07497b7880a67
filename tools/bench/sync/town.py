"""A municipality as items, for units and hubs that are measured."""

from __future__ import annotations

from collections.abc import Iterator

from firmware.sync.wire import Item

__all__ = ["ENTITY", "TOWN", "UNIT", "items", "numbers"]

TOWN = "norrby"
ENTITY = f"{TOWN}/{TOWN}"
UNIT = f"{ENTITY}/bygg"


def numbers(people: int, first: int = 1001) -> list[str]:
    return [str(first + place) for place in range(people)]


def items(extensions: list[str]) -> Iterator[Item]:
    """Each extension has its person."""
    yield Item("municipality", TOWN, {"id": TOWN, "name": TOWN, "hours": None, "choices": {}, "reasons": {}})
    yield Item("reach_class", "sweden", {"name": "sweden", "open": ["local"]})
    entity = {"id": ENTITY, "municipality": TOWN, "name": TOWN, "greeting": "", "main_number": None}
    yield Item("entity", ENTITY, {**entity, "reception": None, "numbers": [], "service": None})
    yield Item("unit", UNIT, {
        "id": UNIT, "entity": ENTITY, "parent": None, "name": "Bygg", "cost_centre": "", "secret": False,
        "identity": None, "telephony_contact": None, "attended_by": None, "unstaffed": False,
        "emergency_number": None, "on_call": None,
    })  # fmt: skip
    for number in extensions:
        yield Item("person", f"p{number}", {
            "id": f"p{number}", "given": "Anna", "family": f"Öberg {number}", "unit": UNIT, "title": "",
            "cost_centre": "", "duties": [], "search_words": [], "location": "", "email": None, "sms": None,
            "mobile": None, "deputy": None, "phone_hours": None, "protected": False, "visibility": {},
        })  # fmt: skip
    for number in extensions:
        yield Item("extension", number, {
            "number": number, "kind": "person", "unit": UNIT, "person": f"p{number}", "reach": "sweden",
            "identity": "direct", "direct_number": None, "mobile": None, "mobile_twin": None, "hours": None,
            "fallback": None, "voicemail": False, "announcement": None, "distribution": None, "members": [],
        })  # fmt: skip
