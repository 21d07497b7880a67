"""The certificate by which phones know the unit: given by the configuration, or made here under a CA of the unit's own.

The work is done by Debian's `openssl` command; what it makes and reads stays in files. The CA's key is read by root
alone, the edge's key by the edge's user alone.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["Certificate", "CertificateError", "install", "make", "make_ca", "read"]

OPENSSL = "openssl"
TIMEOUT_S = 60
"""A key of 2,048 bits takes seconds on a small board."""
CA_DAYS = 7_300
OWN_DAYS = 1_825
RENEW_BEFORE = timedelta(days=365)
"""An own certificate is made anew so long before its end, as phones may have the unit's clock from before it."""
KEY = "rsa:2048"
"""RSA, as desk phones that know ECDHE do not all know ECDSA certificates; 2,048 bits, as some refuse more."""
SERIAL_BYTES = 16


class CertificateError(Exception):
    """A certificate cannot be made, read or used: what is wrong, with the file's name."""


@dataclass(frozen=True)
class Certificate:
    """What a certificate says: until when it holds, and of which addresses and names."""

    until: datetime
    names: frozenset[str]


def read(file: Path) -> Certificate:
    """The first certificate of a PEM file. Raises CertificateError."""
    said = _openssl("x509", "-in", str(file), "-noout", "-enddate", "-ext", "subjectAltName")
    end = re.search(r"notAfter=(.+) GMT", said)
    if not end:
        raise CertificateError(f"{file}: openssl tells no end of it")
    until = datetime.strptime(end[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    return Certificate(until, frozenset(re.findall(r"(?:IP Address|DNS):([^,\s]+)", said)))


def make_ca(name: str, ca: Path, ca_key: Path) -> None:
    """The unit's own CA, once; what is there is left alone. Raises CertificateError."""
    if ca.exists() and ca_key.exists():
        return
    ca.parent.mkdir(parents=True, exist_ok=True)
    extensions = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
    with _scratch(ca.parent) as folder:
        config = _request_config(Path(folder), f"{name} CA", extensions)
        made, made_key = Path(folder, "ca.pem"), Path(folder, "ca.key")
        _openssl(
            *("req", "-x509", "-config", str(config), "-newkey", KEY, "-nodes", "-sha256", "-days", str(CA_DAYS)),
            *("-keyout", str(made_key), "-out", str(made)),
        )
        made.chmod(0o644)
        made_key.rename(ca_key)
        made.rename(ca)


def make(name: str, addresses: frozenset[str], ca: Path, ca_key: Path, to: Path, key_to: Path) -> bool:
    """A certificate of ours for these addresses, with the CA's behind it in the same file.

    One that names them all and holds long enough is left alone. Whether one was made; raises CertificateError."""
    if to.exists() and key_to.exists():
        held = read(to)
        if addresses <= held.names and held.until - datetime.now(UTC) > RENEW_BEFORE:
            return False
    # Some phones look for the address that they were told only among the names, or in the common name.
    subject = min(addresses)
    names = ",".join([f"DNS:{name}", *(f"IP:{address},DNS:{address}" for address in sorted(addresses))])
    extensions = (
        f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
        "keyUsage=critical,digitalSignature,keyEncipherment\n"
    )
    with _scratch(to.parent) as folder:
        config = _request_config(Path(folder), subject, extensions)
        request, made, made_key = Path(folder, "edge.csr"), Path(folder, "edge.pem"), Path(folder, "edge.key")
        _openssl(
            *("req", "-new", "-config", str(config), "-newkey", KEY, "-nodes", "-sha256"),
            *("-keyout", str(made_key), "-out", str(request)),
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key), "-sha256"),
            *("-set_serial", f"0x{secrets.token_hex(SERIAL_BYTES)}", "-days", str(OWN_DAYS)),
            *("-extfile", str(config), "-extensions", "own", "-out", str(made)),
        )
        made.write_text(made.read_text("ascii") + ca.read_text("ascii"), "ascii")
        made_key.rename(key_to)
        made.rename(to)
    return True


def install(certificate: Path, key: Path, to: Path, key_to: Path) -> bool:
    """Copy a given pair to where the edge reads it. Whether it is another than before; raises CertificateError."""
    read(certificate)
    ours, theirs = _openssl("pkey", "-in", str(key), "-pubout"), _openssl("x509", "-in", str(certificate), "-pubkey")
    if not theirs.startswith(ours.strip()):
        raise CertificateError(f"{key} is not the key of {certificate}")
    pair = (certificate.read_bytes(), key.read_bytes())
    if to.exists() and key_to.exists() and (to.read_bytes(), key_to.read_bytes()) == pair:
        return False
    for data, place in zip(pair, (to, key_to), strict=True):
        part = place.with_suffix(".part")
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        part.rename(place)
    return True


def _request_config(folder: Path, name: str, extensions: str) -> Path:
    file = folder / "request.cnf"
    file.write_text(
        "[req]\nprompt=no\ndistinguished_name=subject\nx509_extensions=own\n"
        f"[subject]\nO=reservvaxel\nCN={name}\n[own]\nsubjectKeyIdentifier=hash\n{extensions}",
        "ascii",
    )
    return file


def _scratch(beside: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of ours alone, where files can be renamed from."""
    return tempfile.TemporaryDirectory(dir=beside, prefix=".tls-")


def _openssl(*words: str) -> str:
    if shutil.which(OPENSSL) is None:
        raise CertificateError("openssl is not installed (Debian package openssl)")
    try:
        done = subprocess.run(
            [OPENSSL, *words], capture_output=True, text=True, timeout=TIMEOUT_S, check=False, umask=0o077
        )
    except subprocess.TimeoutExpired:
        raise CertificateError(f"openssl {words[0]} did not end within {TIMEOUT_S} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"code {done.returncode}"]
        raise CertificateError(f"openssl {words[0]}: {said[-1]} ({' '.join(w for w in words if w.startswith('/'))})")
    return done.stdout
