"""Comfort noise (RFC 3389): what a peer with silence suppression says its silence sounds like.

Only the level is taken; the shape of the spectrum, which is optional, is passed over. Pure.
"""

from __future__ import annotations

import random
from functools import lru_cache

from callcontrol.media.pcm import FRAME_SAMPLES, FULL, clipped

__all__ = ["CLOCK_HZ", "PAYLOAD_TYPE", "QUIET_DBOV", "level_of", "noise", "payload"]

PAYLOAD_TYPE = 13
CLOCK_HZ = 8000
QUIET_DBOV = 70
"""Below this nobody hears anything: silence is given."""
_LOUDEST_DBOV = 30
"""A peer's word for a silence that is louder than this is not believed."""
_FRAMES = 16
"""Repeated after a third of a second, which noise does not show."""


def payload(dbov: int) -> bytes:
    """Of noise so many dB below overload (§3.1), 0 to 127."""
    return bytes([max(0, min(127, dbov))])


def level_of(payload: bytes) -> int:
    """dB below overload. Raises ValueError where there is none."""
    if not payload:
        raise ValueError("comfort noise: no level")
    return max(payload[0] & 0x7F, _LOUDEST_DBOV)


@lru_cache(maxsize=8)
def noise(dbov: int) -> tuple[bytes, ...]:
    """Frames of white noise at this level, to be given in turns."""
    chance = random.Random(dbov)  # noqa: S311  # noise, no secret
    loud = FULL * 10 ** (-dbov / 20)
    return tuple(
        clipped([int(chance.gauss(0, loud)) for _ in range(FRAME_SAMPLES)]) if dbov < QUIET_DBOV else bytes(320)
        for _ in range(_FRAMES)
    )
