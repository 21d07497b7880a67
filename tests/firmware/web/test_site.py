"""Who comes in where, and by what."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

import pytest

from callcontrol.plan.model import Visibility
from callcontrol.plan.rights import Given, Right, Role
from firmware.store.visible import Viewer
from firmware.web.site import Denied, Request, Response, Route, Routes, Session, Who, judge, see_other

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def session(*roles: Role) -> Session:
    given = tuple(Given(role, "norrby") for role in roles)
    viewer = Viewer(id="anna", sees=Visibility.STAFF)
    return Session(extension="1001", person="anna", given=given, viewer=viewer, token="secret")


def nothing(*_: object) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("may", "who", "status"),
    [
        (Who.ANYBODY, None, None),
        (Who.SIGNED_IN, None, HTTPStatus.UNAUTHORIZED),
        (Who.SIGNED_IN, session(), None),
        (Right.BLOCK, None, HTTPStatus.UNAUTHORIZED),
        (Right.BLOCK, session(), HTTPStatus.FORBIDDEN),
        (Right.BLOCK, session(Role.BUDGET_MANAGER), HTTPStatus.FORBIDDEN),
        (Right.BLOCK, session(Role.OPERATOR), None),
        ((Right.ORDER_EXTRACT, Right.BLOCK), session(Role.BUDGET_MANAGER), None),
        ((), session(Role.OPERATIONS), HTTPStatus.FORBIDDEN),
    ],
)
def test_who_may(may: Who | Right | tuple[Right, ...], who: Session | None, status: HTTPStatus | None) -> None:
    route, request = Route("GET", "/", may, nothing), Request(method="GET", path="/", session=who, now=NOW)
    if status is None:
        judge(route, request)
        return
    with pytest.raises(Denied) as denied:
        judge(route, request)
    assert denied.value.status == status


@pytest.mark.parametrize(
    ("ours", "form", "who", "comes_in"),
    [
        (True, {"token": "secret"}, session(), True),
        (False, {"token": "secret"}, session(), False),
        (True, {"token": "secreT"}, session(), False),
        (True, {"token": "sécret"}, session(), False),
        (True, {}, session(), False),
        (True, {}, None, True),  # a sign-in
        (False, {}, None, False),
    ],
)
def test_what_changes_something_comes_from_a_form_of_ours(
    ours: bool, form: dict[str, str], who: Session | None, comes_in: bool
) -> None:
    request = Request(method="POST", path="/", form=form, ours=ours, session=who, now=NOW)
    route = Route("POST", "/", Who.ANYBODY if who is None else Who.SIGNED_IN, nothing)
    if comes_in:
        judge(route, request)
        return
    with pytest.raises(Denied, match="not_ours"):
        judge(route, request)


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/", ("/", {})),
        ("HEAD", "/", ("/", {})),
        ("GET", "/person/anna", ("/person/{id}", {"id": "anna"})),
        ("GET", "/person/me", ("/person/me", {})),
        ("GET", "/person/", HTTPStatus.NOT_FOUND),
        ("GET", "/person/anna/", HTTPStatus.NOT_FOUND),
        ("GET", "/person/anna/x", HTTPStatus.NOT_FOUND),
        ("GET", "//person/anna", HTTPStatus.NOT_FOUND),
        ("GET", "", HTTPStatus.NOT_FOUND),
        ("POST", "/", HTTPStatus.METHOD_NOT_ALLOWED),
    ],
)
def test_routes(method: str, path: str, found: tuple[str, dict[str, str]] | HTTPStatus) -> None:
    routes = Routes([Route("GET", path, Who.ANYBODY, nothing) for path in ("/", "/person/me", "/person/{id}")])
    if isinstance(found, HTTPStatus):
        with pytest.raises(Denied) as denied:
            routes.find(method, path)
        assert denied.value.status == found
        return
    route, part = routes.find(method, path)
    assert (route.path, part) == found


@pytest.mark.parametrize(
    ("place", "to"),
    [
        ("/person/anna?x=1", "/person/anna?x=1"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("/å", "/"),
        ("", "/"),
    ],
)
def test_one_is_sent_to_places_of_ours_alone(place: str, to: str) -> None:
    assert dict(see_other(place).headers)["Location"] == to


def test_what_is_secret_does_not_show() -> None:
    request = Request(method="GET", path="/", cookie="browsers", session=session(), now=NOW)
    assert "browsers" not in repr(request)
    assert "secret" not in repr(request)
