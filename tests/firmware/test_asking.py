"""The edge's question and its answer, over a store that is there, empty, or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcontrol.plan.model import Condition, Forwarding
from callcontrol.sip.message import Request
from firmware.asking import RING, TRIED_MAX, Asking
from firmware.config import Config, default
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import load
from hil.municipality import generate

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
ONE, OTHER, CALLER, RECEPTION = "100001", "100002", "100003", "100000"  # of the first municipality


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return default(tmp_path)


@pytest.fixture
def asking(config: Config) -> Iterator[Asking]:
    with closing(Asking(config)) as opened:
        yield opened


@pytest.fixture
def changes(config: Config) -> Iterator[Changes]:
    with closing(connect(config.paths.directory, "directory")) as directory:
        load(directory, generate(60), "generated", NOW)
    with closing(Changes.open(config.paths.journal)) as opened:
        yield opened


def question(callee: str, params: str, method: str = "INVITE") -> Request:
    head = f"{method} sip:{callee}@127.0.0.1;{params} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n"
    rest = (
        f"From: <sip:a@x>;tag=1\r\nTo: <sip:{callee}@x>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    )
    return Request.parse((head + rest).encode())


def ask(
    asking: Asking, callee: str, params: str = "why=asked", method: str = "INVITE", caller: str = CALLER
) -> tuple[int, str]:
    """The code, and who rings, or the phrase; for somebody inside, to whom no phone hours apply."""
    params += f";mode=SURVIVAL;caller={caller}"
    answer = asking.answer(question(callee, params, method))
    ring = dict(answer.headers).get(RING)
    return answer.status, ring if ring is not None else answer.reason


def forward(changes: Changes, target: str, condition: Condition = Condition.ALWAYS) -> None:
    changes.forward(Forwarding(extension=ONE, condition=condition, target=target, set_at=NOW), "anna")


def test_who_rings_follows_the_store(asking: Asking, changes: Changes) -> None:
    assert ask(asking, ONE) == (302, ONE)
    forward(changes, OTHER)
    assert ask(asking, ONE) == (302, OTHER)
    assert ask(asking, ONE, f"why=no_answer;tried={OTHER}") == (302, RECEPTION)
    assert ask(asking, ONE, f"why=no_answer;tried={OTHER}.{RECEPTION}")[0] == 480


@pytest.mark.parametrize("params", ["why=unknown", "why=busy", "why=asked"])
def test_nobody_was_ever_loaded(params: str, asking: Asking, config: Config) -> None:
    assert ask(asking, ONE, params)[0] in (404, 480, 486)
    assert not config.paths.directory.exists()


@pytest.mark.parametrize(
    ("params", "method"), [("why=nonsense", "INVITE"), ("x=1", "INVITE"), ("why=", "INVITE"), ("why=asked", "OPTIONS")]
)
def test_what_is_no_question(params: str, method: str, asking: Asking) -> None:
    assert ask(asking, ONE, params, method)[0] == 501


@pytest.mark.parametrize(
    "tried", ["....", "%0d%0a", ".".join(["9" * 33] * 5), ".".join(map(str, range(TRIED_MAX * 10)))]
)
def test_what_was_tried_is_bounded(tried: str, asking: Asking, changes: Changes) -> None:
    assert ask(asking, ONE, f"why=asked;tried={tried}") == (302, ONE)


def test_a_damaged_store_refuses_as_if_nothing_were_known(asking: Asking, config: Config, changes: Changes) -> None:
    assert ask(asking, ONE, "why=busy") == (302, RECEPTION)
    asking.close()
    config.paths.directory.write_bytes(b"no database" * 1000)
    assert ask(asking, ONE, "why=busy")[0] == 486
    assert ask(asking, "1777", "why=unknown")[0] == 404


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("person", {"phone_hours": "whenever"}), ("person", {"duties": 7}), ("extension", {"reach": ["x"]})],
)
def test_a_row_that_nobody_here_writes_ends_no_process(
    kind: str, fields: dict[str, object], asking: Asking, changes: Changes, config: Config
) -> None:
    with closing(connect(config.paths.directory, "directory")) as directory:
        person = directory.execute("SELECT person FROM extension WHERE number = ?", (ONE,)).fetchone()[0]
    changes.change(kind, person if kind == "person" else ONE, fields, "x", NOW)
    assert ask(asking, ONE, "why=busy", caller="%2B46701234567")[0] in (302, 486)
    changes.change(kind, person if kind == "person" else ONE, {next(iter(fields)): None}, "x", NOW)


def test_it_is_opened_anew_after_it_was_closed(asking: Asking, changes: Changes) -> None:
    assert ask(asking, ONE) == (302, ONE)
    asking.close()
    assert ask(asking, ONE) == (302, ONE)
