"""Every command, joined from the files that declare them; no command's own module is loaded for that."""

from textwrap import wrap

from tools.commands.archive import ARCHIVE
from tools.commands.calendar import CALENDAR
from tools.commands.config import CONFIG
from tools.commands.extension import EXTENSION
from tools.commands.extract import EXTRACT
from tools.commands.fault import FAULT
from tools.commands.hub import HUB
from tools.commands.identity import IDENTITY
from tools.commands.leaver import LEAVER
from tools.commands.looking import CHECK, DOCTOR, EXPLAIN, SAY, STATUS
from tools.commands.mail import MAIL, MEMO
from tools.commands.mcu import MCU
from tools.commands.night import NIGHT
from tools.commands.paper import CARD, GUIDE
from tools.commands.people import PEOPLE
from tools.commands.power import POWER
from tools.commands.proving import BENCH, STORM, TEST
from tools.commands.referral import REFERRAL
from tools.commands.starting import DEMO, RESTART, RUN
from tools.commands.sync import ENROL, SYNC
from tools.commands.threat import THREAT
from tools.commands.trunk import TRUNK
from tools.parser import Command

__all__ = ["COMMANDS", "GROUPS", "overview"]

# fmt: off
_ALL = (
    RUN, DEMO, EXTENSION, PEOPLE, REFERRAL, IDENTITY,
    STATUS, DOCTOR, RESTART, EXPLAIN, CHECK, SAY, THREAT, ARCHIVE, NIGHT, TRUNK, POWER, MCU,
    EXTRACT, GUIDE, CARD, FAULT, LEAVER,
    MAIL, MEMO,
    CALENDAR, CONFIG,
    ENROL, SYNC, HUB,
    TEST, BENCH, STORM,
)
# fmt: on
COMMANDS: dict[str, Command] = {command.name: command for command in _ALL}

WIDTH = 78
_OFFICE = "Office"
"""What an office uses now and then: by name alone, so that the overview fits a screen."""

GROUPS = (
    ("Start", ("run", "restart", "demo", "extension", "people", "referral")),
    ("Look", ("status", "doctor", "explain", "check", "say", "trunk", "power", "mcu")),
    ("Prove", ("test", "bench", "storm")),
    (
        _OFFICE,
        (
            "archive",
            "calendar",
            "card",
            "config",
            "enrol",
            "extract",
            "fault",
            "guide",
            "hub",
            "identity",
            "leaver",
            "mail",
            "memo",
            "night",
            "sync",
            "threat",
        ),
    ),
)


def overview() -> str:
    """What ``rvx`` alone says."""
    lines = [
        "Reservväxel: a building goes on talking when its telephony platform is gone.",
        "  sudo ./rvx demo              see an outage survived",
        "  ./rvx run                    be a gateway here; point a softphone at it",
        "  ./rvx status                 what works now, and what if something fails",
    ]
    for group, names in GROUPS:
        if group == _OFFICE:
            lines += wrap(" ".join(names), WIDTH, initial_indent=f"{group} ", subsequent_indent=" " * 7)
            continue
        heads = (group, *[""] * (len(names) - 1))
        lines += [f"{head:<6}{name:<10} {COMMANDS[name].summary}" for head, name in zip(heads, names, strict=True)]
    lines += ["Each has --help, --json, --config FILE, --state DIR, --no-color, --debug."]
    lines += ["Something wrong? rvx explain CODE works offline; docs/manual.md has the rest."]
    return "\n".join(lines)
