"""Lines of real modems (tests/vectors/at): whole, byte by byte, truncated and noisy."""

from __future__ import annotations

import dataclasses
import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.codec import at_lines as lines_module
from drivers.codec.at import Answer, AtCore, Command, Unsolicited
from drivers.codec.at_lines import (
    best_cnmi,
    key,
    messages,
    parse_ccinfo,
    parse_cell,
    parse_cend,
    parse_clcc,
    parse_clip,
    parse_cops,
    parse_csq,
    parse_dsci,
    parse_pin_state,
    parse_pin_tries,
    parse_place,
    reference,
    service_centre,
)
from drivers.codec.at_time import parse_time
from drivers.codec.ussd import parse_cusd
from drivers.modem.registration import is_ims_registered

VECTORS = Path(__file__).parents[2] / "vectors" / "at"
Parser = Callable[[str], Any]


def only(prefix: str, parser: Parser) -> Parser:
    return lambda line: parser(line) if line.startswith(prefix) else None


PARSERS: dict[str, Parser] = {
    "clcc": only("+CLCC", parse_clcc),
    "clip": parse_clip,
    "cend": parse_cend,
    "ccinfo": only("+QIND", parse_ccinfo),
    "dsci": only("^DSCI", parse_dsci),
    "cell": parse_cell,
    "csq": only("+CSQ", parse_csq),
    "cops": parse_cops,
    "key": key,
    "time": parse_time,
    "pin": parse_pin_state,
    "tries": parse_pin_tries,
    "place": parse_place,
    "reference": reference,
    "centre": service_centre,
    "cnmi": only("+CNMI", best_cnmi),
    "ussd": parse_cusd,
    "ims": lambda line: is_ims_registered([line]),
}


def load(kind: str) -> list[Any]:
    found = []
    for file in sorted(VECTORS.glob("*.toml")):
        for number, vector in enumerate(tomllib.loads(file.read_text()).get(kind, ())):
            found.append(pytest.param(vector, id=f"{file.stem}-{number}"))
    return found


def plain(value: object) -> object:
    """As TOML would have it: no field that is None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {name: plain(each) for name, each in dataclasses.asdict(value).items()}
        return {name: each for name, each in fields.items() if each is not None}
    return value.hex() if isinstance(value, bytes) else value


def ready(now: float = 0.0) -> AtCore:
    """A core whose port is in step."""
    core = AtCore()
    core.start(now)
    core.data_to_send()
    core.receive(b"\r\n+CMEE: 1\r\n\r\nOK\r\n", now)
    assert core.next_event() is None
    return core


def events(core: AtCore) -> Iterator[Any]:
    while (event := core.next_event()) is not None:
        yield event


def heard(pieces: list[bytes]) -> list[Unsolicited]:
    core = ready()
    for piece in pieces:
        core.receive(piece, 0.0)
    core.receive(b"\r\n", 0.0)
    return [event for event in events(core) if isinstance(event, Unsolicited)]


@pytest.mark.parametrize("vector", load("vector"))
def test_a_line_means_what_it_means_whole_and_byte_by_byte(vector: dict[str, Any]) -> None:
    said = vector["said"].encode()
    for pieces in ([said], [bytes([byte]) for byte in said], [said.replace(b"\r\n", b"\r\r\n")]):
        came = heard(pieces)
        lines = [event.line for event in came]
        for kind, parser in PARSERS.items():
            if kind in vector:
                told = [plain(value) for line in lines if (value := parser(line)) is not None]
                assert told == vector[kind], (kind, vector["source"])
        if "messages" in vector:
            assert [plain(message) for message in messages(lines)] == vector["messages"]
        if "pdus" in vector:
            assert [event.pdu for event in came if event.pdu] == vector["pdus"]
        for line in vector.get("unasked", ()):
            assert line in lines


@pytest.mark.parametrize("vector", load("vector"))
def test_what_is_cut_or_noisy_does_no_harm(vector: dict[str, Any]) -> None:
    said = vector["said"].encode()
    chance = random.Random(len(said))
    for cut in range(0, len(said), 3):
        lines = [event.line for event in heard([said[:cut]])]
        noisy = bytearray(said)
        for _ in range(3):
            noisy.insert(chance.randrange(len(noisy) + 1), chance.randrange(256))
        lines += [event.line for event in heard([bytes(noisy)])]
        for line in lines:
            for parser in PARSERS.values():
                parser(line)
        messages(lines)


@pytest.mark.parametrize("exchange", load("exchange"))
@pytest.mark.parametrize("step", [1, 2, 10_000])
def test_an_exchange_ends_as_it_did(exchange: dict[str, Any], step: int) -> None:
    core = ready()
    payload = exchange["payload"].encode() if "payload" in exchange else None
    prefixes = tuple(exchange["prefixes"]) if "prefixes" in exchange else None
    command = Command(
        exchange["command"],
        prefixes=prefixes,
        free=exchange.get("free", False),
        call=exchange.get("call", False),
        payload=payload,
    )
    core.order(command, 0.0)
    assert core.data_to_send() == exchange["command"].encode() + b"\r"
    for part in ("said", "then"):
        said = exchange.get(part, "").encode()
        for at in range(0, len(said), step):
            core.receive(said[at : at + step], 0.0)
        if part == "said" and payload is not None:
            assert core.data_to_send() == payload + b"\x1a"
    came = list(events(core))
    answers = [event for event in came if isinstance(event, Answer)]
    assert len(answers) == 1
    assert answers[0].command is command
    assert answers[0].verdict.value == exchange["verdict"]
    assert (answers[0].code, answers[0].text) == (exchange.get("code"), exchange.get("text", ""))
    assert list(answers[0].lines) == exchange.get("lines", [])
    assert [event.line for event in came if isinstance(event, Unsolicited)] == exchange.get("unasked", [])


def test_every_parser_of_lines_has_a_vector() -> None:
    with_vectors = {kind for vector in load("vector") for kind in vector.values[0] if kind in PARSERS}
    assert with_vectors == set(PARSERS)
    assert {name for name in lines_module.__all__ if name.startswith("parse_")} <= set(dir(lines_module))
