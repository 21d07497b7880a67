"""Whom the platform is told of again, how fast, and whom it is not."""

from __future__ import annotations

import pytest

from callcontrol.onbehalf import (
    ALONE_S,
    FORGOT_AGAIN_S,
    LATER_S,
    SILENCE_FIRST_S,
    TOGETHER,
    TRANSITIONS,
    Binding,
    Canary,
    Event,
    OnBehalf,
    Step,
)

EVERY_S = 30.0


class Even:
    """A pace of so many a second, that waits when it is told to."""

    def __init__(self, per_s: int = 1000) -> None:
        self.per_s, self.until_s = per_s, 0.0
        self.admitted: list[float] = []

    def refused(self, now_s: float, retry_after_s: int | None) -> None:
        self.wait(now_s, retry_after_s or 0)

    def wait(self, now_s: float, seconds: float) -> None:
        self.until_s = max(self.until_s, now_s + seconds)

    def wait_left_s(self, now_s: float) -> float:
        return max(0.0, self.until_s - now_s)

    def admit(self, now_s: float) -> bool:
        if now_s < self.until_s or sum(now_s - at < 1 for at in self.admitted) >= self.per_s:
            return False
        self.admitted.append(now_s)
        return True


def phones(count: int) -> list[Binding]:
    return [Binding(str(1001 + n), f"sip:{1001 + n}@10.0.0.{n}") for n in range(count)]


def taken(core: OnBehalf, now_s: float) -> list[Binding]:
    found = []
    while (binding := core.next(now_s)) is not None:
        found.append(binding)
    return found


def test_each_binding_is_told_once_in_an_epoch_and_again_in_the_next() -> None:
    core, bound = OnBehalf(Even()), phones(3)
    for epoch in (1, 2):
        core.sees(bound, epoch, epoch)
        assert taken(core, epoch) == bound
        for binding in bound:
            core.ended(binding, Event.ACCEPTED, epoch)
        assert core.held == tuple(bound)
        core.sees(bound, epoch, epoch + 0.5)
        assert taken(core, epoch + 0.5) == []


def test_no_more_on_their_way_than_allowed_and_no_faster_than_the_pace() -> None:
    pace, bound = Even(per_s=5), phones(40)
    core = OnBehalf(pace)
    core.sees(bound, 1, 0)
    now_s = 0.0
    while core.due and now_s < 60:
        for binding in taken(core, now_s):
            core.ended(binding, Event.ACCEPTED, now_s)
        now_s += 0.1
    assert len(pace.admitted) == len(bound)
    assert max(sum(0 <= at - start < 1 for at in pace.admitted) for start in pace.admitted) <= 5

    slow = OnBehalf(Even())
    slow.sees(bound, 1, 0)
    assert len(taken(slow, 0)) == TOGETHER
    slow.ended(bound[0], Event.ACCEPTED, 0)
    assert len(taken(slow, 0)) == 1


def test_a_refused_secret_is_left_alone_over_epochs_for_an_hour() -> None:
    core, (one,) = OnBehalf(Even()), phones(1)
    core.sees([one], 1, 0)
    assert taken(core, 0) == [one]
    core.ended(one, Event.REFUSED, 0)
    for epoch, now_s in ((1, 1), (2, 60), (3, ALONE_S - 1)):
        core.sees([one], epoch, now_s)
        assert core.step(one) is Step.ALONE
        assert taken(core, now_s) == []
    core.sees([one], 3, ALONE_S)
    assert taken(core, ALONE_S) == [one]


def test_retry_after_holds_all_and_later_without_a_time_holds_one() -> None:
    core, bound = OnBehalf(Even(per_s=1)), phones(2)
    core.sees(bound, 1, 0)
    assert taken(core, 0) == bound[:1]
    core.ended(bound[0], Event.LATER, 0, 30)
    assert taken(core, 29) == []
    assert taken(core, 30) == bound[:1]
    core.ended(bound[0], Event.LATER, 30)
    assert taken(core, 31) == bound[1:]
    core.ended(bound[1], Event.ACCEPTED, 31)
    assert taken(core, 32) == []
    assert taken(core, 30 + LATER_S) == bound[:1]


def test_silence_is_met_with_growing_patience() -> None:
    core, (one,) = OnBehalf(Even()), phones(1)
    core.sees([one], 1, 0)
    now_s, waits = 0.0, []
    for _ in range(8):
        began = now_s
        while not taken(core, now_s):
            now_s += 0.5
        waits.append(now_s - began)
        core.ended(one, Event.SILENT, now_s)
    assert waits[:4] == [0, SILENCE_FIRST_S, 2 * SILENCE_FIRST_S, 4 * SILENCE_FIRST_S]
    assert waits[-1] == 60


def test_a_phone_that_is_gone_is_not_told_of() -> None:
    core, bound = OnBehalf(Even()), phones(2)
    core.sees(bound, 1, 0)
    core.sees(bound[1:], 1, 0)
    assert taken(core, 0) == bound[1:]
    core.ended(bound[0], Event.ACCEPTED, 0)
    assert core.step(bound[0]) is None


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("event", Event)
def test_alone_is_left_by_time_only_and_held_by_the_platforms_loss_only(step: Step, event: Event) -> None:
    after = TRANSITIONS.get((step, event), step)
    if step is Step.ALONE:
        assert after is Step.ALONE
    if step is Step.HELD:
        assert (after is Step.DUE) == (event in (Event.EPOCH, Event.GONE))


def test_canary_goes_round_and_believes_two_in_a_row() -> None:
    canary, held = Canary(EVERY_S), tuple(phones(3))
    asked, now_s = [], 0.0
    for _ in range(4):
        asked.append(canary.next(held, now_s))
        assert canary.next(held, now_s + EVERY_S - 1) is None
        assert not canary.heard(True, now_s)
        now_s += EVERY_S
    assert asked == [*held, held[0]]

    assert canary.next(held, now_s)
    assert canary.heard(False, now_s)
    assert not canary.forgot(now_s)
    now_s += 1
    assert canary.next(held, now_s), "the next is asked for soon"
    assert canary.heard(False, now_s)
    assert canary.forgot(now_s)
    assert not canary.forgot(now_s)
    for _ in range(2):
        canary.heard(False, now_s)
    assert not canary.forgot(now_s + FORGOT_AGAIN_S - 1)
    assert canary.forgot(now_s + FORGOT_AGAIN_S)


def test_canary_grows_deaf_to_nodes_that_do_not_know_of_each_other() -> None:
    canary, believed = Canary(EVERY_S), 0
    for now_s in range(0, 12 * 3600, 30):
        canary.heard(True, now_s)
        for _ in range(2):
            canary.heard(False, now_s)
        believed += canary.forgot(now_s)
    assert 6 <= believed <= 25


def test_canary_does_not_believe_a_platform_that_never_shows_anything() -> None:
    canary = Canary(EVERY_S)
    for now_s in range(10):
        assert not canary.heard(False, now_s)
        assert not canary.forgot(now_s)
    assert not canary.heard(None, 11)
    canary.heard(True, 12)
    assert canary.heard(False, 13)
    assert not canary.heard(None, 14)
    canary.heard(True, 15)
    canary.heard(False, 16)
    assert not canary.forgot(16), "one that is shown in between takes it back"
