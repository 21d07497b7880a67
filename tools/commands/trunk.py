"""The way out by modem."""

from tools.commands.trunksms import SMS
from tools.parser import Command

__all__ = ["TRUNK"]

TRUNK = Command(
    "trunk",
    "modems and SMS",
    "./rvx trunk sms",
    "tools.trunksms",
    actions=(SMS,),
)
