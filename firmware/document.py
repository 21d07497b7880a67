"""One TOML file on its way to values, and what is wrong with it.

The keys are the fields of dataclasses, one dataclass for each section; ``key`` gives a field its rule and its meaning.
Every problem is gathered with its line, and with the nearest key that is known.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any

from firmware.bounds import Refused, Rule, shown

__all__ = ["FILE_MAX_BYTES", "PROBLEMS_MAX", "Document", "Problem", "Sections", "key", "rule_of", "sha256_of"]

FILE_MAX_BYTES = 64 * 1024
LINE_MAX = 4096
"""Characters. With FILE_MAX_BYTES it bounds the time of TOML's parser, which is quadratic in a line."""
ARRAY_MAX = 16
"""Tables of one name."""
STATEMENT_MAX_LINES = 200
"""A list longer than this ends the search for lines, which is quadratic in a statement."""
PROBLEMS_MAX = 50
"""More are not read by anybody."""

Sections = Mapping[str, type[Any]]
"""The dataclass of each section of a file."""


def key(rule: Rule, meaning: str) -> dict[str, Any]:
    """Give the metadata of a field that is a key: its rule, and in a few words what it is."""
    return {"rule": rule, "meaning": meaning}


def rule_of(field: Field[Any]) -> Rule:
    rule: Rule = field.metadata["rule"]
    return rule


def sha256_of(text: str) -> str:
    """By which one file is told from another."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that cannot be so. ``line`` is None when no line says it; ``key`` is "section.name", or empty."""

    file: Path
    line: int | None
    key: str
    message: str
    expected: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        parts = [f"{place}: {self.key + ': ' if self.key else ''}{self.message}"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.nearest:
            parts.append(f"did you mean {self.nearest}?")
        return "; ".join(parts)


class Document:
    """A file, read when this is made; ``problems`` grows. A ``secret`` one may be absent, and is its owner's alone."""

    def __init__(self, path: Path, *, secret: bool = False) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._text = ""
        self._table: dict[str, Any] = {}
        self._lines: dict[tuple[str, ...], int] | None = None
        try:
            self._text = _read(path, secret)
            self._table = tomllib.loads(self._text)
        except FileNotFoundError:
            if not secret:
                self._add(None, "", "there is no such file")
        except _Unreadable as error:
            self._add(error.line, "", str(error))
        except OSError as error:
            self._add(None, "", error.strerror or str(error))
        except RecursionError:
            self._add(None, "", "lists or tables are nested too deep")
        except ValueError as error:  # TOML's own, and int()'s about numbers of very many digits
            self._add(_line_of(error, self._text), "", f"not TOML: {re.sub(r' [(]at .*', '', str(error))}")
        self._usable = not self.problems

    def take(self, sections: Sections, elsewhere: Mapping[str, str], arrays: Sections | None = None) -> dict[str, Any]:
        """Give the values of all keys as "section.name", defaults included, without those that were refused.

        ``elsewhere`` says of sections that belong in another file, in which. ``arrays`` are those that may be there any
        number of times, ``[[name]]``: their keys are "section.1.name" and on, and "section" is how many there are.
        """
        values: dict[str, Any] = {}
        if not self._usable:
            return values
        arrays = arrays or {}
        known = {**arrays, **sections}
        for name, found in self._table.items():
            if name in arrays:
                self._array(name, arrays[name], found, values, known)
            elif name in sections:
                if not isinstance(found, dict):
                    self.refuse((name,), f"{shown(found)} is not a table", f"[{name}] on a line of its own")
            elif name in elsewhere and isinstance(found, dict):
                self.refuse((name,), f"the section belongs in {elsewhere[name]}")
            else:
                self._unknown((name,), known)
        for section, kind in sections.items():
            found = self._table.get(section, {})
            if isinstance(found, dict):
                self._section((section,), kind, found, values, known)
        return values

    def refuse(self, names: tuple[str, ...], message: str, expected: str = "", nearest: str | None = None) -> None:
        """Add a problem with a key, at the line that sets it or else that of its section."""
        if self._lines is None:
            self._lines = lines_of(self._text)
        near = (names[:depth] for depth in range(len(names), 0, -1))
        line = next((self._lines[each] for each in near if each in self._lines), None)
        self._add(line, _dotted(names), message, expected, nearest)

    def _add(self, line: int | None, dotted: str, message: str, expected: str = "", nearest: str | None = None) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(self.path, line, dotted, message, expected, nearest))

    def _array(self, name: str, kind: type[Any], found: object, values: dict[str, Any], sections: Sections) -> None:
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.refuse((name,), f"{shown(found)} is no list of tables", f"[[{name}]] on a line of its own, for each")
            return
        if len(found) > ARRAY_MAX:
            self.refuse((name,), f"there are {len(found)}", f"{ARRAY_MAX} or fewer")
            return
        values[name] = len(found)
        for number, each in enumerate(found, start=1):
            self._section((name, str(number)), kind, each, values, sections)

    def _section(
        self,
        place: tuple[str, ...],
        kind: type[Any],
        found: Mapping[str, object],
        values: dict[str, Any],
        sections: Sections,
    ) -> None:
        keys = {field.name: field for field in fields(kind)}
        prefix = ".".join(place)
        for name in found:
            if name not in keys:
                self._unknown((*place, name), sections)
        for name, field in keys.items():
            rule = rule_of(field)
            try:
                if name in found:
                    values[f"{prefix}.{name}"] = rule.take(found[name])
                elif field.default is MISSING:
                    self.refuse((*place, name), "is missing", rule.expected)
                else:
                    values[f"{prefix}.{name}"] = field.default
            except Refused as refused:
                self.refuse((*place, name), str(refused), rule.expected, refused.nearest)

    def _unknown(self, names: tuple[str, ...], sections: Sections) -> None:
        """Refuse a key or section that is not known, with the nearest one: of its own section, then of any."""
        if len(self.problems) >= PROBLEMS_MAX:
            return
        *inside, name = names
        what = "unknown key" if inside else "unknown section, or key outside a section"
        everywhere = {
            each.name: f"{section}.{each.name}" for section, kind in sections.items() for each in fields(kind)
        }
        if name in everywhere:
            home = everywhere[name]
            self.refuse(names, f"{what}; it belongs in [{home.partition('.')[0]}]", nearest=home)
            return
        if inside:
            near = {field.name: f"{inside[0]}.{field.name}" for field in fields(sections[inside[0]])}
        else:
            near = {section: f"[{section}]" for section in sections}
        self.refuse(names, what, nearest=_nearest(name, near) or _nearest(name, everywhere))


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Give the line, counted from 1, of each section and key of a valid document, two names deep; of a table in a list
    ("[[name]]") by its number, which is the second of three.

    tomllib knows no lines. But a statement is the fewest whole lines that parse by themselves.
    """
    found: dict[tuple[str, ...], int] = {}
    header: tuple[str, ...] = ()
    numbers: Counter[tuple[str, ...]] = Counter()
    statement: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        statement.append(line)
        try:
            paths = _paths(tomllib.loads("\n".join(statement)))
        except ValueError:
            if len(statement) > STATEMENT_MAX_LINES:
                return found
            continue
        if statement[0].lstrip().startswith("["):
            header, paths = (), paths[-1:]
        if statement[0].lstrip().startswith("[[") and len(paths[0]) == 1:
            numbers[paths[0]] += 1
            paths = [(*paths[0], str(numbers[paths[0]]))]
        for path in paths:
            full = (*header, *path)[: 3 if header[:1] in numbers else 2]
            for depth in range(1, len(full) + 1):
                found.setdefault(full[:depth], number - len(statement) + 1)
        if statement[0].lstrip().startswith("["):
            header = paths[0]
        statement.clear()
    return found


class _Unreadable(Exception):
    """The file's bytes cannot be taken as text, or are not for us to take."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def _read(path: Path, secret: bool) -> str:
    """Give a file's text, bounded; raises _Unreadable or OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _Unreadable("is no plain file")
        if secret and status.st_mode & 0o7177:
            mode = stat.S_IMODE(status.st_mode)
            raise _Unreadable(f"must be for its owner alone, not mode {mode:04o}: chmod 0600 {path}")
        if secret and status.st_uid not in (os.geteuid(), 0):
            raise _Unreadable(f"belongs to another user (number {status.st_uid}): chown {os.geteuid()} {path}")
        data = file.read(FILE_MAX_BYTES + 1)
    if len(data) > FILE_MAX_BYTES:
        raise _Unreadable(f"is longer than {FILE_MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _Unreadable("is not UTF-8", error.object.count(b"\n", 0, error.start) + 1) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LINE_MAX:
            raise _Unreadable(f"the line is longer than {LINE_MAX} characters", number)
    return text


def _line_of(error: ValueError, text: str) -> int | None:
    """Give the line that TOML's parser names in its words."""
    if match := re.search(r"at line ([0-9]+)", str(error)):
        return int(match[1])
    return text.rstrip("\n").count("\n") + 1 if "end of document" in str(error) else None


def _paths(table: Mapping[str, object]) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    for name, value in table.items():
        paths.append((name,))
        if isinstance(value, dict):
            paths.extend((name, inner) for inner in value)
    return paths


def _dotted(names: tuple[str, ...]) -> str:
    """Give a key's name for a terminal: a quoted one may hold anything."""
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) else shown(name) for name in names)


def _nearest(name: str, candidates: Mapping[str, str]) -> str | None:
    near = difflib.get_close_matches(name[:80], candidates, 1)
    return candidates[near[0]] if near else None
