"""``[identity]`` of the configuration: the municipality's own sign-in (OpenID Connect), beside extension and PIN.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from firmware.bounds import Choice, Refused, Text, like
from firmware.config_kinds import FILE_OR_NONE, Clashes, Values, or_empty
from firmware.document import key

__all__ = ["Identity", "IdentityKey", "identity_whole", "is_safe"]

LOOPBACK = ("127.0.0.1", "localhost")
URL_MAX = 300


def is_safe(url: str) -> bool:
    """Whether a provider may be asked there: by https, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if len(url) > URL_MAX or not url.isascii() or any(not "!" <= each <= "~" for each in url):
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def _issuer(text: str) -> str:
    """Raises Refused."""
    if not is_safe(text) or urlsplit(text).query:
        raise Refused("is no issuer by https")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    issuer: str = field(
        default="",
        metadata=key(
            Text('"https://…" as the provider itself writes it, or ""', or_empty(_issuer)),
            "the municipality's OpenID Connect provider, by which people may sign in too; none: by PIN alone",
        ),
    )
    client: str = field(
        default="",
        metadata=key(
            Text('up to 200 printable characters, no space, or ""', like(r"[!-~]{0,200}")),
            "what the provider knows the unit's pages as (client_id)",
        ),
    )
    name: str = field(
        default="",
        metadata=key(
            Text('up to 40 characters, or ""', like(r"[^\x00-\x1f\x7f]{0,40}")),
            'what people call it, as "Norrby-konto"; it stands on the button',
        ),
    )
    claim: str = field(
        default="email",
        metadata=key(
            Text("1 to 60 letters, digits or _ . : / -", like(r"[A-Za-z0-9_.:/-]{1,60}")),
            "which of the provider's words about somebody says who they are here",
        ),
    )
    means: str = field(
        default="email",
        metadata=key(
            Choice(("email", "person", "extension")),
            "what that word is: a person's address of mail, their id, or their extension, as the directory has it",
        ),
    )
    ca_file: str = field(
        default="",
        metadata=key(FILE_OR_NONE, 'the CA of the provider\'s certificate (PEM); "": those that the system knows'),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityKey:
    secret: str = field(
        default="",
        metadata=key(
            Text('up to 254 printable ASCII characters, no space, or ""', like(r"[!-~]{0,254}"), secret=True),
            'the unit\'s secret at the provider (client_secret); "": it has none',
        ),
    )


def identity_whole(values: Values) -> Clashes:
    issuer, client = values["identity.issuer"], values["identity.client"]
    if bool(issuer) != bool(client):
        where, other = ("issuer", "client") if client else ("client", "issuer")
        yield f"identity.{where}", f"is missing, and identity.{other} is there", "both or neither"
    if values["identity.secret"] and not client:
        yield "identity.secret", "is there, and identity.client is not", "both, or no secret"
