"""What a caller who is told something leaves behind: a message says no more of who left it than the call did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.call import Leg
from callcontrol.media.sounds import Clip
from callcontrol.sip.events import Invited
from callcontrol.told import KEY_END, KEY_MESSAGE, Told
from firmware.announcing import Announcing
from firmware.messages import Kept

CALLER, OWNER = "1001", "1002"


class Rig:
    """All that an Announcing talks to: a caller who chooses to leave a message, and says it."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.asked_for: list[str] = []
        self.keys = iter((KEY_MESSAGE, None, None))
        self.work: list[Awaitable[None]] = []

    # Messages

    def takes(self, mailbox: str, caller: str) -> bool:
        self.asked_for.append(caller)
        return True

    def begin(self, mailbox: str, caller: str, call_id: str, why: str) -> Any:
        self.left.append(caller)
        kept: Future[Kept] = Future()
        kept.set_result(Kept.YES)
        return SimpleNamespace(push=lambda frame: False, finish=lambda: kept)

    # Speaking

    async def said(self, words: Callable[[str], object]) -> list[Clip]:
        return [Clip(b"")]

    async def phrase(self, key: str) -> list[Clip]:
        return [Clip(b"")]

    async def asked(self, place: object, clips: object, then_s: float) -> str | None:
        return next(self.keys)

    async def key_during(self, place: object, work: Any) -> str | None:
        return KEY_END

    def hear(self, place: object, sink: object) -> None:
        return None

    async def say(self, place: object, clips: object) -> None:
        pass

    # A place, and the switch

    async def open(self, offer: bytes) -> Any:
        return SimpleNamespace(answer=lambda offer: b"", close=lambda: None, press=None, sound=self.say_nothing)

    async def say_nothing(self, source: object) -> None:
        pass

    def answer(self, invited: Invited, caller: str, own: object, now: float) -> Leg:
        return cast(Leg, SimpleNamespace(number=caller, call=object(), pressed=None))

    def end(self, call: object, now: float) -> None:
        pass


@pytest.mark.parametrize(
    ("privacy", "by_code", "left"),
    [(None, False, CALLER), ("none", False, CALLER), ("id", False, ""), ("header;id", False, ""), (None, True, "")],
)
async def test_who_withholds_his_number_withholds_it_of_his_message(
    privacy: str | None, by_code: bool, left: str
) -> None:
    rig = cast(Any, Rig())
    announcing = Announcing(rig, lambda: None, lambda _: None, rig, rig, rig, rig, rig, rig, rig, rig)
    request = SimpleNamespace(call_id="c", header=lambda name: privacy if name == "Privacy" else None)
    invited = cast(Invited, SimpleNamespace(request=request, offer=b"x"))
    told = Told(why="busy", sought=OWNER, mailbox=OWNER)
    assert await announcing.take(invited, CALLER, told, unknown=by_code)
    (caller,) = announcing._callers
    assert caller.task is not None
    await caller.task
    assert (rig.left, rig.asked_for) == ([left], [left])
