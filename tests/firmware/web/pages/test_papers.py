"""Papers as pages and as PDF: who may see which plan and order which extract."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from firmware.paper.guide import Guide
from firmware.pins import Pins
from firmware.store.database import to_text
from firmware.store.extracts import ExtractRows
from firmware.store.protections import Protection
from firmware.web.answering import Answering
from firmware.web.pages import ROUTES
from firmware.web.site import Denied, Refused, Response, Routes, judge
from tests.firmware.web.conftest import Town

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BYGG, SKOLA = "norrby/norrby/bygg", "norrby/norrby/skola"
ROLE = "INSERT INTO role VALUES (?, ?, ?)"
EXTRACT = {"extension": "1001", "since": "2026-11-01", "until": "2026-11-23", "why": "hög kostnad"}


def ask(town: Town, who: str, method: str, path: str, **fields: str) -> Response:
    request = replace(town.asks(who, method, path, **fields), now=NOW)
    route, part = Routes(ROUTES).find(method, path)
    request = replace(request, part=part)
    judge(route, request)
    town.store.people.look_again()
    answer = route.handler(request, town.store)
    assert isinstance(answer, Response)
    return answer


@pytest.fixture
def budget(town: Town) -> Town:
    """The manager may order extracts for Bygg, and the operator anywhere in the other town."""
    for row in (("eva", "budget_manager", BYGG), ("olle", "budget_manager", "soderby")):
        town.store.people.directory.execute(ROLE, row)
    town.store.journal.execute(
        "INSERT INTO record (call_id, from_tag, to_tag, caller, callee, began_at, answered_at, ended_at, way, outcome,"
        " sip_code, emergency, time_certain) VALUES ('c', 'f', 't', '1001', '00701234567', ?, ?, ?, 'modem',"
        " 'answered', 200, 0, 1)",
        [to_text(datetime(2026, 11, 10, 10, minute, tzinfo=UTC)) for minute in (0, 1, 3)],
    )
    return town


@pytest.mark.parametrize("role", Guide)
def test_everybody_may_read_the_guides_and_the_card(role: Guide, town: Town) -> None:
    shown = ask(town, "colleague", "GET", f"/papers/guide/{role.value}").body.decode()
    assert "<h2>" in shown
    assert f"/papers/guide/{role.value}/pdf" in shown
    card = ask(town, "colleague", "GET", "/papers/card").body.decode()
    assert "*23*orsak*tid#" in card
    assert "Orsaker" in card


def test_ones_own_role_stands_first(town: Town) -> None:
    shown = ask(town, "operator", "GET", "/papers").body.decode()
    assert shown.index("guide/reception") < shown.index("guide/medarbetare")
    with pytest.raises(Denied):
        ask(town, "operator", "GET", "/papers/guide/kung")


@pytest.mark.parametrize(
    ("who", "unit", "may"),
    [("manager", BYGG, True), ("manager", SKOLA, False), ("owner", BYGG, False), ("other town", BYGG, False),
     ("manager", "", False)],
)  # fmt: skip
def test_a_plan_is_seen_and_confirmed_by_who_looks_after_the_unit(who: str, unit: str, may: bool, town: Town) -> None:
    for method, path in (("GET", "/reserve/plan"), ("POST", "/reserve/confirm")):
        if may and method == "GET":
            assert "Inte bekräftad än" in ask(town, who, method, path, unit=unit).body.decode()
        elif not may:
            with pytest.raises(Denied):
                ask(town, who, method, path, unit=unit)
    assert ("unit=norrby" in ask(town, who, "GET", "/reserve").body.decode()) is (who == "manager")


def test_a_plan_is_confirmed_as_it_was_read(town: Town) -> None:
    shown = ask(town, "manager", "GET", "/reserve/plan", unit=BYGG).body.decode()
    digest = shown.partition('name="digest" value="')[2].partition('"')[0]
    assert len(digest) == 64
    order = Protection(extension="1001", unit=BYGG, applicant="x", cost_centre="1", ordered_at=NOW, set_by="x")
    town.store.changes.protect(order)
    with pytest.raises(Refused, match="has_changed"):
        ask(town, "manager", "POST", "/reserve/confirm", unit=BYGG, digest=digest)
    again = ask(town, "manager", "GET", "/reserve/plan", unit=BYGG).body.decode()
    digest = again.partition('name="digest" value="')[2].partition('"')[0]
    assert ask(town, "manager", "POST", "/reserve/confirm", unit=BYGG, digest=digest).status == 303
    assert "Bekräftad 2026-11-23 av Eva Chef" in ask(town, "manager", "GET", "/reserve").body.decode()
    assert "Jag har läst" not in ask(town, "manager", "GET", "/reserve/plan", unit=BYGG).body.decode()


def test_an_extract_is_written_down_and_shown(budget: Town) -> None:
    shown = ask(budget, "manager", "POST", "/extract", **EXTRACT).body.decode()
    assert "070-123 4 xxx" in shown
    (made,) = ExtractRows(budget.store.journal).made(10)
    assert (made.order.asked_by, made.order.why, made.order.whole) == ("Eva Chef", "hög kostnad", False)
    assert made.order.id in ask(budget, "manager", "GET", "/extract").body.decode()
    assert made.order.id not in ask(budget, "operator", "GET", "/extract").body.decode()  # of another's unit


@pytest.mark.parametrize(
    "changed",
    [{"extension": "1004"}, {"extension": "9"}, {"since": ""}, {"until": "2026-10-01"}, {"since": "2020-01-01"},
     {"why": " "}, {"why": "x" * 201}],
)  # fmt: skip
def test_what_may_not_be_or_cannot_be_is_said_at_its_field(changed: dict[str, str], budget: Town) -> None:
    answer = ask(budget, "manager", "POST", "/extract", **(EXTRACT | changed))
    assert answer.status == 422
    assert 'aria-invalid="true"' in answer.body.decode()
    assert not ExtractRows(budget.store.journal).made(10)


@pytest.mark.parametrize("who", ["colleague", "owner", "operator"])
def test_without_the_right_nobody_orders_one(who: str, town: Town) -> None:
    with pytest.raises(Denied):
        ask(town, who, "POST", "/extract", **EXTRACT)


async def test_pdfs_are_given_to_who_may_see_them(budget: Town) -> None:
    ask(budget, "manager", "POST", "/extract", **EXTRACT)
    (made,) = ExtractRows(budget.store.journal).made(10)
    answering = Answering(budget.config, Pins(budget.config.paths, lambda _: None), ROUTES)
    try:
        for who, path, fields, status in (
            ("colleague", "/papers/card/pdf", {}, 200),
            ("colleague", "/papers/guide/chef/pdf", {}, 200),
            ("manager", "/reserve/pdf", {"unit": BYGG}, 200),
            ("colleague", "/reserve/pdf", {"unit": BYGG}, 404),
            ("manager", "/extract/pdf", {"id": made.order.id}, 200),
            ("manager", "/extract/pdf", {"id": "x"}, 404),
            ("operator", "/extract/pdf", {"id": made.order.id}, 404),
            ("owner", "/extract/pdf", {"id": made.order.id}, 403),
        ):
            request = replace(budget.asks(who, "GET", path, **fields), session=None, cookie=budget.cookie(who))
            answer = await answering.answer(request)
            assert answer.status == status, path
            assert (answer.type == "application/pdf") is (status == 200)
            assert answer.body.startswith(b"%PDF") is (status == 200)
    finally:
        answering.close()
    looks = budget.store.journal.execute("SELECT kind, subject, field FROM look").fetchall()
    assert looks == [("extract", "1001", made.order.id)]


def test_names_are_text(town: Town) -> None:
    town.store.people.directory.execute("UPDATE unit SET name = '<b>Bygg</b>' WHERE id = ?", (BYGG,))
    town.store.people.look_again()
    assert "<b>Bygg" not in ask(town, "manager", "GET", "/reserve/plan", unit=BYGG).body.decode()


def test_no_plan_names_who_is_protected(town: Town) -> None:
    """D4: it lies printed in a department, before eyes of any kind."""
    people = town.store.people.directory
    people.execute(ROLE, ("eva", "telephony_contact", SKOLA))
    people.execute("UPDATE unit SET attended_by = '1006' WHERE id = ?", (SKOLA,))
    people.execute("UPDATE extension SET mobile_twin = '+46701234567' WHERE number = '1006'")
    for number in ("1004", "1006"):
        town.store.changes.protect(
            Protection(extension=number, unit=SKOLA, applicant="x", cost_centre="1", ordered_at=NOW, set_by="x")
        )
    shown = ask(town, "manager", "GET", "/reserve/plan", unit=SKOLA).body.decode()
    assert "1006" in shown
    assert "Ek" in shown
    for secret in ("Lund", "123 45 67"):
        assert secret not in shown
