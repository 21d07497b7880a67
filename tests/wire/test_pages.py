"""The pages in Debian's Chromium: everybody can use them, by keyboard at a telephone's size, and without the unit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from hil.pages import CONTACT, STAFF, TELEPHONE, Pages, browser, sign_in
from hil.pagestates import LOOKS, Look, faults_of, judged, touches

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with Pages() as found:
        found.fill()
        yield found


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.size['width']}-{'dark' if look.dark else 'light'}")
def test_everybody_can_use_every_page_in_every_state(pages: Pages, started: Browser, look: Look) -> None:
    faulty = {name: faults for name, _, faults in judged(started, pages, [look]) if faults}
    assert not faulty


def test_the_judge_finds_what_is_wrong(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        " '<img src=x><input><p class=wide>x</p><a href=/ class=faint>yyyy</a>')"
    )
    page.evaluate(
        "document.querySelector('.wide').style.width = '900px'; document.querySelector('.faint').style.color = '#ccc'"
    )
    rules = {fault.partition(":")[0] for fault in faults_of(page)}
    assert {"image-alt", "label", "color-contrast", "scrolls sideways"} <= rules
    context.close()


def test_away_in_two_touches_at_the_most(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages, size=TELEPHONE)
    taken = touches(page)
    assert len(taken) >= 20
    assert max(taken.values()) <= 2
    assert taken["lunch, as usual"] == 1
    page.click("form[action='/back'] button")
    expect(page.locator(".state")).to_have_text("Du är inne. Telefonen ringer.")
    context.close()


def test_by_keyboard_alone(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "lunch":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_be_visible()
    expect(page.locator(".state")).to_contain_text("Lunch")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('form')?.getAttribute('action')") == "/back":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_contain_text("Du är inne")
    context.close()


def test_found_while_one_writes(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages)
    page.goto("/find")
    page.locator("#q").press_sequentially("miljöinsp")
    expect(page.locator("#found .title")).to_have_text(["Karl Carlsson"])
    expect(page.locator("#found [role=status]")).to_have_text("Träffar: 1")
    page.keyboard.press("Enter")
    expect(page.locator("#found .title")).to_have_text(["Karl Carlsson"])
    context.close()


def test_all_of_it_works_without_script(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages, CONTACT, java_script_enabled=False)
    page.click("button[value=lunch]")
    expect(page.locator(".done")).to_be_visible()
    page.click("form[action='/back'] button")
    expect(page.locator(".state")).to_contain_text("Du är inne")
    page.goto("/find")
    page.fill("#q", "anna")
    page.click(".search button")
    expect(page.locator("#found .title")).to_have_text(["Anna Öberg"])
    context.close()


def test_without_the_unit_one_reads_and_a_referral_waits_and_counts_once(pages: Pages, started: Browser) -> None:
    """The unit is gone, and back: what was meant meanwhile is taken, one time, as from when it was meant."""
    context, page = sign_in(started, pages, CONTACT, own=True)
    before = len(pages.referrals(CONTACT))
    page.evaluate("navigator.serviceWorker.ready")
    page.goto("/find?q=carlsson")
    page.goto("/person/karl")
    page.goto("/")
    page.goto("/")
    page.wait_for_function("caches.open('pages-1').then((kept) => kept.match('/')).then(Boolean)")
    pages.stop()
    try:
        page.goto("/")
        expect(page.locator(".state")).to_contain_text("Du är inne")
        page.goto("/find?q=carlsson")
        expect(page.locator("#found .title")).to_have_text(["Karl Carlsson"])
        page.goto("/")
        page.click("button[value=lunch]")
        expect(page.locator("#queued")).to_be_visible()
    finally:
        pages.start()
    page.goto("/")
    expect(page.locator(".state")).to_contain_text("Lunch")
    expect(page.locator("#queued")).to_be_hidden()
    page.goto("/")
    assert len(pages.referrals(CONTACT)) == before + 1
    context.close()


def test_nobody_finds_in_a_browser_what_another_saw(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages, STAFF, own=True)
    page.evaluate("navigator.serviceWorker.ready")
    page.goto("/person/karl")
    page.goto("/person/karl")
    page.wait_for_function("caches.open('pages-1').then((kept) => kept.keys()).then((keys) => keys.length > 0)")
    page.click("form[action='/sign-out'] button")
    page.wait_for_url("**/sign-in*")
    page.wait_for_function("caches.has('pages-1').then((there) => !there)")
    context.close()


def test_a_message_is_heard(pages: Pages, started: Browser) -> None:
    """Chromium plays it, and it counts as heard when it has been."""
    context, page = sign_in(started, pages)
    page.goto("/voicemail")
    sound = page.locator("audio").last  # of four seconds
    with page.expect_response(lambda answer: answer.url.endswith("/heard"), timeout=15_000):
        length = sound.evaluate(
            "sound => new Promise((known) => { sound.muted = true; sound.onerror = () => known(-1);"
            " sound.onloadedmetadata = () => known(sound.duration); sound.play(); })"
        )
    assert abs(length - 4.0) < 0.1
    page.goto("/voicemail")
    expect(page.locator("form[action$='/heard']")).to_have_count(2)
    context.close()


def test_nothing_comes_from_elsewhere_and_nothing_is_wrong_in_the_console(pages: Pages, started: Browser) -> None:
    context, page = sign_in(started, pages)
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/", "/find?q=anna", "/voicemail", "/calendar", "/more"):
        page.goto(path)
    assert all(url.startswith(pages.url) for url in asked)
    assert said == []
    context.close()
