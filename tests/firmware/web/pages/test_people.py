"""The directory's pages show each what they may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from firmware.store.memos import MemoRows
from firmware.web.pages import ROUTES
from firmware.web.site import Denied, Response, Routes
from firmware.web.views.frame import KEEP
from firmware.web.who import session_of
from tests.firmware.web.conftest import WHO, Town
from tests.firmware.web.pages.test_own import ask, place


def shown(town: Town, who: str, path: str, **fields: str) -> str:
    return ask(town, who, "GET", path, **fields).body.decode()


def test_found_as_people_ask(town: Town) -> None:
    for asked in ("anna", "öberg", "bygglov", "1001", "Ana Oberg"):
        assert "/person/anna" in shown(town, "colleague", "/find", q=asked), asked
    assert "Ingen träff" in shown(town, "colleague", "/find", q="xyzzy")
    assert "&lt;script&gt;" in shown(town, "colleague", "/find", q="<script>")


@pytest.mark.parametrize(("who", "sees"), [("colleague", False), ("operator", True)])
def test_mobiles_are_for_operators(town: Town, who: str, sees: bool) -> None:
    assert ("070-111 11 11" in shown(town, who, "/person/anna")) is sees


def test_nobody_meets_who_is_protected_or_another_towns(town: Town) -> None:
    for path in ("/person/siv", "/extension/1006", "/memo/1006", "/person/ulla", "/extension/2001", "/person/nobody"):
        with pytest.raises(Denied) as denied:
            shown(town, "colleague", path)
        assert denied.value.status == 404, path
    assert "Lund" not in shown(town, "colleague", "/unit", id="norrby/norrby/skola")
    assert "Vård" not in shown(town, "colleague", "/organisation")
    with pytest.raises(Denied):
        shown(town, "colleague", "/unit", id="söderby/söderby/vård")


def test_only_what_all_may_see_is_kept_by_a_browser(town: Town) -> None:
    assert is_kept(town, "colleague", "/person/anna")
    assert not is_kept(town, "operator", "/person/anna")


def test_only_a_device_of_ones_own_keeps_pages(town: Town) -> None:
    """On another whoever sits there next pulls the network out, and reads."""
    for path in ("/", "/person/anna", "/find"):
        assert is_kept(town, "colleague", path)
        assert not is_kept(town, "colleague", path, own=False)


def is_kept(town: Town, who: str, path: str, *, own: bool = True) -> bool:
    route, part = Routes(ROUTES).find("GET", path)
    cookie = town.store.sessions.begin(WHO[who], own, datetime.now(UTC))
    session = session_of(town.store, cookie, datetime.now(UTC))
    answer = route.handler(replace(town.asks(who, "GET", path), session=session, part=part), town.store)
    assert isinstance(answer, Response)
    return KEEP in answer.headers


def test_a_message_is_left_once(town: Town) -> None:
    form = {"id": "0123456789abcdef01234567", "text": "Ring Ek\nom taket", "wants": "call_back"}
    for _ in range(2):
        assert place(ask(town, "colleague", "POST", "/memo/1001", **form)) == "/person/anna?done=memo"
    (memo,) = MemoRows(town.store.journal).of([WHO["owner"]], 10)
    assert (memo.text, memo.taken_by) == ("Ring Ek\nom taket", "bo")
    assert ask(town, "colleague", "POST", "/memo/1001", text=" ").status == 422


def test_who_is_protected_and_gives_no_name_is_not_named_in_a_message(town: Town) -> None:
    town.store.people.directory.execute("UPDATE person SET protected = 1 WHERE id = 'bo'")
    for who in ("colleague", "manager"):
        ask(town, who, "POST", "/memo/1001", text="Ring mig.")
    rows = MemoRows(town.store.journal).of(("1001",), 10)
    assert sorted(one.caller_name for one in rows) == ["", "Eva Chef"]
