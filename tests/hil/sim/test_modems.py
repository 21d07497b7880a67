"""The simulator as a program of its own: modems on one network, by their ptys, the control socket and the history."""

from __future__ import annotations

import json
import os
import time
import tty
from pathlib import Path

import pytest

from hil.child import ChildError
from hil.modems import Modems

OUTSIDE = "+46708888888"
SAID_S = 10.0

pytestmark = pytest.mark.long


class Terminal:
    """A port, as somebody who types at it has it."""

    def __init__(self, url: str) -> None:
        self.file = os.open(url.removeprefix("serial://"), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.file)
        self.said = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.file)

    def at(self, command: str, until: bytes = b"OK\r\n") -> bytes:
        """What was said up to a word, and what came with it. Raises TimeoutError."""
        os.write(self.file, command.encode() + b"\r")
        return self.hear(until)

    def hear(self, until: bytes) -> bytes:
        deadline = time.monotonic() + SAID_S
        while until not in self.said:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{until!r} not in {self.said!r}")
            try:
                self.said += os.read(self.file, 4096)
            except BlockingIOError:
                time.sleep(0.01)
        said, self.said = self.said, b""
        return said


def test_two_modems_talk_and_a_plug_is_pulled(tmp_path: Path) -> None:
    with Modems(tmp_path, "name=a,model=sim7600,attach_s=0.1", "name=b,model=eg25g,attach_s=0.1") as modems:
        for name in modems.names:
            modems.wait("registered", modem=name, state="home")
        with Terminal(modems.at_url("a")) as a, Terminal(modems.at_url("b")) as b:
            a.at("ATE0")
            b.at("ATE0;+CLIP=1")
            a.at(f"ATD{modems.number('b')};")
            assert modems.number("a").encode() in b.hear(b"+CLIP: ")
            b.at("ATA")
            a.hear(b"VOICE CALL: BEGIN")
            a.at("AT+CPCMREG=1")
            modems.do("power", modem="b", on=False)
            a.hear(b"NO CARRIER")
            with pytest.raises(OSError, match=r"Input/output error|Device or resource"):
                b.at("AT")
        (sound,) = modems.wait("sound", modem="a")
        assert sound["seconds"] > 0
        with pytest.raises(ChildError, match="no such command"):
            modems.do("nonsense")
        links = Path(modems.at_url("a").removeprefix("serial://")).parent
    assert not links.exists()
    entries = [json.loads(line) for line in modems.history_file.read_text("utf-8").splitlines()]
    assert {"at_in", "at_out", "call", "atd", "plug", "power"} <= {entry["what"] for entry in entries}


def test_112_is_noted_and_sms_go_both_ways(tmp_path: Path) -> None:
    with Modems(tmp_path, "name=a,model=ec25,attach_s=0.1") as modems, Terminal(modems.at_url("a")) as a:
        modems.wait("registered", state="home")
        a.at("ATE0;+CNMI=2,1,0,1,0")
        a.at("ATD112;")
        (sos,) = modems.wait("sos")
        assert (sos["caller"], sos["after_s"] < SAID_S) == (modems.number("a"), True)
        a.at("AT+CHUP")
        modems.do("sms", from_="Ufone", to=modems.number("a"), text="hej")
        a.hear(b'+CMTI: "SM",0')
        modems.do("phone", number="+46708251358")
        a.at("AT+CMGS=16", until=b"> ")
        os.write(a.file, b"0031000B916407281553F800000B021B14\x1a")
        a.hear(b"+CDS: ")
        assert modems.do("inbox", number="+46708251358") == {"texts": ["{"]}
