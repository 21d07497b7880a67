"""``rvx mcu``, as far as it goes without a microcontroller; with one: tests/board/test_mcu_port.py."""

import json
import socket
import threading
from pathlib import Path

import pytest

from drivers.codec.mcuwords import CAUSES, REFUSALS, STATES
from tools import mcu
from tools.cli import main
from tools.errors import UserError
from tools.mcu import HeartClient
from tools.mcuimage import image_of, version_of

TOLD = {
    "trouble": "",
    "hello": {"boot_id": 5, "protocol": 1, "program": 1, "slot": "a", "cause": 1},
    "age_s": 0.1,
    "telemetry": {
        "mains": False,
        "state": "on",
        "battery_mv": 3412,
        "unit_ma": None,
        "celsius": 30.5,
        "low": True,
        "halt": False,
        "newest": 2,
    },
    "bad_frames": 0,
    "missed_frames": 0,
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "unit.toml"
    file.write_text(
        f'[unit]\nname = "u"\nstate_dir = "{tmp_path}"\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\n'
        '[mcu]\nport = "serial:///dev/ttyAMA0"\n'
    )
    (tmp_path / "run").mkdir()
    return file


def says(folder: Path, *lines: object) -> threading.Thread:
    """A heart that says these lines to the first who connects, and ends."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "run" / "heart.sock"))
    server.listen(1)

    def serve() -> None:
        wire, _ = server.accept()
        with wire, server:
            for line in lines:
                if isinstance(line, dict) and "id" in line:
                    wire.recv(4096)  # what this answers
                wire.sendall(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_all_that_it_may_say_has_words() -> None:
    assert set(mcu._CAUSES) == set(CAUSES)
    assert set(mcu._STATES) == set(STATES)
    assert REFUSALS[0] == "done"


def test_without_a_microcontroller_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcu", "log", "--state", str(tmp_path)]) == 2
    assert "RVX-V01" in capsys.readouterr().err


def test_without_heart_it_could_not_find_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcu", "console", "--config", str(config)]) == 3
    assert "RVX-V02" in capsys.readouterr().err


def test_the_console_tells_what_is_measured(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = says(config.parent, TOLD)
    assert main(["mcu", "console", "--once", "--config", str(config)]) == 0
    thread.join()
    told = capsys.readouterr().out
    assert "3.41 V" in told
    assert "- A" in told
    assert "BATTERY LOW" in told


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([TOLD | {"trouble": "taken", "telemetry": None}], "RVX-V02"),
        ([b"noise\n"], "RVX-V02"),
        ([b"[1]\n"], "RVX-V02"),
        ([b"x" * 20_000], "RVX-V02"),
        ([TOLD, {"id": 1, "error": "first: a whole number"}], "RVX-V04"),
        ([TOLD, {"id": 1, "answer": "lost"}], "RVX-V03"),
    ],
)
def test_what_heart_says_else_is_an_error(config: Path, lines: list[object], code: str) -> None:
    thread = says(config.parent, *lines)
    with pytest.raises(UserError) as raised:
        _asks(config.parent / "run" / "heart.sock")
    thread.join()
    assert raised.value.code == code


def _asks(place: Path) -> None:
    client = HeartClient(place)
    try:
        client.there()
        client.order("cancel")
    finally:
        client.close()


def test_an_image_is_built_into_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcu, "compiled", lambda files: files)  # compiled it is in tests/board
    assert main(["mcu", "flash", "--build", str(tmp_path / "image"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    data = (tmp_path / "image").read_bytes()
    assert (data[:4], len(data)) == (b"RVXP", told["bytes"])


def test_an_image_is_as_it_is_taken() -> None:
    assert image_of({"a.py": b"xy"}) == b"RVXP\0\1\4a.py\0\0\0\2xy"
    assert version_of({"supply/__init__.py": b"VERSION = 7\n"}) == 7
    with pytest.raises(ValueError, match="VERSION"):
        version_of({"supply/__init__.py": b"pass\n"})
