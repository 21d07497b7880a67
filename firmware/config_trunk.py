"""What the configuration says of the way out by modem: `[[modem]]`, one for each, `[trunk]`; of the secrets `[sim]`.

See firmware/config.py, whose part this is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from firmware.bounds import Choice, Each, Refused, Text, Whole, like
from firmware.config_kinds import Clashes, Values, tables_of
from firmware.document import key

__all__ = ["Modem", "Sim", "Trunk", "modems_whole"]

MODEM_NAME = r"[a-z0-9]([a-z0-9-]{0,14})"
_URL = r"(serial:///[A-Za-z0-9/._-]{1,80}(\?baud=[0-9]{4,7})?|socket://[A-Za-z0-9.-]{1,253}:[0-9]{1,5})?"
_E164 = r"(\+[1-9][0-9]{6,14})?"
_PIN = rf"({MODEM_NAME})=([0-9]{{4,8}})"

URL_OR_NONE = Text('"serial:///DEVICE[?baud=N]", "socket://HOST:PORT" or ""', like(_URL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Modem:
    """One modem with its SIM."""

    name: str = field(
        metadata=key(
            Text("1 to 16 small letters, digits or -", like(MODEM_NAME)), "what it is called here and on its label"
        )
    )
    at: str = field(default="", metadata=key(URL_OR_NONE, 'where it takes commands; "": found by usb_path'))
    pcm: str = field(default="", metadata=key(URL_OR_NONE, 'where its sound is; "": found by usb_path, else no sound'))
    usb_path: str = field(
        default="",
        metadata=key(
            Text('a place as in /sys/bus/usb/devices, such as "1-1.4", or ""', like(r"([0-9]{1,3}-[0-9.]{1,16})?")),
            "the modem's place, by which it is found again after it was unplugged, and its power is switched",
        ),
    )
    number: str = field(
        default="",
        metadata=key(
            Text('"+" and 7 to 15 digits, or ""', like(_E164)),
            "the SIM's own number: what who is called sees, and what SOS calls back",
        ),
    )
    entity: str = field(
        default="",
        metadata=key(
            Text('up to 64 letters, digits or . _ -, or ""', like(r"[A-Za-z0-9._-]{0,64}")),
            'whose greeting who calls that number hears: an id of the directory; "": a neutral one',
        ),
    )
    priority: int = field(default=5, metadata=key(Whole(1, 9), "which modem is taken first: that with the least"))
    emergency: str = field(
        default="also",
        metadata=key(Choice(("also", "only", "never")), "whether calls to 112 go by it, or those alone"),
    )
    minutes_per_day: int = field(
        default=0, metadata=key(Whole(0, 1440), "ordinary calls by it in one day; 112 is never limited; 0: no limit")
    )
    numbers: str = field(
        default="e164",
        metadata=key(Choice(("e164", "national")), "how the operator wants numbers: +46701234567 or 0701234567"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """The process `trunk`: calls by modem."""

    reception: str = field(
        default="",
        metadata=key(
            Text('1 to 16 digits, or ""', like(r"[0-9]{0,16}")),
            "the extension that rings for calls that come by modem while the process `calls` is away; its calls by "
            "data go on, as those to 112 do, when what may be sent is used up",
        ),
    )
    keep_one: str = field(
        default="yes",
        metadata=key(Choice(("yes", "no")), "of two modems or more, keep the last one for 112 if no other is"),
    )
    emergency_ringing_s: int = field(
        default=20, metadata=key(Whole(5, 60), "112 by a modem without ringing for so long: the next way is tried")
    )
    sets_clock: str = field(
        default="yes",
        metadata=key(
            Choice(("yes", "no")), "set the clock by what the mobile network tells, where nothing else keeps it"
        ),
    )
    leads_out: str = field(
        default="no",
        metadata=key(
            Choice(("no", "pin")),
            "who calls a SIM, presses * and proves to be an extension's by its PIN (`rvx extension pin`) may dial a "
            "number outside, as far as that extension may",
        ),
    )
    test_number: str = field(
        default="",
        metadata=key(
            Text('"+" and 7 to 15 digits, or ""', like(_E164)),
            'what `rvx trunk test` calls; "": another modem of this unit',
        ),
    )


def _pin(text: str) -> str:
    if not re.fullmatch(_PIN, text, re.ASCII):
        raise Refused("is not so written")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sim:
    """Of the secrets."""

    pins: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=key(
            Each(Text('"MODEM=PIN"', _pin, secret=True), 0, 16),
            "the PIN of each modem's SIM; one that has none needs none",
        ),
    )

    def of(self, modem: str) -> str:
        """The PIN of a modem's SIM; "" where none is known."""
        return next((pin for name, _, pin in (entry.partition("=") for entry in self.pins) if name == modem), "")


def modems_whole(values: Values) -> Clashes:
    """What must hold of all of them (see firmware/config.py)."""
    modems = tables_of("modem", values)
    for name in ("name", "at", "pcm", "usb_path", "number"):
        seen: set[str] = set()
        for number, modem in enumerate(modems, start=1):
            found = modem.get(name, "")
            if found and found in seen:
                yield f"modem.{number}.{name}", f"{found} is there twice", "another one for each modem"
            seen.add(found)
    for number, modem in enumerate(modems, start=1):
        if not modem.get("at", "-") and not modem.get("usb_path", "-"):
            yield f"modem.{number}.at", "is missing", "at or usb_path"
    names = {modem.get("name") for modem in modems}
    for entry in values["sim.pins"]:
        if entry.partition("=")[0] not in names:
            yield "sim.pins", "there is a PIN for a modem that is not", "a name of a [[modem]]"
