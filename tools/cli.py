"""The command line of ``rvx``: every command with its arguments, and how a command begins and ends.

Only the parser of the command that was given is built, and only its module is loaded, so that help and version cost
nothing but argparse. A command's module has ``run(args) -> int``, an exit code of ``tools.errors``; it may raise
``UserError``. Options that all commands share are taken before and after the command.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from firmware import __version__
from tools.commands import COMMANDS, overview
from tools.errors import AREAS, DONE, INTERRUPTED, UNKNOWN, UserError
from tools.parser import Command, Parser, parser_of, shared_options

__all__ = ["Runnable", "main"]


class Runnable(Protocol):
    """What the module of a command has."""

    def run(self, args: argparse.Namespace) -> int: ...


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command line and gives its exit code. Every error is said once, on standard error."""
    words = sys.argv[1:] if words is None else words
    debug = "--debug" in words
    try:
        return _run(words)
    except UserError as error:
        if debug:
            raise
        _say(error, "--json" in words)
        return error.entry.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our result has seen enough. What Python still holds must not fail again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if debug:
            raise
        _say(UserError("RVX-A09", f"{type(error).__name__}; {_kept_traceback()}."), "--json" in words)
        return UNKNOWN


def _run(words: Sequence[str]) -> int:
    top = Parser("rvx", "./rvx status", "")
    shared_options(top)
    top.add_argument("--version", action="store_true")
    before, name, after = _split(top, words)
    if {"-h", "--help"} & set(before):
        print(overview())
        return DONE
    args = argparse.Namespace()
    _parse(top, before, args)
    if args.version:
        print(f"rvx {__version__}")
        return DONE
    if name is None:
        print(overview())
        return DONE
    command = _named(name, COMMANDS, "rvx")
    if command.actions:
        actions = {action.name.split()[-1]: action for action in command.actions}
        own, action, after = _split(top, after)
        if action is None:
            if not {"-h", "--help"} & set(own):
                raise UserError("RVX-A02", f"{name} needs to know what: {', '.join(actions)}.", f"rvx {name} --help")
            print("\n".join(["Example:", f"  {command.example}", ""]))
            print("\n".join(f"rvx {each.name:<18} {each.summary}" for each in command.actions))
            return DONE
        command = _named(action, actions, f"rvx {name}")
        after = [*own, *after]
    parser = parser_of(command)
    args.command = command.name
    if command.rest:
        known = parser.options()
        cut = next((i for i, word in enumerate(after) if word not in known), len(after))
        after, rest = after[:cut], after[cut:]
        setattr(args, command.rest, rest[1:] if rest[:1] == ["--"] else rest)
    _parse(parser, after, args)
    return _module(command).run(args)


def _split(parser: Parser, words: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """Options before the first word that is none, that word, and what follows it."""
    takes_value = {string for action in parser.actions() if action.nargs is None for string in action.option_strings}
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in takes_value else 1
    return list(words[:at]), words[at] if at < len(words) else None, list(words[at + 1 :])


def _named(name: str, commands: dict[str, Command], prefix: str) -> Command:
    if name in commands:
        return commands[name]
    near = _nearest(name, list(commands))
    remedy = f"Did you mean {prefix} {near}?" if near else f"{prefix} --help shows them all."
    raise UserError("RVX-A01", f"{prefix} {name} is not known.", remedy)


def _parse(parser: Parser, words: Sequence[str], into: argparse.Namespace) -> None:
    _, unknown = parser.parse_known_args(words, into)
    if unknown:
        near = _nearest(re.split("=", unknown[0])[0], parser.options())
        remedy = f"Did you mean {near}?" if near else f"See the example in {parser.prog} --help."
        raise UserError("RVX-A02", f"{unknown[0]} is not known to {parser.prog}.", remedy)


def _nearest(word: str, known: list[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(word, known, n=1)), None)


def _module(command: Command) -> Runnable:
    import importlib

    return cast(Runnable, importlib.import_module(command.module))


def _say(error: UserError, json: bool) -> None:
    from tools.output import Output

    out = Output(json=json)
    mark = out.side_paint.fail(error.code)
    out.note(f"rvx: {mark} {error.entry.en.what}")
    out.note(f"  why: {error.detail}")
    out.note(f"  do:  {error.remedy}  (rvx explain {error.code})")
    if json:
        problem = {
            "id": error.code,
            "severity": "fail",
            "area": AREAS[error.code[len("RVX-")]][1],
            "effect": error.entry.en.what,
            "observed": error.detail,
            "fix": error.remedy,
        }
        out.document("error", problems=[problem])


def _kept_traceback() -> str:
    """Where the traceback of the exception being handled was written."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="rvx-error-", suffix=".txt", delete=False) as file:
        traceback.print_exc(file=file)
    return f"the full account is in {file.name}"


if __name__ == "__main__":
    sys.exit(main())
