"""Who listens to a mailbox by telephone, key by key: what is said and played, and what is so afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.call import Leg, Refused, Switch
from callcontrol.media.pcm import SILENCE
from callcontrol.media.phrases import Sentence, text
from callcontrol.media.recorder import Disk, Recorder, read_recording
from callcontrol.media.sounds import Clip
from callcontrol.media.tones import Tone, tone_pcm
from callcontrol.media.voice import Voice
from firmware import mailboxes, proving, speaking
from firmware.listening import Listening
from firmware.mailboxes import Mailboxes
from firmware.paths import Paths
from firmware.places import Place
from firmware.proving import Proving
from firmware.speaking import Speaking
from firmware.store.mailbox import Greeting, GreetingKind, Mailbox, Waiting
from firmware.store.messages import Message, MessageRows

OWN, OTHER, PIN = "1001", "1002", "804715"
NOW = datetime.now(UTC)
SECOND = 50
LOUD = tone_pcm(Tone.RECORDING)[1][: len(SILENCE)]
NEVER = 3600.0
SILENT = "-"
"""Nothing is pressed after what is said."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((proving, "ENTRY_S"), (speaking, "BETWEEN_KEYS_S")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr("callcontrol.voicemail.KEY_S", 0.01)
    monkeypatch.setattr("callcontrol.voicemail.BEGIN_S", 0.01)


def sound(folder: Path, name: str, seconds: int) -> None:
    folder.mkdir(exist_ok=True)
    disk = Disk()
    recorder = Recorder(folder / f"{name}.wav", disk)
    for frame in [*[SILENCE] * SECOND, *[LOUD] * (seconds * SECOND), *[SILENCE] * SECOND]:
        recorder.push(frame)
    recorder.close().result()
    disk.close()


def leave(paths: Paths, name: str, seconds: int, caller: str = OTHER, extension: str = OWN) -> None:
    sound(paths.messages, name, seconds)
    at = NOW - timedelta(minutes=90 - seconds)
    with closing(MessageRows.open(paths.journal)) as rows:
        rows.left(Message(id=name, extension=extension, caller=caller, left_at=at, length_ms=1000 * (seconds + 2)))


class Line:
    """One caller, who presses a word of `keys` whenever something was said, and speaks `spoken` when asked to."""

    def __init__(self, paths: Paths, keys: Sequence[str], number: str = OWN) -> None:
        self.paths = paths
        self.heard: list[str] = []
        self.rung: list[tuple[str, ...]] = []
        self.back_at: datetime | None = None
        self.spoken: list[bytes] = [LOUD] * (2 * SECOND)
        self.refused = Refused(486)
        self.leads_out = False
        self.ended = 0
        self.leg = cast(Leg, SimpleNamespace(number=number, acts_as="", call=object()))
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.pressed_all = asyncio.Event()
        self.waiting: list[bool] = []
        self._presses = list(keys)
        self._tries = 0

    # a voice, a place, a switch, and PINs

    async def say(self, words: Sequence[Sentence], language: str) -> list[Any]:
        return [text(words)] if words else []

    async def play(self, clips: Sequence[Any], *, again: bool = False) -> None:
        if again:
            await asyncio.sleep(NEVER)
        for clip in clips:
            self.heard.append(f"{len(clip) / SECOND:.0f} s" if isinstance(clip, Clip) else clip)
        for key in self._presses.pop(0) if self._presses else "":
            if key != SILENT:
                self.keys.put_nowait(key)
        if not self._presses:
            self.pressed_all.set()

    async def sound(self, source: object) -> None:
        """A beep, or ringing, which lasts."""
        await asyncio.sleep(NEVER if self.rung else 0)

    async def listen(self, sink: Callable[[bytes], object]) -> None:
        for frame in self.spoken:
            sink(frame)
        self.keys.put_nowait("#")
        await asyncio.sleep(NEVER)

    def lead_on(self, leg: Leg, numbers: Sequence[str], now: float, unreached: Callable[[Refused], None]) -> None:
        self.rung.append(tuple(numbers))
        unreached(self.refused)

    def end(self, call: object, now: float) -> None:
        self.ended += 1

    async def may_try(self, caller: str) -> bool:
        self._tries += 1
        return self._tries <= 3

    async def proves(self, caller: str, extension: str, pin: str) -> bool:
        return (extension, pin) == (OWN, PIN)

    def waits(self, work: Callable[[], Coroutine[None, None, None]] | None) -> None:
        self.waiting.append(work is not None)

    def run(self, mailbox: str = OWN, *, proved: bool = True, hangs_up: bool = False) -> None:
        async def talk() -> None:
            speaks = Speaking(cast(Voice, self), ("sv",))
            boxes = Mailboxes(self.paths)
            try:
                talks = Listening(
                    speaks, cast(Switch, self), lambda: None, boxes, Proving(speaks, self),
                    lambda number: "Bo Ek" if number == OTHER else None, lambda _: self.back_at,
                    leads_out=self.leads_out,
                )  # fmt: skip
                talking = asyncio.ensure_future(
                    talks.run(self.leg, cast(Place, self), mailbox, self.waits, proved=proved)
                )
                if hangs_up:
                    await self.pressed_all.wait()
                    await asyncio.sleep(0.1)
                    talking.cancel()
                    await asyncio.gather(talking, return_exceptions=True)
                else:
                    await asyncio.wait_for(talking, 5.0)
            finally:
                boxes.close()

        asyncio.run(talk())
        assert self.ended == (0 if hangs_up else 1)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def mailbox_of(paths: Paths) -> Mailbox:
    return Mailbox.open(paths.journal)


def waiting(paths: Paths) -> Waiting:
    with closing(mailbox_of(paths)) as store:
        return store.waiting(OWN)


def test_messages_are_played_in_order_and_heard(paths: Paths) -> None:
    leave(paths, "b", 3, caller="")
    leave(paths, "a", 2)
    leave(paths, "z", 4, extension=OTHER)
    line = Line(paths, [SILENT, SILENT, "6", SILENT, "6", "*"])
    line.run()
    said = " ".join(line.heard)
    assert "Du har två nya meddelanden." in said
    assert "Nytt meddelande från Bo Ek" in said
    assert "dolt nummer" in said
    assert [each for each in line.heard if each.endswith(" s")] == ["2 s", "3 s"], "without the silence around it"
    assert "Det finns inga fler meddelanden." in said
    assert waiting(paths) == Waiting(0, 2)


def test_whoever_is_cut_off_hears_it_again_as_new(paths: Paths) -> None:
    leave(paths, "a", 2)
    line = Line(paths, ["1"])
    line.leg.acts_as = ""

    async def play(clips: Sequence[Any], *, again: bool = False) -> None:
        if any(isinstance(clip, Clip) for clip in clips):
            await asyncio.sleep(NEVER)
        await Line.play(line, clips, again=again)

    line.play = play  # type: ignore[method-assign]
    line.run(hangs_up=True)
    assert waiting(paths) == Waiting(1, 0)


def test_kept_and_discarded(paths: Paths) -> None:
    leave(paths, "a", 2)
    leave(paths, "b", 3)
    line = Line(paths, ["1", "2", "3", "*"])
    line.run()
    with closing(mailbox_of(paths)) as store:
        (held,) = store.of(OWN)
        assert (held.id, held.kept_at is not None) == ("a", True)
    assert (paths.messages / "b.wav").exists(), "when it goes is the archive's matter"
    assert "Meddelandet är sparat." in " ".join(line.heard)
    assert "Meddelandet är borttaget." in " ".join(line.heard)


def test_a_message_that_cannot_be_played_stays_new_and_is_not_in_the_others_way(paths: Paths) -> None:
    leave(paths, "a", 2)
    leave(paths, "b", 3)
    (paths.messages / "a.wav").unlink()
    line = Line(paths, ["1", "6", SILENT, "*", "*"])
    line.run()
    assert "3 s" in line.heard
    assert any("Det gick inte." in each for each in line.heard)
    assert waiting(paths) == Waiting(1, 1)


@pytest.mark.parametrize(
    ("number", "caller", "leads_out", "rung", "acts_as"),
    [
        (OWN, OTHER, False, [(OTHER,)], ""),
        (OWN, "+46701234567", False, [("+46701234567",)], ""),
        ("+46709998877", OTHER, False, [(OTHER,)], OWN),
        ("+46709998877", "+46701234567", True, [("+46701234567",)], OWN),
        ("+46709998877", "+46701234567", False, [], ""),
        ("+46709998877", "0701234567", False, [], ""),
        ("+46709998877", "009001234567", False, [], ""),
        (OWN, "", False, [], ""),
    ],
)
def test_who_left_it_is_called_back(
    number: str, caller: str, leads_out: bool, rung: list[tuple[str, ...]], acts_as: str, paths: Paths
) -> None:
    """From outside to outside only where the site leads out (E1)."""
    leave(paths, "a", 2, caller=caller)
    line = Line(paths, ["1", "5", "*", "*"], number)
    line.leads_out = leads_out
    line.run()
    assert (line.rung, line.leg.acts_as) == (rung, acts_as)
    if rung:
        assert any("Numret är upptaget" in each for each in line.heard)
        assert line.waiting == [True, False]


@pytest.mark.parametrize(
    ("keys", "mailbox", "heard"),
    [
        ([f"{OWN}#", f"{PIN}#"], "", True),
        ([f"{PIN}#"], OWN, True),
        (["111111#", f"{PIN}#"], OWN, True),
        (["111111#", "222222#", "333333#", f"{PIN}#"], OWN, False),
        ([f"{OTHER}#", f"{PIN}#"], "", False),
        ([f"{PIN}#"], OTHER, False),
        ([""], OWN, False),
    ],
)
def test_from_any_phone_by_a_pin(keys: list[str], mailbox: str, heard: bool, paths: Paths) -> None:
    leave(paths, "a", 2)
    leave(paths, "z", 4, extension=OTHER)
    line = Line(paths, [*keys, "1", "*"], "1003")
    line.run(mailbox, proved=False)
    assert ("2 s" in line.heard) is heard
    assert "4 s" not in line.heard


def greetings(paths: Paths) -> list[Greeting]:
    with closing(mailbox_of(paths)) as store:
        return list(store.greetings(OWN))


def files(paths: Paths) -> set[str]:
    return {path.stem for path in paths.greetings.iterdir()}


def test_a_greeting_is_spoken_heard_and_used(paths: Paths) -> None:
    line = Line(paths, ["4", "1", SILENT, "1", "*", "*"])
    line.run()
    (first,) = greetings(paths)
    assert (first.kind, first.until, first.length_ms) == (GreetingKind.PERSONAL, None, 2000)
    assert "2 s" in line.heard
    assert len(read_recording(paths.greetings / f"{first.id}.wav")) == 2 * SECOND * len(SILENCE)
    line = Line(paths, ["4", "1", SILENT, "1", "*", "*"])
    line.run()
    (second,) = greetings(paths)
    assert files(paths) == {second.id} != {first.id}, "the one before it is gone"


def test_a_temporary_one_lasts_until_one_is_back(paths: Paths) -> None:
    line = Line(paths, ["4", "2", SILENT, "1", "*", "*"])
    line.back_at = NOW + timedelta(hours=2)
    line.run()
    (one,) = greetings(paths)
    assert (one.kind, one.until) == (GreetingKind.TEMPORARY, line.back_at)
    Line(paths, ["4", "5", "*", "*"]).run()
    assert (greetings(paths), files(paths)) == ([], set())


@pytest.mark.parametrize("keys", [["4", "1", SILENT, "*", "*", "*"], ["4", "1", SILENT, SILENT, SILENT]])
def test_a_greeting_that_is_not_used_leaves_nothing(keys: list[str], paths: Paths) -> None:
    Line(paths, keys).run()
    assert (greetings(paths), files(paths)) == ([], set())


def test_who_hangs_up_over_it_has_not_used_it(paths: Paths) -> None:
    line = Line(paths, ["4", "1"])

    async def listen(sink: Callable[[bytes], object]) -> None:
        for frame in line.spoken:
            sink(frame)
        await asyncio.sleep(NEVER)

    line.listen = listen  # type: ignore[method-assign]
    line.run(hangs_up=True)
    assert (greetings(paths), files(paths)) == ([], set())


def test_silence_is_no_greeting(paths: Paths) -> None:
    line = Line(paths, ["4", "1", SILENT, "*", "*"])
    line.spoken = [SILENCE] * (2 * SECOND)
    line.run()
    assert (greetings(paths), files(paths)) == ([], set())
    assert any("Inget meddelande har spelats in" in each for each in line.heard)


def test_a_full_disk_records_no_greeting(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "BYTES_MAX", 0)
    line = Line(paths, ["4", "1", "*"])
    line.run()
    assert any("Det gick inte" in each for each in line.heard)
    assert files(paths) == set()


def test_what_nobody_used_is_gone_at_the_next_start(paths: Paths) -> None:
    sound(paths.greetings, "left", 1)
    (paths.greetings / "notes.txt").touch()
    Line(paths, ["*"]).run()
    assert files(paths) == {"notes"}


def test_whether_messages_are_taken(paths: Paths) -> None:
    Line(paths, ["4", "6", "*", "*"]).run()
    with closing(mailbox_of(paths)) as store:
        assert not store.settings(OWN).takes_messages
    Line(paths, ["4", "6", "*", "*"]).run()
    with closing(mailbox_of(paths)) as store:
        assert store.settings(OWN).takes_messages


def test_a_store_that_cannot_be_read_is_said(paths: Paths) -> None:
    paths.journal.write_bytes(b"no database" * 100)
    line = Line(paths, [])
    line.run()
    assert any("Det gick inte" in each for each in line.heard)


def test_callers_hear_what_was_spoken(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read once, and a few kept in memory."""
    Line(paths, ["4", "1", SILENT, "1", "*", "*"]).run()
    reads: list[Path] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        return read_recording(path)

    monkeypatch.setattr(mailboxes, "read_recording", read)

    async def hear() -> None:
        boxes = Mailboxes(paths)
        try:
            for _ in range(3):
                clip = await boxes.greeting(OWN)
                assert clip is not None
                assert len(clip) == 2 * SECOND
            assert await boxes.greeting(OTHER) is None
        finally:
            boxes.close()

    asyncio.run(hear())
    assert len(reads) == 1
