"""What the configuration says of power: `[power]`, `[[load]]` for what can be shed, `[poe]` for the switch, also of the
secrets. Sources of power are firmware/config_ups.py's.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.snmp import PASSWORD_LEAST, Auth, Privacy
from firmware.bounds import Choice, Each, Text, Whole, like
from firmware.config_kinds import ADDRESS_OR_NONE, CREDENTIAL, Clashes, Values, tables_of
from firmware.config_sms import mobile
from firmware.config_ups import AUTH, DAY_MIN, NAMED, PARTS, PRIVACY, YES_NO, sources_whole
from firmware.document import key

__all__ = [
    "LAST_ROLES",
    "PROTECTED",
    "Load",
    "Poe",
    "PoeKey",
    "Power",
    "power_whole",
]

_PORT = r"[0-9]{1,3}\.[0-9]{1,4}"

PROTECTED = "protected"
"""The load of protected telephony's ports; no other is called so."""
RELAYS = ("relay_1", "relay_2")
"""In the pin map."""
LAST_ROLES = ("reception", "on_call", "emergency")
"""Of phones by their ports: shed after all else, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is done about it."""

    mobile_minutes: int = field(
        default=0,
        metadata=key(
            Whole(0, 7 * DAY_MIN),
            "how long the mobile network typically lasts here without mains, as its operator says; 0: not known",
        ),
    )
    low_minutes: int = field(
        default=15, metadata=key(Whole(2, DAY_MIN), "the battery is low when so many minutes are left, or fewer")
    )
    halt_minutes: int = field(
        default=4, metadata=key(Whole(1, 60), "the unit halts when so many minutes are left, or fewer")
    )
    halt_percent: int = field(
        default=5,
        metadata=key(Whole(1, 50), "or at so little charge, where no minutes are known; battery and mains agreeing"),
    )
    halt_after_s: int = field(
        default=10,
        metadata=key(Whole(2, 300), "what orders a halt must have held for so long; an order by NUT need not"),
    )
    halt_command: tuple[str, ...] = field(
        default=("systemctl", "poweroff"),
        metadata=key(
            Each(Text("1 to 80 printable characters, no space", like(r"[!-~]{1,80}")), 0, 8),
            "how the machine is halted, program and arguments; none: it never is",
        ),
    )
    restart_command: tuple[str, ...] = field(
        default=("systemctl", "reboot", "--force"),
        metadata=key(
            Each(Text("1 to 80 printable characters, no space", like(r"[!-~]{1,80}")), 0, 8),
            "and how it is started again where mains comes back while it goes down; none: it stays down",
        ),
    )
    telling_s: int = field(
        default=20, metadata=key(Whole(0, 120), "calls that are up are told before the halt, and have so long to end")
    )
    alarm_numbers: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(Text('a mobile with its country, as "+46701234567"', mobile), 0, 32),
            "who is told by SMS that mains is gone, and back; none: those of sms.alarm_numbers",
        ),
    )
    alarm_after_s: int = field(
        default=60, metadata=key(Whole(0, 3600), "mains that was gone for less is told to nobody")
    )
    alarm_minutes: tuple[int, ...] = field(
        default=(60, 15), metadata=key(Each(Whole(1, DAY_MIN), 0, 8), "told again when so many minutes are left")
    )
    alarm_pause_min: int = field(
        default=5, metadata=key(Whole(1, DAY_MIN), "mains is told to be back when it has been for so long")
    )
    discharge_hour: int = field(
        default=10,
        metadata=key(
            Whole(0, 23), "batteries whose [[ups]] has discharge_days are discharged from this hour of a working day on"
        ),
    )
    shed_tell: str = field(default="yes", metadata=key(YES_NO, "whether what is shed of phones is told by SMS too"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Something that can be shed."""

    name: str = field(metadata=key(NAMED, "what it is called"))
    kind: str = field(
        metadata=key(
            Choice(("modem", "wifi", "screen", "cpu", "hdmi", "led", "poe", "relay")), "what it is, and how it is shed"
        )
    )
    what: str = field(
        default="",
        metadata=key(
            Text('up to 64 letters, digits or * ? . _ : -, or ""', like(r"[A-Za-z0-9*?._:-]{0,64}")),
            "which: of modem the name of a [[modem]]; of relay relay_1 or relay_2; else a pattern of names in "
            '/sys/class/rfkill, backlight, drm, leds; "": all of them',
        ),
    )
    ports: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(Text('"GROUP.PORT", as "1.12"', like(_PORT)), 0, 48),
            "of poe: which ports of the switch are turned off",
        ),
    )
    role: str = field(
        default="rest",
        metadata=key(
            Choice(("rest", *LAST_ROLES)),
            "of poe: whose phones hang there; those of reception, on call and emergency are shed last",
        ),
    )
    keeps: str = field(
        default="unit", metadata=key(Choice(PARTS), "which source it hangs on: that of the unit, the switch …")
    )
    at_minutes: int = field(metadata=key(Whole(1, DAY_MIN), "shed when so many minutes are left there, or fewer"))
    watts: int = field(default=0, metadata=key(Whole(0, 1000), "what it draws; 0: not known, and no gain is shown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Poe:
    """The switch that feeds the phones, read by SNMPv3."""

    address: str = field(default="", metadata=key(ADDRESS_OR_NONE, 'the switch; "": none is read'))
    port: int = field(default=161, metadata=key(Whole(1, 65535), "its SNMP"))
    user: str = field(
        default="", metadata=key(Text('up to 32 printable characters, or ""', like(r"[!#-\[\]-~]{0,32}")), "its user")
    )
    auth: str = field(default=Auth.SHA256.value, metadata=key(AUTH, "how the user is authenticated"))
    privacy: str = field(default=Privacy.AES128.value, metadata=key(PRIVACY, "and how what is said is encrypted"))
    switching: str = field(default="no", metadata=key(YES_NO, "whether its ports may be turned off and on"))
    names: str = field(default="no", metadata=key(YES_NO, "whether its ports are named by ifAlias"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoeKey:
    """Of the secrets."""

    auth_password: str = field(
        default="", repr=False, metadata=key(CREDENTIAL, "of poe.user: by it the switch knows the unit")
    )
    privacy_password: str = field(default="", repr=False, metadata=key(CREDENTIAL, "and by it nobody else reads"))


def power_whole(values: Values) -> Clashes:
    """What must hold of all of them (see firmware/config.py)."""
    yield from sources_whole(values)
    yield from _loads(values)
    if values["power.halt_minutes"] >= values["power.low_minutes"]:
        yield "power.halt_minutes", "the unit would halt before its battery is low", "fewer than power.low_minutes"
    if values["poe.address"] and not (
        values["poe.user"]
        and all(len(values[f"poe.{name}"]) >= PASSWORD_LEAST for name in ("auth_password", "privacy_password"))
    ):
        yield "poe.user", "there is no way to read the switch", "a user, and in the secrets two passwords of 8 or more"


def _loads(values: Values) -> Iterator[tuple[str, str, str]]:
    modems = {each.get("name") for each in tables_of("modem", values)}
    names: set[str] = set()
    ports: set[str] = set()
    relays: set[str] = set()
    loads = tables_of("load", values)
    for number, load in enumerate(loads, start=1):
        place = f"load.{number}"
        if load["name"] in names:
            yield f"{place}.name", f"{load['name']} is there twice", "another one for each"
        names.add(load["name"])
        if load["name"] == PROTECTED:
            yield f"{place}.name", "is what ports of protected telephony are called together", "another name"
        if load["kind"] == "modem" and load["what"] not in modems:
            yield f"{place}.what", f'there is no modem "{load["what"]}"', "a name of a [[modem]]"
        if load["kind"] == "relay" and (load["what"] not in RELAYS or load["what"] in relays):
            yield f"{place}.what", "is no relay of the board, or is there twice", '"relay_1" or "relay_2"'
        relays.update([load["what"]] if load["kind"] == "relay" else ())
        if load["kind"] == "poe" and not (load["ports"] and values["poe.address"] and values["poe.switching"] == "yes"):
            yield f"{place}.ports", "cannot be turned off", 'ports, poe.address, and poe.switching = "yes"'
        if load["kind"] != "poe" and (load["ports"] or load["role"] != "rest"):
            yield f"{place}.ports", "only poe has ports and roles", 'kind = "poe"'
        for port in load["ports"]:
            if port in ports:
                yield f"{place}.ports", f"{port} is there twice", "each port in one [[load]]"
            ports.add(port)
    for number, load in enumerate(loads, start=1):
        if load["role"] in LAST_ROLES:
            lesser = ("rest", *LAST_ROLES)[: 1 + LAST_ROLES.index(load["role"])]
            least = min((other["at_minutes"] for other in loads if other["role"] in lesser), default=DAY_MIN)
            if load["at_minutes"] > least:
                yield (
                    f"load.{number}.at_minutes",
                    f"phones of {load['role']} would be shed before something lesser",
                    f"{least} or fewer",
                )
    if sum(load["kind"] == "modem" for load in loads) >= len(modems) > 0:
        yield "load", "every modem would be shed, and 112 with them", "one [[modem]] that is in no [[load]]"
