"""`rvx status`: against a socket that answers, one that does not, none, and with Kamailio alone."""

import contextlib
import io
import json
import os
import pty
import socket
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from firmware.config import default
from firmware.modes import Cause, Mode, Reason
from firmware.modes import Path as Way
from firmware.problems import with_problems
from firmware.status import Calls, Closed, Modem, Node, Phones, Status, Trunk
from firmware.statusread import StatusError
from tools.errors import DONE, FAILED, UNKNOWN, UserError
from tools.output import WIDTH, Output, to_ascii
from tools.status import ANSWER_BYTES_MAX, VERDICTS, ask_edge, ask_unit, lines, run

NOW = datetime(2026, 11, 22, 0, 41, 11, tzinfo=UTC)
GOOD_DAY = Status(
    unit="gw-sorsele-01",
    version="0.1.0",
    time="2026-11-22T00:41:09.000Z",
    started_at="2026-11-15T20:40:00.000Z",
    mode=Mode.NORMAL,
    path=Way.LINE,
    reason=Reason.SERVING,
    since="2026-11-18T22:41:12.000Z",
    in_mode_s=266400.0,
    hold_left_s=0.0,
    lease_left_s=9.2,
    edge=True,
    platform=True,
    gateway=True,
    nodes=(Node("sip:sip.example.net:5060", Way.LINE, True, 38.2),),
    phones=Phones(registered=12, known=12, learnt=2, ready=12),
    calls=Calls(now=2, today=41, failed_today=0, diverted=3, messages=2),
)
OUTAGE = replace(
    GOOD_DAY,
    mode=Mode.SURVIVAL,
    cause=Cause.UNKNOWN,
    reason=Reason.SILENT,
    in_mode_s=125.0,
    hold_left_s=0.0,
    gateway=False,
    nodes=(Node("sip:sip.example.net:5060", Way.LINE, False),),
)
LONG = replace(
    with_problems(OUTAGE),
    unit="g" * 63,
    nodes=tuple(
        Node(f"sip:[2001:db8:ffff:ffff:ffff:ffff:0:{n}]:5061;transport=tcp", Way.DATA, False) for n in range(8)
    ),
    phones=Phones(registered=100000, known=100000, ready=1),
    calls=Calls(10000, 1000000, 100000, 100000),
)
# What Kamailio 5.6.3 says, spaces and all.
EDGE: dict[str, Any] = {
    "htable.dump st": [
        {"entry": 0, "size": 1, "slot": [{"name": "lease", "value": 1700000000, "type": "int"}]},
        {"entry": 15, "size": 2, "slot": [{"name": "mode", "value": "SURVIVAL"}, {"name": "path", "value": "line"}]},
    ],
    "htable.dump count": [{"entry": 1, "size": 1, "slot": [{"name": "diverted", "value": 4, "type": "int"}]}],
    "dispatcher.list": {
        "NRSETS": 1,
        "RECORDS": [
            {"SET": {"ID": 1, "TARGETS": [{"DEST": {"URI": "sip:10.9.0.2:5060", "FLAGS": "IP", "PRIORITY": 0}}]}}
        ],
    },
    "stats.fetchn": {"usrloc.registered_users": 7},
}


def screen(status: Status, **options: Any) -> list[str]:
    return list(lines(status, NOW, Output(result=io.StringIO(), **options)))


@contextlib.contextmanager
def unit(state: Path, say: Callable[[socket.socket], object]) -> Iterator[None]:
    """Somebody on the unit's socket, for one caller after another."""
    (state / "run").mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(state / "run" / "unit.sock"))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client, contextlib.suppress(OSError):
                    say(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def saying(status: Status) -> Callable[[socket.socket], object]:
    return lambda client: client.sendall(json.dumps(status.to_json()).encode())


@contextlib.contextmanager
def edge(state: Path, answers: dict[str, Any]) -> Iterator[None]:
    """Kamailio's datagram socket."""
    (state / "run").mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(state / "run" / "edge.sock"))

        def serve() -> None:
            while True:
                data, sender = server.recvfrom(1 << 16)
                if not data:
                    return
                request = json.loads(data)
                keys = (" ".join([request["method"], *request.get("params", ())]), request["method"])
                found = next((answers[key] for key in keys if key in answers), None)
                reply = {"result": found} if found is not None else {"error": {"code": 500, "message": "No"}}
                server.sendto(json.dumps({"jsonrpc": "2.0", "id": request["id"], **reply}).encode(), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", str(state / "run" / "edge.sock"))
            thread.join()


@pytest.fixture
def args(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    monkeypatch.setattr("tools.place.DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    return Namespace(json=False, no_color=False, config=None, state=str(tmp_path), watch=False, debug=False)


# ---- the screen ------------------------------------------------------------------------------------------------------


def test_good_day() -> None:
    assert screen(GOOD_DAY) == [
        "gw-sorsele-01  ARBETAR, SKYDDAD / WORKING, PROTECTED",
        "Unit         rvx 0.1.0                       up 6 d 04 h",
        "Mode         NORMAL for 3 d 02 h             the platform answers",
        "Uplink       sip.example.net:5060 serves, 38 ms  1 of 1 nodes serve, by the line",
        "If it fails  phones keep calling each other  outside line: gateway",
        "Phones       12 registered, 12 known here    2 learnt",
        "Calls        2 now, 41 carried here today, 0 failed  3 taken over",
        "Messages     2 left by callers",
        "No problem",
        "Next         nothing to do                   data 2 s old",
    ]


def test_receptions_that_are_closed() -> None:
    night, lunch = (
        Closed("Norrby kommun", "night", True, "2026-11-24T07:00:00Z"),
        Closed("Bolaget", "lunch", False, "?"),
    )
    said = [" ".join(line.split()) for line in screen(replace(GOOD_DAY, closed=(night, lunch)))]
    assert "Reception Norrby kommun: closed, by key opens 2026-11-24 08:00" in said
    assert "Reception Bolaget: at lunch" in said


def test_outage_says_what_is_wrong_last_but_one_and_what_to_do_last() -> None:
    shown = screen(with_problems(OUTAGE))
    assert shown[0] == "gw-sorsele-01  RESERVDRIFT, INGEN VÄG UT / SURVIVAL, NO WAY OUT"
    assert "Mode         SURVIVAL for 2 min              platform or line, not known which" in shown
    assert "Calls out    outside line: NONE, 112 too" in shown
    assert "2 problems   [fail] RVX-L01 no node of the platform serves" in shown
    assert shown[-1].startswith("Next         rvx explain RVX-L01")


def test_modems_are_told_and_what_to_say_to_sos() -> None:
    one = Modem("telia", "voice", "+46701234567", "Telia", "lte", -71, None, "red")
    two = Modem("tele2", "away")
    shown = screen(replace(OUTAGE, trunk=Trunk(True, (one, two)), place="Storgatan 1, plan 2"))
    assert shown[0] == "gw-sorsele-01  RESERVDRIFT, VÄG UT FINNS / SURVIVAL, WAY OUT"
    assert "Calls out    outside line: telia" in shown
    assert "Modem        telia: can call, NOT PROVED     Telia lte -71 dBm" in shown
    assert "Modem        tele2: DOES NOT ANSWER" in shown
    assert "Tell SOS     Storgatan 1, plan 2             call back +46701234567" in shown
    only = replace(OUTAGE, trunk=Trunk(True, (replace(one, service="emergency_only"),)))
    assert "Calls out    outside line: 112 ONLY" in screen(only)
    assert "Tell SOS     no place: [emergency] place     call back +46701234567" in screen(only)


def test_return_that_waits_says_how_long() -> None:
    waiting = replace(OUTAGE, reason=Reason.SERVING, hold_left_s=75.0)
    assert "Mode         SURVIVAL for 2 min              goes back in 1 min at the least" in screen(waiting)


@pytest.mark.parametrize("status", [GOOD_DAY, with_problems(OUTAGE), LONG, Status("gw", "1", "x"), Status("", "", "")])
def test_one_screen_of_eighty_columns(status: Status) -> None:
    shown = screen(status)
    assert len(shown) <= 24 + len(status.problems)
    assert all(len(line) <= WIDTH for line in shown)
    assert all(line == line.rstrip() and "\x1b" not in line for line in shown)


def test_what_we_say_ourselves_is_never_cut() -> None:
    """Effects and fixes of every problem that the facts can show fit their lines."""
    days = (
        OUTAGE,
        replace(OUTAGE, reason=Reason.NO_CARRIER, cause=Cause.LINE),
        replace(GOOD_DAY, mode=Mode.SUSPECT),
        replace(GOOD_DAY, phones=Phones(registered=0)),
        replace(GOOD_DAY, phones=Phones(registered=900, known=1000, ready=900), lease_left_s=-99999.0),
        replace(GOOD_DAY, phones=Phones(registered=900, known=900, ready=800)),
        replace(GOOD_DAY, edge=False),
        replace(OUTAGE, trunk=Trunk(False)),
        replace(GOOD_DAY, trunk=Trunk(False)),
        replace(GOOD_DAY, trunk=Trunk(True, (Modem("a" * 16, card="red"), Modem("b" * 16, card="red")))),
    )
    assert not [line for day in days for line in screen(with_problems(day)) if line.endswith("...")]


@pytest.mark.parametrize("mode", [None, *Mode])
def test_there_are_words_for_everything(mode: Mode | None) -> None:
    for reason, cause, edge_answers in product((None, *Reason), (None, *Cause), (True, False, None)):
        status = replace(GOOD_DAY, mode=mode, reason=reason, cause=cause, edge=edge_answers)
        assert status.verdict in VERDICTS
        assert screen(status)


def test_every_verdict_has_both_languages_and_fits_beside_a_name() -> None:
    for words in VERDICTS.values():
        swedish, english = words.split(" / ")
        assert swedish != english
        assert len("gw-sorsele-01  " + words) <= WIDTH


def test_clock_of_another_is_no_reason_to_fail() -> None:
    assert "data unknown old" in screen(replace(GOOD_DAY, time="2026-11-22T00:41:09"))[-1]
    assert "data 0 s old" in screen(replace(GOOD_DAY, time="2027-01-01T00:00:00Z"))[-1]


# ---- the unit answers ------------------------------------------------------------------------------------------------


def test_healthy_unit(args: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with unit(tmp_path, saying(GOOD_DAY)):
        assert run(args) == DONE
    said = capsys.readouterr()
    assert said.out.splitlines()[0].endswith("ARBETAR, SKYDDAD / WORKING, PROTECTED")
    assert said.err == ""


def test_failure_is_the_exit_code_and_a_warning_is_not(args: Namespace, tmp_path: Path) -> None:
    with unit(tmp_path, saying(with_problems(replace(GOOD_DAY, gateway=False)))):
        assert run(args) == DONE
    (tmp_path / "run" / "unit.sock").unlink()
    with unit(tmp_path, saying(with_problems(OUTAGE))):
        assert run(args) == FAILED


def test_json_is_the_units_own(args: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args.json = True
    with unit(tmp_path, saying(with_problems(OUTAGE))):
        assert run(args) == FAILED
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(with_problems(OUTAGE).to_json()))


def test_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    text = json.dumps(GOOD_DAY.to_json()).encode()

    def slowly(client: socket.socket) -> None:
        for at in range(0, len(text), 200):
            client.sendall(text[at : at + 200])
            time.sleep(0.005)

    with unit(tmp_path, slowly):
        assert ask_unit(tmp_path / "run" / "unit.sock") == GOOD_DAY


@pytest.mark.parametrize("said", [b"", b"[]", b"{", b'{"schema": 9}', b"\xff\xfe", b"[" * 100000])
def test_nonsense_is_refused(tmp_path: Path, said: bytes) -> None:
    with unit(tmp_path, lambda client: client.sendall(said)), pytest.raises(StatusError):
        ask_unit(tmp_path / "run" / "unit.sock")


def test_answer_without_end_is_refused(tmp_path: Path) -> None:
    def endless(client: socket.socket) -> None:
        while True:
            client.sendall(b" " * 65536)

    with unit(tmp_path, endless), pytest.raises(StatusError, match="does not end"):
        ask_unit(tmp_path / "run" / "unit.sock")
    assert ANSWER_BYTES_MAX < 1 << 24


def test_unit_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.status.TIMEOUT_S", 0.2)

    def drop_by_drop(client: socket.socket) -> None:
        for _ in range(20):
            client.sendall(b" ")
            time.sleep(0.05)

    with unit(tmp_path, drop_by_drop), pytest.raises(OSError, match="timed out"):
        ask_unit(tmp_path / "run" / "unit.sock")


# ---- it does not -----------------------------------------------------------------------------------------------------


def test_nothing_is_there(args: Namespace, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        run(args)
    assert error.value.code == "RVX-S01"
    assert error.value.entry.exit_status == UNKNOWN
    assert "unit.sock: No such file" in error.value.detail
    assert "rvx run" in error.value.remedy


def test_python_is_dead_and_kamailio_lives(args: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with edge(tmp_path, EDGE):
        assert run(args) == UNKNOWN
    said = capsys.readouterr()
    assert "RVX-S01" in said.err
    shown = said.out.splitlines()
    assert "RESERVDRIFT" in shown[0]
    assert any(line.startswith("Mode         SURVIVAL") and "not renewed for" in line for line in shown)
    assert any(line.startswith("Phones       7 registered") for line in shown)
    assert any("no platform is configured" in line for line in shown)  # without a configuration, as here
    assert any("RVX-S01" in line for line in shown)


def test_what_kamailio_says_is_in_the_json_too(
    args: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args.json = True
    with edge(tmp_path, EDGE):
        assert run(args) == UNKNOWN
    said = json.loads(capsys.readouterr().out)
    assert (said["mode"], said["edge"], said["working"], said["started_at"]) == ("SURVIVAL", True, True, None)
    assert said["phones"] == {"registered": 7, "known": None, "learnt": None, "ready": None}
    assert [problem["id"] for problem in said["problems"]] == ["RVX-S01"]  # no platform by configuration


def test_nodes_as_kamailio_sees_them(tmp_path: Path) -> None:
    config = default(tmp_path)
    config = replace(config, platform=replace(config.platform, nodes=("sip:10.9.0.2:5060",)))
    with edge(tmp_path, EDGE):
        status = ask_edge(tmp_path / "run" / "edge.sock", config)
    assert status.nodes == (Node("sip:10.9.0.2:5060", Way.LINE, False),)
    assert any(line.startswith("Uplink       10.9.0.2:5060 does not serve") for line in screen(status))
    assert [problem.id for problem in status.problems] == ["RVX-S01", "RVX-L01"]


def test_kamailio_without_tables_or_nodes(tmp_path: Path) -> None:
    with edge(tmp_path, {}):
        status = ask_edge(tmp_path / "run" / "edge.sock", default(tmp_path))
    assert (status.edge, status.mode, status.platform, status.phones.registered) == (True, None, False, None)
    assert (status.unit, status.gateway) == ("demo", False)
    assert screen(status)


def test_unit_that_talks_nonsense_is_as_good_as_dead(args: Namespace, tmp_path: Path) -> None:
    with unit(tmp_path, lambda client: client.sendall(b"?")), edge(tmp_path, EDGE):
        assert run(args) == UNKNOWN


# ---- as people call it -----------------------------------------------------------------------------------------------


def command(tmp_path: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tools.cli", "status", "--state", str(tmp_path), *words]


@pytest.fixture
def environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RVX_") and name != "NO_COLOR"}
    return {**kept, "PYTHONPATH": root, "PYTHONUTF8": "1", "TERM": "xterm"}


def test_exit_code_and_streams(tmp_path: Path, environment: dict[str, str]) -> None:
    dead = subprocess.run(command(tmp_path), env=environment, capture_output=True, text=True, check=False)
    assert (dead.returncode, dead.stdout) == (UNKNOWN, "")
    assert "RVX-S01" in dead.stderr
    assert "rvx run" in dead.stderr


def test_ascii_where_the_terminal_has_no_more(tmp_path: Path, environment: dict[str, str]) -> None:
    plain = {**environment, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with unit(tmp_path, saying(replace(GOOD_DAY, mode=Mode.RETURNING))):
        done = subprocess.run(command(tmp_path), env=plain, capture_output=True, text=True, check=False)
    assert to_ascii(VERDICTS["returning_protected"]) in done.stdout
    assert done.returncode == DONE


def test_colour_on_a_terminal_only_repeats_words(tmp_path: Path, environment: dict[str, str]) -> None:
    theirs, ours = pty.openpty()
    with unit(tmp_path, saying(with_problems(OUTAGE))):
        done = subprocess.run(command(tmp_path), env=environment, stdout=ours, check=False)
    os.close(ours)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when its last writer is
        while part := os.read(theirs, 65536):
            shown += part
    os.close(theirs)
    assert done.returncode == FAILED
    assert b"\x1b[1mRESERVDRIFT" in shown
    assert b"\x1b[31m[fail]\x1b[0m" in shown


def test_watch_goes_on_until_told_to_stop(
    args: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    args.watch = args.json = True
    pauses = iter([1, 2])

    def pause(_: float) -> None:
        if next(pauses, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr("tools.status.time.sleep", pause)
    with unit(tmp_path, saying(GOOD_DAY)), pytest.raises(KeyboardInterrupt):
        run(args)
    seen = [json.loads(line)["unit"] for line in capsys.readouterr().out.splitlines()]
    assert seen == ["gw-sorsele-01"] * 3


def test_watch_outlives_the_unit(
    args: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    args.watch = True
    monkeypatch.setattr("tools.status.WATCH_EVERY_S", -1)  # ends the pause, and with it the watch
    with pytest.raises(ValueError, match="non-negative"):
        run(args)
    assert "RVX-S01" in capsys.readouterr().err
