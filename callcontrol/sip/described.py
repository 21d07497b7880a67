"""What our messages say of us, and the session description in one that came."""

from __future__ import annotations

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Message
from callcontrol.sip.sdp import CONTENT_TYPE, Description

__all__ = ["ALLOW", "SUPPORTED", "description", "typed", "warned"]

ALLOW = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, NOTIFY, INFO, OPTIONS"
SUPPORTED = "100rel, timer, replaces, norefersub"


WARNING = ("Warning", '305 reservvaxel "Incompatible media format"')


def warned(status: int) -> tuple[tuple[str, str], ...]:
    """The header that goes with a refusal of a description (RFC 3261 §20.43, §21.4.26)."""
    return (WARNING,) if status == 488 else ()


def typed(body: bytes) -> tuple[tuple[str, str], ...]:
    """The header that goes with a description."""
    return (("Content-Type", CONTENT_TYPE),) if body else ()


def description(message: Message) -> bytes:
    """The session description in a message, empty where there is none. RemoteError where it cannot be read."""
    if not message.body:
        return b""
    kind = (message.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE:
        raise RemoteError("Content-Type", kind, f"not {CONTENT_TYPE}")
    Description.parse(message.body)
    return message.body
