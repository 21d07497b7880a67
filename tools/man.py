"""Manual, man page, completion, settings and codes, from what the program itself goes by, so that they cannot be wrong.

``python -m tools.man`` writes them; ``tests/docs`` fails when one is not what would be written.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from firmware import __version__
from firmware.config import SECRETS_FILE, known_keys
from tools import completion
from tools.commands import COMMANDS, GROUPS
from tools.errors import AREAS
from tools.errors.catalog import CATALOG
from tools.parser import Command, Parser, parser_of, shared_options

__all__ = ["FILES", "codes", "commands", "configuration", "man_page", "manual", "own_arguments"]

DOCS = Path(__file__).resolve().parent.parent / "docs"

_EXIT_CODES = (
    ("0", "done, or healthy; warnings included"),
    ("1", "a check, drill or test failed"),
    ("2", "wrong usage or configuration"),
    ("3", "could not find out: not running, not root, time-out"),
    ("130", "ended by Ctrl-C"),
)
_ENVIRONMENT = (
    ("RVX_CONFIG", "the configuration file, as --config"),
    ("RVX_STATE", "the folder of the unit's data, as --state"),
    ("NO_COLOR, RVX_NO_COLOR", "when set, no colours; nor with TERM=dumb or when the output is no terminal"),
)
_MADE = "Written by `python -m tools.man`; change the source, not this file."


def commands() -> Iterator[Command]:
    """Every command that does something, in the order of the overview."""
    for _, names in GROUPS:
        for name in names:
            yield from COMMANDS[name].actions or (COMMANDS[name],)


def manual() -> str:
    """``docs/manual.md``."""
    lines = ["# The commands of rvx", "", _MADE, "", "Results go to standard output, progress and hints to standard"]
    lines += ["error. Options may not be abbreviated. An error is said in three lines (what, why, do), with a code"]
    lines += ["that `rvx explain` knows offline; [errors.md](errors.md) lists them."]
    for group, names in GROUPS:
        lines += ["", f"## {group}"]
        for name in names:
            for command in COMMANDS[name].actions or (COMMANDS[name],):
                lines += ["", f"### rvx {command.name}", "", *_section(command)]
    shared = Parser("rvx", "", "")
    shared_options(shared)
    lines += ["", "## Options of every command", "", *_options(shared.actions())]
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|", *(f"| {c} | {m} |" for c, m in _EXIT_CODES)]
    lines += ["", "## Environment", "", "| variable | meaning |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in _ENVIRONMENT]
    return "\n".join(lines) + "\n"


def codes() -> str:
    """``docs/errors.md``."""
    lines = ["# Felkoder · Error codes", "", _MADE]
    for letter, (area_sv, area_en) in AREAS.items():
        lines += ["", f"## {letter}: {area_sv} · {area_en}"]
        for code, entry in CATALOG.items():
            if code.startswith(f"RVX-{letter}"):
                lines += ["", f"### {code}", ""]
                lines += [f"**{entry.sv.what}** {entry.sv.cause} *Gör så här:* {entry.sv.remedy}", ""]
                lines += [f"**{entry.en.what}** {entry.en.cause} *What to do:* {entry.en.remedy}"]
    return "\n".join(lines) + "\n"


def man_page() -> str:
    """``docs/rvx.1``, for man(1)."""
    lines = [f'.TH RVX 1 "" "reservvaxel {__version__}"', ".SH NAME", "rvx \\- survivable branch gateway"]
    lines += [".SH SYNOPSIS", ".B rvx", ".I command", "[options]", ".SH COMMANDS"]
    for command in commands():
        parser = parser_of(command)
        lines += [".TP", f".B rvx {_roff(command.name)}", _roff(str(parser.description))]
        lines += [".RS", ".PP", "Example:", f".B {_roff(command.example)}", ".RE"]
        for action in own_arguments(parser):
            lines += [".RS", ".TP", f".B {_roff(_label(action))}", _roff(str(action.help)), ".RE"]
    shared = Parser("rvx", "", "")
    shared_options(shared)
    lines += [".SH OPTIONS OF EVERY COMMAND"]
    for action in shared.actions():
        lines += [".TP", f".B {_roff(_label(action))}", _roff(str(action.help))]
    for heading, rows in (("EXIT STATUS", _EXIT_CODES), ("ENVIRONMENT", _ENVIRONMENT)):
        lines += [f".SH {heading}"]
        for name, meaning in rows:
            lines += [".TP", f".B {_roff(name)}", _roff(meaning)]
    return "\n".join(lines) + "\n"


def configuration() -> str:
    """``docs/configuration.md``."""
    lines = ["# The configuration", "", _MADE, ""]
    lines += [
        "`/etc/reservvaxel/unit.toml`, read once at start; a change is a new start. `rvx check FILE` tries it and"
    ]
    lines += ["changes nothing; a file with any fault is refused whole. What is not given has the value shown here."]
    lines += [f"Secrets stand in `{SECRETS_FILE}` beside it, which its owner alone may read (mode 0600)."]
    lines += ["[firmware/example.toml](../firmware/example.toml) is a file to begin with."]
    section = ("", "")
    for key in known_keys():
        if (key.file, key.section) != section:
            section = key.file, key.section
            head = f"[[{key.section}]]" if key.many else f"[{key.section}]"
            lines += ["", f"## {head} in {key.file}", "", "| key | what it is | may be | if not given |"]
            lines += ["|---|---|---|---|"]
        given = "must be given" if key.required else f"`{_toml(key.default)}`"
        lines += [f"| `{key.name}` | {_cell(key.meaning)} | {_cell(key.expected)} | {given} |"]
    return "\n".join(lines) + "\n"


FILES = {
    "manual.md": manual,
    "errors.md": codes,
    "configuration.md": configuration,
    "rvx.1": man_page,
    "completion/rvx.bash": completion.bash,
    "completion/_rvx": completion.zsh,
}


def _section(command: Command) -> Iterator[str]:
    parser = parser_of(command)
    yield str(parser.description)
    yield from ("", "```", command.example, "```")
    own = own_arguments(parser)
    if own:
        yield ""
        yield from _options(own)


def own_arguments(parser: Parser) -> list[argparse.Action]:
    """A command's arguments, without those that every command takes."""
    shared = Parser("rvx", "", "")
    shared_options(shared)
    everywhere = {action.dest for action in shared.actions()}
    return [action for action in parser.actions() if action.dest not in everywhere]


def _options(actions: list[argparse.Action]) -> Iterator[str]:
    yield from ("| argument | meaning |", "|---|---|")
    yield from (f"| `{_label(action)}` | {action.help} |" for action in actions)


def _label(action: argparse.Action) -> str:
    value = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
    names = ", ".join(action.option_strings)
    return f"{names} {value}".strip() if names else str(value)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _roff(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


if __name__ == "__main__":
    for file, write in FILES.items():
        (DOCS / file).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / file).write_text(write(), encoding="utf-8")
