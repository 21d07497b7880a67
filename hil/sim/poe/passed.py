"""What net-snmp's `pass_persist` starts (snmpd.conf(5)): answers PING, get, getnext and set from standard input, out of
the file that the first argument names. Standard library alone."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from hil.sim.poe.switch import Switch

NONE = "NONE"


def answer(switch: Switch, words: Iterator[str]) -> tuple[list[str], bool]:
    """The lines of one answer, and whether something was written."""
    verb, name = next(words), next(words).lstrip(".")
    if verb == "set":
        kind, _, value = next(words).partition(" ")
        said = switch.put(name, kind, value.strip('"'))
        return [said], said == "DONE"
    table = switch.table()
    if verb == "getnext":
        name = switch.follows.get(name) or _after(sorted(table, key=_key), name)
    if name not in table:
        return [NONE], False
    kind, value = table[name]
    return [f".{name}", kind, value], False


def _after(names: list[str], name: str) -> str:
    at = bisect_right(names, _key(name), key=_key)
    return names[at] if at < len(names) else ""


def _key(name: str) -> tuple[int, ...]:
    return tuple(map(int, filter(None, name.split("."))))


def main(file: Path) -> None:
    lines = (line.strip() for line in sys.stdin)
    for line in lines:
        if not line:  # net-snmp ends a set by two line ends
            continue
        if line == "PING":
            said = ["PONG"]
        else:
            switch = Switch.read(file)
            said, written = answer(switch, iter([line, *(next(lines) for _ in range(2 if line == "set" else 1))]))
            if written:
                switch.write(file)
        print("\n".join(said), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
