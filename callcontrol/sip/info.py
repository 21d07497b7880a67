"""Keys in an INFO, as telephones send them that know no telephone events: a way that nobody has standardized, older
than the packages of RFC 6086. `application/dtmf-relay` has ``Signal=5`` and ``Duration=160`` (ms) on lines,
`application/dtmf` the key alone. Pure.
"""

from __future__ import annotations

import re

__all__ = ["DTMF_RELAY", "key_of"]

DTMF_RELAY, DTMF = "application/dtmf-relay", "application/dtmf"
BODY_MAX_BYTES = 200
_SIGNAL = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9*#A-D]|1[0-5])[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_ALONE = re.compile(r"\s*([0-9*#A-D]|1[0-5])\s*", re.IGNORECASE)
_NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
"""Some write the event's code (RFC 4733 §3.2) where others write the key."""


def key_of(content_type: str, body: bytes) -> str | None:
    """The key that was pressed; None: that is no key."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (DTMF_RELAY, DTMF) or len(body) > BODY_MAX_BYTES:
        return None
    text = body.decode("ascii", "replace")
    found = _SIGNAL.search(text) if kind == DTMF_RELAY else _ALONE.fullmatch(text)
    return None if found is None else _NUMBERED.get(found[1], found[1].upper())
