"""The edge's question and its answer, over a store that is there, empty, or damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.steps import Note
from callcontrol.records import Outcome, Record, Way
from callcontrol.refusal import Refusal
from callcontrol.sip.message import Request
from firmware.asking import TRIED_MAX, Asking
from firmware.config import Config, default
from firmware.config_trunk import Modem
from firmware.store import Journal, organisation
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import load
from hil.municipality import MUNICIPALITIES, generate

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
ONE, OTHER, CALLER, RECEPTION = "100001", "100002", "100003", "100000"  # of the first municipality


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return replace(default(tmp_path), modem=())


@pytest.fixture
def told() -> list[Note]:
    return []


@pytest.fixture
def asking(config: Config, told: list[Note]) -> Iterator[Asking]:
    with closing(Asking(config, told.append)) as opened:
        yield opened


@pytest.fixture
def changes(config: Config) -> Iterator[Changes]:
    with closing(connect(config.paths.directory, "directory")) as directory:
        load(directory, generate(60), "generated", NOW)
    with closing(Changes.open(config.paths.journal)) as opened:
        yield opened


def question(callee: str, params: str, method: str = "INVITE", call_id: str = "c") -> Request:
    head = f"{method} sip:{callee}@127.0.0.1;{params} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n"
    rest = f"From: <sip:a@x>;tag=1\r\nTo: <sip:{callee}@x>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
    return Request.parse((head + rest + "Content-Length: 0\r\n\r\n").encode())


def ask(
    asking: Asking,
    callee: str,
    params: str = "why=asked",
    method: str = "INVITE",
    caller: str = CALLER,
    call_id: str = "c",
) -> tuple[int, str]:
    """The code, and who rings, or the phrase; for somebody inside, to whom no phone hours apply."""
    params += f";mode=SURVIVAL;caller={caller}"
    asked = asking.asked(question(callee, params, method, call_id))
    if asked is None:
        return 501, ""
    answer = asking.decided(asked).answer
    return (answer.status, answer.phrase) if isinstance(answer, Refusal) else (302, ".".join(answer))


def forward(changes: Changes, target: str, condition: Condition = Condition.ALWAYS) -> None:
    changes.forward(Forwarding(extension=ONE, condition=condition, target=target, set_at=NOW), "anna")


def test_who_rings_follows_the_store(asking: Asking, changes: Changes) -> None:
    assert ask(asking, ONE) == (302, ONE)
    forward(changes, OTHER)
    assert ask(asking, ONE) == (302, OTHER)
    assert ask(asking, ONE, f"why=no_answer;tried={OTHER}") == (302, RECEPTION)
    assert ask(asking, ONE, f"why=no_answer;tried={OTHER}.{RECEPTION}")[0] == 480


@pytest.mark.parametrize(("params", "statuses"), [("why=unknown", (404,)), ("why=busy", (486,)), ("why=asked", (302,))])
def test_nobody_was_ever_loaded(params: str, statuses: tuple[int, ...], asking: Asking, config: Config) -> None:
    assert ask(asking, ONE, params)[0] in statuses
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
    kind: str,
    fields: dict[str, object],
    asking: Asking,
    changes: Changes,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("firmware.store.changes.checked", lambda kind, fields, classes: fields)
    with closing(connect(config.paths.directory, "directory")) as directory:
        person = directory.execute("SELECT person FROM extension WHERE number = ?", (ONE,)).fetchone()[0]
    changes.change(kind, person if kind == "person" else ONE, fields, "x", NOW)
    assert ask(asking, ONE, "why=busy", caller="%2B46701234567")[0] in (302, 486)
    changes.change(kind, person if kind == "person" else ONE, {next(iter(fields)): None}, "x", NOW)


def test_it_is_opened_anew_after_it_was_closed(asking: Asking, changes: Changes) -> None:
    assert ask(asking, ONE) == (302, ONE)
    asking.close()
    assert ask(asking, ONE) == (302, ONE)


OUTSIDE = "%2B46701234567"


def rang(
    changes: Changes, number: int, way: Way = Way.GATEWAY, *, emergency: bool = False, callee: str = OUTSIDE
) -> None:
    """A call outside that has just ended."""
    at = datetime.now(UTC) - timedelta(minutes=10)
    record = Record(
        call_id=f"{way}{number}{emergency}", from_tag="f", to_tag="t", caller=ONE, callee=callee.replace("%2B", "+"),
        began_at=at, answered_at=at, ended_at=at + timedelta(minutes=1), way=way, outcome=Outcome.ANSWERED,
        sip_code=200, emergency=emergency, time_certain=True,
    )  # fmt: skip
    Journal(changes._db).fold("acc", number + 1, 1, [record])


def test_a_group_is_rung_by_who_has_been_idle_longest(asking: Asking, changes: Changes, config: Config) -> None:
    group, members = "100009", ("100002", "100004", "100005")
    with closing(connect(config.paths.directory, "directory")) as directory:
        kind = "kind = 'hunt', distribution = 'longest_idle', direct_number = NULL, person = NULL"
        directory.execute(f"UPDATE extension SET {kind} WHERE number = ?", (group,))
        rows = [(group, number, place) for place, number in enumerate(members)]
        directory.executemany("INSERT INTO member (hunt, extension, place) VALUES (?, ?, ?)", rows)

    def over(number: int, *, answered: bool) -> None:
        at = NOW + timedelta(minutes=number)
        record = Record(
            call_id=f"c{number}", from_tag="f", to_tag="t", caller=CALLER, callee=group, began_at=at,
            answered_at=at if answered else None, ended_at=at, way=Way.LOCAL, sip_code=200 if answered else 487,
            outcome=Outcome.ANSWERED if answered else Outcome.CANCELLED, emergency=False, time_certain=True,
        )  # fmt: skip
        Journal(changes._db).fold("acc", number, 1, [record])

    first, second, third = members
    for number, member in enumerate((first, second, third, first), 1):  # all talk, or ring
        assert ask(asking, group, call_id=f"c{number}") == (302, member)
    over(2, answered=True)
    over(3, answered=False)  # so nobody knows when it last had one
    over(4, answered=True)
    over(1, answered=True)
    assert ask(asking, group, call_id="c5") == (302, third)
    tried = f"why=no_answer;tried={third}"
    assert ask(asking, group, tried, call_id="c5") == (302, second)
    assert ask(asking, group, f"{tried}.{second}", call_id="c5") == (302, first)
    assert ask(asking, group, call_id="c6") == (302, third), "who did not answer has not had one"


def test_too_many_calls_outside_in_an_hour_are_refused_also_by_one_who_begins(
    asking: Asking, changes: Changes, config: Config, told: list[Note]
) -> None:
    with closing(connect(config.paths.directory, "directory")) as directory, directory:
        directory.execute("UPDATE choice SET value = 3 WHERE name = 'guard_calls'")
    for number in range(2):
        rang(changes, number)
    rang(changes, 8, Way.LOCAL)
    rang(changes, 9, emergency=True, callee="112")
    assert ask(asking, OUTSIDE, "why=outside", caller=ONE)[1].startswith("Ingen Väg Ut")
    rang(changes, 3)
    code, said = ask(asking, OUTSIDE, "why=outside", caller=ONE)
    assert (code, said) == (403, "för många samtal den senaste timmen / too many calls in the last hour")
    assert [(note.rule, note.to, note.words, note.fill) for note in told] == [
        ("F2", "operations", "guard_calls", (("extension", ONE),))
    ]
    assert ask(asking, OUTSIDE, "why=outside", caller=OTHER)[0] == 480
    # What is counted is in the journal: another process counts the same.
    with closing(Asking(config, told.append)) as anew:
        assert ask(anew, OUTSIDE, "why=outside", caller=ONE)[0] == 403
        assert ask(anew, "01177", "why=outside", caller=ONE)[0] == 480


def test_costly_calls_outside(asking: Asking, changes: Changes, config: Config) -> None:
    with closing(connect(config.paths.directory, "directory")) as directory, directory:
        directory.execute("UPDATE choice SET value = 5 WHERE name = 'guard_kr'")
    rang(changes, 1, callee="%2B358912345678")
    assert ask(asking, OUTSIDE, "why=outside", caller=ONE)[1].startswith("för dyrt den senaste timmen")


def test_who_may_not_ring_outside_is_told_so_and_our_own_numbers_ring(asking: Asking, changes: Changes) -> None:
    assert ask(asking, "%2B358912345678", "why=outside", caller=ONE)[:1] == (403,)
    assert ask(asking, OUTSIDE, "why=outside", caller="999")[0] == 480
    with closing(connect(asking._config.paths.directory, "directory")) as directory:
        (direct,) = directory.execute("SELECT direct_number FROM extension WHERE number = ?", (ONE,)).fetchone()
    assert ask(asking, direct.replace("+", "%2B"), "why=outside", caller=OTHER) == (302, ONE)
    assert ask(asking, direct.replace("+", "%2B"), f"why=busy;tried={ONE}", caller=OTHER) == (302, RECEPTION)


def test_an_attended_place_answers_while_its_phone_is_here(
    asking: Asking, changes: Changes, config: Config, told: list[Note]
) -> None:
    with closing(connect(config.paths.directory, "directory")) as directory, directory:
        directory.execute("UPDATE extension SET kind = 'attended' WHERE number = ?", (OTHER,))
        directory.execute(
            "UPDATE unit SET unstaffed = 1, attended_by = ?1, telephony_contact = 'anna'"
            " WHERE id IN (SELECT unit FROM extension WHERE number IN (?1, ?2))",
            (OTHER, ONE),
        )
        directory.execute(
            "INSERT INTO credential (extension, mode, ha1_md5, realm, user, changed_at)"
            " VALUES (?1, 1, ?2, 'r', ?1, '')",
            (OTHER, "0" * 32),
        )
    config.paths.bindings.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(config.paths.bindings)) as bindings, bindings:
        bindings.execute("CREATE TABLE location (username TEXT, contact TEXT, expires REAL)")
        bindings.execute("INSERT INTO location VALUES (?, '', julianday('now') + 1)", (OTHER,))
    assert ask(asking, ONE) == (302, OTHER)
    assert not told
    with closing(sqlite3.connect(config.paths.bindings)) as bindings, bindings:
        bindings.execute("DELETE FROM location")
    assert "inte bemannad just nu" in ask(asking, ONE)[1]
    assert {(note.to, note.words) for note in told} == {("anna", "place_unattended")}
    config.paths.bindings.unlink()
    assert "inte bemannad just nu" in ask(asking, ONE)[1]


SIM = "+46731000001"


@pytest.mark.parametrize(
    ("called", "entity", "reception", "greeting", "rings"),
    [
        (SIM, "m2-kommun", "", "Välkommen till {}s kommun", ("200000",)),
        (SIM, "m2-kommun", RECEPTION, "Välkommen till {}s kommun", ("200000", RECEPTION)),
        ("+46920000", "", "", "Välkommen till {}s kommun", ("200000",)),
        (SIM, "", RECEPTION, "", (RECEPTION,)),
        (SIM, "no such", RECEPTION, "", (RECEPTION,)),
        ("modem", "", RECEPTION, "", (RECEPTION,)),
        (SIM, "", "", None, ()),  # nobody answers
        (SIM, "", "999999", None, ()),
        (DIRECT := "direct", "", RECEPTION, None, ()),
    ],
)
def test_who_calls_a_sim_is_greeted_by_its_number(
    called: str,
    entity: str,
    reception: str,
    greeting: str | None,
    rings: tuple[str, ...],
    config: Config,
    changes: Changes,
) -> None:
    if called == DIRECT:
        with closing(connect(config.paths.directory, "directory")) as db:
            (called,) = db.execute("SELECT direct_number FROM extension WHERE direct_number IS NOT NULL").fetchone()
    modem = Modem(name="m1", number=SIM, entity=entity)
    config = replace(config, modem=(modem,), trunk=replace(config.trunk, reception=reception))
    with closing(Asking(config, lambda note: None)) as asking:
        asked = asking.asked(question(called, "why=incoming;mode=SURVIVAL"))
        assert asked is not None
        greeted = asking.greeted(called, asked)
    if greeting is None:
        assert greeted is None
    else:
        assert greeted is not None
        assert greeted.greeting == greeting.format(MUNICIPALITIES[1])
        assert greeted.next == rings


@pytest.mark.parametrize(
    ("state", "fields", "rings", "told"),
    [
        ("night", "", (), "night"),
        ("night", f"night_to = '{OTHER}'", (OTHER,), "night"),
        ("lunch", f"lunch_to = '{OTHER}'", (OTHER,), None),
        ("lunch", "", (), "lunch"),
        ("open", f"night_to = '{OTHER}'", (RECEPTION,), None),
    ],
)
def test_who_calls_a_sim_of_a_reception_that_is_closed(
    state: str, fields: str, rings: tuple[str, ...], told: str | None, config: Config, changes: Changes
) -> None:
    site = f"[service.m1-kommun]\nhours = 'mån-sön 07:00-06:00'\n{fields}\n"
    with closing(connect(config.paths.directory, "directory")) as db:
        assert organisation.apply(db, site, config.numbering.local).faults == ()
    with closing(connect(config.paths.journal, "journal")) as journal:
        journal.execute("INSERT INTO service_key VALUES ('m1-kommun', ?, '2026-01-01', NULL, 'rig')", (state,))
    modem = Modem(name="m1", number=SIM, entity="m1-kommun")
    with closing(Asking(replace(config, modem=(modem,)), lambda note: None)) as asking:
        asked = asking.asked(question(SIM, "why=incoming;mode=SURVIVAL"))
        assert asked is not None
        greeted = asking.greeted(SIM, asked)
        assert greeted is not None
        assert greeted.next == rings
        assert (greeted.closed[0].words if greeted.closed else None) == ("closed" if told else None)
        assert asking.greeted(SIM, replace(asked, callee="999999")) is None
