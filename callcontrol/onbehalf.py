"""Whom the platform is to be told of on a phone's behalf, and when; and how it is noticed that it has forgotten.

Theory. A platform that came back may have forgotten every registration. Each phone tells it by its own next refresh;
one whose secret is here is told of at once. Every binding of this unit is in one `Step`, and `TRANSITIONS` says where
what happens leads. A new *epoch* (the edge counts the platform's deaths) makes all bindings due again, but for those
left alone: a secret that the platform refused would be refused again, and would get the building banned.

`OnBehalf` gives bindings one after the other, as fast as its pace allows; whether the phone has come by itself
meanwhile is looked up when its turn comes. What is not bound here now is never told: no phone is raised from the dead.

A death too short for the probes is noticed by `Canary`: in turn each binding is asked for at the platform. One that is
gone is told again; two in a row that are gone say that the platform has forgotten. A platform that has never shown a
binding of ours says nothing by not showing one.

Pure; time is seconds of any one clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["TRANSITIONS", "Binding", "Canary", "Event", "OnBehalf", "Pace", "Step"]

TOGETHER = 8
"""Registrations that may be on their way at once."""
SILENCE_FIRST_S, SILENCE_MAX_S = 2.0, 60.0
"""A platform that leaves one unanswered is left in peace, each time for twice as long."""
SILENCES_COUNTED = 10
LATER_S = 5.0
"""A binding that was put off without a time comes again after this."""
ALONE_S = 3600.0
"""A phone whose secret the platform refused is tried again after this, if it has not come by itself."""
CANARY_SOON_S = 1.0
"""After one that is gone the next is asked for."""
FORGOT_AGAIN_S, FORGOT_AGAIN_MAX_S = 60.0, 3600.0
"""The platform is taken for forgetful this seldom, each time half as often, until it has been believed for long: nodes
that do not know of each other's bindings look the same."""


@dataclass(frozen=True)
class Binding:
    """A phone's contact as it is bound here; `contact` is its URI."""

    extension: str
    contact: str


class Step(StrEnum):
    DUE = "due"  # the platform is to be told
    ASKED = "asked"  # it is being told
    HELD = "held"  # it has accepted it in this epoch
    ALONE = "alone"  # it refused the secret


class Event(StrEnum):
    TAKEN = "taken"  # its turn has come
    ACCEPTED = "accepted"  # by the platform: from us, or from the phone itself
    REFUSED = "refused"  # a 403, two 401s, a challenge that cannot be answered, any other refusal of this binding
    LATER = "later"  # the platform, or the edge, said when
    SILENT = "silent"  # no answer
    EPOCH = "epoch"  # the platform was away
    GONE = "gone"  # it held this binding and does not any more


TRANSITIONS: dict[tuple[Step, Event], Step] = {
    (Step.DUE, Event.TAKEN): Step.ASKED,
    (Step.ASKED, Event.ACCEPTED): Step.HELD,
    (Step.ASKED, Event.REFUSED): Step.ALONE,
    (Step.ASKED, Event.LATER): Step.DUE,
    (Step.ASKED, Event.SILENT): Step.DUE,
    (Step.ASKED, Event.EPOCH): Step.DUE,
    (Step.HELD, Event.EPOCH): Step.DUE,
    (Step.HELD, Event.GONE): Step.DUE,
}
"""What is not there leaves the step as it is."""


class Pace(Protocol):
    """When registrations may go north (callcontrol.pacing)."""

    def refused(self, now_s: float, retry_after_s: int | None) -> None: ...
    def wait(self, now_s: float, seconds: float) -> None: ...
    def wait_left_s(self, now_s: float) -> float: ...
    def admit(self, now_s: float) -> bool: ...


class OnBehalf:
    """The bindings of one unit. Told by `sees` what is bound; asked by `next` whose turn it is; told by `ended`."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._steps: dict[Binding, Step] = {}
        self._not_before_s: dict[Binding, float] = {}
        self._epoch: int | None = None
        self._silences = 0

    def sees(self, bindings: Iterable[Binding], epoch: int, now_s: float) -> None:
        """These are bound here now, and have a secret that the platform knows; others are forgotten."""
        present = dict.fromkeys(bindings)
        self._steps = {binding: self._steps.get(binding, Step.DUE) for binding in present}
        if epoch != self._epoch:
            self._epoch = epoch
            self._silences = 0
            for binding in self._steps:
                self._move(binding, Event.EPOCH)
        for binding, until_s in list(self._not_before_s.items()):
            if binding not in self._steps or now_s >= until_s:
                del self._not_before_s[binding]
                if self._steps.get(binding) is Step.ALONE:
                    self._steps[binding] = Step.DUE

    def next(self, now_s: float) -> Binding | None:
        """The binding whose turn it is now, if there is one; `ended` must follow."""
        if sum(step is Step.ASKED for step in self._steps.values()) >= TOGETHER:
            return None
        for binding, step in self._steps.items():
            if step is Step.DUE and now_s >= self._not_before_s.get(binding, now_s):
                if not self._pace.admit(now_s):
                    return None
                self._move(binding, Event.TAKEN)
                return binding
        return None

    def ended(self, binding: Binding, event: Event, now_s: float, retry_after_s: int | None = None) -> None:
        """What came of it: one of ACCEPTED, REFUSED, LATER, SILENT."""
        if binding not in self._steps:
            return
        self._move(binding, event)
        if event is Event.SILENT:
            self._pace.wait(now_s, min(SILENCE_MAX_S, SILENCE_FIRST_S * 2**self._silences))
            self._silences = min(self._silences + 1, SILENCES_COUNTED)
            return
        self._silences = 0
        if event is Event.REFUSED:
            self._not_before_s[binding] = now_s + ALONE_S
        if event is Event.LATER:
            self._not_before_s[binding] = now_s + LATER_S
            self._pace.refused(now_s, retry_after_s)

    def gone(self, binding: Binding) -> None:
        """The platform held it and does not any more."""
        if binding in self._steps:
            self._move(binding, Event.GONE)

    def step(self, binding: Binding) -> Step | None:
        return self._steps.get(binding)

    @property
    def held(self) -> tuple[Binding, ...]:
        """Bindings that the platform should know of."""
        return tuple(binding for binding, step in self._steps.items() if step is Step.HELD)

    @property
    def due(self) -> int:
        """Bindings that the platform is yet to be told of."""
        return sum(step in (Step.DUE, Step.ASKED) for step in self._steps.values())

    def _move(self, binding: Binding, event: Event) -> None:
        step = self._steps[binding]
        self._steps[binding] = TRANSITIONS.get((step, event), step)


class Canary:
    """Asks for one held binding after the other: `next` gives whom, `heard` is told, `forgot` says what it means."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = 0.0
        self._last: Binding | None = None
        self._shown = False
        self._missing = 0
        self._forgot_s: float | None = None
        self._again_s = FORGOT_AGAIN_S

    def next(self, held: tuple[Binding, ...], now_s: float) -> Binding | None:
        """Whom to ask the platform for now; None: nobody yet."""
        if now_s < self._next_s or not held:
            return None
        place = held.index(self._last) + 1 if self._last in held else 0
        self._last = held[place % len(held)]
        self._next_s = now_s + self._every_s
        return self._last

    def heard(self, shown: bool | None, now_s: float) -> bool:
        """`shown`: whether the platform's answer held the binding; None: no answer that says. Whether it is gone."""
        if shown is None:
            return False
        if shown:
            self._shown = True
            self._missing = 0
            return False
        if not self._shown:
            return False
        self._missing += 1
        self._next_s = min(self._next_s, now_s + CANARY_SOON_S)
        return True

    def forgot(self, now_s: float) -> bool:
        """Whether the platform has forgotten, by two in a row that are gone; said once."""
        since_s = 2 * FORGOT_AGAIN_MAX_S if self._forgot_s is None else now_s - self._forgot_s
        if self._missing < 2 or since_s < self._again_s:
            return False
        calm = since_s >= 2 * FORGOT_AGAIN_MAX_S
        self._again_s = FORGOT_AGAIN_S if calm else min(2 * self._again_s, FORGOT_AGAIN_MAX_S)
        self._missing = 0
        self._forgot_s = now_s
        return True
