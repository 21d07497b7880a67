"""The way out by modem."""

from tools.commands.trunksms import SMS
from tools.parser import Command, Parser

__all__ = ["TRUNK"]


def _test_arguments(parser: Parser) -> None:
    parser.add_argument("modem", help="its name, as in [[modem]]")


STATUS = Command(
    "trunk status",
    "each modem, its SIM, operator and readiness card",
    "sudo ./rvx trunk status",
    "tools.trunk",
    description="A card starts red: nothing is claimed that was not tried. What is red says why.",
)
TEST = Command(
    "trunk test",
    "call by one modem, and prove it with a tone",
    "sudo ./rvx trunk test m1",
    "tools.trunk",
    _test_arguments,
    "Calls [trunk] test_number, or another modem of this unit, with a tone both ways. It costs a call.",
)
WHY = Command(
    "trunk why",
    "the calls to 112 of 30 days, step by step",
    "sudo ./rvx trunk why",
    "tools.trunk",
    description="Which way and which modem took each, and when; why one did not.",
)

TRUNK = Command(
    "trunk",
    "modems and SMS",
    "./rvx trunk status",
    "tools.trunk",
    actions=(STATUS, TEST, WHY, SMS),
)
