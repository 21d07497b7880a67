"""Digest by MD5 and SHA-256, extension by extension. Kamailio 6 has both at once; Kamailio 5 has one for all, and an
extension of which only the other hash is held is unknown to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from callcontrol.digest import ha1
from firmware.store import Directory
from hil.net import Net
from hil.phone.raw import RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

BY_SHA256, BY_BOTH = "1001", "1002"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """In SURVIVAL; of 1001 only the SHA-256 hash is held, of 1002 both, of the others MD5."""
    with Net("rvalg") as net:
        made = Site(net, users=numbers(1001, 4))
        directory = Directory.open(made.paths.directory)
        for credential in directory.credentials():
            hashed = ha1(credential.user, REALM, password(credential.extension), "sha256")
            if credential.extension == BY_SHA256:
                directory.put_credential(replace(credential, ha1_md5=None, ha1_sha256=hashed))
            elif credential.extension == BY_BOTH:
                directory.put_credential(replace(credential, ha1_sha256=hashed))
        directory.close()
        made.start()
        made.platform.kill()
        made.wait_mode("SURVIVAL", STEP_S)
        yield made
        made.stop()


def phone(site: Site, number: int, extension: str, secret: str | None = None) -> RawPhone:
    user = User(extension, password(extension) if secret is None else secret)
    return RawPhone(site.phones, site.phone_ip(number), user, PROXY, REALM)


def challenge(site: Site, extension: str, method: str) -> str:
    """The algorithm that the unit asks this extension for; MD5 may go unsaid (RFC 7616 §3.3)."""
    with phone(site, 40, extension, "") as asked:
        own = f"<sip:{extension}@{REALM}>"
        uri = f"sip:{REALM}" if method == "REGISTER" else f"sip:1003@{REALM}"
        answer = asked.ask(method, uri, {"From": f"{own};tag=c", "To": own, "Contact": asked.contact})
    if status(answer) not in (401, 407):
        return str(status(answer))
    offered = header(answer, "WWW-Authenticate") + header(answer, "Proxy-Authenticate")
    return "SHA-256" if "algorithm=SHA-256" in offered else "MD5"


def kamailio_5(site: Site) -> bool:
    return "kamailio 5." in str(site.rpc("core.version"))


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_each_extension_is_asked_for_what_is_held_of_it(site: Site, method: str) -> None:
    for extension in (BY_BOTH, "1003", BY_SHA256, "1004", BY_SHA256, BY_BOTH):
        expected = "MD5"
        if extension == BY_SHA256:
            unknown = "503" if method == "REGISTER" else "403"
            expected = unknown if kamailio_5(site) else "SHA-256"
        assert challenge(site, extension, method) == expected


def test_each_gets_in_by_its_own(site: Site) -> None:
    """And nobody by a wrong password, whatever the algorithm."""
    with phone(site, 41, BY_SHA256) as one, phone(site, 42, BY_BOTH) as other:
        assert status(other.register()) == 200
        assert status(one.register()) == (503 if kamailio_5(site) else 200)
        if kamailio_5(site):
            return
        with phone(site, 43, BY_SHA256, "wrong") as wrong:
            assert status(wrong.register()) == 401
        uri, own = f"sip:{BY_BOTH}@{REALM}", {"From": f"<sip:{BY_SHA256}@{REALM}>;tag=i", "Call-ID": "a"}
        asked = one.final(one.request("INVITE", uri, own))
        proof = {"Proxy-Authorization": one.authorization(asked, "INVITE", uri)}
        sent = one.request("INVITE", uri, own | proof)
        other.respond(other.called(), "486 Busy Here")
        assert status(one.final(sent)) == 486
