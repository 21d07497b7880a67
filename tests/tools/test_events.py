"""Events of edge and unit: found in a log, put in words, and a log followed while it is written."""

from pathlib import Path

import pytest

from tools.events import LINE_MAX, Tail, parse, worded


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            " 2(324) NOTICE: <script>: rvx-event kind=registered extension=1001 from=10.0.0.5",
            {"kind": "registered", "extension": "1001", "from": "10.0.0.5"},
        ),
        ("INFO rvx-event kind=tables changed=10 gone=0", {"kind": "tables", "changed": "10", "gone": "0"}),
        ("WARNING rvx-event kind=mode mode=SURVIVAL cause=-", {"kind": "mode", "mode": "SURVIVAL", "cause": "-"}),
        ("rvx-event kind=call from= to=1002", {"kind": "call", "from": "", "to": "1002"}),
        ("rvx-event mode=NORMAL", None),
        ("ERROR: tm: no branches for forwarding", None),
        ("", None),
        ("rvx-event kind=call from=" + "1" * LINE_MAX, None),
    ],
)
def test_parse(line: str, event: dict[str, str] | None) -> None:
    assert parse(line) == event


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            {"kind": "registered", "extension": "1001", "from": "10.0.0.5"},
            "1001 registrerad från 10.0.0.5  / registered",
        ),
        ({"kind": "call", "from": "1001", "to": "1002", "way": "local"}, "1001 ringer 1002, väg: local  / calls"),
        ({"kind": "call", "from": "1001"}, None),
        ({"kind": "epoch", "epoch": "3"}, None),
        ({"kind": "registered", "extension": "\x1b[2J1", "from": "\x07"}, "?[2J1 registrerad från ?  / registered"),
        ({"kind": "registered", "extension": "{from}", "from": "x"}, "{from} registrerad från x  / registered"),
    ],
)
def test_worded(event: dict[str, str], text: str | None) -> None:
    assert worded(event) == text


def test_a_tail_begins_where_the_file_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    tail = Tail(log)
    assert list(tail.lines()) == []
    with log.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert list(tail.lines()) == ["one"]
        file.write("o\n")
    assert list(tail.lines()) == ["two"]


def test_a_tail_waits_for_its_file_and_begins_anew_with_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tail = Tail(log)
    assert list(tail.lines()) == []
    log.write_text("a long first line\n")
    assert list(tail.lines()) == ["a long first line"]
    log.write_text("new\n")  # emptied, then written to
    assert list(tail.lines()) == ["new"]


def test_a_tail_takes_any_bytes_and_keeps_little(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tail = Tail(log)
    log.write_bytes(b"\xff\xfe\n" + b"x" * 3 * LINE_MAX)
    assert list(tail.lines()) == ["\ufffd\ufffd"]
    with log.open("ab") as file:
        file.write(b"\nnext\n")
    rest, following = tail.lines()
    assert len(rest) <= LINE_MAX
    assert following == "next"
