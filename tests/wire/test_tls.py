"""Phones by TLS beside phones by UDP, behind a NAT too, and phones whose sound is secret: in both modes, by both kinds
of registration."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.net import Net
from hil.phone import Account, Phone
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import SDP, RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, UNIT_SOUTH_IP, Site, numbers, password
from tests.wire.conftest import STEP_S, TLS_PROXY, Building, open_buildings

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

LISTEN: list[object] = [f"udp:{UNIT_SOUTH_IP}:5060", f"tcp:{UNIT_SOUTH_IP}:5060", f"tls:{TLS_PROXY}"]
CROWD, ROUTER_IP, RAW_IP = 2, 51, 61
AUDIO = "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
UNIT_TLS = (UNIT_SOUTH_IP, 5061)


def trusting(site: Site) -> ssl.SSLContext:
    """As a phone that was given the unit's CA checks: chain, time, and the address that it was told."""
    return ssl.create_default_context(cafile=site.paths.ca)


def in_both_modes(building: Building) -> Iterator[str]:
    yield "NORMAL"
    building.platform.kill()
    building.site.wait_mode("SURVIVAL", STEP_S)
    for desk in building.desks:  # a refresh may have been on its way as the platform died
        desk.wait_registered(STEP_S)
    yield "SURVIVAL"


def ring_by_udp(building: Building, extension: str) -> None:
    """A phone by UDP rings one that answers by itself, and hangs up. It minds no 180 that a 200 has overtaken."""
    site = building.site
    with RawPhone(site.phones, site.phone_ip(RAW_IP), User("1003", password("1003")), PROXY, REALM) as phone:
        uri = f"sip:{extension}@{REALM}"
        answer = phone.ask("INVITE", uri, {}, SDP.format(ip=phone.ip) + AUDIO)
        assert status(answer) == 200, answer
        phone.within("ACK", uri, answer)
        ended = phone.final(phone.within("BYE", uri, answer))
        assert status(ended) == 200, ended


def test_phones_by_tls_and_by_udp_ring_each_other() -> None:
    with open_buildings(CROWD, sound=("tls", "tls"), configuration={"edge": {"listen": LISTEN}}) as buildings:

        def work(building: Building) -> None:
            for _ in in_both_modes(building):
                building.talk()
                building.hang_up()
                for desk in building.desks:
                    ring_by_udp(building, desk.account.extension)
                    desk.wait_closed(STEP_S)
                    desk.dial("1001")
                    desk.wait_established(STEP_S)
                    desk.hang_up()
                    desk.wait_closed(STEP_S)

        buildings.each(work)


def test_phones_by_tls_behind_a_nat() -> None:
    with open_buildings(CROWD, configuration={"edge": {"listen": LISTEN}}) as buildings:

        def work(building: Building) -> None:
            site, net, label = building.site, building.net, building.registration
            inside = building.behind_nat(ROUTER_IP)
            phones: list[Phone] = []
            for number, (extension, make) in enumerate((("1011", Baresip), ("1012", Linphone))):
                host, ip = net.host(f"nat{number}-{label}"), f"192.168.1.{10 + number}"
                inside.join(host, "eth0", f"{ip}/24")
                host.route("default", "192.168.1.1")
                account = Account(extension, password(extension), REALM, TLS_PROXY, "tls", ca=site.paths.ca)
                phones.append(make(host, ip, account, 440 + 200 * number))
                phones[-1].start()
            building.desks = tuple(phones)
            for phone in phones:
                phone.wait_registered(STEP_S)
            for _ in in_both_modes(building):
                for phone in phones:
                    ring_by_udp(building, phone.account.extension)
                    phone.wait_closed(STEP_S)
                building.talk()
                building.hang_up()
            for phone in phones:
                phone.stop()

        buildings.each(work)


@pytest.mark.long
def test_secret_sound_from_phone_to_phone() -> None:
    """Both phones refuse a call without SRTP, so that the sound which each hears has been through it."""
    with open_buildings(0, sound=("udp", "udp"), srtp=True) as buildings:

        def work(building: Building) -> None:
            for _ in in_both_modes(building):
                for caller in (0, 1):
                    building.desks = building.desks[::-1] if caller else building.desks
                    building.talk()
                    building.hang_up()

        buildings.each(work)


# The certificate


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Net("rvtls") as net:
        made = Site(net, users=numbers(1001, 4), configuration={"edge": {"listen": LISTEN}})
        made.start()
        yield made
        made.stop()


def hello(site: Site, context: ssl.SSLContext) -> str | None:
    """The version agreed on. Raises SSLError."""
    with contextlib.closing(site.phones.socket(socket.SOCK_STREAM)) as plain:
        plain.settimeout(STEP_S)
        plain.connect(UNIT_TLS)
        with context.wrap_socket(plain, server_hostname=UNIT_SOUTH_IP) as secret:
            return secret.version()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_has_the_ca_knows_the_unit(site: Site, version: ssl.TLSVersion) -> None:
    context = trusting(site)
    context.minimum_version = context.maximum_version = version
    assert hello(site, context) == version.name.replace("_", ".")


def test_who_has_not_does_not(site: Site) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        hello(site, ssl.create_default_context())


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_versions_are_refused(site: Site, version: str) -> None:
    command = ["openssl", "s_client", "-connect", f"{UNIT_TLS[0]}:{UNIT_TLS[1]}", f"-{version}"]
    done = site.phones.run([*command, "-cipher", "ALL:@SECLEVEL=0"], check=False)
    assert done.returncode != 0
    assert "Cipher is (NONE)" in done.stdout


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "NULL-SHA256", "AECDH-AES128-SHA"])
def test_without_forward_secrecy_refused(site: Site, cipher: str) -> None:
    command = ["openssl", "s_client", "-connect", f"{UNIT_TLS[0]}:{UNIT_TLS[1]}", "-tls1_2"]
    done = site.phones.run([*command, "-cipher", f"{cipher}:@SECLEVEL=0"], check=False)
    assert done.returncode != 0


def test_keys_are_closed_to_others(site: Site) -> None:
    for key, owner in ((site.paths.ca_key, "root"), (site.paths.edge / "tls.key", "kamailio")):
        assert key.stat().st_mode & 0o777 == 0o600
        assert site.owner(key) == owner
    assert site.paths.ca.stat().st_mode & 0o777 == 0o644


def test_a_message_in_clear_on_the_tls_port_is_not_heard(site: Site) -> None:
    with contextlib.closing(site.phones.socket(socket.SOCK_STREAM)) as plain:
        plain.settimeout(STEP_S)
        plain.connect(UNIT_TLS)
        plain.sendall(b"OPTIONS sip:x SIP/2.0\r\n\r\n" * 20)
        with contextlib.suppress(ConnectionError):
            assert b"SIP/2.0" not in plain.recv(4096)


def test_it_stays_over_a_restart_and_is_renewed_in_place(site: Site) -> None:
    """Phones keep the CA for years: only what it signs is made anew, and the edge takes it in use under calls."""
    before, ca = (site.paths.edge / "tls.pem").read_text(), site.paths.ca.read_text()
    site.edge.stop()
    site.edge.start()
    assert (site.paths.edge / "tls.pem").read_text() == before
    with RawPhone(
        site.phones,
        site.phone_ip(RAW_IP),
        User("1001", password("1001")),
        TLS_PROXY,
        REALM,
        tls=trusting(site),
    ) as phone:
        site.wait(lambda: status(phone.register()) == 200, STEP_S, "registered")
        assert header(phone.register(), "Contact")
    assert site.paths.ca.read_text() == ca


def test_a_given_certificate() -> None:
    """Of a CA of the municipality's own; and one that is not to be read keeps no phone from its calls."""
    with Net("rvgiven") as net:
        folder = net.directory / "unit"
        folder.mkdir(mode=0o755)
        pair = {"certificate": str(folder / "given.pem"), "key": str(folder / "given.key")}
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20", "-subj", "/CN=given"),
                *("-addext", f"subjectAltName=IP:{UNIT_SOUTH_IP}", "-keyout", pair["key"], "-out", pair["certificate"]),
            ],
            check=True,
            capture_output=True,
        )
        over: dict[str, dict[str, object]] = {"edge": {"listen": LISTEN}, "tls": dict(pair)}
        site = Site(net, users=numbers(1001, 2), configuration=over)
        site.start()
        assert hello(site, ssl.create_default_context(cafile=pair["certificate"])) == "TLSv1.3"
        site.wait(lambda: "RVX-T01" in [p["id"] for p in site.status()["problems"]], STEP_S, "told that it ends soon")
        assert not site.paths.ca.exists()
        site.stop()
        (site.paths.edge / "tls.pem").unlink()
        Path(pair["certificate"]).write_text("nonsense")
        site.start()
        site.wait(lambda: "RVX-T02" in [p["id"] for p in site.status()["problems"]], STEP_S, "told that it cannot be")
        with RawPhone(
            site.phones,
            site.phone_ip(RAW_IP),
            User("1001", password("1001")),
            f"{UNIT_SOUTH_IP}:5060",
            REALM,
        ) as phone:
            assert status(phone.register()) == 200
        site.stop()
