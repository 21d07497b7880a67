"""What is printed."""

from tools.parser import Command, Parser

__all__ = ["CARD", "GUIDE"]

ROLES = ("medarbetare", "reception", "telefonansvarig", "chef", "tekniker")


def _card_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file to write: PDF, an A4 with two cards")
    parser.add_argument("--entity", metavar="ID", help="whose card (the first that has a reception)")


def _guide_arguments(parser: Parser) -> None:
    parser.add_argument("role", metavar="ROLE", choices=ROLES, help=", ".join(ROLES))
    parser.add_argument("file", metavar="FILE", help="a new file to write: PDF, one page")
    parser.add_argument("--entity", metavar="ID", help="whose guide (the first that has a reception)")


GUIDE = Command(
    "guide",
    "a guide for a role, one page, to be printed",
    "sudo ./rvx guide reception reception.pdf",
    "tools.paper",
    _guide_arguments,
    "In Swedish, made from the site's own configuration and directory: what is not there is not promised.",
)

CARD = Command(
    "card",
    "the card of codes, to be printed and cut",
    "sudo ./rvx card card.pdf",
    "tools.paper",
    _card_arguments,
    "From the site's own table of codes and reasons.",
)
