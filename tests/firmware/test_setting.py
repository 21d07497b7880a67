"""What is done by a code, in the order in which it is: proved, on the disk, told; with a disk and a voice that fail."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from callcontrol.asked import Asked
from callcontrol.media.phrases import Sentence, text
from callcontrol.plan.codes import Dialled, Own
from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.refer import Question
from callcontrol.plan.setting import Asks, Locks, Said, Settled
from callcontrol.refusal import Why
from callcontrol.sip.events import Invited
from firmware import setting
from firmware.asking import Asking
from firmware.pins import Pins
from firmware.setting import AT_ONCE_MAX, Setting
from firmware.store.changes import Changes

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
DISTURB = Forwarding(extension="1001", condition=Condition.DO_NOT_DISTURB, target=None, set_at=NOW)
DONE = Settled((Said(key="do_not_disturb_on"),), (DISTURB,))


@dataclass
class Session:
    said: list[tuple[int, str]] = field(default_factory=list)
    ended: bool = False

    def trying(self, now: float) -> None:
        pass

    def refuse(self, status: int, now: float, reason: str = "", headers: Any = ()) -> bool:
        self.said.append((status, reason))
        return True

    def end(self, now: float) -> None:
        self.ended = True


class Voice:
    """Announcing, Speaking and a place in one: what is played is text, and `keys` are pressed one after the other."""

    def __init__(self, keys: str = "", *, sound: bool = True) -> None:
        self.heard: list[str] = []
        self.out: list[str] = []
        self.sound, self._keys = sound, list(keys)

    def takes(self, invited: Invited) -> bool:
        return self.sound

    async def talk(self, invited: Invited, caller: str, work: Any) -> bool:
        await work(self, self)
        return True

    async def lead_out(self, invited: Invited, caller: str, extension: str) -> bool:
        self.out.append(extension)
        return True

    async def said(self, words: Callable[[str], list[Sentence]]) -> str:
        return text(words("sv"))

    async def play(self, clips: str) -> None:
        self.heard.append(clips)

    async def say(self, place: object, clips: str) -> None:
        self.heard.append(clips)

    async def asked(self, place: object, clips: str, then_s: float) -> str | None:
        self.heard.append(clips)
        return self._keys.pop(0) if self._keys else None


class Guarded:
    def __init__(self) -> None:
        self.pin, self.left = "135790", 5

    async def may_try(self, caller: str) -> bool:
        return self.left > 0

    async def proves(self, caller: str, extension: str, pin: str) -> bool:
        self.left -= pin != self.pin
        return pin == self.pin

    async def change(self, extension: str, pin: str, set_by: str) -> str | None:
        if len(pin) < 6:
            return "expected 6 digits"
        self.pin = pin
        return None


class Rig:
    def __init__(self, journal: Path, voice: Voice | None, settled: Settled | Asks = DONE) -> None:
        self.journal, self.pins, self.settles = journal, Guarded(), settled
        self.asked_for: list[Dialled] = []
        self.session = Session()
        self.setting = Setting(
            cast("Asking", self), journal, cast("Pins", self.pins), lambda: cast("Any", voice), lambda: None
        )

    def settled(self, caller: str, wanted: Dialled) -> Settled | Asks:
        self.asked_for.append(wanted)
        return self.settles

    def name_of(self, number: str) -> str | None:
        return None

    async def dial(self, wanted: Dialled | None) -> None:
        asked = Asked(callee="*", caller="1001", why=Why.CODE, survival=True)
        self.setting.came(Invited(cast("Any", self.session), cast("Any", None), b"v=0", None), asked, wanted, 0.0)
        while tasks := list(self.setting._tasks):
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # what is done when one has ended

    def kept(self, table: str = "forwarding") -> int:
        with closing(sqlite3.connect(self.journal)) as db:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    Changes.open(tmp_path / "journal.db").close()
    return tmp_path / "journal.db"


def dial(rig: Rig, *wanted: Dialled | None) -> None:
    async def all_() -> None:
        for one in wanted:
            await rig.dial(one)

    asyncio.run(all_())
    rig.setting.close()


def test_what_is_told_is_on_the_disk(journal: Path) -> None:
    voice = Voice()
    rig = Rig(journal, voice)
    dial(rig, Dialled(Own.DO_NOT_DISTURB))
    assert (voice.heard, rig.kept()) == (["Stör ej är på. Telefonen ringer inte."], 1)
    assert rig.session.said == []


@pytest.mark.parametrize("voice", [None, Voice(sound=False)])
def test_without_sound_the_display_says_it(journal: Path, voice: Voice | None) -> None:
    rig = Rig(journal, voice)
    dial(rig, Dialled(Own.DO_NOT_DISTURB))
    ((status, phrase),) = rig.session.said
    assert status == 480
    assert phrase == "Stör ej är på. Telefonen ringer inte / Do not disturb is on. The phone will not ring"
    assert rig.kept() == 1


def test_a_disk_that_fails_is_told(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Changes, *args: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Changes, "forward", full)
    voice = Voice()
    dial(Rig(journal, voice), Dialled(Own.DO_NOT_DISTURB))
    assert voice.heard == ["Det gick inte att spara. Försök igen om en stund."]


@pytest.mark.parametrize(
    ("keys", "kept", "heard"), [("1", 1, "Stör ej"), ("2", 0, "Ingenting är ändrat"), ("", 0, "Ingenting är ändrat")]
)
def test_an_odd_return_is_saved_by_its_key_alone(journal: Path, keys: str, kept: int, heard: str) -> None:
    voice = Voice(keys)
    rig = Rig(journal, voice, Asks((Said(key="odd_too_long"),), DONE))
    dial(rig, Dialled(Own.REFER))
    assert voice.heard[0] == "Det är ovanligt länge. Tryck ett för att spara det ändå."
    assert voice.heard[1].startswith(heard)
    assert rig.kept() == kept


def test_where_nobody_can_be_asked_what_was_dialled_is_meant(journal: Path) -> None:
    rig = Rig(journal, None, Asks((Said(key="odd_too_long"),), DONE))
    dial(rig, Dialled(Own.REFER))
    assert rig.kept() == 1


def test_nothing_is_done_without_the_pin(journal: Path) -> None:
    voice = Voice()
    rig = Rig(journal, voice, Settled((Said(key="locked"),), (Locks("1001", True),)))
    locks = [Dialled(Own.LOCK, pins=(pin,)) for pin in ("1", "2", "3", "4", "135790", "5", "135790")]
    dial(rig, *locks)
    wrong, right, full = (
        "Fel PIN-kod. Ingenting är ändrat.",
        "Telefonen är låst. Den når interna nummer och 112.",
        ("För många felaktiga PIN-koder. Försök igen om en timme."),
    )
    assert voice.heard == [wrong] * 4 + [right, wrong, full]
    assert rig.kept("lock") == 1
    assert len(rig.asked_for) == 1


def test_another_pin(journal: Path) -> None:
    voice = Voice()
    rig = Rig(journal, voice)
    codes = [("135790", "11"), ("1", "314159"), ("135790", "314159"), ("135790", "271828")]
    dial(rig, *(Dialled(Own.CHANGE_PIN, pins=pins) for pins in codes))
    assert [said.partition(" ")[0] for said in voice.heard] == ["Den", "Fel", "PIN-koden", "Fel"]
    assert rig.pins.pin == "314159"


def test_who_has_the_pin_calls_from_anothers_phone(journal: Path) -> None:
    voice = Voice()
    rig = Rig(journal, voice)
    wanted = [Dialled(Own.CALL_AS, number="1002", pins=(pin,)) for pin in ("1", "135790")]
    dial(rig, *wanted, Dialled(Own.CALL_AS, pins=("135790",)))
    assert voice.out == ["1002", "1001"]
    assert voice.heard == ["Fel PIN-kod. Ingenting är ändrat."]
    silent = Rig(journal, None)
    dial(silent, wanted[1])
    assert silent.session.said[0][1].startswith("Det går inte utan ljud")


def test_what_is_no_code_is_told(journal: Path) -> None:
    voice = Voice()
    dial(Rig(journal, voice), None)
    assert voice.heard == ["Den koden finns inte."]


def test_a_fault_of_ours_ends_the_call(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(journal, Voice(), cast("Settled", Question))
    dial(rig, Dialled(Own.STATUS))
    assert rig.session.ended
    assert "kind=fault of=setting" in caplog.text


def test_too_many_at_once_are_refused(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting, "AT_ONCE_MAX", 0)
    rig = Rig(journal, Voice())
    dial(rig, Dialled(Own.DO_NOT_DISTURB))
    assert rig.session.said[0][0] == 480
    assert (rig.kept(), AT_ONCE_MAX) == (0, 50)
