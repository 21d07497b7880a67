"""A configuration on its way to a unit, signed.

    {"signed": "<JSON as text>", "signature": "<Ed25519 over its UTF-8 bytes (RFC 8032), base64>"}

What is signed is kept as text, so that both sides mean the same bytes. It names the unit that it is for and a version
that only grows: one for another unit, or an older one, is not taken however well it is signed. Secrets are not in it:
they stay in the ``secrets.toml`` of the unit.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from firmware.document import FILE_MAX_BYTES, sha256_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["BUNDLE_MAX_BYTES", "Bundle", "BundleError", "Replayed", "opened", "sign"]

FORMAT = "reservvaxel-configuration"
BUNDLE_MAX_BYTES = 4 * FILE_MAX_BYTES
"""Every character of a configuration may be escaped, twice."""
VERSION_MAX = (1 << 53) - 1
"""The greatest whole number that every JSON reader has (RFC 8259 §6)."""
KEY_BYTES, SIGNATURE_BYTES = 32, 64

_UNIT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PROGRAM = re.compile(r"[0-9]{1,4}([.][0-9]{1,4}){0,3}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")


class BundleError(ValueError):
    """What came is no configuration for this unit; the text begins with the field at fault."""


class Replayed(BundleError):
    """It is well signed, and older than one that was here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """``config`` is the text of unit.toml; ``program`` the oldest version of this program that understands it."""

    unit: str
    version: int
    made_at: str
    program: str
    config: str

    @property
    def sha256(self) -> str:
        """Of the configuration."""
        return sha256_of(self.config)


def sign(bundle: Bundle, key: Ed25519PrivateKey) -> bytes:
    """Raises BundleError for what no unit would take."""
    _judge({"format": FORMAT} | asdict(bundle))
    text = json.dumps({"format": FORMAT} | asdict(bundle), ensure_ascii=False, sort_keys=True)
    signature = base64.b64encode(key.sign(text.encode())).decode()
    return json.dumps({"signed": text, "signature": signature}, ensure_ascii=False).encode()


def opened(data: bytes, key: bytes, unit: str, program: str, highest: int) -> Bundle:
    """What `sign` made by the other half of ``key``, for this unit. ``highest``: the last version that was here.

    Raises BundleError, Replayed. The signature is looked at before anything that it vouches for.
    """
    if len(data) > BUNDLE_MAX_BYTES:
        raise BundleError(f"bundle: {len(data)} bytes, expected {BUNDLE_MAX_BYTES} at the most")
    around = _object(data, "bundle")
    text, signature = around.get("signed"), around.get("signature")
    if not isinstance(text, str):
        raise BundleError("signed: expected text")
    if not isinstance(signature, str) or not _vouches(key, signature, text.encode("utf-8", "surrogatepass")):
        raise BundleError("signature: is not that of the hub that this unit was enrolled at")
    bundle = _judge(_object(text.encode(), "signed"))
    if bundle.unit != unit:
        raise BundleError(f"unit: is for {bundle.unit}, this one is {unit}")
    if _numbers(bundle.program) > _numbers(program):
        raise BundleError(f"program: is for version {bundle.program} and newer, this is {program}")
    if bundle.version <= highest:
        raise Replayed(f"version: {bundle.version}, and {highest} was here already")
    return bundle


def _vouches(key: bytes, signature: str, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BundleError(f"{name}: expected a JSON object")
    return found


def _judge(found: dict[str, Any]) -> Bundle:
    if found.get("format") != FORMAT:
        raise BundleError(f"format: expected {FORMAT}")
    for name, form in (("unit", _UNIT), ("made_at", _MOMENT), ("program", _PROGRAM)):
        value = found.get(name)
        if not isinstance(value, str) or not form.fullmatch(value):
            raise BundleError(f"{name}: {str(value)[:40]!r} cannot be one")
    version, config = found.get("version"), found.get("config")
    if type(version) is not int or not 0 < version <= VERSION_MAX:
        raise BundleError(f"version: {str(version)[:20]!r}; expected a whole number from 1")
    try:
        size = len(config.encode()) if isinstance(config, str) else -1
    except UnicodeEncodeError:
        size = -1
    if not isinstance(config, str) or not 0 < size <= FILE_MAX_BYTES:
        raise BundleError(f"config: expected text of {FILE_MAX_BYTES} bytes at the most")
    return Bundle(
        unit=found["unit"], version=version, made_at=found["made_at"], program=found["program"], config=config
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version)[:4])
