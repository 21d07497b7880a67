"""Configurations on the disk: what a unit works by is whole at every moment, and what is gone back to is there."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware import generations
from firmware.config import ConfigError, load
from firmware.document import sha256_of
from firmware.generations import KEPT, Generations, GenerationsError
from firmware.trial import BAD_S, START_S, WELL_S, Due, Health, Phase

NOW = "2026-11-23T08:00:00.000000Z"
STEADY_S = 70.0


class Cut(Exception):
    """The power went."""


class Clock:
    def __init__(self) -> None:
        self.boot, self.s = "first", 1000.0

    def __call__(self) -> tuple[str, float]:
        return self.boot, self.s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(generations, "boot_now", made)
    return made


def config(state: Path, name: str = "norrby") -> str:
    return (
        f'[unit]\nname = "{name}"\nstate_dir = "{state}"\n\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\n\n'
        '[platform]\nrealm = "example.invalid"\n'
    )


@pytest.fixture
def unit(tmp_path: Path, clock: Clock) -> Generations:
    made = Generations(tmp_path / "etc" / "unit.toml", tmp_path / "state")
    made.config.parent.mkdir()
    made.config.write_text(config(made.state))
    return made


def armed(unit: Generations, version: int, name: str) -> str:
    text = config(unit.state, name)
    unit.arm(version, sha256_of(text), text, NOW)
    return text


def confirmed(unit: Generations, clock: Clock, version: int, name: str) -> str:
    text = armed(unit, version, name)
    unit.begin(Health(edge=True))
    settled(unit, clock, well=True)
    return text


def settled(unit: Generations, clock: Clock, *, well: bool, seconds: int = 120) -> Due:
    for _ in range(seconds):
        clock.s += 1
        what = unit.settle(well=well, steady_s=STEADY_S)
        if what in (Due.CONFIRM, Due.ROLL_BACK):
            return what
    return Due.WAIT


def test_one_that_is_well_is_confirmed_and_three_are_kept(unit: Generations, clock: Clock) -> None:
    texts = [confirmed(unit, clock, version, f"unit-{version}") for version in range(1, 6)]
    standing = unit.standing()
    assert unit.config.read_text() == texts[-1]
    assert (standing.phase, standing.highest) == (Phase.CONFIRMED, 5)
    assert [one.version for one in standing.kept] == [5, 4, 3]
    assert [unit.text(one) for one in standing.kept] == texts[:-4:-1]
    assert len(list((unit.state / "generations").glob("*.toml"))) == KEPT


def test_one_that_is_not_well_is_taken_back_in_time(unit: Generations, clock: Clock) -> None:
    before = unit.config.read_text()
    armed(unit, 1, "worse")
    unit.begin(Health(edge=True))
    began_s = clock.s
    assert unit.config.read_text() != before
    assert settled(unit, clock, well=False) is Due.ROLL_BACK
    assert clock.s - began_s <= START_S + 1
    assert unit.config.read_text() == before
    assert (unit.standing().phase, unit.standing().why) == (Phase.ROLLED_BACK, "not well")


def test_who_cannot_tell_how_the_unit_is_takes_back_and_never_confirms(unit: Generations, clock: Clock) -> None:
    before = unit.config.read_text()
    armed(unit, 1, "nobody-looks")
    unit.begin(Health())
    for _ in range(int(STEADY_S + WELL_S + BAD_S) + 1):
        clock.s += 1
        assert unit.settle(well=False, steady_s=STEADY_S, alone=True) is not Due.CONFIRM
    assert unit.config.read_text() == before
    # Nor while it is well, as long as who can tell may yet come.
    armed(unit, 2, "somebody-looked")
    unit.begin(Health())
    clock.s += 30
    unit.settle(well=True, steady_s=STEADY_S)
    for _ in range(50):
        clock.s += 1
        assert unit.settle(well=False, steady_s=STEADY_S, alone=True) is Due.WAIT


def test_the_machine_starts_again_in_a_trial(unit: Generations, clock: Clock) -> None:
    before = unit.config.read_text()
    text = armed(unit, 1, "again")
    unit.begin(Health(edge=True))
    clock.boot, clock.s = "second", 3.0
    assert unit.settle(well=False, steady_s=STEADY_S) is Due.BEGIN_AGAIN
    assert unit.config.read_text() == text
    clock.boot, clock.s = "third", 3.0
    assert unit.settle(well=False, steady_s=STEADY_S) is Due.BEGIN_AGAIN
    clock.boot, clock.s = "fourth", 3.0
    assert unit.settle(well=False, steady_s=STEADY_S) is Due.ROLL_BACK
    assert unit.config.read_text() == before


def test_what_may_not_be_sent(unit: Generations) -> None:
    elsewhere = config(unit.state / "other")
    with pytest.raises(GenerationsError, match=r"unit\.state_dir"):
        unit.arm(1, sha256_of(elsewhere), elsewhere, NOW)
    with pytest.raises(ConfigError, match="listen"):
        unit.arm(2, "0" * 64, config(unit.state).replace("udp:", "smoke:"), NOW)
    with pytest.raises(GenerationsError, match="no configuration is armed"):
        unit.begin(Health())
    unit.refuse(2, "0" * 64, "edge.listen: cannot be", NOW)
    standing = unit.standing()
    assert (standing.phase, standing.highest, standing.why) == (Phase.REFUSED, 2, "edge.listen: cannot be")


def test_somebody_here_needs_another_one(unit: Generations, clock: Clock) -> None:
    confirmed(unit, clock, 1, "sent")
    own = config(unit.state, "own")
    unit.override(own, "anna", "new gateway, hub is away", NOW)
    assert unit.config.read_text() == own
    assert (unit.standing().override, unit.standing().override_by) == ("new gateway, hub is away", "anna")
    unit.release()
    assert unit.standing().override == ""
    assert unit.config.read_text() == own  # until another one is sent
    unit.roll_back("by hand")
    assert load(unit.config).unit.name == "sent"


def test_a_file_changed_by_hand_is_an_override(unit: Generations, clock: Clock) -> None:
    assert not unit.notice(NOW)  # nothing was ever sent: there is nothing that it lies over
    confirmed(unit, clock, 1, "sent")
    assert not unit.notice(NOW)
    unit.config.write_text(config(unit.state, "by-hand"))
    assert unit.notice(NOW)
    assert unit.standing().override
    assert unit.standing().override_by == "file"
    assert not unit.notice(NOW)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"phase": "dancing"}', "x" * 70_000])
def test_a_standing_that_is_none_is_said(unit: Generations, text: str) -> None:
    (unit.state / "generations").mkdir(parents=True)
    (unit.state / "generations" / "standing.json").write_text(text)
    with pytest.raises(GenerationsError, match=r"standing\.json"):
        unit.standing()


def deeds(unit: Generations, clock: Clock) -> dict[str, Callable[[], object]]:
    return {
        "arm": lambda: armed(unit, 2, "newest"),
        "begin": lambda: unit.begin(Health(edge=True)),
        "confirm": lambda: settled(unit, clock, well=True),
        "roll_back": lambda: settled(unit, clock, well=False),
        "override": lambda: unit.override(config(unit.state, "own"), "anna", "why", NOW),
        "by_hand": lambda: unit.roll_back("by hand"),
    }


def cut_at(step: int, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> bool:
    """Do `work` until its file number `step` is to be written; whether it came to that."""
    put, count = generations._put, itertools.count()

    def cutting(path: Path, text: str) -> None:
        if next(count) == step:
            raise Cut
        put(path, text)

    with monkeypatch.context() as patched:
        patched.setattr(generations, "_put", cutting)
        try:
            work()
        except Cut:
            return True
    return False


@pytest.mark.parametrize("deed", ["arm", "begin", "confirm", "roll_back", "override", "by_hand"])
def test_a_cut_between_any_two_writes(deed: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in range(12):
        unit = Generations(tmp_path / str(step) / "unit.toml", tmp_path / str(step) / "state")
        unit.config.parent.mkdir(parents=True)
        unit.config.write_text(config(unit.state))
        first = confirmed(unit, clock, 1, "first")
        newest = config(unit.state, "newest")
        if deed != "arm":
            armed(unit, 2, "newest")
        if deed in ("confirm", "roll_back"):
            unit.begin(Health(edge=True))
        was_cut = cut_at(step, monkeypatch, deeds(unit, clock)[deed])
        clock.boot = f"after-{step}"
        assert load(unit.config).unit.name in ("first", "newest", "own", "norrby")
        settled(unit, clock, well=True)  # whoever looks next
        standing = unit.standing()
        assert standing.phase is not Phase.TRIAL
        assert unit.text(standing.kept[0])  # what is gone back to is there
        name = load(unit.config).unit.name
        if standing.phase is Phase.CONFIRMED and standing.newest and standing.newest.version == 2:
            assert unit.config.read_text() == newest
        elif deed in ("arm", "begin"):
            assert unit.config.read_text() == first
        assert name == load(unit.config).unit.name
        if not was_cut:
            break
    else:
        raise AssertionError("it never came to an end")
