"""What REFER (RFC 3515), Replaces (RFC 3891) and their notes say: values that read and write themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.headers import Address, Uri, parse_params
from callcontrol.sip.message import REASONS, Request

__all__ = ["SIPFRAG", "ReferTo", "Replaces", "sipfrag", "status_of"]

SIPFRAG = "message/sipfrag"
SIPFRAG_MAX_BYTES = 4_096
URI_MAX_CHARS = 1_024

_CALL_ID = re.compile(r"[^\s;,<>]{1,256}")
_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: |\r|\n|\Z)", re.IGNORECASE)
_HEADER_SAFE = "!$*-._~"


@dataclass(frozen=True, slots=True)
class Replaces:
    """The dialog that an INVITE takes the place of, as its receiver names it: `to_tag` is the receiver's."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """RFC 3891 §6.1."""
        call_id, semicolon, rest = text.strip().partition(";")
        params = parse_params(semicolon + rest, "Replaces")
        if _CALL_ID.fullmatch(call_id.strip()) is None or not params.get("to-tag") or not params.get("from-tag"):
            raise RemoteError("Replaces", text, "not a Call-ID with to-tag and from-tag")
        return cls(call_id.strip(), params["to-tag"], params["from-tag"], "early-only" in params)

    @classmethod
    def of(cls, request: Request) -> Self | None:
        """What an INVITE replaces; RemoteError for more than one (§3)."""
        values = request.header_values("Replaces")
        if len(values) > 1:
            raise RemoteError("Replaces", values[1], "there more than once")
        return cls.parse(values[0]) if values else None

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@dataclass(frozen=True, slots=True)
class ReferTo:
    """Who is to be called, and whose call that takes over. Headers in the URI but Replaces are not heeded."""

    uri: Uri
    replaces: Replaces | None = None

    @classmethod
    def of(cls, request: Request) -> Self:
        """RFC 3515 §2.4.2: exactly one. Only sip, sips and tel, only INVITE."""
        values = request.header_values("Refer-To")
        if len(values) != 1:
            raise RemoteError("Refer-To", ", ".join(values), "not one")
        return cls.parse(values[0])

    @classmethod
    def parse(cls, text: str) -> Self:
        address = Address.parse(text, "Refer-To")
        if len(address.uri.text) > URI_MAX_CHARS or address.uri.scheme not in ("sip", "sips", "tel"):
            raise RemoteError("Refer-To", text, f"not sip, sips or tel of at most {URI_MAX_CHARS} characters")
        if address.uri.params.get("method", "INVITE").upper() != "INVITE":
            raise RemoteError("Refer-To", text, "not by INVITE")
        bare, _, headers = address.uri.text.partition("?")
        found = [
            value
            for name, _, value in (part.partition("=") for part in headers.split("&"))
            if name.lower() == "replaces"
        ]
        if len(found) > 1:
            raise RemoteError("Refer-To", text, "Replaces more than once")
        return cls(Uri.parse(bare, "Refer-To"), Replaces.parse(unquote(found[0])) if found else None)

    @property
    def number(self) -> str:
        """Who is to be called: the user part, or what a tel URI has before its parameters."""
        return self.uri.text.partition(":")[2].partition(";")[0] if self.uri.scheme == "tel" else self.uri.user

    def __str__(self) -> str:
        if self.replaces is None:
            return f"<{self.uri.text}>"
        return f"<{self.uri.text}?Replaces={quote(str(self.replaces), safe=_HEADER_SAFE)}>"


def sipfrag(status: int, reason: str = "") -> bytes:
    """How a referred call goes, as it stands in NOTIFY (RFC 3515 §2.4.5)."""
    return f"SIP/2.0 {status} {reason or REASONS.get(status, 'Unnamed')}\r\n".encode()


def status_of(body: bytes) -> int:
    """RemoteError where the first line is no status line."""
    match = _STATUS.match(body) if len(body) <= SIPFRAG_MAX_BYTES else None
    if match is None:
        raise RemoteError("sipfrag", body[:80].decode("utf-8", "backslashreplace"), "no status line")
    return int(match[1])
