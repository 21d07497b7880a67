"""A hostile file as rows of cells, read as it comes: never more of it in memory than one row.

It may be in Windows-1252 or UTF-8, with commas, semicolons or tabs, with a quote that is never closed.
"""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

__all__ = ["BYTES_MAX", "ROWS_MAX", "ROW_MAX", "CsvRows", "encoding_of", "has_more_rows", "opened"]

BYTES_MAX = 512 * 1024 * 1024
_TOO_LARGE = f"larger than {BYTES_MAX // 2**20} MiB"
ROWS_MAX = 250_000
"""More than the largest municipality, and six smaller ones, have."""

ROW_MAX = 64 * 1024
"""Characters of a row with its line breaks; a quote that is not closed runs no further."""

FIELD_MAX = 10_000
"""Characters between two delimiters, before anything is done with them."""

CHUNK_BYTES = 1 << 20
SNIFFED_BYTES = 4096


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The file as text, its line ends as they are. Raises OSError, and ValueError for one in no encoding of ours."""
    with ExitStack() as ends:
        file: BinaryIO = ends.enter_context(path.open("rb"))
        if not file.seekable():  # a pipe: it is read more than once
            pipe, file = file, ends.enter_context(tempfile.TemporaryFile())
            _copy(pipe, file)
        encoding = encoding_of(file)
        file.seek(0)
        yield io.TextIOWrapper(file, encoding, newline="")


def encoding_of(file: BinaryIO) -> str:
    """UTF-8, with or without its mark, else Windows-1252. Raises ValueError for what is neither."""
    begins = file.read(SNIFFED_BYTES)
    if begins[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in begins:
        raise ValueError("neither UTF-8 nor Windows-1252: save it as CSV UTF-8")
    marked = begins.startswith(codecs.BOM_UTF8)
    file.seek(0)
    letters = _decoded(file, "utf-8")
    if letters is None:
        return "utf-8-sig"
    line, plain = letters
    # Letters that are right until then: UTF-8 with a fault, and no name would survive to be taken for another.
    if marked or not plain:
        raise ValueError(f"line {line}: no UTF-8, as which it begins")
    file.seek(0)
    if (fault := _decoded(file, "cp1252")) is not None:
        raise ValueError(f"line {fault[0]}: neither UTF-8 nor Windows-1252")
    return "cp1252"


def has_more_rows(file: TextIO, most: int) -> bool:
    """Whether a file has more rows than that; looked for before any of them is read with care. Reads it from where it
    stands, and not to its end. False also for a file that is no CSV."""
    try:
        return any(count > most for count, _ in enumerate(CsvRows(file)))
    except csv.Error:
        return False


class CsvRows:
    """Rows of cells, the heading first. Raises csv.Error for what is no CSV, or too large to be one."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._row_length = 0
        self.line = 1
        """On which the last row that was given began, as an editor counts."""

    def __iter__(self) -> Iterator[list[str]]:
        lines = self._lines()
        if not (first := next(lines, "")):
            return
        csv.field_size_limit(FIELD_MAX)
        delimiter = max(";,\t", key=first.count)
        self._row_length = 0
        reader = csv.reader(self._again(first, lines), delimiter=delimiter, strict=True)
        begins = 1
        while True:
            self.line = begins
            self._row_length = 0
            cells = next(reader, None)
            if cells is None:
                return
            yield cells
            begins = reader.line_num + 1

    def _again(self, first: str, rest: Iterator[str]) -> Iterator[str]:
        self._row_length = len(first)
        yield first
        yield from rest

    def _lines(self) -> Iterator[str]:
        """Lines, until those of one row are more than any row has."""
        while line := self._file.readline(ROW_MAX + 1):
            self._row_length += len(line)
            if self._row_length > ROW_MAX:
                raise csv.Error(f"a row of more than {ROW_MAX} characters; is a quote not closed?")
            yield line


def _copy(stream: BinaryIO, kept: BinaryIO) -> None:
    """No more of it than a file may have."""
    while data := stream.read(CHUNK_BYTES):
        if kept.tell() + len(data) > BYTES_MAX:
            raise ValueError(_TOO_LARGE)
        kept.write(data)
    kept.seek(0)


def _decoded(file: BinaryIO, encoding: str) -> tuple[int, bool] | None:
    """None when all of it can be; else the line at fault, and whether all before it is plain ASCII."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, plain, size = 1, True, 0
    data = b"begin"
    while data:
        data = file.read(CHUNK_BYTES)
        size += len(data)
        if size > BYTES_MAX:
            raise ValueError(_TOO_LARGE)
        try:
            decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            return line + before.count(b"\n"), plain and before.isascii()
        line += data.count(b"\n")
        plain = plain and data.isascii()
    return None
