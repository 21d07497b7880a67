"""What the configuration says of sources of power: ``[[ups]]`` for each; of the secrets ``[nut]`` and ``[snmp]``.

See firmware/config.py, whose part this is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from drivers.snmp import PASSWORD_LEAST, Auth, Privacy
from firmware.bounds import Choice, Each, Refused, Text, Whole, address, like
from firmware.config_kinds import Clashes, Values, tables_of
from firmware.document import key

__all__ = [
    "AUTH",
    "CHIPS",
    "DAY_MIN",
    "NAME",
    "NAMED",
    "PARTS",
    "PRIVACY",
    "SIMULATED",
    "YES_NO",
    "Nut",
    "NutKey",
    "Snmp",
    "SnmpKey",
    "Ups",
    "nut_of",
    "snmp_of",
    "sources_whole",
]

DAY_MIN = 24 * 60
NAME = r"[a-z0-9]([a-z0-9-]{0,14})"
_NUT = r"nut://(([A-Za-z0-9_.-]{1,32})@)?([A-Za-z0-9.-]{1,253})(:([0-9]{1,5}))?/([A-Za-z0-9_.-]{1,32})"
_SNMP = r"snmp://([!#-.0-?A-\[\]-~]{1,32})@([0-9.]{7,15})(:([0-9]{1,5}))?"
_PASSWORD = rf"({NAME})=([!#-\[\]-~]{{1,128}})"

SIMULATED = "simulated"
"""The name of the UPS of a unit without a configuration; no other is called so."""
PARTS = ("unit", "switch", "router", "fibre")
CHIPS = ("max17040", "max17041", "max17043", "max17044", "max17048", "max17049")

TELLS_MAINS = ("nut", "snmp", "line", "mcu")

NAMED = Text("1 to 16 small letters, digits or -", like(NAME))
YES_NO = Choice(("yes", "no"))
AUTH = Choice(tuple(each.value for each in Auth))
PRIVACY = Choice(tuple(each.value for each in Privacy))


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
class Ups:
    """One source of what is known about power."""

    name: str = field(metadata=key(NAMED, "what it is called here and on its label"))
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
    auth: str = field(default=Auth.SHA256.value, metadata=key(AUTH, "of snmp: how its user is authenticated"))
    privacy: str = field(default=Privacy.AES128.value, metadata=key(PRIVACY, "and how what is said is encrypted"))
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
        default="yes", metadata=key(YES_NO, "of ina219: whether current out of the battery is read as positive")
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
    discharge_days: int = field(
        default=0,
        metadata=key(
            Whole(0, 400),
            "of nut: its battery is discharged on purpose where nothing has done so for so many days, by a deep test; "
            "0: never. Another source must tell of the mains",
        ),
    )
    discharge_to_percent: int = field(
        default=40, metadata=key(Whole(20, 90), "and so far, or until power.low_minutes are left")
    )
    minutes: int = field(
        default=0, metadata=key(Whole(0, 7 * DAY_MIN), "of fixed: how long it lasts; 0: it goes with the mains")
    )


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


def sources_whole(values: Values) -> Clashes:
    """What must hold of all of them (see firmware/config.py)."""
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
        if ups["discharge_days"]:
            if ups["kind"] != "nut" or not (ups["url"].startswith("nut:") and nut_of(ups["url"]).user):
                yield f"ups.{number}.discharge_days", "needs a UPS that takes orders", 'kind = "nut", url with a user'
            elif not any(other["name"] != ups["name"] and other["kind"] in TELLS_MAINS for other in found):
                yield f"ups.{number}.discharge_days", "nobody else tells of the mains", "a second [[ups]], as a line"
    if sum(ups["kind"] == "mcu" for ups in found) > 1:
        yield "ups", "there are two microcontrollers", "one"
    for secret in ("nut.passwords", "snmp.auth_passwords", "snmp.privacy_passwords"):
        for entry in values[secret]:
            if entry.partition("=")[0] not in names:
                yield secret, "there is a password for a source that is not", "a name of an [[ups]]"
