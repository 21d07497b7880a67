"""What the unit and its microcontroller say to each other in frames (see mcuframe.py): types, fields, bounds.

Both sides send HELLO when they begin and when they are asked: the versions of this table that they speak, and an id
that is new at each boot. The highest that both speak is agreed; without one nothing but HELLO and the taking of a new
program is done. Commands go one at a time, are repeated until they are answered, and are done once: by their sequence
and the boot id of who sends them. HELLO and the three of a new program stay as they are in every version.

This file runs in CPython and in MicroPython alike."""

import struct

__all__ = [
    "ACK",
    "ACTIONS",
    "ASK",
    "BEAT",
    "BEGIN",
    "CALLS_UNKNOWN",
    "CANCEL",
    "CAUSES",
    "CHUNK",
    "CHUNK_MAX",
    "COMMANDS",
    "DONE",
    "EDGES",
    "EDGE_ALIVE",
    "EDGE_DEAD",
    "EDGE_UNKNOWN",
    "END",
    "ENTRY",
    "HALT",
    "HELLO",
    "LENGTHS",
    "MAINS_LOST",
    "MAINS_ON",
    "MAINS_UNKNOWN",
    "NOT_KNOWN",
    "NOT_KNOWN_SIGNED",
    "PROTOCOLS",
    "READ_LOG",
    "REFUSALS",
    "STATES",
    "TELEMETRY",
    "agreed",
    "pack",
    "unpack",
]

PROTOCOLS = (1, 1)
"""The least and the highest version of this table that this file is."""

HELLO, BEAT, ASK, TELEMETRY = 0x01, 0x02, 0x03, 0x10
HALT, CANCEL, READ_LOG = 0x20, 0x21, 0x22
BEGIN, CHUNK, END = 0x30, 0x31, 0x32
ACK, ENTRY = 0x40, 0x41
COMMANDS = (HALT, CANCEL, READ_LOG, BEGIN, CHUNK, END)
ACTIONS = {HALT: "halt", CANCEL: "cancel", READ_LOG: "log", BEGIN: "begin", CHUNK: "chunk", END: "end"}

EDGE_DEAD, EDGE_ALIVE, EDGE_UNKNOWN = 0, 1, 2
EDGES = ("dead", "alive", "unknown")
MAINS_LOST, MAINS_ON, MAINS_UNKNOWN = 0, 1, 2
CALLS_UNKNOWN = 255
NOT_KNOWN, NOT_KNOWN_SIGNED = 0xFFFF, -0x8000
"""Of a measurement."""

STATES = ("on", "lost", "halting", "off", "pause")
CAUSES = (
    "boot",
    "mains_lost",
    "mains_back",
    "bouncing",
    "low",
    "heart_lost",
    "heart_back",
    "halt_told",
    "halt_cancelled",
    "halt_failed",
    "cut_halted",
    "cut_time",
    "cut_hung",
    "start",
    "start_failed",
    "steady",
    "program_taken",
    "program_good",
    "program_back",
    "hot",
    "limit",
)
"""Of an entry of the log. New ones at the end."""

DONE = 0
REFUSALS = ("done", "hello_first", "not_now", "range", "order", "check", "room")
"""What an ACK says."""

CHUNK_MAX = 96
SHA_BYTES = 32

_LAYOUTS = {
    # least and highest protocol, boot id, version of the program, slot (0 none, 1 a, 2 b), why it started
    HELLO: ">BBIHBB",
    # edge, calls, load in hundredths, whether the disk can be written, unix time in s (0: not known)
    BEAT: ">BBHBI",
    # nothing: answer with BEAT at once
    ASK: ">",
    # s since its boot, mains, mV, mA out of the battery, mV of the supply, tenths of a degree, state, orders a halt,
    # low, warns, bad frames, number of the log's newest entry
    TELEMETRY: ">IBHhHhBBBBHI",
    # s until the supply may be cut though no sign of a halt was seen
    HALT: ">H",
    CANCEL: ">",
    # the number of the first that is wanted
    READ_LOG: ">I",
    # bytes, version, SHA-256
    BEGIN: ">IH32s",
    CHUNK: ">I",
    END: ">",
    # what is answered, its sequence, the answer
    ACK: ">BBB",
    # number, s since boot, unix time, cause, detail, mV, mA, tenths of a degree
    ENTRY: ">IIIBBHhh",
}
_BOUNDS = {
    HELLO: {0: (1, 255), 1: (1, 255), 4: (0, 2), 5: (0, 9)},
    BEAT: {0: (0, 2), 3: (0, 1)},
    TELEMETRY: {1: (0, 2), 6: (0, len(STATES) - 1), 7: (0, 1), 8: (0, 1), 9: (0, 1)},
    HALT: {0: (10, 600)},
    BEGIN: {0: (1, 1 << 18)},
    ACK: {2: (0, len(REFUSALS) - 1)},
}

LENGTHS = {
    kind: (struct.calcsize(layout), struct.calcsize(layout) + (CHUNK_MAX if kind == CHUNK else 0))
    for kind, layout in _LAYOUTS.items()
}


def pack(kind: int, *fields: "int | bytes") -> bytes:
    """The payload; of CHUNK the last field is its bytes."""
    if kind == CHUNK:
        at, data = fields
        return struct.pack(_LAYOUTS[CHUNK], at) + data  # type: ignore[operator]
    return struct.pack(_LAYOUTS[kind], *fields)


def unpack(kind: int, payload: bytes) -> "tuple | None":  # type: ignore[type-arg]
    """The fields of a payload whose length is right; None where one of them is out of bounds."""
    size = LENGTHS[kind][0]
    fields = struct.unpack(_LAYOUTS[kind], payload[:size])
    for place, (low, high) in _BOUNDS.get(kind, {}).items():
        if not low <= fields[place] <= high:
            return None
    return fields + (payload[size:],) if kind == CHUNK else fields  # noqa: RUF005  MicroPython has no stars here


def agreed(low: int, high: int) -> "int | None":
    """The version that both speak, where the other side speaks `low` to `high`."""
    best = min(high, PROTOCOLS[1])
    return best if best >= max(low, PROTOCOLS[0]) else None
