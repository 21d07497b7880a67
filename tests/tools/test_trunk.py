"""``rvx trunk status|test|why``: what is shown of what the process says, whatever it says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callcontrol.trunk.readiness import Colour, Reason, Shared
from firmware.store.steps import Noted
from firmware.store.trunk import TrunkRows
from tools import trunk
from tools.errors import DONE, FAILED

M1: dict[str, object] = {
    "name": "m1", "card": "red", "number": "+46701000001", "network": "Telia", "operator": "24001", "technology": "lte",
    "dbm": -71, "carries": None, "kept_for_112": False, "reasons": ["unproved", "a_reason_of_tomorrow"],
}  # fmt: skip
BARE: dict[str, object] = {**dict.fromkeys(M1), "name": "m2", "card": "yellow", "kept_for_112": True, "reasons": []}
STATUS = {"modems": [M1, BARE], "shared": [{"one": "m1", "other": "m2", "shared": "unknown"}], "emergency": []}
GOOD, BAD = {"good": True, "detail": ""}, {"good": False, "detail": "not answered"}

Answers = Callable[[object], list[dict[str, Any]]]
Rvx = Callable[..., tuple[int, str, str]]


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """The process: it says that once, and what it was asked is in the list."""
    monkeypatch.setattr("firmware.paths.Paths.trunk_socket", tmp_path / "t")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "t"))
        listener.listen()
        threads = []

        def begin(said: object) -> list[dict[str, Any]]:
            asked: list[dict[str, Any]] = []

            def once() -> None:
                with listener.accept()[0] as came, came.makefile("rb") as lines:
                    asked.append(json.loads(lines.readline()))
                    came.sendall(said if isinstance(said, bytes) else json.dumps(said).encode())

            threads.append(threading.Thread(target=once))
            threads[-1].start()
            return asked

        yield begin
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("words", "said", "status", "asked", "shown"),
    [
        (
            ("status",), STATUS, DONE, {"do": "status"},
            ["RÖTT / RED", "ledig / free", "-71 dBm", "m1: samtal är aldrig provade", "m1: a_reason_of_tomorrow",
             "gult / yellow", "112", "m1, m2: okänt / unknown"],
        ),
        (("status",), {**STATUS, "modems": [], "shared": []}, DONE, {"do": "status"}, []),
        (("test", "m1"), {"called": GOOD, "heard": GOOD}, DONE, {"do": "test", "modem": "m1"}, ["heard: ja / yes"]),
        (("test", "m1"), {"called": BAD}, FAILED, {"do": "test", "modem": "m1"}, ["called: nej / no not answered"]),
    ],
)  # fmt: skip
def test_what_is_shown(
    words: tuple[str, ...], said: dict[str, Any], status: int, asked: dict[str, str], shown: list[str],
    rvx: Rvx, answers: Answers,
) -> None:  # fmt: skip
    """To people, and to programs all of it as it was said."""
    heard = answers(said)
    ended, text, _ = rvx("trunk", *words)
    assert ended == status
    assert [each for each in shown if each not in text] == []
    answers(said)
    ended, text, _ = rvx("trunk", *words, "--json")
    told = json.loads(text)
    assert ended == status
    assert heard == [asked]
    assert {name: told[name] for name in said} == said


@pytest.mark.parametrize(
    ("words", "said", "code", "observed"),
    [
        (("test", "x" * 60), {"error": "no such modem"}, "RVX-G04", f"'{'x' * 40}': no such modem."),
        (("test", "m1"), {"error": "busy"}, "RVX-G04", "busy"),
        (("status",), b"", "RVX-G03", "/t: "),
        (("status",), b"{", "RVX-G03", "/t: "),
        (("status",), [], "RVX-G03", "not an object"),
        (("status",), None, "RVX-G03", "not an object"),
    ],
)
def test_what_is_no_answer(
    words: tuple[str, ...], said: object, code: str, observed: str,
    rvx: Rvx, answers: Answers,
) -> None:  # fmt: skip
    answers(said)
    ended, text, _ = rvx("trunk", *words, "--json")
    assert ended not in (DONE, FAILED)
    (problem,) = json.loads(text)["problems"]
    assert problem["id"] == code
    assert observed in problem["observed"]


def test_nobody_is_there(rvx: Rvx) -> None:
    (problem,) = json.loads(rvx("trunk", "status", "--json")[1])["problems"]
    assert problem["id"] == "RVX-G03"


def test_steps_of_112_are_shown_whatever_lives(rvx: Rvx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "journal.db"
    monkeypatch.setattr("firmware.paths.Paths.journal", journal)
    assert "No calls to 112" in rvx("trunk", "why")[1]
    assert not journal.exists()
    with closing(TrunkRows.open(journal)) as rows:
        rows.note(Noted("0123456789abcdef0123456789", datetime.now(UTC), "dials", "m1", ""))
    ended, text, _ = rvx("trunk", "why")
    assert ended == DONE
    assert [each for each in ("0123456789abcdef01234567 ", "dials", "m1") if each not in text] == []
    (step,) = json.loads(rvx("trunk", "why", "--json")[1])["steps"]
    assert (step["call"], step["step"]) == ("0123456789abcdef0123456789", "dials")
    journal.write_bytes(b"nothing" * 1000)
    (problem,) = json.loads(rvx("trunk", "why", "--json")[1])["problems"]
    assert problem["id"] == "RVX-J01"


def test_all_that_is_said_of_cards_has_words() -> None:
    assert set(trunk._CARDS) == set(Colour)
    assert set(trunk._REASONS) == set(Reason)
    assert set(trunk._SHARED) == set(Shared)
