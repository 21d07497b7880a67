"""Lamps: who is on the phone and what waits in a mailbox, as keys show it, with the platform and without.

The platform's are Kamailio's presence modules; the edge's are its own."""

from __future__ import annotations

import itertools
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from callcontrol.edge.render import LAMPS_S, SUBSCRIPTIONS_MAX
from firmware.config import load
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.raw import RawPhone, body_of, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

REGISTER_S = 600
WATCHER, CALLEE, CALLER, OTHER = "1001", "1002", "1003", "1004"
_numbers = itertools.count(1)


@dataclass
class House:
    """1001 watches, 1003 rings 1002."""

    site: Site
    watcher: RawPhone
    callee: RawPhone
    caller: RawPhone


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvlamp") as net:
        over: dict[str, dict[str, object]] = {"edge": {"register_s": REGISTER_S}}
        site = Site(net, users=numbers(1001, 6), configuration=over, lamps=True)
        site.start()
        with phone(site, 41, WATCHER) as watcher, phone(site, 42, CALLEE) as callee, phone(site, 43, CALLER) as caller:
            for one in (watcher, callee, caller):
                assert status(one.register(3600)) == 200
            yield House(site, watcher, callee, caller)
        site.stop()


def phone(site: Site, number: int, extension: str, secret: str | None = None) -> RawPhone:
    user = User(extension, password(extension) if secret is None else secret)
    return RawPhone(site.phones, site.phone_ip(number), user, PROXY, REALM)


def subscribe(who: RawPhone, extension: str, event: str = "dialog", expires: int = 3600) -> str:
    return who.ask("SUBSCRIBE", f"sip:{extension}@{REALM}", {"Event": event, "Expires": str(expires)})


def heard(who: RawPhone, state: str = "active") -> str:
    """The next NOTIFY that says so, answered; others before it are answered too."""
    while True:
        notify = who.called("NOTIFY", STEP_S)
        who.respond(notify, "200 OK")
        if header(notify, "Subscription-State").startswith(state):
            return notify


def states(notify: str) -> list[str]:
    """Of the calls that it tells of, but for those that are over."""
    return [state for state in re.findall(r"<state>(\w+)</state>", notify) if state != "terminated"]


def until(who: RawPhone, wanted: list[str]) -> None:
    """The lamp comes to this."""
    while states(heard(who)) != wanted:
        pass


def call(house: House, watcher: RawPhone | None = None) -> str:
    """1003 rings 1002, who answers; what the watcher sees of it. Gives the 200."""
    uri, more = f"sip:{CALLEE}@{REALM}", {"From": f"<sip:{CALLER}@{REALM}>;tag=a", "Call-ID": f"lamp-{next(_numbers)}"}
    challenge = house.caller.final(house.caller.request("INVITE", uri, more))
    proof = {"Proxy-Authorization": house.caller.authorization(challenge, "INVITE", uri)}
    sent = house.caller.request("INVITE", uri, more | proof)
    came = house.callee.called()
    house.callee.respond(came, "180 Ringing")
    if watcher:
        until(watcher, ["early"])
    house.callee.respond(came, "200 OK")
    answer = house.caller.final(sent)
    house.caller.within("ACK", uri, answer)
    house.callee.called("ACK")
    return answer


def hang_up(house: House, answer: str) -> None:
    bye = house.caller.within("BYE", f"sip:{CALLEE}@{REALM}", answer)
    house.callee.respond(house.callee.called("BYE"), "200 OK")
    house.caller.final(bye)


def test_a_lamp_through_a_death_and_the_return(house: House) -> None:
    """A call that is up when the platform dies is shown by the edge; each change of master moves the subscription."""
    site, watcher, uri = house.site, house.watcher, f"sip:{CALLEE}@{REALM}"
    answer = subscribe(watcher, CALLEE)
    assert status(answer) == 200
    assert int(header(answer, "Expires")) == LAMPS_S, "capped"
    heard(watcher)
    up = call(house)

    site.platform.kill()
    site.wait_mode("SURVIVAL", STEP_S)
    while "direction" not in (first := heard(watcher)) or states(first) != ["confirmed"]:
        pass
    assert f"{CALLER}@" not in body_of(first), "who calls is not the watcher's business"
    refreshed = watcher.final(watcher.within("SUBSCRIBE", uri, answer, {"Event": "dialog", "Expires": "3600"}))
    assert status(refreshed) == 200
    assert int(header(refreshed, "Expires")) == LAMPS_S, "capped"
    hang_up(house, up)
    until(watcher, [])
    up = call(house, watcher)
    until(watcher, ["confirmed"])
    hang_up(house, up)
    until(watcher, [])

    site.platform.start()
    site.wait_mode("NORMAL", 2 * STEP_S)
    assert "reason=deactivated" in header(heard(watcher, "terminated"), "Subscription-State")
    answer = subscribe(watcher, CALLEE)
    assert status(answer) == 200
    until(watcher, [])
    over = watcher.within("SUBSCRIBE", uri, answer, {"Event": "dialog", "Expires": "0"})
    assert status(watcher.final(over)) in (200, 202)
    heard(watcher, "terminated")
    assert site.table("subs") == {}


# Without the platform


@pytest.fixture(scope="module")
def alone(house: House) -> House:
    house.site.platform.kill()
    house.site.wait_mode("SURVIVAL", STEP_S)
    for one in (house.watcher, house.callee, house.caller):
        one.forget()
    return house


def test_strangers_are_told_nothing(alone: House) -> None:
    """Who has not proved who it is; not even whether there is such an extension."""
    with phone(alone.site, 44, OTHER, "wrong") as stranger, phone(alone.site, 45, "666", "wrong") as nobody:
        for extension in (CALLEE, "9999"):
            assert status(subscribe(stranger, extension)) == 407
            assert status(subscribe(nobody, extension)) in (403, 407)
    assert not [row for row in alone.site.table("subs").values() if row.startswith((OTHER, "666"))]


def test_what_may_be_watched(alone: House) -> None:
    answer = subscribe(alone.watcher, "9999")
    assert status(answer) == 404
    assert status(subscribe(alone.watcher, CALLEE, "message-summary")) == 404, "another's mailbox"
    assert status(subscribe(alone.watcher, CALLEE, "conference")) == 480, "the platform's alone"
    bad = {"Event": "dialog", "Contact": "<sip:1001@10.98.0.41?Subject=x>"}
    assert status(alone.watcher.ask("SUBSCRIBE", f"sip:{CALLEE}@{REALM}", bad)) == 400


def test_one_extension_has_so_many_and_no_more(alone: House) -> None:
    """Nothing is kept of those that are refused; what is ended is free again."""
    site = alone.site
    with phone(site, 46, "1005") as greedy:
        codes = [status(subscribe(greedy, CALLEE if n % 2 else CALLER)) for n in range(SUBSCRIPTIONS_MAX + 3)]
        assert codes.count(200) <= SUBSCRIPTIONS_MAX
        assert set(codes) == {200, 480}
        held = [row for row in site.table("subs").values() if row.startswith("1005|")]
        assert len(held) == codes.count(200)


def test_it_ends_when_the_phone_says_so(alone: House) -> None:
    """Within its dialog: refreshed, then ended; after that there is none. An invented To tag opens nothing."""
    watcher, uri = alone.watcher, f"sip:{CALLEE}@{REALM}"
    answer = subscribe(watcher, CALLEE)
    heard(watcher)
    more = {"Event": "dialog", "Expires": "60"}
    refreshed = watcher.final(watcher.within("SUBSCRIBE", uri, answer, more))
    assert (status(refreshed), header(refreshed, "Expires")) == (200, "60")
    assert 'version="2"' in heard(watcher)
    stolen = {**more, "To": f"<{uri}>;tag=invented"}
    assert status(watcher.final(watcher.within("SUBSCRIBE", uri, answer, stolen))) == 481
    ended = watcher.final(watcher.within("SUBSCRIBE", uri, answer, {**more, "Expires": "0"}))
    assert status(ended) == 200
    heard(watcher, "terminated;reason=timeout")
    assert status(watcher.final(watcher.within("SUBSCRIBE", uri, answer, more))) == 481


def test_a_phone_that_is_gone_is_told_no_more(alone: House) -> None:
    site = alone.site
    with phone(site, 47, "1006") as leaving:
        assert status(subscribe(leaving, CALLEE)) == 200
        notify = leaving.called("NOTIFY")
        leaving.respond(notify, "481 Subscription Does Not Exist")
    site.wait(
        lambda: not any(row.startswith("1006|") for row in site.table("subs").values()), STEP_S, "forgotten after 481"
    )


def test_a_mailbox_lamp(alone: House) -> None:
    """`calls` tells the edge by PUBLISH what waits; who watches its own mailbox hears it."""
    site, watcher = alone.site, alone.watcher
    assert status(subscribe(watcher, WATCHER, "message-summary")) == 200
    assert "Messages-Waiting: no" in heard(watcher)
    assert publish(site, WATCHER, "Messages-Waiting: yes\r\nVoice-Message: 2/5\r\n") == 200
    notify = heard(watcher)
    assert header(notify, "Content-Type") == "application/simple-message-summary"
    assert body_of(notify).splitlines() == [
        "Messages-Waiting: yes",
        f"Message-Account: sip:{WATCHER}@{REALM}",
        "Voice-Message: 2/5",
    ]
    assert publish(site, WATCHER, "Messages-Waiting: perhaps\r\nVoice-Message: 2/5\r\n") == 400


def test_presence_shows_who_is_here_and_who_talks(alone: House) -> None:
    watcher = alone.watcher
    assert status(subscribe(watcher, CALLEE, "presence")) == 200
    assert "<basic>open</basic>" in (first := heard(watcher))
    assert "on-the-phone" not in first
    answer = call(alone)
    while "on-the-phone" not in heard(watcher):
        pass
    hang_up(alone, answer)


def publish(site: Site, extension: str, body: str) -> int:
    """As `calls` does, over loopback."""
    port = load(site.config_file).edge.calls_port
    with site.host.socket(socket.SOCK_STREAM) as link:
        link.settimeout(STEP_S)
        link.connect(("127.0.0.1", port))
        lines = [f"PUBLISH sip:{extension}@{REALM} SIP/2.0", "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKmail"]
        lines += [f"From: <sip:{extension}@{REALM}>;tag=m", f"To: <sip:{extension}@{REALM}>", "Call-ID: mail"]
        lines += ["CSeq: 1 PUBLISH", "Max-Forwards: 70", "Event: message-summary", "Expires: 3600"]
        lines += ["Content-Type: application/simple-message-summary", f"Content-Length: {len(body)}", "", body]
        link.sendall("\r\n".join(lines).encode())
        return status(link.recv(65_535).decode())


# A real phone


@pytest.mark.long
def test_baresip_follows_every_change_of_master() -> None:
    """Its mailbox key, without a hand on it: the edge goes on in the platform's place; told that it is over, it
    subscribes anew at its next registration (its module mwi does nothing of its own upon `deactivated`)."""
    with Net("rvlampb") as net:
        site = Site(net, users=numbers(1001, 6), configuration={"edge": {"register_s": 15}}, lamps=True)
        site.start()
        host = net.host("desk")
        site.switch.join(host, "lan", "10.98.0.51/24")
        account = Account(OTHER, password(OTHER), REALM, PROXY, register_s=60)
        desk = Baresip(host, "10.98.0.51", account, 440.0, settings="module mwi.so\n")
        desk.start()
        desk.wait_registered(STEP_S)

        def owner() -> str:
            return "".join(row.split("|")[1] for row in site.table("subs").values())

        try:
            site.wait(lambda: owner() not in ("", "1"), STEP_S, "subscribed at the platform")
            for _ in range(3):
                site.platform.kill()
                site.wait_mode("SURVIVAL", STEP_S)
                print(f"{site.wait(lambda: owner() == '1', STEP_S, 'subscribed here'):.2f} s after the death was known")
                site.platform.start()
                site.wait_back(2 * STEP_S)
                took = site.wait(lambda: owner() not in ("", "1"), STEP_S, "subscribed at the platform")
                print(f"{took:.2f} s after the return")
        finally:
            desk.stop()
            site.stop()
