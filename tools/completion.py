"""Completion of the command line for bash and zsh: files made at build, so that no Tab costs a start of Python.

Written by ``python -m tools.man`` beside the other documents; belong in ``/usr/share/bash-completion/completions/rvx``
and ``/usr/share/zsh/vendor-completions/_rvx``. shtab is needed to make them, and not on the unit.
"""

import argparse
from collections.abc import Iterable

from tools.commands import COMMANDS
from tools.parser import Command, Parser, shared_options

__all__ = ["bash", "parser", "zsh"]

_FILES = ("file", "config", "passphrase_file")
_FOLDERS = ("state",)


def bash() -> str:
    """``docs/completion/rvx.bash``."""
    import shtab

    return shtab.complete(parser(), "bash")


def zsh() -> str:
    """``docs/completion/_rvx``."""
    import shtab

    return shtab.complete(parser(), "zsh")


def parser() -> Parser:
    """Every command with its arguments, as one parser."""
    top = Parser("rvx", "", "")
    shared_options(top)
    top.add_argument("--version", action="store_true", help="the version")
    _add(top, COMMANDS.values())
    return top


def _add(into: Parser, commands: Iterable[Command]) -> None:
    words = into.add_subparsers(metavar="COMMAND")
    for command in commands:
        word = command.name.split()[-1]
        one = words.add_parser(word, example=command.example, description=command.summary, help=command.summary)
        if command.actions:
            _add(one, command.actions)
        command.arguments(one)
        shared_options(one)
        _tell_places(one)
    _tell_places(into)


def _tell_places(parser: Parser) -> None:
    """Which arguments are files and folders; an attribute is how shtab is told."""
    import shtab

    for action in parser.actions():
        if isinstance(action, argparse._SubParsersAction):
            continue
        if action.dest in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
