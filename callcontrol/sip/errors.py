"""The two kinds of error that SIP knows here: the peer's and ours."""

from __future__ import annotations

__all__ = ["LocalError", "RemoteError"]

TEXT_SHOWN = 80
"""Characters of the text at fault that an error shows."""


class RemoteError(Exception):
    """The peer's fault: what it sent cannot be. Names the field and the text."""

    def __init__(self, field: str, text: str, why: str) -> None:
        super().__init__(f"{field}: {why}: {text[:TEXT_SHOWN]!r}")
        self.field = field
        self.text = text
        self.why = why


class LocalError(Exception):
    """Our fault: we were asked to send what cannot be sent."""
