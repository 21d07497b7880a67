"""The unit as one of the hub's: its key, its certificate, who vouches for the hub, and what the hub calls it.

    state/sync/unit.pem     private key and certificate in one file, 0600, so that they are changed at once
    state/sync/hub.json     the hub's address and CA, the unit's id, the hub's key for configurations

The key is made here and leaves the unit only sealed (`rvx identity export`)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Certificate", "Membership", "MembershipError", "Request", "machine_id", "request"]

RENEWED_AT = 2 / 3
"""Of a certificate's life."""
FILE_MAX = 64 << 10
MACHINE_ID = Path("/etc/machine-id")
_PURPOSE = b"reservvaxel sync"


class MembershipError(Exception):
    """Files of it cannot be used; the text says which and why, with nothing of the key."""


@dataclass(frozen=True, slots=True)
class Request:
    """A new key as PEM, and what the hub is asked to sign."""

    key: str = field(repr=False)
    csr: str


def request(name: str) -> Request:
    """EC P-256; `name`: as the unit's label says."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Request(private.decode("ascii"), csr.public_bytes(serialization.Encoding.PEM).decode("ascii"))


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the unit's certificate says."""

    unit: str
    since: datetime
    until: datetime

    def renew_due(self, now: datetime) -> bool:
        """A clock from before it was made says nothing of its age."""
        return now >= self.since + (self.until - self.since) * RENEWED_AT

    @classmethod
    def of(cls, pem: str) -> Certificate:
        """Raises MembershipError."""
        try:
            read = x509.load_pem_x509_certificate(pem.encode("ascii"))
            unit = str(read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
            return cls(unit, read.not_valid_before_utc, read.not_valid_after_utc)
        except (ValueError, IndexError, UnsupportedAlgorithm):
            raise MembershipError("the certificate cannot be read") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """`folder` is state/sync."""

    folder: Path
    hub: str
    unit: str
    ca: str
    config_key: str

    @property
    def key_file(self) -> Path:
        """Key and certificate, as ssl.SSLContext.load_cert_chain takes them."""
        return self.folder / "unit.pem"

    @property
    def config_key_bytes(self) -> bytes:
        """Ed25519, public. Raises MembershipError."""
        try:
            return base64.b64decode(self.config_key, validate=True)
        except ValueError:
            raise MembershipError("the hub's key for configurations cannot be read") from None

    def certificate(self) -> Certificate:
        """Raises MembershipError."""
        try:
            text = self.key_file.read_text("ascii")
        except (OSError, UnicodeError) as error:
            raise MembershipError(f"{self.key_file}: cannot be read: {error}") from None
        return Certificate.of(text[max(0, text.find("-----BEGIN CERT")) :])

    @classmethod
    def read(cls, folder: Path) -> Membership | None:
        """None: the unit is no hub's. Raises MembershipError for files that cannot be used."""
        file = folder / "hub.json"
        try:
            with file.open("rb") as opened:
                found = json.loads(opened.read(FILE_MAX))
            return cls(folder=folder, **{name: _text(found, name) for name in ("hub", "unit", "ca", "config_key")})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MembershipError(f"{file}: cannot be used: {type(error).__name__}") from None

    @classmethod
    def keep(cls, folder: Path, hub: str, made: Request, enrolled: Mapping[str, Any]) -> Membership:
        """What the hub has given; hub.json last, as with it the unit is one of the hub's. Raises MembershipError,
        OSError."""
        new = cls(folder=folder, hub=hub, unit=enrolled["unit"], ca=enrolled["ca"], config_key=enrolled["config_key"])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.put_certificate(made, enrolled["certificate"])
        content = {name: value for name, value in asdict(new).items() if name != "folder"}
        _write(folder / "hub.json", json.dumps(content, indent=1) + "\n")
        return new

    def put_certificate(self, made: Request, certificate: str) -> None:
        """Raises MembershipError where it is another's or of another key, OSError."""
        if Certificate.of(certificate).unit != self.unit:
            raise MembershipError("the certificate is another unit's")
        try:
            read = x509.load_pem_x509_certificate(certificate.encode("ascii"))
            ours = serialization.load_pem_private_key(made.key.encode("ascii"), None)
        except ValueError:
            raise MembershipError("the certificate cannot be read") from None
        if read.public_key() != ours.public_key():
            raise MembershipError("the certificate is of another key")
        _write(self.key_file, made.key + certificate)

    def with_ca(self, ca: str) -> Membership:
        """The same with who vouches for the hub from now on, written."""
        new = Membership(folder=self.folder, hub=self.hub, unit=self.unit, ca=ca, config_key=self.config_key)
        content = {name: value for name, value in asdict(new).items() if name != "folder"}
        _write(self.folder / "hub.json", json.dumps(content, indent=1) + "\n")
        return new


def machine_id(file: Path = MACHINE_ID) -> str:
    """Of this machine, 32 hexadecimal digits, and not what the file says itself (machine-id(5)); zeros where there is
    none."""
    with contextlib.suppress(OSError, UnicodeError):
        if text := file.read_text("ascii").strip():
            return hmac.new(text.encode("ascii"), _PURPOSE, hashlib.sha256).hexdigest()[:32]
    return "0" * 32


def _write(file: Path, text: str) -> None:
    """Whole or not at all, its owner's alone."""
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="ascii") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value
