"""`rvx run` as somebody meets it first: no configuration, a softphone, Ctrl-C; and what dies while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hil.net import Host, Net, Switch
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.sound import seconds_of
from tools.errors import DONE, UNKNOWN
from tools.parser import DEFAULT_CONFIG

pytestmark = [
    pytest.mark.wire,
    pytest.mark.timeout(300),
    pytest.mark.skipif(Path(DEFAULT_CONFIG).exists(), reason="this machine has a unit of its own"),
]

UNIT_IP = "10.97.0.1"
WAIT_S = 40.0
SETTLES_S = 1.5
POLL_S = 0.05
SECRET = re.compile(r"^ +(?P<extension>10\d\d)  (?P<secret>\S{16,})  PIN [0-9]+$", re.M)


def until(true: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(POLL_S)


@dataclass
class Terminal:
    """One `rvx run`, and what it has written."""

    process: subprocess.Popen[str]
    _said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self._said.append(line)

    @property
    def text(self) -> str:
        return "".join(self._said)

    def wait_for(self, words: str, timeout_s: float = WAIT_S) -> None:
        until(lambda: words in self.text, f"{words!r} on the terminal:\n{self.text}", timeout_s)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


@dataclass
class House:
    """A computer, on which the unit is run, and a switch with phones."""

    net: Net
    unit: Host
    switch: Switch

    @property
    def state(self) -> Path:
        return self.unit.directory / "state"

    def rvx(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "tools.cli", *words, "--state", str(self.state)]

    def run(self, *words: str) -> Terminal:
        """Start it, until it carries calls: the edge answers and has been told of the extensions."""
        first = not self.state.exists()
        terminal = self.begin(*words)
        if "--json" not in words:
            terminal.wait_for("växeln startar")
        if first:
            terminal.wait_for('"tables"' if "--json" in words else "anknytningar lästa in")
        until(lambda: self.status().returncode != UNKNOWN, f"a status:\n{terminal.text}")
        until(lambda: self.facts()["working"], f"an edge that answers:\n{terminal.text}")
        return terminal

    def begin(self, *words: str) -> Terminal:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RVX_")}
        return Terminal(
            self.unit.popen(
                self.rvx("run", *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
            )
        )

    def status(self) -> subprocess.CompletedProcess[str]:
        return self.unit.run(self.rvx("status", "--json"), check=False)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.status().stdout)
        return facts

    def running(self) -> dict[int, str]:
        """What runs on the unit's computer."""
        commands = {}
        for pid in self.unit.pids():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                commands[pid] = b" ".join(words).decode(errors="replace").strip()
        return commands

    def settled(self) -> dict[int, str]:
        """The same, when nothing new has begun for a while: what is simulated begins beside the rest."""
        seen: dict[int, str] = {}
        while (now := self.running()).keys() != seen.keys():
            seen = now
            time.sleep(SETTLES_S)
        return now

    def kamailio(self) -> int:
        return int((self.state / "run" / "edge.pid").read_text())

    def phone(self, number: int, secret: str, transport: str = "udp") -> Baresip:
        extension, ip = str(number), f"10.97.0.{number - 990}"
        host = self.net.host(f"phone{extension}")
        self.switch.join(host, "eth0", f"{ip}/24")
        account = Account(extension, secret, "demo.invalid", f"{UNIT_IP}:5060", transport)
        phone = Baresip(host, ip, account, number - 500)
        phone.start()
        phone.wait_registered(WAIT_S)
        return phone


@pytest.fixture
def house() -> Iterator[House]:
    with Net("rvrun") as net:
        unit, switch = net.host("unit"), net.switch("switch")
        switch.join(unit, "eth0", f"{UNIT_IP}/24")
        unit.route("default", "10.97.0.254")  # how it finds the address by which others reach it
        yield House(net, unit, switch)


def secrets_in(text: str) -> dict[str, str]:
    return {match["extension"]: match["secret"] for match in SECRET.finditer(text)}


def talk(caller: Baresip, callee: Baresip) -> None:
    """A call, answered and hung up."""
    began = time.monotonic()
    caller.dial(callee.account.extension)
    caller.wait_established(WAIT_S)
    until(lambda: (callee.call.established_at or 0) > began, "an answer")
    caller.hang_up()
    caller.wait_closed(WAIT_S)
    callee.wait_closed(WAIT_S)


def test_first_and_second_run(house: House) -> None:
    bystander = house.unit.popen(["sleep", "600"])
    terminal = house.run()

    given = secrets_in(terminal.text)
    assert sorted(given) == [str(number) for number in range(1001, 1011)]
    assert len(set(given.values())) == 10
    assert f"{UNIT_IP}, port 5060" in terminal.text
    assert "demo.invalid" in terminal.text
    kept = house.state / "demo-secrets.toml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert all(f'{extension} = "{secret}"' in kept.read_text() for extension, secret in given.items())

    one, two = house.phone(1001, given["1001"]), house.phone(1002, given["1002"], "tcp")
    terminal.wait_for("1001 registrerad från 10.97.0.11")
    terminal.wait_for("1002 registrerad från 10.97.0.12")
    talk(one, two)
    for words in ("1001 ringer 1002", "1001 talar med 1002", "samtalet 1001 – 1002 är slut"):
        terminal.wait_for(words)
    until(lambda: house.facts()["phones"]["registered"] == 2, "two phones in the status")
    until(lambda: house.facts()["calls"]["today"] == 1, "the call in the status")
    facts = house.facts()
    assert (facts["mode"], facts["working"], facts["platform"]) == ("SURVIVAL", True, False)
    worst = {problem["severity"] for problem in facts["problems"]}
    assert house.status().returncode == (1 if "fail" in worst else 0)

    assert terminal.end(signal.SIGINT) == DONE
    until(lambda: house.running().keys() == {bystander.pid}, "nothing left, and nobody else's process ended")
    assert "avslutad" in terminal.text
    assert house.status().returncode == UNKNOWN

    again = house.run()
    assert secrets_in(again.text) == {}
    assert not any(secret in again.text for secret in given.values())
    assert str(kept) in again.text
    talk(two, one)
    assert again.end(signal.SIGTERM) == DONE
    until(lambda: house.running().keys() == {bystander.pid}, "nothing left")


@pytest.mark.long
def test_112_is_answered_by_the_simulated_modem(house: House) -> None:
    terminal = house.run()
    assert "SIMULERADE" in terminal.text
    given = secrets_in(terminal.text)
    phone = house.phone(1001, given["1001"])
    phone.dial("112")
    phone.wait_established(WAIT_S)
    until(lambda: seconds_of(phone.heard(), phone.tone_hz) > 1.0, "what it says comes back")
    phone.hang_up()
    phone.wait_closed(WAIT_S)
    assert terminal.end(signal.SIGINT) == DONE
    assert not any("hil.sim.modem" in command for command in house.running().values())


def test_killed_it_leaves_a_kamailio_that_carries_calls_and_is_taken_over(house: House) -> None:
    bystander = house.unit.popen(["sleep", "600"])
    terminal = house.run()
    given = secrets_in(terminal.text)
    one, two = house.phone(1001, given["1001"]), house.phone(1002, given["1002"])
    kamailio = house.kamailio()

    terminal.end(signal.SIGKILL)
    assert kamailio in house.running()
    talk(one, two)

    second = house.run()
    assert str(kamailio) in second.text
    assert kamailio not in house.running()
    assert sum("firmware.app unit" in command for command in house.running().values()) == 1
    talk(two, one)
    assert second.end(signal.SIGINT) == DONE
    until(lambda: house.running().keys() == {bystander.pid}, "nothing left")


@pytest.mark.parametrize("process", ["edge", "unit", "web"])
def test_a_process_that_is_killed_is_started_again(house: House, process: str) -> None:
    terminal = house.run()
    given = secrets_in(terminal.text)
    one, two = house.phone(1001, given["1001"]), house.phone(1002, given["1002"])
    time.sleep(1.5)  # bindings are on disk within a second
    ours = {
        name: pid
        for pid, command in house.running().items()
        for name in ("unit", "web")
        if f" {name} " in f"{command} "
    }
    victim = house.kamailio() if process == "edge" else ours[process]
    until(lambda: (house.facts()["web"] or {}).get("pages") is True, "pages")

    os.kill(victim, signal.SIGKILL)
    terminal.wait_for(f"{process}: ended")
    until(lambda: victim not in house.running(), "its end")
    until(lambda: house.facts()["working"] is True and house.facts()["phones"]["registered"] == 2, "all back")
    until(lambda: (house.facts()["web"] or {}).get("pages") is True, "pages")
    talk(one, two)
    assert terminal.end(signal.SIGINT) == DONE
    until(lambda: not house.running(), "nothing left")


@pytest.mark.parametrize("process", ["edge", "unit"])
def test_a_process_starts_anew_while_a_call_is_up(house: House, process: str) -> None:
    terminal = house.run()
    given = secrets_in(terminal.text)
    one, two = house.phone(1001, given["1001"]), house.phone(1002, given["1002"])
    one.dial("1002")
    one.wait_established(WAIT_S)
    before = set(house.running())

    done = house.unit.run(house.rvx("restart", process, "--json"), WAIT_S, check=False)
    assert done.returncode == DONE, done.stdout + done.stderr
    assert json.loads(done.stdout)["away_ms"] < WAIT_S * 1000  # how long it is in truth, the bench says
    assert set(house.running()) != before
    two.hang_up()
    one.wait_closed(WAIT_S)
    talk(one, two)
    assert house.unit.run(house.rvx("restart", "standby"), WAIT_S, check=False).returncode == UNKNOWN
    assert terminal.end(signal.SIGINT) == DONE
    until(lambda: not house.running(), "nothing left")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_taken_port_is_named_and_nothing_is_started(house: House, transport: str) -> None:
    kind = "SOCK_DGRAM" if transport == "udp" else "SOCK_STREAM"
    listen = "" if transport == "udp" else "s.listen();"
    code = f"import socket,time;s=socket.socket(socket.AF_INET,socket.{kind});s.bind(('{UNIT_IP}',5060));{listen}"
    other = house.unit.popen([sys.executable, "-c", f"{code}print('bound',flush=True);time.sleep(600)"], stdout=-1)
    assert other.stdout is not None
    other.stdout.readline()

    done = house.unit.run(house.rvx("run"), check=False)
    assert done.returncode == UNKNOWN
    assert "RVX-E03" in done.stderr
    assert f"{transport}:{UNIT_IP}:5060" in done.stderr
    assert house.running().keys() == {other.pid}


def test_a_second_run_leaves_the_first_alone(house: House) -> None:
    first = house.run()
    before = house.settled().keys()
    second = house.unit.run(house.rvx("run"), check=False)
    assert second.returncode == UNKNOWN
    assert "RVX-J02" in second.stderr
    assert house.running().keys() == before
    assert first.end(signal.SIGINT) == DONE


def test_what_happens_is_json_for_programs(house: House) -> None:
    terminal = house.run("--json")
    secret = re.search(r'^1001 = "(.+)"', (house.state / "demo-secrets.toml").read_text(), re.M)
    assert secret is not None
    house.phone(1001, secret[1])
    terminal.wait_for('"registered"')
    assert terminal.end(signal.SIGINT) == DONE
    events = [json.loads(line) for line in terminal.text.splitlines() if line.startswith("{")]
    (registered,) = (event for event in events if event["kind"] == "registered")
    assert registered["extension"] == "1001"
    assert registered["from"] == "10.97.0.11"
    assert secret[1] not in terminal.text
