"""Every route, as stranger, colleague, manager, role-holder, operator, and from another town: doors hold, nothing
breaks, and nobody changes or reads what is another's. What is added to the site's routes is walked by itself.

Forms and links are those that the pages themselves show to who may, so a page that shows a way which its reader may not
go, or that leads nowhere, is found too."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from callcontrol.plan.memo import Memo
from callcontrol.plan.rights import Right, Role
from firmware.pins import Pins
from firmware.store.calendars import Calendars
from firmware.store.database import to_text, transact
from firmware.store.memos import MemoRows
from firmware.web.answering import Answering
from firmware.web.identity.routes import ROUTES as IDENTITY
from firmware.web.pages import ROUTES as PAGES
from firmware.web.signing import ROUTES as SIGNING
from firmware.web.site import FIELD_TOKEN, Request, Response, Route, Who
from tests.firmware.web.conftest import WHO, Town

ROUTES = (*SIGNING, *IDENTITY, *PAGES)
EVERYBODY = (None, *WHO)
WHOSE = ("owner", "manager", "operator")
VICTIM, VICTIM_PERSON = "1001", "anna"
PROTECTED = re.compile("Siv|Lund")
"""Whom operators alone meet, and by name alone."""
PARTS = (VICTIM, VICTIM_PERSON, "1006", "siv", "2001", "0", "..", "%00", "a'b\"<i>", "9" * 300)
ODD = {"q": "<b>", "to": "//elsewhere.example", "unit": "..", "until": "9" * 40, "done": "<b>", "page": "-1"}
MAY_REACH_VICTIM = frozenset({"/memo/{number}"})
"""Who is signed in leaves anybody of their own municipality a message."""
ABOUT_ANYBODY = frozenset({"/fault"})
"""What is wrong with a telephone is reported by whoever meets it."""
ALIKE_MAX = 2
"""Pages that differ in what they are asked alone, as in the reason of an absence."""
ENOUGH = 300
"""Pages, for each of whom the site is walked."""
A_LAW = bytes.fromhex("1200000006000100401f0000401f0000010008000000")
SOUND = b"RIFF" + (50).to_bytes(4, "little") + b"WAVEfmt " + A_LAW
"""Without a sample."""
OK, MOVED = 200, (302, 303)


@dataclass
class Form:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """Links and forms of a page. Of several choices the first, of buttons with a name each one is a form."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._buttons: list[tuple[str, str]] = []
        self._select = ""
        self._open: Form | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        name, value = have.get("name", ""), have.get("value", "")
        if tag == "a" and have.get("href", "").startswith("/"):
            self.links.append(have["href"])
        elif tag == "form":
            self._open, self._buttons = Form(have.get("method", "get").upper(), have.get("action", "")), []
        elif self._open is None:
            return
        elif tag == "input" and name:
            if have.get("type") not in ("radio", "checkbox") or name not in self._open.fields:
                self._open.fields[name] = value or "1"
        elif tag == "textarea" and name:
            self._open.fields[name] = "x"
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select:
            self._open.fields.setdefault(self._select, value)
        elif tag == "button" and name:
            self._buttons.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "form" and self._open is not None:
            for name, value in self._buttons or [("", "")]:
                more = {name: value} if name else {}
                self.forms.append(replace(self._open, fields={**self._open.fields, **more}))
            self._open = None


class Rows:
    """All rows of the files of a town, but of what is only counted; read anew when somebody has written."""

    def __init__(self, *files: Path) -> None:
        self._opened = [sqlite3.connect(file) for file in files]
        self._versions: list[int] = []
        self._rows: list[str] = []

    def close(self) -> None:
        for db in self._opened:
            db.close()

    def about(self, *words: str) -> tuple[str, ...]:
        """Those with one of these words; without words all."""
        self._look()
        sought = re.compile(rf"\b(?:{'|'.join(words)})\b") if words else re.compile("")
        return tuple(row for row in self._rows if sought.search(row))

    def _look(self) -> None:
        versions = [int(db.execute("PRAGMA data_version").fetchone()[0]) for db in self._opened]
        if versions != self._versions:
            self._versions = versions
            self._rows = [row for db in self._opened for row in _rows(db)]


def _rows(db: sqlite3.Connection) -> list[str]:
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [
        f"{name}: {row}"
        for name in names
        if name not in ("session", "pin_guess", "sqlite_sequence") and not name.startswith("search")
        for row in db.execute(f'SELECT * FROM "{name}"')
    ]


@dataclass
class Walk:
    """The site, asked by whoever. Each question comes from an address of its own, so that none is too often."""

    town: Town
    answering: Answering
    rows: Rows
    _addresses: Iterator[int] = field(default_factory=count)
    _cookies: dict[str, str] = field(default_factory=dict)

    async def asks(
        self,
        who: str | None,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        ours: bool = True,
        token: str | None = None,
    ) -> Response:
        """`token`: None: their own."""
        number = next(self._addresses)
        cookie = self.cookie(who) if who else ""
        form = dict(fields or {})
        if method == "POST":
            form[FIELD_TOKEN] = self.token(who) if token is None else token
        response = await self.answering.answer(
            Request(
                method=method,
                path=path,
                query={} if method == "POST" else form,
                form=form if method == "POST" else {},
                address=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
                host="vaxel.norrby.se",
                by_tls=True,
                ours=ours,
                cookie=cookie,
                now=datetime.now(UTC),
            )
        )
        assert response.status < 500 or response.status == 503, (who, method, path, fields, response.body[-300:])
        if response.type.startswith("text/html"):
            assert b"<b>Ek" not in response.body, (who, method, path)
            if who != "operator":
                assert not PROTECTED.search(response.body.decode()), (who, method, path)
        return response

    def cookie(self, who: str) -> str:
        """Signed in anew where a session has ended, as by signing out."""
        now = datetime.now(UTC)
        if self.town.store.sessions.of(self._cookies.get(who, ""), now) is None:
            self._cookies[who] = self.town.cookie(who)
        return self._cookies[who]

    def token(self, who: str | None) -> str:
        from firmware.web.who import _token

        return _token(self.cookie(who)) if who else ""


def _left(town: Town) -> None:
    """What the owner has: a message in the mailbox, one from the reception, a calendar, an absence."""
    now = datetime.now(UTC)
    sql = "INSERT INTO message (id, extension, caller, call_id, why, left_at, length_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
    mine = ("c" * 24, VICTIM, "+46701234567", "x", "no_answer", to_text(now), 2000)
    transact(town.store.journal, lambda: town.store.journal.execute(sql, mine))
    town.config.paths.messages.mkdir(parents=True, exist_ok=True)
    (town.config.paths.messages / f"{mine[0]}.wav").write_bytes(SOUND)
    memo = Memo(id="m1", extension=VICTIM, text="Ring mig", taken_by="olle", taken_at=now, caller="0701234567")
    MemoRows(town.store.journal).take(memo)
    Calendars(town.store.journal).subscribe(VICTIM, "https://mail.norrby.example/anna.ics", VICTIM_PERSON, now)


@pytest.fixture
async def walk(town: Town) -> AsyncIterator[Walk]:
    pins = Pins(town.config.paths, lambda _: None)
    answering = Answering(town.config, pins, ROUTES)
    _left(town)
    rows = Rows(town.config.paths.journal, town.config.paths.directory)
    yield Walk(town, answering, rows)
    rows.close()
    answering.close()
    pins.close()


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def paths(route: Route, parts: tuple[str, ...] = PARTS) -> list[str]:
    """With each of these in each of its parts."""
    if "{" not in route.path:
        return [route.path]
    pieces = re.split(r"\{[a-z_]+\}", route.path)
    return list(dict.fromkeys(part.join(pieces) for part in parts))


def may(walk: Walk, route: Route, who: str | None) -> bool:
    if route.may is Who.ANYBODY:
        return True
    if who is None or route.may is Who.SIGNED_IN:
        return who is not None
    assert not isinstance(route.may, Who)
    rights = (route.may,) if isinstance(route.may, Right) else route.may
    return any(map(walk.town.signed_in(who).has, rights))


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_doors(walk: Walk, route: Route) -> None:
    """Who may not come in gets no further than the door, and nothing is changed by trying."""
    before = walk.rows.about()
    for who in EVERYBODY:
        if may(walk, route, who):
            continue
        for path in paths(route, PARTS[:2]):
            response = await walk.asks(who, route.method, path, {"extension": VICTIM, "unit": "norrby/norrby/bygg"})
            if who is None and route.method == "GET":
                assert response.status in MOVED, (who, path)
                assert dict(response.headers)["Location"].startswith("/sign-in?to="), path
            else:
                assert response.status in (401, 403), (who, path, response.status)
    assert walk.rows.about() == before


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=named)
async def test_what_no_form_of_ours_sends(walk: Walk, route: Route) -> None:
    """Forged by another site, or with a token of somebody else's session."""
    before = walk.rows.about()
    for who in [one for one in WHO if may(walk, route, one)]:
        for path in paths(route, PARTS[:2]):
            assert (await walk.asks(who, "POST", path, ours=False)).status == 403, (who, path)
            if route.may is Who.ANYBODY:
                continue
            other = next(one for one in WHO if one != who)
            for token in ("", walk.token(other), walk.token(who)[:-1], "\u0660"):
                assert (await walk.asks(who, "POST", path, token=token)).status == 403, (who, path)
    assert walk.rows.about() == before


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_whatever_an_address_names_nothing_breaks(walk: Walk, route: Route) -> None:
    for who in [one for one in ("colleague", "operator") if may(walk, route, one)]:
        for path in paths(route):
            fields = {
                "q": "<b>",
                "to": "//elsewhere.example",
                "unit": "..",
                "until": "9" * 40,
                "done": "<b>",
                "page": "-1",
            }
            response = await walk.asks(who, route.method, path, fields)
            there = dict(response.headers).get("Location", "/")
            assert there.startswith("/"), (who, path, there)
            assert not there.startswith("//"), (who, path, there)


async def shown(walk: Walk, who: str) -> list[tuple[str, Form]]:
    """Every form that the site shows this one, with its page: by following every link, from their own page and from
    those of whom they may meet."""
    waiting = ["/", *(["/person/ulla"] if who == "other town" else ["/person/anna", "/person/bo"])]
    seen, alike, forms = set(), Counter[tuple[str, ...]](), []
    while waiting:
        link = waiting.pop(0)
        parts = urlsplit(link)
        kind = (parts.path, *(name for name, _ in parse_qsl(parts.query)))
        if link in seen or alike[kind] >= ALIKE_MAX:
            continue
        alike[kind] += 1
        seen.add(link)
        assert len(seen) < ENOUGH, "the site has no end"
        response = await walk.asks(who, "GET", parts.path, dict(parse_qsl(parts.query)))
        assert response.status == OK, f"{who} is shown a link to {link}, which is {response.status}"
        if response.type.startswith("text/html"):
            page = Page(response.body.decode())
            waiting += [one for one in page.links if one not in seen]
            forms += [(link, one) for one in page.forms]
    assert forms
    return forms


@pytest.mark.parametrize("who", WHO)
async def test_each_link_and_each_form_that_is_shown_is_one_that_its_reader_may_use(walk: Walk, who: str) -> None:
    for link, form in await shown(walk, who):
        route, _ = walk.answering.routes.find(form.method, urlsplit(form.action).path or urlsplit(link).path)
        assert may(walk, route, who), f"{who} is shown {named(route)} at {link}"


@pytest.mark.parametrize(
    ("who", "by", "victim"),
    [
        (who, by, (VICTIM, VICTIM_PERSON))
        for who in ("colleague", "other town")
        for by in ("owner", "manager", "operator")
    ]
    + [("manager", "operator", ("1004", "bo"))],
)
async def test_a_form_of_who_may_does_nothing_to_them_for_who_may_not(
    walk: Walk, who: str, by: str, victim: tuple[str, str]
) -> None:
    """Each form that the owner, their manager or an operator is shown, sent as it is by a colleague, from another town,
    or by a manager of others: nothing about the owner is changed."""
    forms = {(form.action, *sorted(form.fields), *_named(form, victim)): form for _, form in await shown(walk, by)}
    before = walk.rows.about(*victim)
    for form in forms.values():
        if form.method != "POST":
            continue
        route, _ = walk.answering.routes.find("POST", form.action)
        if route.path in ABOUT_ANYBODY or (route.path in MAY_REACH_VICTIM and who != "other town"):
            continue
        fields = {name: value for name, value in form.fields.items() if name != FIELD_TOKEN}
        await walk.asks(who, "POST", form.action, fields)
        assert walk.rows.about(*victim) == before, f"{who} did {named(route)} {fields}"


def _named(form: Form, victim: tuple[str, str]) -> Iterator[str]:
    """What makes it another form than the same about somebody else."""
    return (value for value in form.fields.values() if re.search(rf"{victim[0]}|{victim[1]}|/", value))


def test_each_of_whom_the_site_is_walked_is_another(town: Town) -> None:
    roles = {who: {one.role for one in town.signed_in(who).given} for who in WHO}
    assert roles["manager"] == {Role.COORDINATOR}
    assert roles["operator"] == {Role.OPERATOR}
    assert not roles["colleague"]
    assert not roles["other town"]
