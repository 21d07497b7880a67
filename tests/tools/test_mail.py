"""``rvx mail`` and ``rvx memo``: what is queued, tried, taken, handled, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firmware.mail.policy import Happened, Kind
from firmware.store.mail import Mail, MailRows
from firmware.store.memos import MemoRows
from hil.sim.mailserver import MailServer
from tools.errors import DONE, FAILED, USAGE

Rvx = Callable[..., tuple[int, str, str]]
LEAST = '[unit]\nname = "gw-1"\nstate_dir = "{state}"\n[edge]\nlisten = ["udp:10.0.0.1:5060"]\n'


@pytest.fixture
def server() -> Iterator[MailServer]:
    running = MailServer()
    yield running
    running.close()


@pytest.fixture
def config(tmp_path: Path, server: MailServer) -> Path:
    path = tmp_path / "unit.toml"
    mail = f'[mail]\nserver = "127.0.0.1:{server.port}"\nsecurity = "none"\nsender = "gw@norrby.example"\n'
    path.write_text(LEAST.format(state=tmp_path / "state") + mail)
    return path


def told(done: tuple[int, str, str]) -> tuple[int, dict[str, Any]]:
    return done[0], json.loads(done[1])


def test_the_server_is_tried(rvx: Rvx, config: Path, server: MailServer) -> None:
    words = ("mail", "--config", str(config), "--test", "anna@norrby.example")
    status, out, _ = rvx(*words)
    assert (status, "took it: 250 ok" in out) == (DONE, True)
    (one,) = server.taken
    assert one.message["Subject"] == "Prov från reservväxeln gw-1"
    server.say = {"rcpt": [b"550 5.1.1 no such user"]}
    status, out, _ = rvx(*words)
    assert (status, "did not take it: 550 5.1.1 no such user" in out) == (FAILED, True)
    status, said = told(rvx(*words, "--json"))
    assert (status, said["problems"][0]["id"]) == (FAILED, "RVX-Q01")


def test_the_queue_is_shown_explained_and_sent_anew(rvx: Rvx, config: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    rows = MailRows.open(tmp_path / "state" / "journal.db")
    now = datetime.now(UTC)
    one = Mail(
        id="voicemail-7f anna@norrby.example", kind=Kind.VOICEMAIL, to="anna@norrby.example", subject="Röst",
        text="hej", set_by="calls", queued_at=now,
    )  # fmt: skip
    rows.queue(one)
    due = rows.take(now)
    assert due is not None
    rows.ended(due.attempt, Happened.REFUSED, "550 no such user", now)
    rows.close()
    options = ("--config", str(config))
    status, listed = told(rvx("mail", *options, "--json"))
    assert (status, [(one["id"], one["state"]) for one in listed["mails"]]) == (DONE, [(one.id, "failed")])
    status, out, _ = rvx("mail", *options, "--why", "voicemail-7f")
    assert (status, "refused: 550 no such user" in out) == (DONE, True)
    assert rvx("mail", *options, "--again", "voicemail-7f")[0] == DONE
    status, _, said = rvx("mail", *options, "--again", "voicemail-7f")
    assert (status, "RVX-Q06" in said) == (USAGE, True)
    status, out, _ = rvx("mail", *options)
    assert (status, "1 mail waiting" in out, "hej" in out) == (DONE, True, False)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--test", "anna"), "RVX-A02"),
        (("--test", "anna@norrby.example\nBcc: x@y.z"), "RVX-A02"),
        (("--why", "nobody"), "RVX-Q06"),
    ],
)
def test_what_is_refused(rvx: Rvx, config: Path, words: tuple[str, ...], code: str) -> None:
    status, _, said = rvx("mail", "--config", str(config), *words)
    assert (status, code in said) == (USAGE, True)


def test_without_a_server_nothing_is_tried(rvx: Rvx) -> None:
    status, _, said = rvx("mail", "--test", "anna@norrby.example")
    assert (status, "RVX-Q05" in said) == (USAGE, True)


@pytest.fixture
def people(rvx: Rvx, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("kommun;enhet;id;förnamn;efternamn;anknytning\nNorrby;Bygg;anna;Anna;Öberg;1001\n")
    assert rvx("people", "load", str(file))[0] == DONE


@pytest.mark.usefixtures("people")
def test_a_message_is_taken_and_handled(rvx: Rvx, tmp_path: Path) -> None:
    _, taken = told(
        rvx("memo", "take", "1001", "bygglovet", "--from", "+46701234567", "--name", "Ulla", "--urgent", "--json")
    )
    name = taken["memo"]["id"]
    assert (taken["memo"]["state"], taken["memo"]["wants"], bool(taken["memo"]["contact_by"])) == (
        "taken", "call_back", True,
    )  # fmt: skip
    status, out, _ = rvx("memo", "list", "1001")
    assert (status, "Ulla, 070-123 45 67" in out, "taken!" in out) == (DONE, True, True)
    assert rvx("memo", "handled", name)[0] == DONE
    assert told(rvx("memo", "list", "--json"))[1]["memos"] == []
    assert [one["state"] for one in told(rvx("memo", "list", "1001", "--all", "--json"))[1]["memos"]] == ["handled"]
    rows = MemoRows.open(tmp_path / "state" / "journal.db")
    found = rows.find(name)
    rows.close()
    assert found is not None
    assert found.handled_by.endswith("at the command line")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("take", "1999", "x"), "RVX-K03"),
        (("take", "1001"), "RVX-Q07"),
        (("take", "1001", "x" * 2_001), "RVX-Q07"),
        (("take", "1001", "x", "--name", "a\nb"), "RVX-Q07"),
        (("handled", "nothing"), "RVX-Q08"),
        (("list", "--all"), "RVX-A02"),
    ],
)
def test_messages_that_are_refused(rvx: Rvx, words: tuple[str, ...], code: str) -> None:
    status, _, said = rvx("memo", *words)
    assert (status, code in said) == (USAGE, True)
