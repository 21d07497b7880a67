"""Night service and departments referred whole, as the store has them: what is set is seen by who decides, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.model import Whole, whole_at
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.service import Key, Served, Service, served_at
from firmware.store import organisation, outbox
from firmware.store.database import connect
from firmware.store.services import Services
from firmware.store.wholes import Wholes

from .conftest import NOW, Store

FILE = """
[service.kommun]
hours = "mån-fre 08:00-16:30; kortdag 08:00-12:00"
lunch = "mån-fre 12:00-13:00"
night_to = "1001"
night_text = "Norrby kommuns växel är stängd"
on_call = [
    { name = "Socialjouren", number = "090-16 19 00", hours = "mån-fre 16:30-08:00; lör-sön dygnet runt" },
    { name = "Sjukvårdsrådgivningen", number = "1177" },
    { name = "Vattenjouren", number = "1002" },
]
"""


@pytest.fixture
def services(store: Store, tmp_path: Path) -> Iterator[Services]:
    opened = Services.open(tmp_path / "journal.db")
    yield opened
    opened.close()


@pytest.fixture
def wholes(store: Store, tmp_path: Path) -> Iterator[Wholes]:
    opened = Wholes.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def applied(store: Store, text: str = FILE) -> None:
    with closing(connect(store.folder / "directory.db", "directory")) as db:
        assert organisation.apply(db, text, LocalNumbering(area_code="090")).faults == ()


def service_of(store: Store) -> Service:
    found = store.again().service("kommun")
    assert found is not None
    return found[0]


def told(store: Store) -> list[tuple[str, str, Any]]:
    rows = outbox.entries(store.people.journal, 0, 100)
    return [(row.kind, row.subject, json.loads(row.body)) for row in rows]


def test_what_the_organisation_file_says(store: Store) -> None:
    assert store.people.service("kommun") is None
    applied(store)
    service = service_of(store)
    assert str(service.hours) == "mån-fre 08:00-16:30; kortdag 08:00-12:00"
    assert (service.night_to, service.lunch_to, service.lunch_text) == ("1001", None, "")
    assert [(one.name, one.number) for one in service.on_call] == [
        ("Socialjouren", "+4690161900"),
        ("Sjukvårdsrådgivningen", "1177"),
        ("Vattenjouren", "1002"),
    ]
    assert str(service.on_call[0].hours) == "mån-fre 16:30-08:00; lör, sön dygnet runt"
    applied(store, "[service.kommun]\nhours = 'mån-fre 09:00-15:00'\n")
    assert service_of(store).on_call == ()  # it is taken as a whole
    applied(store, "[service.kommun]\n")
    assert store.again().service("kommun") is None


def test_the_key_is_seen_by_who_decides_and_told(store: Store, services: Services) -> None:
    applied(store)
    service = service_of(store)
    pressed = services.press(service, Key.NIGHT, "1000", NOW)  # a Tuesday at noon
    assert pressed is not None
    found = store.again().service("kommun")
    assert found == (service, pressed)
    assert served_at(*found, NOW + timedelta(hours=3)) is Served.NIGHT
    assert services.press(service, Key.HOURS, "1000", NOW + timedelta(hours=1)) is None
    assert store.again().service("kommun") == (service, None)
    assert [(kind, subject, body["state"]) for kind, subject, body in told(store)] == [
        ("service", "kommun", "night"),
        ("service", "kommun", None),
    ]


def test_a_row_that_cannot_be_holds_back_nobody(store: Store) -> None:
    applied(store)
    with closing(connect(store.folder / "directory.db", "directory")) as db:
        db.execute("UPDATE service SET hours = 'alltid'")
    assert store.again().service("kommun") is None
    assert "service of kommun" in store.people.unreadable


WHOLE = Whole(
    id="w1", reason="course", start=NOW, until=NOW + timedelta(hours=4), emergency_number="+46701112233", set_by="anna"
)


def test_a_department_is_referred_and_back(store: Store, wholes: Wholes) -> None:
    wholes.refer(["bygg"], WHOLE, NOW)
    wholes.refer(["bygg"], WHOLE, NOW)  # once
    assert whole_at(store.again().unit("bygg"), NOW) == WHOLE
    assert whole_at(store.people.unit("bygg"), NOW + timedelta(hours=4)) is None
    assert wholes.end(["bygg"], "anna", NOW + timedelta(hours=1)) == ("w1",)
    assert wholes.end(["bygg"], "anna", NOW + timedelta(hours=1)) == ()
    assert whole_at(store.again().unit("bygg"), NOW + timedelta(hours=1)) is None
    assert [(kind, subject) for kind, subject, _ in told(store)] == [("department", "bygg")] * 2


def test_several_departments_at_once_and_what_was_set_last_holds(store: Store, wholes: Wholes) -> None:
    wholes.refer(["bygg", "park"], WHOLE, NOW)
    newer = Whole(id="w2", reason="other", start=NOW, until=None, set_by="bo")
    wholes.refer(["bygg"], newer, NOW + timedelta(minutes=1))
    assert whole_at(store.again().unit("bygg"), NOW + timedelta(minutes=1)) == newer
    assert wholes.end(["bygg"], "anna", NOW + timedelta(hours=1)) == ("w1.0", "w2")
    assert whole_at(store.again().unit("bygg"), NOW + timedelta(hours=1)) is None
