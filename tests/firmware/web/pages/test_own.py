"""One's own page: away by a touch, changed, ended, booked; and what waited for the network, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.plan.absence import Absent
from firmware.web.pages import ROUTES
from firmware.web.site import Request, Response, Routes, judge
from tests.firmware.web.conftest import WHO, Town

NOW = datetime(2026, 3, 3, 9, 5, tzinfo=UTC)  # a Tuesday, five past ten
ONCE = "0123456789abcdef01234567"


def ask(town: Town, who: str, method: str, path: str, now: datetime = NOW, /, **fields: str) -> Response:
    request: Request = replace(town.asks(who, method, path, **fields), now=now)
    route, part = Routes(ROUTES).find(method, path)
    request = replace(request, part=part)
    judge(route, request)
    town.store.people.look_again()
    answer = route.handler(request, town.store)
    assert isinstance(answer, Response)
    town.store.people.look_again()
    return answer


def absent(town: Town, who: str = "owner", now: datetime = NOW) -> Absent | None:
    return town.store.people.absent(WHO[who], now)


def place(answer: Response) -> str:
    assert answer.status == 303
    return dict(answer.headers)["Location"]


def test_one_touch_sets_the_reason_with_its_usual_return(town: Town) -> None:
    shown = ask(town, "owner", "GET", "/").body.decode()
    assert "Du är inne" in shown
    assert "åter 13.00" in shown  # of lunch
    assert place(ask(town, "owner", "POST", "/away", reason="lunch", until="usual", once=ONCE)) == "/?done=away"
    found = absent(town)
    assert found is not None
    assert (found.reason, found.back_at) == ("lunch", datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert "Lunch, åter 13.00" in ask(town, "owner", "GET", "/").body.decode()


def test_the_same_form_counts_once_however_often_it_comes(town: Town) -> None:
    for _ in range(3):
        ask(town, "owner", "POST", "/away", reason="lunch", until="usual", once=ONCE)
    assert len(town.store.people.referrals(WHO["owner"])[0]) == 1
    ask(town, "owner", "POST", "/back", NOW + timedelta(minutes=1))
    ask(town, "owner", "POST", "/away", NOW + timedelta(minutes=2), reason="lunch", until="usual", once=ONCE)
    assert absent(town, now=NOW + timedelta(minutes=3)) is None


def test_what_is_set_by_hand_takes_the_place_of_what_was(town: Town) -> None:
    later, sooner = "2026-03-03T14:00:00+00:00", "2026-03-03T11:00:00+00:00"
    ask(town, "owner", "POST", "/away", reason="meeting", until=later)
    ask(town, "owner", "POST", "/away", NOW + timedelta(minutes=1), reason="meeting", until=sooner)
    found = absent(town, now=NOW + timedelta(minutes=2))
    assert found is not None
    assert found.back_at == datetime(2026, 3, 3, 11, tzinfo=UTC)


def test_an_odd_return_is_asked_about_and_taken_when_it_is_meant(town: Town) -> None:
    form = {"reason": "meeting", "until": "given", "day": "2026-03-07", "at": "10:00"}
    asked = ask(town, "owner", "POST", "/away", **form)
    assert asked.status == 422
    assert "ingen arbetsdag" in asked.body.decode()
    assert absent(town) is None
    ask(town, "owner", "POST", "/away", **form, sure="1")
    assert absent(town) is not None


def test_booked_ahead_and_taken_away(town: Town) -> None:
    form = {"reason": "vacation", "until": "given", "from_day": "2026-03-09", "day": "2026-03-16"}
    assert place(ask(town, "owner", "POST", "/away", **form)) == "/?done=away"
    assert absent(town) is None
    shown = ask(town, "owner", "GET", "/").body.decode()
    assert "Semester" in shown
    (booked,) = town.store.people.referrals(WHO["owner"])[0]
    assert place(ask(town, "owner", "POST", "/away/end", seen=booked.id)) == "/?done=removed"
    assert absent(town, now=datetime(2026, 3, 10, 9, tzinfo=UTC)) is None


def test_what_waited_for_the_network_counts_from_when_it_was_meant(town: Town) -> None:
    meant = (NOW - timedelta(minutes=20)).isoformat()
    waited = {"reason": "meeting", "until": "usual", "once": ONCE, "waited": "1", "meant": meant}
    ask(town, "owner", "POST", "/away", **waited)
    found = absent(town)
    assert found is not None
    assert found.since == NOW - timedelta(minutes=20)
    assert found.back_at == NOW + timedelta(minutes=40)
    long_ago = {**waited, "once": ONCE[::-1], "meant": (NOW - timedelta(hours=13)).isoformat()}
    assert ask(town, "owner", "POST", "/away", **long_ago).status == 422


def test_a_return_that_waited_ends_nothing_that_was_set_since(town: Town) -> None:
    ask(town, "owner", "POST", "/away", reason="meeting", until="usual")
    meant = (NOW - timedelta(minutes=5)).isoformat()
    ask(town, "owner", "POST", "/back", NOW + timedelta(minutes=1), waited="1", meant=meant)
    assert absent(town, now=NOW + timedelta(minutes=2)) is not None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"until": "given", "day": "2026-02-31"}, "går inte att läsa"),
        ({"until": "given", "at": "25:00"}, "går inte att läsa"),
        ({"until": "soon"}, "går inte att läsa"),
        ({"until": "2026-03-03T12:00:00"}, "går inte att läsa"),
        ({"instead": "7777"}, "ingen sådan anknytning"),
        ({"instead": "2001"}, "ingen sådan anknytning"),
        ({"instead": "1001"}, "Någon annan"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_set(town: Town, fields: dict[str, str], words: str) -> None:
    answer = ask(town, "owner", "POST", "/away", reason="meeting", **fields)
    assert answer.status == 422
    assert words in answer.body.decode()
    assert absent(town) is None


def test_names_are_no_markup(town: Town) -> None:
    shown = ask(town, "colleague", "GET", "/").body.decode()
    assert "<b>Ek</b>" not in shown
    assert "&lt;b&gt;Ek&lt;/b&gt;" in shown


def test_in_english(town: Town) -> None:
    request = replace(town.asks("owner", "GET", "/"), language="en", now=NOW)
    body = next(route for route in ROUTES if route.path == "/").handler(request, town.store).body.decode()  # type: ignore[attr-defined]
    assert '<html lang="en">' in body
    assert "You are in" in body
