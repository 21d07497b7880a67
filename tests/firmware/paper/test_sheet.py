"""Papers as PDF: what stands in them, their fonts, and what does not fit; read by poppler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from firmware.paper.blocks import Boxes, Heading, Lines, Paper, Points, Square, Table, Text
from firmware.paper.sheet import TooLong, pdf

NAMES = "Åsa Öberg, Ánte Sárri, Ŋ, <b>Bo & Co</b> ]]>"


def paper(*blocks: Any, **fields: Any) -> Paper:
    return Paper(**{"title": "Guide för åäö", "under": NAMES, "blocks": blocks, "foot": "Växeln", **fields})


def read(data: bytes, tmp_path: Path, *words: str) -> str:
    tool = words[0] if words else "pdftotext"
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} (poppler-utils) is not installed")
    file = tmp_path / "paper.pdf"
    file.write_bytes(data)
    rest = words[1:] if words else ("-layout",)
    out = () if tool == "pdffonts" else ("-",)
    return subprocess.run([tool, *rest, str(file), *out], check=True, capture_output=True, text=True).stdout


EVERY = (
    Heading("Rubrik"), Text("Löptext", strong=True), Points(("ett", "två")), Points(("först",), numbered=True),
    Boxes(("kvar", "gjort"), frozenset({1})), Table(rows=(("*23*N#", NAMES),), widths=(1, 2), mono=frozenset({0})),
    Square("https://vaxel.example/", "Sidan"), Lines("Skrivs under", ("Namn",)),
    Table(rows=(("1", "a"), ("2", "b"), ("3", "c")), widths=(1, 2), beside=2),
)  # fmt: skip


def test_what_is_written_is_read_again_and_markup_is_text(tmp_path: Path) -> None:
    text = read(pdf(paper(*EVERY)), tmp_path)
    for words in (
        "Guide för åäö",
        NAMES,
        "Rubrik",
        "Löptext",
        "• ett",
        "1. först",
        "*23*N#",
        "Sidan",
        "Växeln",
        "Skrivs under",
        "Namn",
        "1a3c",
        "2b",
    ):
        assert words.replace(" ", "") in text.replace(" ", "")


def test_its_fonts_are_embedded(tmp_path: Path) -> None:
    rows = read(pdf(paper(*EVERY)), tmp_path, "pdffonts").splitlines()[2:]
    used = [row for row in rows if not row.startswith("Helvetica")]  # named by ReportLab, used by nothing
    assert len(used) == 3
    assert all(" yes yes yes " in row for row in used)


def test_the_same_paper_is_the_same_bytes() -> None:
    assert pdf(paper(*EVERY)) == pdf(paper(*EVERY))


@pytest.mark.parametrize(("one_page", "cards"), [(True, False), (False, True), (True, True)])
def test_what_does_not_fit_is_refused(one_page: bool, cards: bool) -> None:
    long = tuple(Text("ord " * 60) for _ in range(60))
    with pytest.raises(TooLong):
        pdf(paper(*long, one_page=one_page, cards=cards))


@pytest.mark.parametrize("rows", [1, 50, 500])
def test_a_table_goes_over_pages_and_loses_no_row(rows: int, tmp_path: Path) -> None:
    table = Table(rows=tuple((f"rad {row}.", "x") for row in range(rows)), widths=(1, 1), head=("Huvud", "Y"))
    text = read(pdf(paper(Text("före"), table, Text("efter"))), tmp_path)
    assert all(f"rad {row}." in text for row in range(rows))
    assert "efter" in text


def test_one_page_is_made_small_enough(tmp_path: Path) -> None:
    long = tuple(Text("ord " * 60) for _ in range(16))
    assert read(pdf(paper(*long, one_page=True)), tmp_path).count("\f") == 1
    assert read(pdf(paper(*long)), tmp_path).count("\f") == 2


@pytest.mark.parametrize("text", ["", "x" * 5000, "\x00\x07", "a\u202eb", "\U0001f600", "\n\n", "&amp;<para>"])
def test_no_text_breaks_it(text: str) -> None:
    assert pdf(paper(Text(text), Points((text,)), Table(rows=((text, text),), widths=(1, 1)), title=text)).startswith(
        b"%PDF"
    )
