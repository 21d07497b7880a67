"""``rvx trunk sms``: what goes into the queue, what is refused, and what became of one."""

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callcontrol.trunk.smsqueue import Outcome
from firmware.store.sms import SmsRows
from tools.errors import DONE, USAGE

Rvx = Callable[..., tuple[int, str, str]]
Sms = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def sms(rvx: Rvx) -> Sms:
    """``rvx trunk sms``, as programs read it."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        status, out, _ = rvx("trunk", "sms", "--json", *words)
        return status, json.loads(out)

    return run


def test_one_is_queued_shown_and_told_of_try_by_try(sms: Sms, rvx: Rvx, tmp_path: Path) -> None:
    status, sent = sms("--to", "070-111 11 11", "--text", "å" * 161)
    assert (status, sent["to"], sent["parts"], sent["ore"]) == (DONE, "+46701111111", 2, 100)
    rows = SmsRows.open(tmp_path / "state" / "journal.db")
    taken = rows.take("m1", datetime.now(UTC))
    assert taken is not None
    rows.ended(taken[0], Outcome.REFUSED, datetime.now(UTC), code=21, why="refused_21")
    rows.close()
    _, listed = sms()
    assert listed["waiting"] == 0
    assert [(one["id"], one["state"]) for one in listed["sent"]] == [(sent["id"], "failed")]
    _, why = sms("--why", sent["id"])
    assert [(one["modem"], one["outcome"], one["code"]) for one in why["tries"]] == [("m1", "refused", 21)]
    status, out, _ = rvx("trunk", "sms", "--why", sent["id"][:9])
    assert (status, "part 1 by m1: refused, code 21" in out) == (DONE, True)
    status, out, _ = rvx("trunk", "sms")
    assert (status, "070-111 11 11" in out) == (DONE, True)


def test_a_text_is_read_from_standard_input(sms: Sms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hej\n"))
    sms("--to", "+46701111111", "--text", "-")
    assert [one["text"] for one in sms()[1]["sent"]] == ["Hej"]


@pytest.mark.parametrize(
    ("words", "status", "code", "said"),
    [
        (("--to", "72456", "--text", "x"), USAGE, "RVX-O01", "a premium number of SMS"),
        (("--to", "+4740123456", "--text", "x"), USAGE, "RVX-O01", "abroad"),
        (("--to", "112", "--text", "x"), USAGE, "RVX-O01", "the emergency number"),
        (("--to", "hej", "--text", "x"), USAGE, "RVX-O01", "no telephone number"),
        (("--to", "0701111111", "--text", " "), USAGE, "RVX-O02", "empty"),
        (("--to", "0701111111", "--text", "x" * 1000), USAGE, "RVX-O02", "more than 6 parts"),
        (("--to", "0701111111", "--text", "x", "--reply-to", "1001"), USAGE, "RVX-O02", "no extension"),
        (("--to", "0701111111"), USAGE, "RVX-A02", "belong together"),
        (("--why", "nothing"), USAGE, "RVX-O03", "nothing"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], status: int, code: str, said: str, sms: Sms) -> None:
    ended, told = sms(*words)
    (problem,) = told["problems"]
    assert (ended, problem["id"]) == (status, code)
    assert said in problem["observed"]
