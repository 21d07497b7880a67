"""Signing in by a provider that others made, in a browser that others made: cookies, redirections and what a page
forbids are as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.async_api import async_playwright

from firmware.config_identity import Identity, IdentityKey
from firmware.web.identity.routes import ROUTES as IDENTITY
from firmware.web.pages import ROUTES
from firmware.web.signing import ROUTES as SIGNING
from hil.phone.chromium import PROGRAM
from hil.provider import provider
from tests.firmware.web.conftest import Town, loaded_town, town
from tests.firmware.web.serving import free_port, served

__all__ = ["loaded_town", "town"]

pytestmark = pytest.mark.wire

ANNA = '{"sub": "anna", "email": "Anna@norrby.se"}'
STRANGER = '{"sub": "nobody", "email": "nobody@elsewhere.example"}'


@pytest.fixture
def issuer() -> Iterator[str]:
    with provider(free_port(), ANNA, STRANGER) as issuer:
        yield issuer


async def test_by_a_browser_and_a_provider_of_others(town: Town, issuer: str) -> None:
    identity = Identity(issuer=issuer, client="vaxel", name="Norrby-konto")
    secrets = replace(town.config.secrets, identity=IdentityKey(secret="s3cret"))
    config = replace(town.config, identity=identity, secrets=secrets)
    async with served(config, (*SIGNING, *IDENTITY, *ROUTES)) as (client, answering), async_playwright() as playwright:
        assert answering.asking is not None
        await answering.asking.look()
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        for who, in_there in (("nobody", False), ("anna", True)):
            context = await browser.new_context(locale="sv-SE")
            page = await context.new_page()
            await page.route("**/*.css", lambda route: route.abort())  # the provider's, from elsewhere
            await page.goto(f"{client._base_url}/find")
            await page.get_by_role("link", name="Logga in med Norrby-konto").click()
            await page.locator("input[name=sub]").fill(who)
            await page.get_by_role("button", name="Authorize").click()
            await page.wait_for_url("http://127.0.0.1:*/**")
            if in_there:
                assert page.url.endswith("/find")
                assert "Anna Öberg" in await page.content()
                names = {cookie.get("name", "") for cookie in await context.cookies(str(client._base_url))}
                assert names == {"rvx"}, "what was begun is over"
            else:
                assert "Kontot hör inte till någon anknytning här" in await page.content()
            await context.close()
        await browser.close()
