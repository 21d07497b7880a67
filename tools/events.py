"""What edge and unit tell while a person looks on: lines `rvx-event kind=… key=value …` in their logs, and in words."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["Event", "Tail", "parse", "worded"]

Event = Mapping[str, str]

LINE_MAX = 2_000
"""A longer line of a log is no event of ours."""
READ_BYTES = 1 << 16
_MARK = "rvx-event "
_PAIR = re.compile(r"([a-z_]+)=(\S*)")

# kind -> Swedish, English; what stands in braces is in the event.
_WORDS = {
    "registered": ("{extension} registrerad från {from}", "registered"),
    "unregistered": ("{extension} avregistrerad", "unregistered"),
    "expired": ("{extension} har slutat höras av", "has gone silent"),
    "call": ("{from} ringer {to}, väg: {way}", "calls"),
    "answered": ("{from} talar med {to}", "answered"),
    "ended": ("samtalet {from} – {to} är slut", "ended"),
    "diverted": ("plattformen svarade inte på ett samtal; växeln tog det", "diverted"),
    "late_answer": ("plattformen svarade för sent på ett samtal; det avslutas där", "late answer"),
    "mode": ("läge {mode} (var {was}), orsak: {cause}", "mode"),
    "node_down": ("plattformen svarar inte", "platform silent"),
    "node_up": ("plattformen svarar igen", "platform back"),
    "emergency": ("112 rings från {phone}", "112 is called"),
    "emergency_way": ("112: prövar väg {way}", "112: trying a way"),
    "emergency_held": ("112: {calls} samtal från {phone} på en gång; väntar", "112: held"),
    "emergency_failed": ("112: INGEN VÄG UT för {phone}", "112: NO WAY OUT"),
    "edge_silent": ("samtalsdelen svarar inte", "edge does not answer"),
    "tables": ("{changed} anknytningar lästa in i växeln", "extensions loaded"),
    "message_mended": ("ett avbrutet meddelande togs om hand", "message mended"),
    "message_lost": ("ett meddelande kunde inte sparas: {why}", "message lost"),
    "store_fault": ("lagringen: {why}", "store fault"),
}


def parse(line: str) -> Event | None:
    """One line of a log; None where it is no event."""
    place = line.find(_MARK)
    if place < 0 or len(line) > LINE_MAX:
        return None
    event = dict(_PAIR.findall(line[place + len(_MARK) :]))
    return event if "kind" in event else None


def worded(event: Event) -> str | None:
    """For people, Swedish before English; None for what is not worth a line. Signs that are not letters are taken out,
    as numbers come from phones."""
    words = _WORDS.get(event["kind"])
    if words is None:
        return None
    clean = {key: "".join(c if c.isprintable() else "?" for c in value) for key, value in event.items()}
    try:
        return f"{words[0].format(**clean)}  / {words[1]}"
    except KeyError:
        return None


class Tail:
    """The lines that come to a file, from where it ends now; a file that is emptied is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """Those that are complete."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                data = file.read(READ_BYTES)
        except FileNotFoundError:
            return
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LINE_MAX:]
        for line in whole:
            yield line.decode("utf-8", "replace")
