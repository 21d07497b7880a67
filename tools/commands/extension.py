"""Who may register, and lost phones."""

from tools.parser import Command, Parser

__all__ = ["EXTENSION"]


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="its number: 2 to 12 digits")
    parser.add_argument(
        "--mode",
        type=int,
        choices=[1, 2, 3, 4],
        default=2,
        help="1 the platform's secret, 2 ours for phone and platform (default), 3 a secret of its own between phone "
        "and unit, 4 learnt: no secret, with less trust",
    )
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--generate", action="store_true", help="make a secret and show it, once")
    secret.add_argument("--secret-stdin", action="store_true", help="read the secret from standard input")


def _import_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV with a header: extension,mode,secret or ha1_md5,ha1_sha256")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def _remove_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="its number")


def _block_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="whose phone is lost")
    parser.add_argument("--why", metavar="TEXT", default="", help="for the record")


def _pin_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="its number")
    pin = parser.add_mutually_exclusive_group()
    pin.add_argument("--generate", action="store_true", help="make a PIN and show it, once")
    pin.add_argument("--secret-stdin", action="store_true", help="read the PIN from standard input")
    pin.add_argument("--remove", action="store_true", help="it has none any more")


_EXTENSION_ACTIONS = (
    Command(
        "extension add",
        "add an extension, or give it a new secret",
        "sudo ./rvx extension add 1001 --generate",
        "tools.extension",
        _add_arguments,
        "The secret is never given on the command line, where others could read it, and only its hashes are kept.",
    ),
    Command(
        "extension import",
        "add many from a CSV file, all or none",
        "sudo ./rvx extension import phones.csv --dry-run",
        "tools.extension",
        _import_arguments,
        "Faults are listed by line.",
    ),
    Command(
        "extension list",
        "list extensions and their modes, no secrets",
        "./rvx extension list --json",
        "tools.extension",
    ),
    Command(
        "extension remove",
        "remove an extension",
        "sudo ./rvx extension remove 1001",
        "tools.extension",
        _remove_arguments,
    ),
    Command(
        "extension pin",
        "give an extension a PIN, to dial out from outside",
        "sudo ./rvx extension pin 1001 --generate",
        "tools.extension",
        _pin_arguments,
        "Who calls the unit's SIM and knows it may dial as that extension may, where [trunk] leads_out says so. "
        "Only its hash is kept.",
    ),
    Command(
        "extension block",
        "block a lost phone at once: it rings nobody, but 112",
        "sudo ./rvx extension block 1001 --why lost",
        "tools.extension",
        _block_arguments,
        "It stays blocked until it is lifted, from whichever side.",
    ),
    Command("extension lift", "lift a block", "sudo ./rvx extension lift 1001", "tools.extension", _remove_arguments),
)

EXTENSION = Command(
    "extension",
    "who may register; lost phones: add, block, lift …",
    "sudo ./rvx extension add 1001 --generate",
    "tools.extension",
    actions=_EXTENSION_ACTIONS,
)
