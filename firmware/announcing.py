"""Answers a call with sound: says why nobody takes it and until when, hears a key, and leads on (callcontrol.told).

A shell over `call.Switch` and callcontrol.media, which is much to load: `leading` does so beside the calls. Where a
call has no sound in common with us, or there is no room for one more, it is refused in words on its display.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from callcontrol.call import CallEvent, Happened, Leg, Switch
from callcontrol.media.codecs import Format, format_of
from callcontrol.media.dtmf import Keys as KeysInBand
from callcontrol.media.leg import LegSettings
from callcontrol.media.phrases import NameOf
from callcontrol.media.rtp import Packet
from callcontrol.media.sounds import Clip, Player
from callcontrol.media.speech import Speaker
from callcontrol.media.srtp import Keys, new_key, parse_key
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.media.tracks import PlayedTrack, SoundTrack, pump
from callcontrol.media.udp import Endpoint, NoPort, Ports
from callcontrol.media.voice import PAUSE, Voice, load_recordings
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Invited
from callcontrol.sip.offer import ABLE, EVENT, Local, answer
from callcontrol.sip.sdp import Codec, Description, Direction, Origin
from callcontrol.told import KEY_AGAIN, Told

__all__ = ["AT_ONCE_MAX", "Announcing", "voice_of"]

AT_ONCE_MAX = 100
"""Callers who are told something at a time."""
TOLD_TIMES = 2
AGAIN_MAX = 10
"""Times in all, for who asks for it again and again."""
CHOICE_S = 3.0
"""For a key, after all was said."""
FAREWELL_S = 10.0
"""The longest that a farewell may take."""
KEYS_MAX = 16

log = logging.getLogger("rvx")


@dataclass(eq=False)
class _Caller:
    """One call, from its INVITE until somebody has answered it or it is over."""

    told: Told
    endpoint: Endpoint
    address: str
    leg: Leg | None = None
    format: Format | None = None
    crypto: str = ""
    keys: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(KEYS_MAX))
    task: asyncio.Task[None] | None = None


class Announcing:
    """`pump` sends what was done with a session. `name_of` gives the spoken name of an extension."""

    def __init__(
        self,
        switch: Switch,
        pump: Callable[[], None],
        name_of: NameOf,
        languages: Sequence[str],
        voice: Voice,
    ) -> None:
        self._switch = switch
        self._pump = pump
        self._name_of = name_of
        self._languages = languages
        self._voice = voice
        self._ports: dict[str, Ports] = {}
        self._callers: set[_Caller] = set()

    def takes(self, invited: Invited) -> bool:
        """Whether there is sound for this call; only one that has offered some is answered."""
        return bool(invited.offer) and len(self._callers) < AT_ONCE_MAX

    async def take(self, invited: Invited, caller: str, told: Told) -> bool:
        """Answers and begins to tell. False: not answered, as there is nothing in common, or nothing to be heard."""
        one = await self._opened(invited, told)
        if one is None:
            return False
        try:
            said, farewell = await self._clips(told)
            if any(clip is not PAUSE for clip in said):  # else nothing is recorded, and nothing can be spoken
                one.leg = self._switch.answer(invited, caller, lambda offer: self._answer(one, offer), _now())
                self._pump()
        finally:
            if one.leg is None:
                one.endpoint.close()
        if one.leg is None:
            return False
        self._callers.add(one)
        one.task = asyncio.create_task(self._tell(one, said, farewell))
        one.task.add_done_callback(partial(self._ended, one.leg))
        return True

    def saw(self, event: CallEvent) -> None:
        """What the switch says: who has been answered by somebody, and who is gone, hears nothing more."""
        if event.what in (Happened.CONNECTED, Happened.OVER):
            for caller in [each for each in self._callers if each.leg is not None and each.leg.call is event.call]:
                self._close(caller)

    def _ended(self, leg: Leg, task: asyncio.Task[None]) -> None:
        """A fault of ours leaves nobody in silence."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("rvx-event kind=fault of=announcing", exc_info=fault)
            self._switch.end(leg.call, _now())
            self._pump()

    def close(self) -> None:
        for caller in list(self._callers):
            self._close(caller)

    def _close(self, caller: _Caller) -> None:
        self._callers.discard(caller)
        if caller.task is not None:
            caller.task.cancel()
        caller.endpoint.close()

    # ---- what is said

    async def _clips(self, told: Told) -> tuple[list[Clip], list[Clip]]:
        """What is told, and the farewell."""
        now = datetime.now(UTC)
        said, farewell = [], []
        for language in self._languages:
            said += await self._voice.say(told.reasons(now, language, self._name_of), language)
        for language in self._languages:
            said += await self._voice.say(told.choices(language, self._name_of), language)
            farewell += await self._voice.say(told.farewell(language), language)
        return said, farewell

    async def _tell(self, caller: _Caller, said: list[Clip], farewell: list[Clip]) -> None:
        keys, times = caller.told.keys, 0
        chosen: list[str] = []
        for _ in range(AGAIN_MAX):
            key = await self._key_during(caller, self._play(caller, said))
            if key is None and keys:
                key = await self._key_during(caller, asyncio.sleep(CHOICE_S))
            if key in keys:
                chosen = [keys[key], *(number for number in caller.told.next if number != keys[key])]
            times += 0 if key == KEY_AGAIN else 1
            if chosen or not keys or times >= TOLD_TIMES:
                break
        leg = caller.leg
        assert leg is not None
        numbers = chosen or list(caller.told.next)
        if not chosen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._play(caller, farewell), FAREWELL_S)
        if not numbers:
            self._switch.end(leg.call, _now())
            self._pump()
            return
        self._switch.lead_on(leg, numbers, _now())
        self._pump()
        await self._ring_back(caller)

    async def _key_during(self, caller: _Caller, work: object) -> str | None:
        """The first key that is pressed before `work` is done."""
        working = asyncio.ensure_future(work)  # type: ignore[call-overload]
        pressing = asyncio.ensure_future(caller.keys.get())
        try:
            await asyncio.wait((working, pressing), return_when=asyncio.FIRST_COMPLETED)
            return pressing.result() if pressing.done() else None
        finally:
            working.cancel()
            pressing.cancel()

    async def _play(self, caller: _Caller, clips: Sequence[Clip]) -> None:

        assert caller.format is not None
        await asyncio.to_thread(_encoded, clips, caller.format)
        await pump(PlayedTrack(Player(clips), caller.format), caller.endpoint)

    async def _ring_back(self, caller: _Caller) -> None:
        """What a caller expects to hear while it rings elsewhere; until it is closed."""

        await pump(SoundTrack(ToneSource(Tone.RINGING)), caller.endpoint)

    # ---- where the sound goes

    async def _opened(self, invited: Invited, told: Told) -> _Caller | None:
        """With a port of its own on the address by which the caller's sound is reached."""
        try:
            media = Description.parse(invited.offer).audio
            address = _towards(media.address) if media is not None else None
            if address is None:
                return None
            ports = self._ports.setdefault(address, Ports(address))
            return _Caller(told, await ports.open(), address)
        except (RemoteError, NoPort, OSError) as error:
            log.warning("rvx-event kind=unspoken why=%s", type(error).__name__)
            return None

    def _answer(self, caller: _Caller, offer: bytes) -> bytes:
        """Ours to an offer of the caller's; empty where there is nothing in common."""
        try:
            offered = Description.parse(offer)
            if not caller.crypto:
                caller.crypto = base64.b64encode(new_key()).decode()
            local = Local(
                Origin("rvx", 0, 0, f"IN IP4 {caller.address}"),
                caller.address,
                caller.endpoint.port,
                _SPOKEN,
                crypto_key=caller.crypto,
            )
            answered = answer(offered, local)
            settings = None if answered is None else _settings(offered, answered, caller.crypto)
        except (RemoteError, ValueError) as error:
            log.warning("rvx-event kind=unspoken why=%s", type(error).__name__)
            return b""
        if answered is None or settings is None:
            return b""
        caller.format = settings.format
        caller.endpoint.agree(settings)
        caller.endpoint.on_packet = _Ears(caller, settings).heard
        return answered.to_bytes()


class _Ears:
    """Keys of one call: by telephone events, or in the sound itself where the other side has none."""

    def __init__(self, caller: _Caller, settings: LegSettings) -> None:

        self._caller = caller
        self._settings = settings
        self._in_band = KeysInBand() if settings.event_type is None else None
        self._decode = settings.format.make().decode

    def heard(self, packet: Packet) -> None:
        leg = self._caller.endpoint.leg
        keys = leg.pressed() if leg is not None else ""
        if self._in_band is not None and packet.payload_type == self._settings.payload_type:
            with contextlib.suppress(ValueError):
                keys += self._in_band.heard(self._decode(packet.payload))
        for key in keys:
            with contextlib.suppress(asyncio.QueueFull):
                self._caller.keys.put_nowait(key)


_SPOKEN = tuple(codec for codec in ABLE if codec.name != "CN")
"""Whoever speaks all the time has no use for comfort noise."""


def _settings(offered: Description, answered: Description, crypto: str) -> LegSettings | None:
    """What was agreed on, as the leg needs it; ValueError for a key that cannot be used."""

    place = next(at for at, media in enumerate(answered.medias) if media.kind == "audio" and media.port)
    theirs, ours = offered.medias[place], answered.medias[place]
    voice = next((codec for codec in ours.codecs if format_of(codec.name) is not None), None)
    known = None if voice is None else format_of(voice.name)
    if voice is None or known is None:
        return None
    keys = None
    if ours.cryptos:
        suite = ours.cryptos[0]
        their = next(one for one in theirs.cryptos if one.tag == suite.tag)
        keys = Keys(suite.suite, base64.b64decode(crypto), parse_key(f"inline:{their.key}"))
    return LegSettings(
        format=known,
        payload_type=voice.payload,
        event_type=_payload(ours.codecs, EVENT, voice.clock_hz),
        remote=(theirs.address, theirs.port),
        keys=keys,
        sends=ours.direction.sends,
        receives=ours.direction is not Direction.INACTIVE,
    )


def _payload(codecs: Sequence[Codec], name: str, clock_hz: int) -> int | None:
    return next((one.payload for one in codecs if one.name == name and one.clock_hz == clock_hz), None)


def _towards(remote: str) -> str | None:
    """The address of ours from which the kernel would send there; None for a name, or where it cannot."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            socket.inet_aton(remote)
            probe.connect((remote, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _encoded(clips: Sequence[Clip], known: Format) -> None:
    for clip in clips:
        clip.encoded(known)


def voice_of(recordings: Path | None) -> Voice:
    """With the municipality's recordings; blocks."""
    loaded = load_recordings(recordings)
    for fault in loaded.faults:
        log.warning("rvx-event kind=recording_unused why=%s", fault.replace(" ", "_"))
    return Voice(loaded, Speaker())


def _now() -> float:
    return asyncio.get_running_loop().time()
