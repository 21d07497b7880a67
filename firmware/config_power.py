"""What the configuration says of power: `[power]`, `[[ups]]` for each source, `[[load]]` for what can be shed,
`[poe]` for the switch; of the secrets `[nut]`, `[snmp]`, `[poe]`.

See firmware/config.py, whose part this is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.snmp import PASSWORD_LEAST, Auth, Privacy
from firmware.bounds import Choice, Each, Refused, Text, Whole, address, like
from firmware.config_kinds import ADDRESS_OR_NONE, CREDENTIAL, Clashes, Values, tables_of
from firmware.config_sms import mobile
from firmware.document import key

__all__ = [
    "CHIPS",
    "LAST_ROLES",
    "PROTECTED",
    "SIMULATED",
    "Load",
    "Nut",
    "NutKey",
    "Poe",
    "PoeKey",
    "Power",
    "Snmp",
    "SnmpKey",
    "Ups",
    "nut_of",
    "power_whole",
    "snmp_of",
]

DAY_MIN = 24 * 60
NAME = r"[a-z0-9]([a-z0-9-]{0,14})"
_NUT = r"nut://(([A-Za-z0-9_.-]{1,32})@)?([A-Za-z0-9.-]{1,253})(:([0-9]{1,5}))?/([A-Za-z0-9_.-]{1,32})"
_SNMP = r"snmp://([!#-.0-?A-\[\]-~]{1,32})@([0-9.]{7,15})(:([0-9]{1,5}))?"
_PASSWORD = rf"({NAME})=([!#-\[\]-~]{{1,128}})"
_PORT = r"[0-9]{1,3}\.[0-9]{1,4}"

SIMULATED = "simulated"
"""The name of the UPS of a unit without a configuration; no other is called so."""
PROTECTED = "protected"
"""The load of protected telephony's ports; no other is called so."""
RELAYS = ("relay_1", "relay_2")
"""In the pin map."""
PARTS = ("unit", "switch", "router", "fibre")
CHIPS = ("max17040", "max17041", "max17043", "max17044", "max17048", "max17049")
LAST_ROLES = ("reception", "on_call", "emergency")
"""Of phones by their ports: shed after all else, in this order."""

_NAME = Text("1 to 16 small letters, digits or -", like(NAME))
_YES_NO = Choice(("yes", "no"))
_AUTH = Choice(tuple(each.value for each in Auth))
_PRIVACY = Choice(tuple(each.value for each in Privacy))


@dataclass(frozen=True, slots=True)
class Nut:
    """What a ``nut://`` says."""

    ups: str
    host: str
    port: int
    user: str


def nut_of(url: str) -> Nut:
    """Raises Refused."""
    match = re.fullmatch(_NUT, url, re.ASCII)
    if not match or not 1 <= int(match[5] or 3493) <= 65535:
        raise Refused("is not so written")
    return Nut(match[6], match[3], int(match[5] or 3493), match[2] or "")


@dataclass(frozen=True, slots=True)
class Snmp:
    """What a ``snmp://`` says."""

    user: str
    address: str
    port: int


def snmp_of(url: str) -> Snmp:
    """Raises Refused."""
    match = re.fullmatch(_SNMP, url, re.ASCII)
    if not match or not 1 <= int(match[4] or 161) <= 65535:
        raise Refused("is not so written")
    return Snmp(match[1], address(match[2]), int(match[4] or 161))


def _url(text: str) -> str:
    if text.startswith("snmp:"):
        snmp_of(text)
    elif text:
        nut_of(text)
    return text


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
    shed_tell: str = field(default="yes", metadata=key(_YES_NO, "whether what is shed of phones is told by SMS too"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ups:
    """One source of what is known about power."""

    name: str = field(metadata=key(_NAME, "what it is called here and on its label"))
    kind: str = field(
        metadata=key(
            Choice(("nut", "snmp", "max1704x", "ina219", "line", "mcu", "fixed")),
            "what it is: a UPS by NUT, one by UPS-MIB (that of a router or a fibre box), a gauge, a line that tells "
            'mains, the board\'s microcontroller; "fixed": '
            "nothing can be read, and minutes says how long it lasts",
        )
    )
    keeps: tuple[str, ...] = field(
        default=("unit",),
        metadata=key(Each(Choice(PARTS), 0, len(PARTS)), "what hangs on it; none: it only looks at what another feeds"),
    )
    url: str = field(
        default="",
        metadata=key(
            Text('"nut://[USER@]HOST[:PORT]/UPS", "snmp://USER@ADDRESS[:PORT]", or ""', _url),
            "of nut: where its server is, and its name; of snmp: where it is",
        ),
    )
    auth: str = field(default=Auth.SHA256.value, metadata=key(_AUTH, "of snmp: how its user is authenticated"))
    privacy: str = field(default=Privacy.AES128.value, metadata=key(_PRIVACY, "and how what is said is encrypted"))
    driver_socket: str = field(
        default="",
        metadata=key(
            Text('an absolute path, or ""', like(r"(/[A-Za-z0-9._/-]{1,90})?")),
            "of nut: its driver's socket on this machine (/run/nut/usbhid-ups-ups); a frozen driver is then seen in "
            "seconds",
        ),
    )
    chip: str = field(default="max17043", metadata=key(Choice(CHIPS), "of max1704x: which"))
    bus: int = field(default=1, metadata=key(Whole(0, 31), "of gauges: the I2C bus"))
    address: int = field(
        default=0, metadata=key(Whole(0, 0x77), "and the address there; 0: the usual one, 0x36 or 0x42")
    )
    shunt_mohm: int = field(default=100, metadata=key(Whole(1, 10_000), "of ina219: its shunt"))
    out_is_positive: str = field(
        default="yes", metadata=key(_YES_NO, "of ina219: whether current out of the battery is read as positive")
    )
    battery_of: str = field(
        default="",
        metadata=key(
            Text('a name, or ""', like(rf"({NAME})?")), "of ina219: the max1704x that measures the same battery"
        ),
    )
    pin: int = field(
        default=-1,
        metadata=key(Whole(-1, 53), "of line: the GPIO that tells mains, by its BCM number; -1: as the pin map"),
    )
    mains_is: str = field(
        default="unknown",
        metadata=key(
            Choice(("high", "low", "unknown")),
            "of line: its level while there is mains; boards of one maker differ, and rvx power test tells",
        ),
    )
    cells: int = field(default=1, metadata=key(Whole(1, 24), "in series"))
    chemistry: str = field(
        default="li-ion", metadata=key(Choice(("li-ion", "lifepo4", "lead")), "what the battery is made of")
    )
    capacity_wh: int = field(default=0, metadata=key(Whole(0, 100_000), "as its label says; 0: not known"))
    minutes: int = field(
        default=0, metadata=key(Whole(0, 7 * DAY_MIN), "of fixed: how long it lasts; 0: it goes with the mains")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Something that can be shed."""

    name: str = field(metadata=key(_NAME, "what it is called"))
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
    auth: str = field(default=Auth.SHA256.value, metadata=key(_AUTH, "how the user is authenticated"))
    privacy: str = field(default=Privacy.AES128.value, metadata=key(_PRIVACY, "and how what is said is encrypted"))
    switching: str = field(default="no", metadata=key(_YES_NO, "whether its ports may be turned off and on"))
    names: str = field(default="no", metadata=key(_YES_NO, "whether its ports are named by ifAlias"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoeKey:
    """Of the secrets."""

    auth_password: str = field(
        default="", repr=False, metadata=key(CREDENTIAL, "of poe.user: by it the switch knows the unit")
    )
    privacy_password: str = field(default="", repr=False, metadata=key(CREDENTIAL, "and by it nobody else reads"))


def _password(text: str) -> str:
    if not re.fullmatch(_PASSWORD, text, re.ASCII):
        raise Refused("is not so written")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class NutKey:
    """Of the secrets."""

    passwords: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=key(
            Each(Text('"UPS=PASSWORD"', _password, secret=True), 0, 16), "of each [[ups]] whose url has a user"
        ),
    )

    def of(self, name: str) -> str:
        """The password of a source; "" where none is known."""
        return _of(self.passwords, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpKey:
    """Of the secrets."""

    auth_passwords: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=key(
            Each(Text('"UPS=PASSWORD"', _password, secret=True), 0, 16),
            "of each [[ups]] of kind snmp: by it the UPS knows the unit; 8 characters or more",
        ),
    )
    privacy_passwords: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=key(
            Each(Text('"UPS=PASSWORD"', _password, secret=True), 0, 16), "and by it nobody else reads; 8 or more"
        ),
    )

    def of(self, name: str) -> tuple[str, str]:
        """Both passwords of a source; "" where none is known."""
        return _of(self.auth_passwords, name), _of(self.privacy_passwords, name)


def _of(passwords: tuple[str, ...], name: str) -> str:
    return next((text for ups, _, text in (entry.partition("=") for entry in passwords) if ups == name), "")


def power_whole(values: Values) -> Clashes:
    """What must hold of all of them (see firmware/config.py)."""
    yield from _sources(values)
    yield from _loads(values)
    if values["power.halt_minutes"] >= values["power.low_minutes"]:
        yield "power.halt_minutes", "the unit would halt before its battery is low", "fewer than power.low_minutes"
    if values["poe.address"] and not (
        values["poe.user"]
        and all(len(values[f"poe.{name}"]) >= PASSWORD_LEAST for name in ("auth_password", "privacy_password"))
    ):
        yield "poe.user", "there is no way to read the switch", "a user, and in the secrets two passwords of 8 or more"


def _sources(values: Values) -> Iterator[tuple[str, str, str]]:
    names: set[str] = set()
    gauges: set[tuple[int, int]] = set()
    pins: set[int] = set()
    found = tables_of("ups", values)
    for number, ups in enumerate(found, start=1):
        if ups["name"] in names:
            yield f"ups.{number}.name", f"{ups['name']} is there twice", "another one for each source"
        names.add(ups["name"])
        if ups["name"] == SIMULATED:
            yield f"ups.{number}.name", "is what rvx run calls a UPS that is not there", "another name"
        if ups["kind"] == "nut" and not ups["url"].startswith("nut:"):
            yield f"ups.{number}.url", "is missing", 'where its server is: "nut://127.0.0.1/ups"'
        if ups["kind"] == "snmp":
            if not ups["url"].startswith("snmp:"):
                yield f"ups.{number}.url", "is missing", 'where it is: "snmp://unit@10.0.0.9"'
            for secret in ("auth_passwords", "privacy_passwords"):
                if len(_of(tuple(values[f"snmp.{secret}"]), ups["name"])) < PASSWORD_LEAST:
                    yield f"snmp.{secret}", f"there is none for {ups['name']}", f"{PASSWORD_LEAST} characters or more"
        if ups["kind"] in ("max1704x", "ina219"):
            place = ups["bus"], ups["address"] or (0x36 if ups["kind"] == "max1704x" else 0x42)
            if place in gauges:
                yield f"ups.{number}.address", f"{place[1]:#x} is there twice on bus {place[0]}", "one of each"
            gauges.add(place)
        if ups["kind"] == "line" and ups["pin"] >= 0:
            if ups["pin"] in pins:
                yield f"ups.{number}.pin", f"{ups['pin']} is there twice", "one of each"
            pins.add(ups["pin"])
    gauges_of = {(ups["name"], tuple(ups["keeps"])) for ups in found if ups["kind"] == "max1704x"}
    for number, ups in enumerate(found, start=1):
        named = (ups["battery_of"], tuple(ups["keeps"]))
        if ups["battery_of"] and (ups["kind"] != "ina219" or named not in gauges_of):
            yield f"ups.{number}.battery_of", "is no such gauge", "of ina219 a max1704x that keeps the same"
    if sum(ups["kind"] == "mcu" for ups in found) > 1:
        yield "ups", "there are two microcontrollers", "one"
    for secret in ("nut.passwords", "snmp.auth_passwords", "snmp.privacy_passwords"):
        for entry in values[secret]:
            if entry.partition("=")[0] not in names:
                yield secret, "there is a password for a source that is not", "a name of an [[ups]]"


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
