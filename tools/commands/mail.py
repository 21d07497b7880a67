"""``rvx mail`` and ``rvx memo``, as declared."""

from tools.parser import Command, Parser, positive

__all__ = ["MAIL", "MEMO"]


def _mail_arguments(parser: Parser) -> None:
    parser.add_argument("--test", metavar="ADDRESS", help="give the server one now, and say what it answers")
    parser.add_argument("--why", metavar="ID", help="what became of one, try by try")
    parser.add_argument("--again", metavar="ID", help="send one anew that has failed, or of which nobody knows")
    parser.add_argument("--limit", metavar="N", type=positive, default=20, help="show so many, the newest first (20)")


MAIL = Command(
    "mail",
    "mail: what waits, went, failed; try the server",
    "sudo ./rvx mail --test anna@norrby.example",
    "tools.mail",
    _mail_arguments,
    "Without options it shows the queue. --test does not go by it: what is wrong with server, login or certificate is "
    "said at once.",
)


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("extensions", metavar="EXTENSION", nargs="*", help="messages to these; none: to everybody")
    parser.add_argument("--all", action="store_true", help="also those that are handled; wants an extension")
    parser.add_argument("--limit", metavar="N", type=positive, default=50, help="show so many (50)")


def _take_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="to whom")
    parser.add_argument("text", metavar="TEXT", nargs="?", default="", help="what it says")
    parser.add_argument("--from", metavar="NUMBER", dest="caller", default="", help="the number of whom it is from")
    parser.add_argument("--name", metavar="NAME", default="", help="and the name")
    parser.add_argument("--urgent", action="store_true", help="it is urgent")
    wants = parser.add_mutually_exclusive_group()
    wants.add_argument("--calls-again", action="store_true", help="whoever it is from will call again")
    wants.add_argument("--no-answer", action="store_true", help="and wants no answer; else to be called back")


def _handled_arguments(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="as rvx memo list gives it")


MEMO = Command(
    "memo",
    "messages to people: list, take, handled",
    "sudo ./rvx memo list 1001",
    "tools.memo",
    actions=(
        Command(
            "memo list",
            "list messages to people that wait to be handled",
            "sudo ./rvx memo list 1001",
            "tools.memo",
            _list_arguments,
            "Whoever a message is to is reminded on the second working day; then their department's contact is told.",
        ),
        Command(
            "memo take",
            "take a message to somebody",
            "sudo ./rvx memo take 1001 bygglovet --from 070-1234567",
            "tools.memo",
            _take_arguments,
            "They are told by mail, or else by SMS, as soon as there is a way.",
        ),
        Command(
            "memo handled",
            "say that a message is handled",
            "sudo ./rvx memo handled 5f0c",
            "tools.memo",
            _handled_arguments,
            "Whoever left it was contacted, or needs not be.",
        ),
    ),
)
