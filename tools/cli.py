"""The command line of ``rvx``: every command with its arguments, and how a command begins and ends.

Only the parser of the command that was given is built, and only its module is loaded, so that help and version cost
nothing but argparse. A command's module has ``run(args) -> int``, an exit code of ``tools.errors``; it may raise
``UserError``. Options that all commands share are taken before and after the command.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn, Protocol, cast

from firmware import __version__
from tools.errors import AREAS, DONE, INTERRUPTED, UNKNOWN, UserError

__all__ = [
    "COMMANDS",
    "DEFAULT_CONFIG",
    "GROUPS",
    "Command",
    "Parser",
    "Runnable",
    "main",
    "overview",
    "parser_of",
    "shared_options",
]

DEFAULT_CONFIG = "/etc/reservvaxel/unit.toml"
HELP_WIDTH = 80
MINUTES_MAX = 24 * 60
_HELP_INDENT = 2
_HELP_COLUMN = 26  # where the help texts of options begin


class Parser(argparse.ArgumentParser):
    """An argument parser that shows an example first, takes no abbreviations and ends with our errors."""

    def __init__(self, prog: str, example: str, description: str) -> None:
        self.example = example
        super().__init__(
            prog=prog,
            description=description,
            allow_abbrev=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, _HELP_INDENT, _HELP_COLUMN, HELP_WIDTH),
        )

    def format_help(self) -> str:
        return f"Example:\n  {self.example}\n\n{super().format_help()}"

    def error(self, message: str) -> NoReturn:
        raise UserError("RVX-A02", f"{message}.", f"See the example in {self.prog} --help.")

    def options(self) -> list[str]:
        """Every option string, long and short."""
        return [string for action in self._actions for string in action.option_strings]

    def actions(self) -> list[argparse.Action]:
        """Every argument, for the manual."""
        return list(self._actions)


class Runnable(Protocol):
    """What the module of a command has."""

    def run(self, args: argparse.Namespace) -> int: ...


Arguments = Callable[[Parser], None]


class Command(NamedTuple):
    """One command: how it is called, what it takes, and the module that does it."""

    name: str  # the words after rvx
    summary: str  # under 52 columns
    example: str
    module: str
    arguments: Arguments = lambda parser: None
    description: str = ""  # more than the summary, when there is more to say
    actions: tuple["Command", ...] = ()  # when set, the next word names one of these
    rest: str = ""  # when set, the attribute for all that follows the first argument not known here


def _run_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--address",
        metavar="IP",
        help="without a configuration: also answer phones on this address of the machine (else it finds one)",
    )


def _status_arguments(parser: Parser) -> None:
    parser.add_argument("--watch", action="store_true", help="say it again each second, until Ctrl-C")


def _doctor_arguments(parser: Parser) -> None:
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="only these, and what they rest on; --list has them")
    parser.add_argument("--list", action="store_true", help="list the checks")
    parser.add_argument("-v", "--verbose", action="store_true", help="also what was expected")
    parser.add_argument("--strict", action="store_true", help="a warning is a failure")


def _explain_arguments(parser: Parser) -> None:
    parser.add_argument(
        "what", nargs="*", metavar="CODE | FROM TO", help="a code such as RVX-C01, or a call; without it, all codes"
    )
    parser.add_argument("--at", metavar="TIME", help="a call: at this moment (2026-12-24T10:00), else now")
    parser.add_argument(
        "--mode",
        choices=["normal", "suspect", "survival", "returning"],
        default="survival",
        help="a call: in this mode of the unit (survival)",
    )
    parser.add_argument(
        "--presence",
        action="append",
        default=[],
        metavar="EXTENSION=STATE",
        help="a call: free, busy, not_registered or unknown; may be given again",
    )
    parser.add_argument("--urgent", action="store_true", help="a call: the caller has said that it is urgent")


def _import_file_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="as docs/people.md shows")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")


def _load_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV with a header, in UTF-8 or Windows-1252")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--shrunken", action="store_true", help="take it also with many fewer people than are there")


def _seen_by(parser: Parser) -> None:
    parser.add_argument(
        "--as",
        dest="seen_by",
        choices=["public", "staff", "operator"],
        default="operator",
        help="as these may see it (operator)",
    )


def _find_arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="+", metavar="WORD", help="parts of a name, a duty, a unit, a number")
    parser.add_argument("--municipality", metavar="ID", help="whose people come first")
    parser.add_argument("--limit", type=_positive, default=10, metavar="N", help="so many at the most (10)")
    _seen_by(parser)


def _show_arguments(parser: Parser) -> None:
    parser.add_argument("who", metavar="ID", help="a person's id, or an extension")
    parser.add_argument("--secret", action="store_true", help="with what is secret; it is recorded")
    parser.add_argument("--why", metavar="TEXT", default="", help="with --secret: what for")
    _seen_by(parser)


def _people_export_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file to write")
    parser.add_argument("--vcard", action="store_true", help="vCards instead of CSV")
    _seen_by(parser)


def _referral_set_arguments(parser: Parser) -> None:
    parser.add_argument("extensions", nargs="+", metavar="EXTENSION", help="whose; several at once if need be")
    parser.add_argument("reason", metavar="REASON", help="such as möte, lunch, SAM, sick")
    parser.add_argument("--until", metavar="TIME", help="HH:MM, a date, both with T between, or - until further notice")
    parser.add_argument("--from", dest="start", metavar="TIME", help="HH:MM, or a date and a time (now)")
    parser.add_argument("--instead", metavar="EXTENSION", help="who answers instead")
    parser.add_argument("--direct", action="store_true", help="--instead is rung, not only told to the operator")
    parser.add_argument("--open", action="store_true", help="for information: the phone rings all the same")
    parser.add_argument("--information", metavar="TEXT", default="", help="for the operator")
    parser.add_argument("--sure", action="store_true", help="also when the return is odd")


def _referral_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="whose")


def _check_arguments(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="the configuration to check (else that of --config)")


def _test_arguments(parser: Parser) -> None:
    parser.add_argument("--fast", action="store_true", help="leave out the tests with real phones, which need root")
    parser.add_argument("--long", action="store_true", help="also the tests that take minutes")


_BENCHES = """failover: how fast; load: how much and how cheaply; master: who is master, and what the unit's own death,
restarts and a flood cost; people: how people are found, taken in and decided on"""


def _bench_arguments(parser: Parser) -> None:
    parser.add_argument("what", choices=["failover", "load", "master", "people"], help=_BENCHES)
    parser.add_argument("--quick", action="store_true", help="under a minute, with the fewest samples that count")
    parser.add_argument("--peer", action="store_true", help="load: the same against Asterisk, in the same run")
    parser.add_argument("--samples", type=_positive, metavar="N", help="measure each figure this many times")


def _storm_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--seed", type=_positive, metavar="N", help="the plan's seed (else one by chance, which is told)"
    )
    parser.add_argument("--minutes", type=_minutes, metavar="M", help="how long faults come (else 2)")
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first thing that breaks")
    parser.add_argument("--chapters", type=_positive, metavar="N", help="only so many of the plan's faults, the first")
    parser.add_argument("--replay", action="store_true", help="what broke is replayed, for the shortest way to it")
    parser.add_argument(
        "--all-pairs", action="store_true", help="until every fault was there in every mode (else 25 min)"
    )
    parser.add_argument(
        "--takeovers", type=_positive, metavar="N", help="two units instead: whichever serves dies, so many times"
    )
    parser.add_argument(
        "--planted",
        nargs="?",
        const="",
        metavar="BUG",
        help="plant known bugs in a copy, or those whose names begin so, and see which are found",
    )


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


def _passphrase_argument(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help="read the passphrase from its first line, also /dev/stdin or /dev/fd/3 (else it is asked for)",
    )


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


def _restart_arguments(parser: Parser) -> None:
    parser.add_argument("process", choices=["edge", "unit", "standby"], help="what is to start anew")
    parser.add_argument(
        "--patience", type=_positive, default=5, metavar="S", help="edge: wait so long for what runs to end (5)"
    )


def _minutes(text: str) -> float:
    number = float(text)
    if not 0 < number <= MINUTES_MAX:
        raise argparse.ArgumentTypeError(f"must be above 0, and {MINUTES_MAX} at the most")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


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
        "extension block",
        "block a lost phone at once: it rings nobody, but 112",
        "sudo ./rvx extension block 1001 --why lost",
        "tools.extension",
        _block_arguments,
        "It stays blocked until it is lifted, from whichever side.",
    ),
    Command("extension lift", "lift a block", "sudo ./rvx extension lift 1001", "tools.extension", _remove_arguments),
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

_PEOPLE_ACTIONS = (
    Command(
        "people load",
        "load people and extensions from a CSV file",
        "sudo ./rvx people load people.csv --dry-run",
        "tools.people",
        _load_arguments,
        "All or nothing; faults are listed by line and column. A file with many fewer people is questioned.",
    ),
    Command(
        "people organisation",
        "set greetings, choices, who answers, roles",
        "sudo ./rvx people organisation organisation.toml",
        "tools.people",
        _import_file_arguments,
        "A TOML file; all or nothing. What it does not name stays as it is.",
    ),
    Command(
        "people find",
        "find people by name, duty, unit or number",
        "sudo ./rvx people find anna bygglov",
        "tools.people",
        _find_arguments,
        "As one writes it: parts in any order, misspelt, as it sounds.",
    ),
    Command(
        "people show",
        "show one person",
        "sudo ./rvx people show 1001",
        "tools.people",
        _show_arguments,
        "What is secret is shown by --secret with --why, and each such look is recorded.",
    ),
    Command(
        "people export",
        "write what may be given out: CSV or vCards",
        "sudo ./rvx people export public.csv --as public",
        "tools.people",
        _people_export_arguments,
    ),
)

_REFERRAL_ACTIONS = (
    Command(
        "referral set",
        "say why somebody is away, and until when",
        "sudo ./rvx referral set 1001 möte --until 14:30",
        "tools.referral",
        _referral_set_arguments,
        "Without --until the reason's usual return. An odd one is asked about, and taken with --sure.",
    ),
    Command(
        "referral end",
        "say that somebody is back",
        "sudo ./rvx referral end 1001",
        "tools.referral",
        _referral_arguments,
    ),
    Command(
        "referral show",
        "show somebody's absences",
        "sudo ./rvx referral show 1001",
        "tools.referral",
        _referral_arguments,
    ),
)

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "run",
            "start the unit on this machine",
            "./rvx run",
            "tools.run",
            _run_arguments,
            "Without a configuration file it makes ten demo extensions and has no platform. Ctrl-C ends it.",
        ),
        Command(
            "demo",
            "see an outage survived, with four real phones",
            "sudo ./rvx demo",
            "tools.demo",
            description="A platform, the unit and four phones in networks of their own on this machine; nothing "
            "outside them is touched.",
        ),
        Command(
            "extension",
            "who may register; lost phones: add, block, lift …",
            "sudo ./rvx extension add 1001 --generate",
            "tools.extension",
            actions=_EXTENSION_ACTIONS,
        ),
        Command(
            "people",
            "the directory: load, find, show, export",
            "sudo ./rvx people find anna bygglov",
            "tools.people",
            actions=_PEOPLE_ACTIONS,
        ),
        Command(
            "referral",
            "who is away: set, end, show",
            "sudo ./rvx referral set 1001 möte --until 14:30",
            "tools.referral",
            actions=_REFERRAL_ACTIONS,
        ),
        Command(
            "identity",
            "carry this unit to a spare: export, import",
            "sudo ./rvx identity export gw-1.rvx --generate",
            "tools.identity",
            actions=_IDENTITY_ACTIONS,
        ),
        Command(
            "status",
            "what works now, and what if something fails",
            "./rvx status",
            "tools.status",
            _status_arguments,
            description="Exit code 3 when the unit does not answer; then Kamailio itself is asked.",
        ),
        Command(
            "doctor",
            "what is well here, what is not, what to do",
            "sudo ./rvx doctor",
            "tools.doctor",
            _doctor_arguments,
            "Looks and changes nothing. What is not known is said to be so. Exit code 1 when a check failed, 3 when it "
            "may not look.",
        ),
        Command(
            "restart",
            "start a process of the running unit anew; calls go on",
            "sudo ./rvx restart edge",
            "tools.restart",
            _restart_arguments,
            "The edge's configuration is checked first, and what runs is let come to its end for a while; then it is "
            "away for less than a second. Whoever keeps the processes up (rvx run, systemd) starts it again.",
        ),
        Command(
            "explain",
            "what a code means, or what is done with a call",
            "./rvx explain 1001 1002 --presence 1002=busy",
            "tools.explain",
            _explain_arguments,
            "A call is planned from the directory as it is; nothing is rung. A code is explained offline.",
        ),
        Command(
            "check",
            "check a configuration file, changing nothing",
            "./rvx check unit.toml",
            "tools.check",
            _check_arguments,
            "Every fault is listed with file, line, what is expected and the nearest known name. A file without "
            "faults is rendered, and the result given to Kamailio to check.",
        ),
        Command(
            "test",
            "prove that everything here works",
            "sudo ./rvx test",
            "tools.testrun",
            _test_arguments,
            "Linters, types, layers, then the tests, then those with real phones. The first argument that is not "
            "listed here, and all after it, go to pytest, and then only pytest is run.",
            rest="pytest_args",
        ),
        Command(
            "bench",
            "measure: failover, load, master",
            "sudo ./rvx bench failover --json",
            "tools.bench",
            _bench_arguments,
        ),
        Command(
            "storm",
            "a building's day under faults by seed",
            "sudo ./rvx storm --seed 7 --minutes 20",
            "tools.storm",
            _storm_arguments,
            "Calls, restarts of phones, strangers and 112 go on while platform, line, unit, disk and clock fail in any "
            "overlap. It ends at the first thing that must not be, and tells its seed.",
        ),
    )
}

GROUPS = (
    ("Start", ("run", "restart", "demo", "extension", "people", "referral", "identity")),
    ("Look", ("status", "doctor", "explain", "check")),
    ("Prove", ("test", "bench", "storm")),
)


def overview() -> str:
    """What ``rvx`` alone says."""
    lines = [
        "Reservväxel: a building goes on talking when its telephony platform is gone.",
        "  sudo ./rvx demo              see an outage survived",
        "  ./rvx run                    be a gateway here; point a softphone at it",
        "  ./rvx status                 what works now, and what if something fails",
    ]
    lines.append("")
    for group, names in GROUPS:
        lines.append(f"{group}:")
        lines += [f"  {name:<10} {COMMANDS[name].summary}" for name in names]
    lines += ["", "Each has --help, --json, --config FILE, --state DIR, --no-color, --debug."]
    lines += ["Something wrong? rvx explain CODE works offline; docs/manual.md has the rest."]
    return "\n".join(lines)


def shared_options(parser: Parser) -> None:
    """The options that every command takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--no-color", action="store_true", help="no colours, also by NO_COLOR or RVX_NO_COLOR")
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get("RVX_CONFIG"),
        help=f"the configuration (RVX_CONFIG, else {DEFAULT_CONFIG} if it is there)",
    )
    parser.add_argument(
        "--state",
        metavar="DIR",
        default=os.environ.get("RVX_STATE"),
        help="the unit's data (RVX_STATE, else as configured, else ./state)",
    )
    parser.add_argument("--debug", action="store_true", help="show where in the program an error arose")


def parser_of(command: Command) -> Parser:
    """The parser of one command, shared options included."""
    summary = command.summary[0].upper() + command.summary[1:] + "."
    parser = Parser(f"rvx {command.name}", command.example, f"{summary} {command.description}".rstrip())
    command.arguments(parser)
    shared_options(parser)
    return parser


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
