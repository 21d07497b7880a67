"""The hub's page and what leads to it, as HTML. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from firmware.sync.stamp import DRIFT_MAX_MS
from firmware.web.html import Child, Html, document, el, together
from firmware.web.site import FIELD_TOKEN
from firmware.web.views.frame import stamped
from firmware.web.views.parts import Value, Wrong, button, facts, field, section, summary
from firmware.web.words import LANGUAGES, Say
from tools.hub.accounts import PASSWORD_MAX, PASSWORD_MIN, Account
from tools.hub.audit import Line
from tools.hub.units import Finding, Unit

__all__ = ["Looked", "Overruled", "View", "first", "overview", "page", "problem", "say_in", "sign_in"]

SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class View:
    """Whom a page is for. `done`: a key of the words of what they just did."""

    say: Say
    now: datetime
    path: str
    account: Account | None = None
    done: str = ""


@dataclass(frozen=True, slots=True)
class Overruled:
    id: int
    kind: str
    item: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """All that the page shows. `waiting`: by unit, rows that it has told of and that are not here; `behind`: changes
    that it has not asked for yet."""

    name: str
    generation: str
    entries: int
    backed_up_at: datetime | None
    units: Sequence[Unit]
    waiting: Mapping[str, int]
    behind: Mapping[str, int]
    findings: Sequence[Finding]
    overruled: Sequence[Overruled]
    sources: Sequence[tuple[str, int, datetime | None, bool]]
    audit: Sequence[Line]


@cache
def _catalogue() -> Mapping[str, tuple[str, str]]:
    text = (files("tools.hub") / "words.toml").read_text("utf-8")
    return {f"{part}.{key}": (sv, en) for part, rows in tomllib.loads(text).items() for key, (sv, en) in rows.items()}


def say_in(language: str) -> Say:
    return Say(language, _catalogue())


def page(view: View, title: str, *body: Child, wrong: bool = False) -> bytes:
    """`title`: a key of words."""
    say = view.say
    head = (
        el("meta", {"charset": "utf-8"}),
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("meta", {"name": "color-scheme", "content": "light dark"}),
        el("title", None, f"{say('frame.wrong')} – " if wrong else None, say(title), " – ", say("frame.name")),
        el("link", {"rel": "stylesheet", "href": stamped("site.css")}),
        el("link", {"rel": "icon", "href": stamped("icon.svg"), "type": "image/svg+xml"}),
    )
    done = el("p", {"class": "done", "role": "status"}, say(f"done.{view.done}")) if view.done else None
    shown = el(
        "body",
        None,
        el("a", {"class": "skip", "href": "#main"}, say("frame.skip")),
        el("header", {"class": "top"}, el("a", {"class": "name", "href": "/"}, say("frame.name"))),
        el("main", {"id": "main", "tabindex": "-1"}, done, el("h1", None, say(title)), *body),
        _footer(view),
    )
    return document(say.language, head, shown).encode()


def problem(view: View, why: str) -> bytes:
    """`why`: a key of the words "problem"."""
    say = view.say
    way = el("p", None, el("a", {"href": "/"}, say("problem.first_page")))
    return page(view, f"problem.{why}", el("p", None, say(f"problem.{why}_do")), way)


def sign_in(view: View, name: str = "", *, wrong: bool = False) -> bytes:
    say = view.say
    fault = Wrong("name", say("sign_in.wrong")) if wrong else None
    body = together(
        summary(say, fault),
        _form(
            view,
            "/sign-in",
            field(say("sign_in.name"), "name", name, wrong=fault, extra={"autocomplete": "username", "maxlength": 63}),
            field(
                say("sign_in.password"), "password", kind="password",
                extra={"autocomplete": "current-password", "maxlength": PASSWORD_MAX},
            ),
            button(say("sign_in.do")),
        ),
        el("p", None, el("a", {"href": "/first"}, say("sign_in.first"))),
    )  # fmt: skip
    return page(view, "sign_in.title", body, wrong=wrong)


def first(view: View, word: str = "", *, wrong: str = "") -> bytes:
    """`wrong`: a key of the words "first"."""
    say = view.say
    where = {"wrong": "word", "weak": "password", "differ": "again"}.get(wrong, "")
    fault = Wrong(where, say(f"first.{wrong}")) if wrong else None
    chosen: dict[str, Value] = {"autocomplete": "new-password", "minlength": PASSWORD_MIN, "maxlength": PASSWORD_MAX}
    body = together(
        summary(say, fault),
        _form(
            view,
            "/first",
            field(
                say("first.word"), "word", word, hint=say("first.word_hint"), wrong=fault,
                extra={"autocomplete": "one-time-code", "maxlength": 40},
            ),
            field(
                say("first.password"), "password", hint=say("first.password_hint"), wrong=fault, kind="password",
                extra=chosen,
            ),
            field(say("first.again"), "again", wrong=fault, kind="password", extra=chosen),
            button(say("first.do")),
        ),
    )  # fmt: skip
    return page(view, "first.title", body, wrong=bool(wrong))


def overview(view: View, looked: Looked) -> bytes:
    say = view.say
    return page(
        view,
        "frame.name",
        section(say("findings.title"), _findings(view, looked.findings)),
        section(say("overruled.title"), _overruled(view, looked.overruled)),
        section(say("units.title"), _units(view, looked)),
        section(say("sources.title"), _sources(view, looked)),
        section(say("state.title"), _state(view, looked)),
        section(say("audit.title"), _audit(view, looked.audit)),
    )


def _findings(view: View, found: Sequence[Finding]) -> Html:
    say = view.say
    if not found:
        return el("p", None, say("findings.none"))
    lines = []
    for one in found:
        key = f"findings.{one.kind}"
        fill = {"unit": one.unit, "subject": one.subject, "why": str(one.detail.get("why", ""))}
        told = say(key, **fill) if say.knows(key) else f"{one.kind} {one.unit} {one.subject}"
        times = say("findings.times", count=one.times, at=say.moment(one.last_at, view.now))
        lines.append(
            el(
                "li",
                None,
                el("p", None, told),
                el("p", {"class": "hint"}, times),
                _deed(view, f"/seen/{one.id}", "findings.seen"),
            )
        )
    return el("ul", {"class": "list"}, lines)


def _overruled(view: View, found: Sequence[Overruled]) -> Html:
    say = view.say
    if not found:
        return el("p", None, say("overruled.none"))
    lines = [
        el(
            "li",
            None,
            el("p", None, say("overruled.line", kind=one.kind, item=one.item, by=one.by)),
            el("p", {"class": "hint"}, say.moment(one.at, view.now)),
            el(
                "div",
                {"class": "row"},
                _deed(view, f"/undo/{one.id}", "overruled.undo"),
                _deed(view, f"/leave/{one.id}", "overruled.leave"),
            ),
        )
        for one in found
    ]
    return el("ul", {"class": "list"}, lines)


def _units(view: View, looked: Looked) -> Html:
    say = view.say
    if not looked.units:
        return el("p", None, say("units.none"))
    heads = ("name", "seen", "behind", "waits", "clock", "version", "people", "until")
    rows = [_unit(view, looked, unit) for unit in looked.units]
    return _table([say(f"units.{head}") for head in heads], rows, say("units.title"))


def _unit(view: View, looked: Looked, unit: Unit) -> list[Child]:
    say = view.say

    def counted(count: int) -> str:
        return say("units.rows", count=count) if count else say("units.all")

    until = say("units.out") if unit.revoked_at else say("units.not_yet")
    if unit.until and not unit.revoked_at:
        until = say.moment(unit.until, view.now)
    return [
        f"{unit.name} ({unit.id})",
        say.moment(unit.seen_at, view.now) if unit.seen_at else say("units.never"),
        counted(looked.behind.get(unit.id, 0)),
        counted(looked.waiting.get(unit.id, 0)),
        _clock(say, unit.ahead_ms),
        str(unit.said.get("version", "")),
        ", ".join(unit.municipalities),
        until,
    ]


def _clock(say: Say, ahead_ms: int | None) -> str:
    if ahead_ms is None:
        return ""
    if abs(ahead_ms) < DRIFT_MAX_MS // 10:
        return say("units.right")
    return say("units.ahead" if ahead_ms > 0 else "units.late", s=abs(ahead_ms) // SECOND_MS)


def _sources(view: View, looked: Looked) -> Html:
    say = view.say
    if not looked.sources:
        return el("p", None, say("sources.none"))
    rows: list[list[Child]] = [
        [name, people, say.moment(at, view.now) if at and whole else say("sources.open")]
        for name, people, at, whole in looked.sources
    ]
    heads = [say(f"sources.{head}") for head in ("name", "people", "loaded")]
    return _table(heads, rows, say("sources.title"))


def _state(view: View, looked: Looked) -> Html:
    say = view.say
    copied = say.moment(looked.backed_up_at, view.now) if looked.backed_up_at else say("state.no_backup")
    return facts(
        (
            (say("state.backup"), copied),
            (say("state.entries"), str(looked.entries)),
            (say("state.generation"), looked.generation),
        )
    )


def _audit(view: View, lines: Sequence[Line]) -> Html:
    told = [f"{view.say.moment(line.at, view.now)}: {line.who} {line.what} {line.subject}" for line in lines]
    return el("ul", {"class": "list"}, [el("li", None, text) for text in told])


def _table(heads: Sequence[str], rows: Sequence[Sequence[Child]], name: str) -> Html:
    head = el("tr", None, [el("th", {"scope": "col"}, text) for text in heads])
    body = [
        el("tr", None, el("th", {"scope": "row"}, row[0]), [el("td", None, cell) for cell in row[1:]]) for row in rows
    ]
    table = el("table", None, el("thead", None, head), el("tbody", None, body))
    return el("div", {"class": "scrolls", "tabindex": 0, "role": "region", "aria-label": name}, table)


def _deed(view: View, action: str, words: str) -> Html | None:
    """A button of its own; nobody who may only read has one."""
    if view.account is None or not view.account.may_change:
        return None
    return _form(view, action, button(view.say(words), kind="plain"))


def _form(view: View, action: str, *children: Child) -> Html:
    token = view.account.token if view.account else ""
    hidden = el("input", {"type": "hidden", "name": FIELD_TOKEN, "value": token}) if token else None
    return el("form", {"method": "post", "action": action}, hidden, *children)


def _footer(view: View) -> Html:
    say = view.say
    other = next(language for language in LANGUAGES if language != say.language)
    to = el("input", {"type": "hidden", "name": "to", "value": view.path})
    change = _form(
        view,
        "/language",
        to,
        el("button", {"class": "link", "name": "language", "value": other, "lang": other}, say("frame.other_language")),
    )
    if view.account is None:
        return el("footer", None, change)
    out = _form(view, "/sign-out", el("button", {"class": "link"}, say("frame.sign_out")))
    return el("footer", None, el("p", None, say("frame.signed_in", who=view.account.name)), out, change)
