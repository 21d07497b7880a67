"""The hub's own certificate authority: EC P-256, for the hub's server and for each unit; and the key by which
configurations are signed (Ed25519). RFC 5280. Keys lie in files of mode 0600."""

from __future__ import annotations

import base64
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CaError", "Issued", "Signer", "make_ca", "serial_text"]

CA_DAYS = 7_300
OWN_DAYS = 365
CLOCK_OFF = timedelta(days=1)
"""A certificate holds from before it is made: a unit's clock may be behind."""
RENEW_AT = 2 / 3
"""Of its time a certificate of the server is made anew."""
CSR_MAX_BYTES = 8_192

CERTIFICATE, KEY = "ca.pem", "ca.key"
SERVER, SERVER_KEY = "server.pem", "server.key"
CONFIG_KEY = "config.key"


class CaError(ValueError):
    """What was asked to be signed cannot be, or a file of the CA's cannot be used; the text has no secret."""


@dataclass(frozen=True, slots=True)
class Issued:
    """`pem`: the certificate; `serial`: as it is kept."""

    pem: str
    serial: str
    not_after: datetime


def serial_text(serial: int) -> str:
    return f"{serial:040x}"


def make_ca(folder: Path, name: str, now: datetime) -> None:
    """The CA and the key of configurations, once; what is there is left alone. Raises OSError."""
    if not (folder / CERTIFICATE).exists():
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{name} CA")
        made = (
            _begun(subject, subject, key.public_key(), now, CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(folder / KEY, _private(key))
        _write(folder / CERTIFICATE, made.public_bytes(serialization.Encoding.PEM))
    if not (folder / CONFIG_KEY).exists():
        _write(folder / CONFIG_KEY, _private(ed25519.Ed25519PrivateKey.generate()))


class Signer:
    """Signs for units and for the hub's own server. Raises CaError where its files cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.pem = (folder / CERTIFICATE).read_text("ascii")
            self._certificate = x509.load_pem_x509_certificate(self.pem.encode())
            key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
            signing = serialization.load_pem_private_key((folder / CONFIG_KEY).read_bytes(), None)
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise CaError(f"{folder}: the CA cannot be used: {type(error).__name__}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(signing, ed25519.Ed25519PrivateKey):
            raise CaError(f"{folder}: keys of another kind than this hub makes")
        self._key, self.config_key = key, signing

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the CA's certificate, as `openssl x509 -fingerprint -sha256` shows it."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def config_public(self) -> str:
        """As a unit is told it."""
        raw = self.config_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    @property
    def config_private(self) -> bytes:
        """PEM, PKCS 8."""
        return _private(self.config_key)

    def unit(self, csr: str, unit: str, now: datetime) -> Issued:
        """For a unit, whatever name its request has. Raises CaError for what is no request, or of another key than
        EC P-256."""
        if len(csr) > CSR_MAX_BYTES:
            raise CaError("csr: is too long")
        try:
            request = x509.load_pem_x509_csr(csr.encode("ascii"))
            key = request.public_key()
            fits = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
            if not fits or not request.is_signature_valid:
                raise CaError("csr: expected a request of an EC P-256 key, signed by that key")
        except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
            if isinstance(error, CaError):
                raise
            raise CaError("csr: is no certificate request in PEM") from None
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self._issue(unit, key, ExtendedKeyUsageOID.CLIENT_AUTH, (), now)

    def server(self, names: Sequence[str], now: datetime) -> tuple[Path, Path]:
        """The server's certificate with the CA's behind it, and its key, for these names and addresses; made anew when
        it does not name them or has come so far. Raises OSError."""
        place, key_place = self._folder / SERVER, self._folder / SERVER_KEY
        if place.exists() and key_place.exists() and _holds(place, names, now):
            return place, key_place
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._issue(names[0], key.public_key(), ExtendedKeyUsageOID.SERVER_AUTH, names, now)
        _write(key_place, _private(key))
        _write(place, (made.pem + self.pem).encode())
        return place, key_place

    def _issue(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        usage: x509.ObjectIdentifier,
        names: Sequence[str],
        now: datetime,
    ) -> Issued:
        builder = (
            _begun(_name(name), self._certificate.subject, key, now, OWN_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, names))), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        pem = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
        return Issued(pem, serial_text(made.serial_number), made.not_valid_after_utc)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_OFF)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "reservvaxel"),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
        ]
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _holds(place: Path, names: Sequence[str], now: datetime) -> bool:
    try:
        held = x509.load_pem_x509_certificate(place.read_bytes())
        listed = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    begun, ends = held.not_valid_before_utc, held.not_valid_after_utc
    return set(map(_general, names)) <= set(listed) and now < begun + (ends - begun) * RENEW_AT


def _private(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(place: Path, data: bytes) -> None:
    """Whole or not at all, for its owner alone, on the disk."""
    part = place.with_name(f".{place.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(place)
