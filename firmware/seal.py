"""Bytes sealed by a passphrase, to leave the unit in a file: nobody who finds the file learns or changes anything.

    {"format": "reservvaxel-identity", "version": 1, ..., "sealed_bytes": n, "sealed_sha256": "..."}\\n<n bytes>

The first line is JSON, in clear; what follows is AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914) makes
of the passphrase. The line is authenticated with it. Its length and digest only tell damage from a wrong passphrase.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["PASSPHRASE_MAX", "PASSPHRASE_MIN", "SealError", "WrongPassphrase", "seal", "unseal"]

VERSION = 1
HEAD_MAX_BYTES = 1024
SEALED_MAX_BYTES = 8 << 20
"""Far above the largest building; what is read is bounded before it is opened."""
PASSPHRASE_MIN, PASSPHRASE_MAX = 12, 256
"""Characters. A file that is found can be tried against for ever, so a short one is refused."""
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 17, 8, 1
"""128 MiB and about half a second for each try. Fixed by the version, so that no file can ask for more."""
KEY_BYTES, SALT_BYTES, NONCE_BYTES, TAG_BYTES = 32, 16, 12, 16


class SealError(ValueError):
    """The file cannot be opened; the text begins with the field at fault."""


class WrongPassphrase(SealError):
    """The file is whole, and this passphrase does not open it."""


def seal(what: str, passphrase: str, clear: bytes) -> bytes:
    """Give the file. ``what`` names its kind, such as "reservvaxel-identity"; raises SealError for the passphrase."""
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    head: dict[str, Any] = {"format": what, "version": VERSION, "kdf": "scrypt", "cipher": "AES-256-GCM"}
    head |= {"salt": salt.hex(), "nonce": nonce.hex()}
    sealed = _cipher(passphrase, salt).encrypt(nonce, clear, _line(head))
    if len(sealed) > SEALED_MAX_BYTES:
        raise SealError(f"sealed_bytes: {len(sealed)}; expected {SEALED_MAX_BYTES} at the most")
    return _line(head | {"sealed_bytes": len(sealed), "sealed_sha256": hashlib.sha256(sealed).hexdigest()}) + sealed


def unseal(what: str, passphrase: str, file: bytes) -> bytes:
    """Give what :func:`seal` was given. Raises SealError naming the field, WrongPassphrase."""
    first, newline, sealed = file.partition(b"\n")
    head = _head(what, first if newline and len(first) <= HEAD_MAX_BYTES else b"")
    length, digest = head.pop("sealed_bytes", None), head.pop("sealed_sha256", None)
    if length != len(sealed):
        raise SealError(
            f"sealed_bytes: {len(sealed)} are there, not {str(length)[:20]}; the file is cut or was added to"
        )
    if digest != hashlib.sha256(sealed).hexdigest():
        raise SealError("sealed_sha256: does not match; the file is damaged or was altered")
    salt, nonce = (_hex(head, name, length) for name, length in (("salt", SALT_BYTES), ("nonce", NONCE_BYTES)))
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(passphrase, salt).decrypt(nonce, sealed, _line(head))
    except InvalidTag:
        raise WrongPassphrase("passphrase: does not open the file (or its first line was altered)") from None


def _head(what: str, first: bytes) -> dict[str, Any]:
    try:
        head = json.loads(first)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or head.get("format") != what:
        raise SealError(f"format: not {what}; this is another kind of file")
    version = head.get("version")
    if type(version) is not int or version < 1:
        raise SealError(f"version: {str(version)[:20]!r}; expected a whole number")
    if version > VERSION:
        raise SealError(f"version: {version}; written by a newer rvx, this one knows {VERSION}")
    return head


def _hex(head: dict[str, Any], name: str, length: int) -> bytes:
    value = head.get(name)
    try:
        found = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        found = b""
    if len(found) != length:
        raise SealError(f"{name}: expected {2 * length} hexadecimal digits")
    return found


def _line(head: dict[str, Any]) -> bytes:
    return json.dumps(head, ensure_ascii=True).encode() + b"\n"


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    """AES-GCM by the passphrase's key. The library is loaded here: the edge and the unit run without it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if not PASSPHRASE_MIN <= len(passphrase) <= PASSPHRASE_MAX:
        raise SealError(f"passphrase: expected {PASSPHRASE_MIN} to {PASSPHRASE_MAX} characters")
    derive = Scrypt(salt=salt, length=KEY_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    # The same letters, from whatever keyboard they come.
    return AESGCM(derive.derive(unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")))
