"""The sound of one call: its description, its tone and keys as RTP, and when and from where sound came."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import struct
import time

from hil.phone.hearing.facts import GAP_S, Heard, Manner
from hil.phone.hearing.loop import Loop

__all__ = ["SAYS_EVERY_S", "Sound"]

SAYS_EVERY_S = 0.1
MILLIWATT = bytes((0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4)) * 20
"""The digital milliwatt: 1 kHz in A-law (ITU-T G.711, table 5)."""
CLOCK_HZ, FRAME_S = 8000, 0.02
VOICE, EVENT = 8, 101
KEYS = "0123456789*#ABCD"
KEY_FRAMES, END_FRAMES = 5, 3
FRAMES = round(SAYS_EVERY_S / FRAME_S)


class Sound:
    """It comes and goes by `wire`, at `ip`, which is bound and does not block; what came is put down in `heard`."""

    def __init__(self, loop: Loop, wire: socket.socket, ip: str, heard: Heard, manner: Manner) -> None:
        self.wire = wire
        self._loop, self._ip, self._heard, self._manner = loop, ip, heard, manner
        self._sequence = random.getrandbits(16)
        self._ssrc = random.getrandbits(32)
        self._receives = True
        self._pressed = False
        loop.watch(wire, self._came)

    def close(self) -> None:
        self._loop.leave(self.wire)
        self.wire.close()

    def described(self, version: int) -> str:
        """The session description."""
        port = self.wire.getsockname()[1]
        return (
            f"v=0\r\no=- {self._ssrc} {version} IN IP4 {self._ip}\r\ns=-\r\nc=IN IP4 {self._ip}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {VOICE} {EVENT}\r\na=rtpmap:{VOICE} PCMA/8000\r\n"
            f"a=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15\r\n"
        )

    def agree(self, body: str) -> bool:
        """What the other side says of its sound. False: nothing that is spoken here."""
        audio = re.search(r"^m=audio (\d+) \S+((?: \d+)+)", body, re.M)
        where = re.findall(r"^c=IN IP4 (\S+)", body, re.M)
        if audio is None or not where or str(VOICE) not in audio[2].split() or audio[1] == "0":
            return False
        self._heard.sound_at = str(where[-1]).partition("/")[0], int(audio[1])
        self._receives = not re.search(r"^a=(sendonly|inactive)", body, re.M) and where[-1] != "0.0.0.0"  # noqa: S104
        return True

    def say(self) -> None:
        """The tone, for the next SAYS_EVERY_S."""
        if not self._heard.up or self._manner.mute:
            return
        at = int(time.monotonic() * CLOCK_HZ)
        for frame in range(FRAMES if self._manner.speaks else 1):
            self._send(VOICE, MILLIWATT, at + frame * len(MILLIWATT))

    def press(self, key: str) -> None:
        """RFC 4733: the duration grows, the end is said three times."""
        at = int(time.monotonic() * CLOCK_HZ)
        for number in range(KEY_FRAMES + END_FRAMES):
            lasted = min(number + 1, KEY_FRAMES) * int(CLOCK_HZ * FRAME_S)
            payload = struct.pack("!BBH", KEYS.index(key), (0x80 if number >= KEY_FRAMES else 0) | 10, lasted)
            self._loop.at(
                number * FRAME_S,
                lambda payload=payload, first=number == 0: self._send(EVENT, payload, at, first),  # type: ignore[misc]
            )

    def _came(self, data: bytes, source: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] < 224 or data[1] & 0x7F == EVENT:
            return
        heard, manner, now = self._heard, self._manner, time.monotonic()
        heard.packets += 1
        heard.sources[source] = heard.sources.get(source, 0) + 1
        if heard.up_at is not None:
            since = max(heard.up_at, heard.last_at or 0.0)
            if now - since >= GAP_S:
                heard.gaps = (*heard.gaps, (since, now))
        heard.first_at = heard.first_at or now
        heard.last_at = now
        if heard.up and manner.keys and not self._pressed:
            self._pressed = True
            for at, key in enumerate(manner.keys):
                self._loop.at(manner.after_s + at * manner.between_s, lambda key=key: self.press(key))  # type: ignore[misc]

    def _send(self, kind: int, payload: bytes, at: int, first: bool = False) -> None:
        if self._heard.sound_at is None or not self._receives:
            return
        self._sequence = self._sequence + 1 & 0xFFFF
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if first else 0), self._sequence, at & 0xFFFFFFFF, self._ssrc)
        with contextlib.suppress(OSError):
            self.wire.sendto(head + payload, self._heard.sound_at)
