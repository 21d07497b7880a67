"""Those who leave, and fault reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from firmware.store.faults import FaultRows
from firmware.store.leavers import Leavers
from firmware.web.site import Denied
from tests.firmware.web.conftest import Town
from tests.firmware.web.pages.test_own import NOW, ask, place


def test_somebody_leaves_is_blocked_and_the_list_is_gone_through(town: Town) -> None:
    assert "Sista arbetsdag" in ask(town, "manager", "GET", "/leaver/1001").body.decode()
    assert place(ask(town, "manager", "POST", "/leaver/1001")) == "/leaver/1001?done=leaver"
    assert town.store.people.blocked("1001")
    shown = ask(town, "manager", "GET", "/leaver/1001").body.decode()
    assert "Telefonerna är återlämnade" in shown
    place(ask(town, "manager", "POST", "/leaver/1001/tick", what="returned"))
    with pytest.raises(Denied):
        ask(town, "manager", "POST", "/leaver/1001/tick", what="phone")
    assert "Anna Öberg" in ask(town, "manager", "GET", "/leavers").body.decode()
    place(ask(town, "manager", "POST", "/leaver/1001/stays"))
    assert not town.store.people.blocked("1001")
    assert Leavers(town.store.journal).all() == ()


@pytest.mark.parametrize(("who", "number"), [("colleague", "1001"), ("manager", "1004"), ("owner", "1001")])
@pytest.mark.parametrize("deed", ["", "/tick", "/end", "/stays"])
def test_nobody_else_says_that_somebody_leaves(town: Town, who: str, number: str, deed: str) -> None:
    with pytest.raises(Denied) as denied:
        ask(town, who, "POST", f"/leaver/{number}{deed}", what="returned")
    assert denied.value.status in (403, 404)
    assert not town.store.people.blocked(number)


def test_a_fault_is_reported_once_and_answered(town: Town) -> None:
    form = {"id": "d" * 24, "what": "sound", "extension": "1001", "text": "Det <b>brusar</b>"}
    for _ in range(2):
        place(ask(town, "owner", "POST", "/fault", **form))
    rows = FaultRows(town.store.journal)
    (one,) = rows.waiting()
    assert (one.extension, one.reporter, one.mode) == ("1001", "1001", "NORMAL")
    assert "Väntar på svar" in ask(town, "owner", "GET", "/fault").body.decode()
    assert "brusar" not in ask(town, "colleague", "GET", "/fault").body.decode()
    for path in ("/faults", f"/faults/{one.id}"):
        with pytest.raises(Denied):
            ask(town, "manager", "GET" if path == "/faults" else "POST", path, answer="x")
    rows.answer(one.id, "Kabeln är bytt.", "drift", NOW + timedelta(hours=1))
    assert "Kabeln är bytt." in ask(town, "owner", "GET", "/fault").body.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "other", "text": " "},
        {"extension": "7777"},
        {"extension": "2001"},
        {"extension": "1006"},
        {"what": "nothing"},
    ],
)
def test_a_fault_that_says_nothing(town: Town, wrong: dict[str, str]) -> None:
    form = {"what": "sound", "text": "x", **wrong}
    assert ask(town, "owner", "POST", "/fault", **form).status == 422
    assert FaultRows(town.store.journal).waiting() == ()


def test_who_is_protected_is_on_the_list_of_those_alone_who_may_see_them(town: Town) -> None:
    """D4: a manager may block phones of a department, and does not see who in it is protected."""
    town.store.people.directory.execute("INSERT INTO role VALUES ('eva', 'telephony_contact', 'norrby')")
    place(ask(town, "operator", "POST", "/leaver/1006"))
    assert "Siv Lund" in ask(town, "operator", "GET", "/leavers").body.decode()
    assert "Lund" not in ask(town, "manager", "GET", "/leavers").body.decode()


def test_faults_are_answered_by_who_has_that_town(town: Town) -> None:
    for person, scope in (("eva", "soderby"), ("olle", "norrby")):
        town.store.people.directory.execute("INSERT INTO role VALUES (?, 'operations', ?)", (person, scope))
    place(ask(town, "owner", "POST", "/fault", id="d" * 24, what="sound", extension="1001", text="Det brusar"))
    assert "brusar" in ask(town, "operator", "GET", "/faults").body.decode()
    assert "brusar" not in ask(town, "manager", "GET", "/faults").body.decode()
    with pytest.raises(Denied) as denied:
        ask(town, "manager", "POST", f"/faults/{'d' * 24}", answer="Nej.")
    assert denied.value.status == 404
    place(ask(town, "operator", "POST", f"/faults/{'d' * 24}", answer="Kabeln är bytt."))
    assert FaultRows(town.store.journal).waiting() == ()
