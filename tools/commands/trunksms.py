"""``rvx trunk sms``, as declared."""

from tools.parser import Command, Parser, positive

__all__ = ["SMS"]


def _arguments(parser: Parser) -> None:
    parser.add_argument("--to", metavar="NUMBER", help="send one there: a mobile")
    parser.add_argument("--text", metavar="TEXT", help="what it says; - reads it from standard input")
    parser.add_argument("--reply-to", metavar="EXTENSION", help="answers go to the mobile of whose extension it is")
    parser.add_argument("--why", metavar="ID", help="what became of one, try by try")
    parser.add_argument("--limit", metavar="N", type=positive, default=20, help="show so many, the newest first (20)")


SMS = Command(
    "trunk sms",
    "SMS: what waits, went and came; send one",
    "sudo ./rvx trunk sms --to 070-1234567 --text Möte-15.00",
    "tools.trunksms",
    _arguments,
    "Without options it shows the queue. What is sent goes into it, and out when a modem can.",
)
