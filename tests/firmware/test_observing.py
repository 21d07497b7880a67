"""What the platform has done by codes is read from the edge's table, once, whatever stands there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from callcontrol.edge.rpc import EdgeError, EdgeRpc
from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.codes import Dialled, Own, observed
from callcontrol.plan.codesets import codes_of
from callcontrol.plan.setting import Asks, Said, Settled, Write
from firmware.asking import Asking
from firmware.observing import AT_ONCE_MAX, Observing
from firmware.setting import Setting

CODES = codes_of(("mx-one",), {})
AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
SECOND = int(AT.timestamp())


class Unit:
    """Edge, store and disk in one."""

    def __init__(self, **noted: str) -> None:
        self.noted = dict(noted)
        self.writes: list[Write] = []
        self.asked: list[tuple[str, Own, datetime]] = []
        self.readable = self.disk = self.deletes = True
        self.unread = ""  # whose rows cannot be read
        self.observing = Observing(cast("EdgeRpc", self), cast("Asking", self), cast("Setting", self), CODES)

    async def call(self, method: str, *params: object) -> Any:
        if method == "htable.delete":
            if not self.deletes:
                raise EdgeError("htable.delete", 500, "busy")
            del self.noted[str(params[1])]
            return None
        return [
            {"entry": 0, "size": 1, "slot": [{"name": k, "value": v, "type": "str"}]} for k, v in self.noted.items()
        ]

    def done(self, caller: str, wanted: Dialled, at: datetime, new_id: Callable[[], str]) -> Settled | Asks | None:
        if not self.readable or caller == self.unread:
            return None
        assert isinstance(wanted.does, Own)
        self.asked.append((caller, wanted.does, at))
        if wanted.does is Own.REFER_OTHER:
            return Settled((Said(key="number_unknown"),))
        made = Referral(
            id=new_id(), extension=caller, reason="sick", start=at, until=None, source=Source.CODE, set_by=caller,
            set_at=at,
        )  # fmt: skip
        settled = Settled((Said(key="referred"),), (made,))
        return Asks((Said(key="odd_too_long"),), settled) if wanted.time else settled

    async def keep(self, writes: Sequence[Write], by: str) -> bool:
        assert by == "platform"
        if self.disk:
            self.writes += writes
        return self.disk

    def look(self) -> None:
        asyncio.run(self.observing.look())


@pytest.mark.parametrize("dialled", ["*23*9#", "*23*9%23", "*23*9", "*23*6*0821#"])
def test_it_is_written_as_the_platforms_named_by_its_call_and_taken_away(dialled: str) -> None:
    unit, again = Unit(c1=f"1001|{SECOND}|{dialled}"), Unit(c1=f"1001|{SECOND}|{dialled}")
    unit.look()
    (made,) = unit.writes
    assert isinstance(made, Referral)
    assert (made.source, made.set_at, unit.noted) == (Source.PLATFORM, AT, {})
    assert unit.asked == [("1001", Own.REFER, AT)]
    again.look()
    assert again.writes == unit.writes, "after a crash, too"


@pytest.mark.parametrize(
    "text",
    ["", "1001", "1001||", f"1001|{SECOND}|", "1001|x|*23*9#", f"1001|{SECOND}|*73*123456#", f"1001|{SECOND}|*9#"],
)
def test_what_is_nothing_is_taken_away(text: str) -> None:
    unit = Unit(c1=text)
    unit.look()
    assert (unit.writes, unit.asked, unit.noted) == ([], [], {})


def test_what_is_nothing_here_changes_nothing() -> None:
    unit = Unit(c1=f"1001|{SECOND}|*230*1999*9#")
    unit.look()
    assert (unit.writes, unit.noted) == ([], {})


@pytest.mark.parametrize("fails", ["readable", "disk"])
def test_what_fails_is_tried_again(fails: str) -> None:
    unit = Unit(c1=f"1001|{SECOND}|*23*9#")
    setattr(unit, fails, False)
    unit.look()
    assert list(unit.noted) == ["c1"]
    setattr(unit, fails, True)
    unit.look()
    assert len(unit.writes) == 1


def test_what_was_dialled_later_is_done_later_whatever_the_calls_are_called() -> None:
    unit = Unit(
        b=f"1001|{SECOND}|*21*1002#", a=f"1001|{SECOND + 1}|#21#", c=f"1001|{SECOND - 1}|*23*9#", d="1001|x|*23*9#"
    )
    unit.look()
    assert [does for _, does, _ in unit.asked] == [Own.REFER, Own.FOLLOW_ME, Own.FORWARD_OFF]


def test_what_cannot_be_taken_away_is_done_once() -> None:
    """A key that turns would be turned back."""
    unit = Unit(c1=f"1001|{SECOND}|*23*9#")
    unit.deletes = False
    for _ in range(2):
        with pytest.raises(EdgeError):
            unit.look()
    unit.deletes = True
    unit.look()
    assert (len(unit.asked), len(unit.writes), unit.noted) == (1, 1, {})


def test_one_that_is_never_taken_holds_up_no_other() -> None:
    unit = Unit(**{f"a{number:03}": f"1009|{SECOND}|*23*9#" for number in range(AT_ONCE_MAX)})
    unit.noted["b"] = f"1001|{SECOND + 1}|*23*9#"
    unit.unread = "1009"
    unit.look()
    unit.look()
    assert [caller for caller, *_ in unit.asked] == ["1001"]


def test_many_are_read_by_and_by_and_a_silent_edge_is_told_to_who_asks() -> None:
    unit = Unit(**{f"c{number}": f"1001|{SECOND}|*23*9#" for number in range(AT_ONCE_MAX + 5)})
    unit.look()
    assert len(unit.noted) == 5

    async def broken(method: str, *params: object) -> Any:
        raise EdgeError("htable.dump", 500, "no such table")

    unit.call = broken  # type: ignore[method-assign]
    with pytest.raises(EdgeError):
        unit.look()


def test_no_pin_is_ever_observed() -> None:
    pattern = observed(CODES)
    assert pattern
    for secret in (code for code in CODES if "P" in code.letters):
        assert secret.before.replace("*", "[*]").replace("#", "(#|%23)") not in pattern
