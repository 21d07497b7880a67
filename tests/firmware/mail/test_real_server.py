"""A server of mail that others made (aiosmtpd): TLS from the start and by STARTTLS, logins, sizes, certificates."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firmware.mail.letter import From, letter
from firmware.mail.policy import Happened, Kind
from firmware.mail.smtp import Answer, Limits, Server, Session
from firmware.store.mail import Mail

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SENDER = From("reservvaxel@norrby.example", "Reservväxeln gw-1", "norrby.example")
USER, PASSWORD = "gw-1", "hunter2 ~!"


class Keeps:
    """What aiosmtpd asks."""

    def __init__(self) -> None:
        self.kept: list[Envelope] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802  its name
        self.kept.append(envelope)
        return "250 kept"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of 127.0.0.1, by nobody but itself."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    none = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, none))
    return paths


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, auth_data: Any) -> AuthResult:
    good = isinstance(auth_data, LoginPassword) and auth_data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


class Running:
    """aiosmtpd in a thread."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None, **fields: Any) -> None:
        self.keeps = Keeps()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

        async def begin() -> asyncio.Server:
            return await self._loop.create_server(
                lambda: SMTP(self.keeps, loop=self._loop, **fields), "127.0.0.1", 0, ssl=ssl_context
            )

        self._server = asyncio.run_coroutine_threadsafe(begin(), self._loop).result(5)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        async def end() -> None:
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._loop.shutdown_default_executor()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def run(**fields: Any) -> Running:
        started.append(Running(**fields))
        return started[-1]

    yield run
    for server in started:
        server.stop()


def send(server: Running, text: str = "Hej på dig.\n.\n..\nFrom here", **fields: Any) -> Answer:
    known: dict[str, Any] = {"security": "none"}
    session = Session(Server("127.0.0.1", server.port, limits=Limits(2, 2, 5), **{**known, **fields}))
    mail = Mail(id="m", kind=Kind.TEST, to="anna@norrby.example", subject="Prov", text=text, set_by="x", queued_at=NOW)
    try:
        return session.deliver(SENDER.address, mail.to, lambda size: letter(mail, "1a2b", SENDER, None, 10_000_000))
    finally:
        session.close()


def context_of(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


def test_in_clear(running: Callable[..., Running]) -> None:
    server = running()
    assert send(server).happened is Happened.TAKEN
    (envelope,) = server.keeps.kept
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER.address, ["anna@norrby.example"])
    assert isinstance(envelope.content, bytes)
    assert envelope.content.endswith(b"Hej p=C3=A5 dig.\r\n.\r\n..\r\nFrom here\r\n")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # where TLS is there from the start, aiosmtpd does not see it
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_sealed_and_logged_in(running: Callable[..., Running], certificate: tuple[Path, Path], security: str) -> None:
    context = context_of(certificate)
    sealed = {"ssl_context": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    server = running(authenticator=authenticate, auth_required=True, auth_require_tls=security == "starttls", **sealed)
    login = {"security": security, "ca_file": str(certificate[0]), "user": USER}
    wrong = send(server, **login, password="wrong")
    assert (wrong.happened, wrong.text) == (Happened.UNREACHED, "535 the server refuses the login")
    assert send(server, **login, password=PASSWORD).happened is Happened.TAKEN
    assert len(server.keeps.kept) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("ca", [True, False])
def test_a_certificate_that_nobody_vouches_for(
    running: Callable[..., Running], certificate: tuple[Path, Path], security: str, ca: bool, tmp_path: Path
) -> None:
    """Or that is of another name."""
    context = context_of(certificate)
    server = running(**({"ssl_context": context} if security == "tls" else {"tls_context": context}))
    session = Session(
        Server(
            "localhost" if ca else "127.0.0.1", server.port, security,
            ca_file=str(certificate[0]) if ca else "", limits=Limits(2, 2, 5),
        )
    )  # fmt: skip
    answer = session.deliver(SENDER.address, "anna@norrby.example", lambda size: b"Subject: x\r\n\r\n")
    assert answer.happened is Happened.UNREACHED
    assert "certificate" in answer.text.lower()
    assert server.keeps.kept == []


def test_one_that_is_too_big_is_refused_by_its_size_alone(running: Callable[..., Running]) -> None:
    server = running(data_size_limit=2_000)
    answer = send(server, text="a" * 3_000)
    assert (answer.happened, answer.text[:3]) == (Happened.REFUSED, "552")
