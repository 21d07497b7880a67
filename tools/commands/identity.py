"""A unit carried to its spare."""

import argparse

from tools.parser import Command, Parser

__all__ = ["IDENTITY"]


def _export_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file to write")
    passphrase = parser.add_mutually_exclusive_group()
    _passphrase_argument(passphrase)
    passphrase.add_argument("--generate", action="store_true", help="make a passphrase and show it, once")


def _identity_import_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file that rvx identity export has made")
    _passphrase_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    parser.add_argument("--replace", action="store_true", help="this machine need not be blank; its records stay")
    parser.add_argument(
        "--force", action="store_true", help="also when something answers at the unit's addresses: it is no unit"
    )


def _passphrase_argument(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help="read the passphrase from its first line, also /dev/stdin or /dev/fd/3 (else it is asked for)",
    )


_IDENTITY_ACTIONS = (
    Command(
        "identity export",
        "seal what makes this unit itself into a file",
        "sudo ./rvx identity export gw-1.rvx --generate",
        "tools.identity",
        _export_arguments,
        "Configuration, secrets, extensions and keys, for a spare. The file is sealed by a passphrase, which is never "
        "given on the command line, where others could read it. No call record is in it. The unit may run.",
    ),
    Command(
        "identity import",
        "make this machine the unit that was exported",
        "sudo ./rvx identity import gw-1.rvx --dry-run",
        "tools.identity",
        _identity_import_arguments,
        "All of it or nothing. Refused while a unit runs here, while the old unit still answers on the network, and "
        "on a machine that is not blank. docs/spare.md has the whole procedure.",
    ),
)

IDENTITY = Command(
    "identity",
    "carry this unit to a spare: export, import",
    "sudo ./rvx identity export gw-1.rvx --generate",
    "tools.identity",
    actions=_IDENTITY_ACTIONS,
)
