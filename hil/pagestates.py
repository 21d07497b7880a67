"""Every state that a page of the unit's may be in, so that each is judged: by axe-core as WCAG 2.2 AA, and at the width
of a small telephone, where nothing may scroll sideways (1.4.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from playwright.sync_api import Error as PlaywrightError

from hil.pages import CONTACT, DESK, OPERATOR, STAFF, TELEPHONE, Pages, sign_in

__all__ = ["LOOKS", "STATES", "Look", "State", "faults_of", "judged", "sampled", "touches", "walked"]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALL: ViewportSize = {"width": 320, "height": 640}
"""A page at 400 % on a desk (WCAG 1.4.10)."""
SATURDAY = "2027-01-09"
UNIT = "/unit?id=norrby%2Fnorrby%2Fbygg-och-milj%C3%B6"


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at pages."""

    size: ViewportSize
    dark: bool
    language: str


LOOKS = (
    Look(DESK, False, "sv-SE"),
    Look(TELEPHONE, True, "sv-SE"),
    Look(TELEPHONE, False, "en-GB"),
    Look(DESK, True, "en-GB"),
)


@dataclass(frozen=True, slots=True)
class State:
    """`who`: an extension, "" for a stranger. `go`: leads a window that stands on the first page there. `leaves`:
    others begin with what it leaves behind."""

    name: str
    who: str
    go: Callable[[Page], object]
    leaves: bool = False


def _at(path: str) -> Callable[[Page], object]:
    return lambda page: page.goto(path)


def _away(page: Page) -> None:
    page.goto("/")
    page.click("button[value=lunch]")
    page.wait_for_selector(".done")


def _back(page: Page) -> None:
    page.goto("/")
    if page.locator("form[action='/back'] button").count():
        page.click("form[action='/back'] button")
        page.wait_for_selector(".done")


def _away_open(page: Page) -> None:
    page.goto("/away?reason=meeting")
    page.click("summary")


def _away_asked(page: Page) -> None:
    _away_open(page)
    page.fill("#day", SATURDAY)
    page.fill("#at", "10:00")
    page.click("button[value=given]")
    page.wait_for_selector(".ask")


def _away_wrong(page: Page) -> None:
    _away_open(page)
    page.fill("#instead", "7777")
    page.click("button[value=given]")
    page.wait_for_selector(".wrong")


def _booked(page: Page) -> None:
    _away_open(page)
    page.fill("#from_day", "2027-01-11")
    page.fill("#day", "2027-01-12")
    page.click("button[value=given]")
    page.wait_for_selector(".done, .ask")
    if page.locator(".ask button").count():
        page.locator(".ask button").first.click()
    page.goto("/")


def _sign_in_wrong(page: Page) -> None:
    page.goto("/sign-in")
    page.fill("#extension", "1009")
    page.fill("#pin", "000001")
    page.click("main button")
    page.wait_for_selector(".wrong")


def _filled(path: str, fields: dict[str, str], seen: str, button: str = "main form button") -> Callable[[Page], object]:
    def go(page: Page) -> None:
        page.goto(path)
        for name, value in fields.items():
            page.fill(name, value)
        page.click(button)
        page.wait_for_selector(seen)

    return go


def _shown(path: str, *ids: str) -> Callable[[Page], object]:
    """Bands that the script shows."""

    def go(page: Page) -> None:
        page.goto(path)
        for name in ids:
            page.evaluate("name => { document.getElementById(name).hidden = false; }", name)

    return go


_BLOCK = "form[action$='/block'] button"
STATES: Sequence[State] = (
    State("sign-in", "", _at("/sign-in")),
    State("sign-in, wrong", "", _sign_in_wrong),
    State("in", STAFF, _at("/")),
    State("without the unit", STAFF, _shown("/", "offline", "queued")),
    State("away, done", STAFF, _away, leaves=True),
    State("away", STAFF, _at("/")),
    State("when back", STAFF, _at("/away?reason=meeting")),
    State("when back, all of it", STAFF, _away_open),
    State("when back, odd", STAFF, _away_asked),
    State("when back, wrong", STAFF, _away_wrong),
    State("back", STAFF, _back, leaves=True),
    State("booked", STAFF, _booked),
    State("search", STAFF, _at("/find")),
    State("search, found", STAFF, _at("/find?q=bygglov")),
    State("search, nobody", STAFF, _at("/find?q=xyzzy")),
    State("somebody", STAFF, _at("/person/eva")),
    State("a phone", STAFF, _at("/extension/1100")),
    State("a unit", STAFF, _at(UNIT)),
    State("the organisation", STAFF, _at("/organisation")),
    State("a message to somebody", STAFF, _at("/memo/1002")),
    State("a message, wrong", STAFF, _filled("/memo/1002", {}, ".wrong")),
    State("voicemail", STAFF, _at("/voicemail")),
    State("voicemail, empty", CONTACT, _at("/voicemail")),
    State("messages", STAFF, _at("/memos")),
    State("messages, none", CONTACT, _at("/memos")),
    State("calendar", STAFF, _at("/calendar")),
    State("calendar, none", CONTACT, _at("/calendar")),
    State("calendar, wrong", CONTACT, _filled("/calendar", {"#url": "ftp://kalender.example/"}, ".wrong")),
    State("forwarding", STAFF, _filled("/forwarding", {"#number": "1002"}, ".done")),
    State("forwarding, wrong", CONTACT, _filled("/forwarding", {"#number": "7777"}, ".wrong")),
    State("details", STAFF, _at("/me")),
    State("details, wrong", STAFF, _filled("/me", {"#deputy": "7777"}, ".wrong")),
    State("PIN", STAFF, _at("/pin")),
    State("more", STAFF, _at("/more")),
    State("guides", STAFF, _at("/papers")),
    State("not there", STAFF, _at("/nowhere")),
    State("not allowed", STAFF, _at("/manage/1002")),
    State("manage", CONTACT, _at("/manage")),
    State("manage somebody", CONTACT, _at("/manage/1005")),
    State("manage, wrong", CONTACT, _filled("/manage/1005", {"#why": "  "}, ".wrong", _BLOCK)),
    State("manage, blocked", CONTACT, _filled("/manage/1005", {"#why": "borta"}, ".done", _BLOCK), leaves=True),
    State("manage, lifted", CONTACT, _filled("/manage/1005", {}, ".done", "form[action$='/lift'] button"), leaves=True),
    State("manage, a PIN", CONTACT, _filled("/manage/1007", {}, ".pin", "form[action$='/pin'] button")),
    State("manage, away", CONTACT, _at("/manage/1007/away?reason=sick")),
    State("a whole unit", CONTACT, _at(f"/manage{UNIT}")),
    State("a whole unit, wrong", CONTACT, _filled(f"/manage{UNIT}", {"#emergency": ""}, ".wrong")),
    State("who leaves", CONTACT, _at("/leaver/1007")),
    State("who leaves, the list", CONTACT, _filled("/leaver/1007", {"#last_day": "2030-01-31"}, ".list"), leaves=True),
    State("those who leave", CONTACT, _at("/leavers")),
    State("who stays", CONTACT, _filled("/leaver/1007", {}, ".done", "form[action$='/stays'] button"), leaves=True),
    State("a fault", STAFF, _at("/fault")),
    State("a fault, left", STAFF, _filled("/fault", {"#text": "Det brusar."}, ".list")),
    State("extract", CONTACT, _at("/extract")),
    State("reserve plans", CONTACT, _at("/reserve")),
    State("operator's search", OPERATOR, _at("/find?q=anna")),
)  # fmt: skip


def faults_of(page: Page) -> list[str]:
    """What axe-core finds wrong, each with where; and what scrolls sideways on a small telephone."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response
    faults = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]
    before = page.viewport_size
    page.set_viewport_size(SMALL)
    wide = int(page.evaluate("document.documentElement.scrollWidth"))
    if before is not None:
        page.set_viewport_size(before)
    return [*faults, *([f"scrolls sideways: {wide} px at {SMALL['width']}"] if wide > SMALL["width"] else [])]


def judged(started: Browser, pages: Pages, looks: Sequence[Look]) -> Iterator[tuple[str, Look, list[str]]]:
    """Each state by each look."""
    for look in looks:
        for state, page in walked(started, pages, look):
            yield state.name, look, faults_of(page)


def sampled(started: Browser, pages: Pages, every: int) -> Iterator[tuple[str, Look, list[str]]]:
    """Every second state or third, each by another of the looks, but all in one language."""
    states = [state for number, state in enumerate(STATES) if number % every == 0 or state.leaves]
    for number, (state, page) in enumerate(walked(started, pages, LOOKS[0], states)):
        look = LOOKS[number % len(LOOKS)]
        page.set_viewport_size(look.size)
        page.emulate_media(color_scheme="dark" if look.dark else "light")
        yield state.name, look, faults_of(page)


def walked(
    started: Browser, pages: Pages, look: Look, states: Sequence[State] = STATES
) -> Iterator[tuple[State, Page]]:
    """What a state leaves behind is where another begins: they are walked through in their order, whoever judges."""
    windows: dict[str, tuple[BrowserContext, Page]] = {}
    for state in states:
        if state.who not in windows:
            windows[state.who] = _window(started, pages, state.who, look)
        page = windows[state.who][1]
        try:
            state.go(page)
        except PlaywrightError as error:
            raise RuntimeError(f"{state.name}: {error}\n{page.locator('main').inner_text()[:600]}") from error
        yield state, page
    for context, _ in windows.values():
        context.close()


def touches(page: Page, most: int | None = None) -> dict[str, int]:
    """How many touches it takes from one's own page to be away: by each reason, as usual and until another time;
    by the first of the reasons where so many are enough."""
    page.goto("/")
    reasons = [str(one) for one in page.locator(".reasons button").evaluate_all("all => all.map((one) => one.value)")]
    taken: dict[str, int] = {}
    for reason in reasons[:most]:
        other = (f".reasons a[href='/away?reason={reason}']", ".chips .plain")
        for name, path in (("as usual", (f".reasons button[value={reason}]",)), ("another time", other)):
            page.goto("/")
            for touch in path:
                page.locator(touch).first.click()
                page.wait_for_url("**/?done=away" if touch == path[-1] else "**/away?reason=*")
            page.wait_for_selector(".state.away")
            taken[f"{reason}, {name}"] = len(path)
    return taken


def _window(started: Browser, pages: Pages, who: str, look: Look) -> tuple[BrowserContext, Page]:
    more: dict[str, Any] = {"size": look.size, "dark": look.dark, "language": look.language}
    if who:
        return sign_in(started, pages, who, **more)
    context = started.new_context(
        base_url=pages.url, viewport=look.size, color_scheme="dark" if look.dark else "light", locale=look.language
    )
    return context, context.new_page()
