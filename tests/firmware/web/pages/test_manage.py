"""What is done for others: by who has the right at that unit, and by nobody else."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callcontrol.plan.model import Condition, whole_at
from callcontrol.plan.pins import fits
from firmware.pins import Pins
from firmware.store.database import connect
from firmware.store.journal import Journal
from firmware.store.pins import PinRows
from firmware.web.answering import Answering
from firmware.web.pages import ROUTES
from firmware.web.site import Denied, Routes
from tests.firmware.web.conftest import WHO, Town
from tests.firmware.web.pages.test_own import NOW, absent, ask, place

UNIT = "norrby/norrby/bygg"
DEEDS = {
    "away": {"reason": "sick", "until": "usual"},
    "back": {},
    "block": {"why": "borttappad"},
    "lift": {},
    "reach": {"reach": "abroad"},
    "details": {"location": "Annan plats"},
}


def test_somebody_ill_is_referred_by_who_may_and_brought_back(town: Town) -> None:
    done = place(ask(town, "manager", "POST", "/manage/1001/away", reason="sick", until="usual"))
    assert done == "/manage/1001?done=managed_away"
    found = absent(town)
    assert found is not None
    assert (found.reason, found.set_by, found.back_at) == ("sick", "eva", None)
    shown = ask(town, "colleague", "GET", "/person/anna").body.decode()
    assert "Frånvarande" in shown
    assert "Sjuk" not in shown
    place(ask(town, "manager", "POST", "/manage/1001/back"))
    assert absent(town) is None


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(("who", "number"), [("colleague", "1001"), ("owner", "1001"), ("manager", "1004")])
def test_nobody_else_does_it(town: Town, deed: str, who: str, number: str) -> None:
    with pytest.raises(Denied) as denied:
        ask(town, who, "POST", f"/manage/{number}/{deed}", **DEEDS[deed])
    assert denied.value.status in (403, 404)
    extension = town.store.people.extension(number)
    assert extension is not None
    assert not extension.blocked
    assert extension.reach.name == "sweden"


def test_a_lost_phone_is_blocked_with_a_reason_and_lifted(town: Town) -> None:
    assert ask(town, "manager", "POST", "/manage/1001/block", why=" ").status == 422
    place(ask(town, "manager", "POST", "/manage/1001/block", why="Borttappad"))
    assert town.store.people.blocked("1001")
    assert "spärrad" in ask(town, "manager", "GET", "/manage/1001").body.decode()
    place(ask(town, "manager", "POST", "/manage/1001/lift"))
    assert not town.store.people.blocked("1001")


def test_reach_and_details_are_changed(town: Town) -> None:
    place(ask(town, "manager", "POST", "/manage/1001/reach", reach="inside"))
    extension = town.store.people.extension("1001")
    assert extension is not None
    assert extension.reach.name == "inside"
    with pytest.raises(Denied):
        ask(town, "manager", "POST", "/manage/1001/reach", reach="moon")
    place(ask(town, "manager", "POST", "/manage/1001/details", location="Plan 9"))
    person = town.store.people.person("anna")
    assert person is not None
    assert person.location == "Plan 9"


@pytest.mark.parametrize(("who", "number", "status"), [
    ("manager", "1001", 200),
    ("manager", "1002", 403),  # who has a role is given a PIN by who may configure
    ("manager", "1004", 403),
    ("colleague", "1001", 403),
])  # fmt: skip
def test_a_pin_is_given_and_shown_once(town: Town, who: str, number: str, status: int) -> None:
    shown = give_pin(town, who, number, status)
    if status == 200:
        found = re.search(r">(\d{6})<", shown)
        assert found is not None
        rows = PinRows(town.store.people.directory, town.store.journal)
        assert fits(found[1], rows.pin(number))


def test_who_looks_after_one_phone_gets_no_way_to_another(town: Town) -> None:
    """A PIN signs its person in, with all phones of theirs: 1004 is of a unit that the manager has nothing to do
    with."""
    belongs(town, "1004", "anna")
    give_pin(town, "manager", "1001", 403)


def test_the_owner_hears_that_somebody_gave_a_new_pin(town: Town) -> None:
    give_pin(town, "manager", "1001", 200)
    found = [one.note for one in Journal(town.store.journal).notices(datetime.min.replace(tzinfo=UTC), 10)]
    assert [(note.to, note.words, dict(note.fill)["extension"]) for note in found] == [("anna", "pin_given", "1001")]


def belongs(town: Town, number: str, person: str) -> None:
    with closing(connect(town.config.paths.directory, "directory")) as db:
        db.execute("UPDATE extension SET person = ? WHERE number = ?", (person, number))
        db.commit()
    town.store.people.look_again()


def give_pin(town: Town, who: str, number: str, status: int) -> str:
    async def give() -> str:
        pins = Pins(town.config.paths, lambda note: None)
        answering = Answering(town.config, pins, ROUTES)
        path = f"/manage/{number}/pin"
        route, part = Routes(ROUTES).find("POST", path)
        request = replace(town.asks(who, "POST", path), part=part)
        try:
            if status == 403:
                with pytest.raises(Denied):
                    await route.handler(request, answering)  # type: ignore[misc]
                return ""
            return str((await route.handler(request, answering)).body.decode())  # type: ignore[misc]
        finally:
            answering.close()
            pins.close()

    return asyncio.run(give())


def test_a_whole_department_with_a_number_for_what_cannot_wait(town: Town) -> None:
    form = {"id": UNIT, "reason": "course", "day": "2026-03-03", "at": "15:00"}
    if town.store.people.reasons_of(UNIT).by_key("course") is None:
        form["reason"] = "meeting"
    without = ask(town, "manager", "POST", "/manage/unit", **form)
    assert without.status == 422
    assert "inte kan vänta" in without.body.decode()
    place(ask(town, "manager", "POST", "/manage/unit", **form, emergency="070-123 45 67"))
    whole = whole_at(town.store.people.unit(UNIT), NOW)
    assert whole is not None
    assert whole.emergency_number == "+46701234567"
    place(ask(town, "manager", "POST", "/manage/unit/end", id=UNIT))
    assert whole_at(town.store.people.unit(UNIT), NOW) is None
    for who in ("colleague", "owner"):
        with pytest.raises(Denied):
            ask(town, who, "POST", "/manage/unit", **form, emergency="1000")


def test_the_first_page_of_who_looks_after_others(town: Town) -> None:
    assert "Bygg" in ask(town, "manager", "GET", "/manage").body.decode()
    assert "/manage/unit" not in ask(town, "colleague", "GET", "/manage").body.decode()


@pytest.mark.parametrize(("condition", "number", "target"), [
    ("always", "1002", "1002"),
    ("busy", "070-111 11 11", "+46701111111"),
    ("do_not_disturb", "", None),
])  # fmt: skip
def test_calls_are_forwarded_by_the_rules_of_the_codes(
    town: Town, condition: str, number: str, target: str | None
) -> None:
    assert (
        place(ask(town, "owner", "POST", "/forwarding", condition=condition, number=number))
        == "/forwarding?done=forwarded"
    )
    (found,) = town.store.people.forwardings(WHO["owner"])
    assert (found.condition, found.target) == (Condition(condition), target)
    ask(town, "owner", "GET", "/forwarding")
    place(ask(town, "owner", "POST", "/forwarding/end", condition=condition))
    assert town.store.people.forwardings(WHO["owner"]) == ()


@pytest.mark.parametrize("number", ["", "1001", "7777", "abc", "112", "00441234567890", "0900-123 45"])
def test_what_calls_may_not_be_forwarded_to(town: Town, number: str) -> None:
    assert ask(town, "owner", "POST", "/forwarding", condition="always", number=number).status == 422
    assert town.store.people.forwardings(WHO["owner"]) == ()
