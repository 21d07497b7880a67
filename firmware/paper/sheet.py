"""A paper as a PDF, by ReportLab, which is loaded by this file alone and when it is needed.

Fonts are embedded, DejaVu where Debian has it (Sámi names), else ReportLab's own Vera (Swedish ones). The same paper
gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4, A5, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Frame, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from firmware.paper.blocks import Block, Boxes, Heading, Lines, Paper, Points, Square, Table, Text

__all__ = ["TooLong", "pdf"]

_DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
_FACES = {
    "text": ("DejaVuSans.ttf", "Vera.ttf"),
    "strong": ("DejaVuSans-Bold.ttf", "VeraBd.ttf"),
    "mono": ("DejaVuSansMono.ttf", "Vera.ttf"),
}
SIZES = (10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
"""Points; of a paper that has to be one page the largest that fits."""
CARD_SIZES = (8.0, 7.5, 7.0, 6.5, 6.0)
PAGES_MAX = 200
TEXT_MAX, BODY_PT = 1_500, 10.0
"""Letters of one paragraph or cell, of this size: what is longer is cut, as a page could not hold it."""
MARGIN = 18 * mm
CARD_MARGIN = 9 * mm
_INK, _GREY, _RULE = colors.HexColor("#1a1a1a"), colors.HexColor("#555555"), colors.HexColor("#bbbbbb")


class TooLong(ValueError):
    """More than fits."""


def pdf(paper: Paper) -> bytes:
    """Raises TooLong."""
    _fonts()
    sizes = CARD_SIZES if paper.cards else SIZES if paper.one_page else SIZES[:1]
    for size in sizes:
        data = _card(paper, size) if paper.cards else _pages(paper, size, 1 if paper.one_page else PAGES_MAX)
        if data is not None:
            return data
    raise TooLong(f"{paper.title}: more than fits on {'a card' if paper.cards else 'its pages'}")


def _fonts() -> None:
    for name, (debian, own) in _FACES.items():
        if name in pdfmetrics.getRegisteredFontNames():
            continue
        try:
            font = TTFont(name, str(_DEJAVU / debian))
        except TTFError:
            font = TTFont(name, own)
        pdfmetrics.registerFont(font)


def _pages(paper: Paper, size: float, most: int) -> bytes | None:
    """None: more than so many."""
    target = BytesIO()
    canvas = _canvas(target, A4, paper)
    width, height = A4
    left = list(_flow(paper, size, width - 2 * MARGIN))
    for page in range(1, most + 1):
        frame = _frame(MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN)
        before = len(left)
        frame.addFromList(left, canvas)
        if left and not _split(left, frame, canvas) and len(left) == before:
            return None
        _foot(canvas, paper, MARGIN, width, f"{page}")
        canvas.showPage()
        if not left:
            canvas.save()
            return target.getvalue()
    return None


def _split(left: list[Flowable], frame: Frame, canvas: Canvas) -> bool:
    """As much of what comes next as there is room for; whether there was for any."""
    parts = frame.split(left[0], canvas)
    if not parts:
        return False
    left[:1] = parts
    frame.addFromList(left, canvas)
    return True


def _card(paper: Paper, size: float) -> bytes | None:
    target = BytesIO()
    canvas = _canvas(target, landscape(A4), paper)
    width, height = A5
    for place in range(2):
        left = list(_flow(paper, size, width - 2 * CARD_MARGIN))
        x = place * width
        _frame(x + CARD_MARGIN, CARD_MARGIN, width - 2 * CARD_MARGIN, height - 2 * CARD_MARGIN).addFromList(
            left, canvas
        )
        if left:
            return None
        _foot(canvas, paper, CARD_MARGIN, width, "", x)
    canvas.setStrokeColor(_RULE)
    canvas.setDash(2, 3)
    canvas.line(width, 0, width, height)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _canvas(target: BytesIO, size: tuple[float, float], paper: Paper) -> Canvas:
    rl_config.invariant = 1
    canvas = Canvas(target, pagesize=size, invariant=1, initialFontName="text", lang="sv-SE")
    canvas.setTitle(paper.title)
    canvas.setAuthor("Reservväxel")
    canvas.setSubject(paper.under)
    return canvas


def _frame(x: float, y: float, width: float, height: float) -> Frame:
    return Frame(x, y, width, height, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)


def _foot(canvas: Canvas, paper: Paper, margin: float, width: float, page: str, x: float = 0.0) -> None:
    canvas.setFont("text", 7)
    canvas.setFillColor(_GREY)
    canvas.drawString(x + margin, margin * 0.55, paper.foot)
    canvas.drawRightString(x + width - margin, margin * 0.55, page)
    canvas.setFillColor(_INK)


def _flow(paper: Paper, size: float, width: float) -> Iterator[Flowable]:
    yield _paragraph(paper.title, size * 1.9, "strong", after=size * 0.3)
    if paper.under:
        yield _paragraph(paper.under, size, colour=_GREY, after=size * 0.6)
    for block in paper.blocks:
        yield from _block(block, size, width)


def _block(block: Block, size: float, width: float) -> Iterator[Flowable]:
    match block:
        case Heading(text):
            yield _paragraph(text, size * 1.25, "strong", before=size * 0.7, after=size * 0.25, keep=True)
        case Text(text, strong):
            yield _paragraph(text, size, "strong" if strong else "text", after=size * 0.45)
        case Points(texts, numbered):
            for number, text in enumerate(texts, start=1):
                mark = f"{number}." if numbered else "•"
                yield _paragraph(text, size, after=size * 0.25, mark=mark)
            yield Spacer(0, size * 0.3)
        case Boxes(texts, done):
            for place, text in enumerate(texts):
                yield _boxed(text, place in done, size, width)
        case Table() if block.rows:
            yield _grid(_beside(block), size, width)
            yield Spacer(0, size * 0.6)
        case Lines(title, names):
            yield _paragraph(title, size * 1.25, "strong", before=size * 0.7, after=size * 0.25, keep=True)
            yield _grid(Table(rows=tuple((name, "") for name in names), widths=(1, 4)), size, width)
        case Square(address, text):
            yield _square(address, text, size, width)


def _paragraph(
    text: str, size: float, font: str = "text", *, before: float = 0, after: float = 0, mark: str = "",
    colour: Any = _INK, keep: bool = False,
) -> Paragraph:  # fmt: skip
    style = ParagraphStyle(
        "one", fontName=font, fontSize=size, leading=size * 1.32, spaceBefore=before, spaceAfter=after,
        alignment=TA_LEFT, textColor=colour, leftIndent=size * 1.5 if mark else 0, bulletIndent=size * 0.2,
        bulletFontName=font, bulletFontSize=size, keepWithNext=keep, splitLongWords=1,
    )  # fmt: skip
    most = round(TEXT_MAX * BODY_PT / max(size, BODY_PT) ** 2 * BODY_PT)
    return Paragraph(escape(text if len(text) <= most else f"{text[:most]}…"), style, bulletText=mark or None)


def _beside(block: Table) -> Table:
    """The first part of the rows, and the others beside them."""
    if block.beside == 1:
        return block
    half = -(-len(block.rows) // block.beside)
    empty = ("",) * len(block.widths)
    parts = [block.rows[place : place + half] for place in range(0, len(block.rows), half)]
    rows = tuple(sum(row, ()) for row in zip_longest(*parts, fillvalue=empty))
    columns = len(block.widths)
    mono = frozenset(part * columns + place for part in range(len(parts)) for place in block.mono)
    return Table(rows=rows, widths=block.widths * len(parts), mono=mono)


def _grid(block: Table, size: float, width: float) -> Grid:
    share = width / sum(block.widths)
    head = [[_paragraph(cell, size * 0.9, "strong") for cell in block.head]] if block.head else []
    body = [
        [_paragraph(cell, size, "mono" if place in block.mono else "text") for place, cell in enumerate(row)]
        for row in block.rows
    ]
    grid = Grid(
        [*head, *body],
        colWidths=[share * one for one in block.widths],
        repeatRows=len(head),
        splitByRow=1,
        hAlign="LEFT",
    )
    pad = size * (0.2 if size > CARD_SIZES[0] else 0.05)  # what is small lies close
    grid.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), "text", size),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
            ("TOPPADDING", (0, 0), (-1, -1), pad),
            ("BOTTOMPADDING", (0, 0), (-1, -1), pad * 1.5 + 0.5),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), size * 0.6),
        ]
    )
    return grid


def _boxed(text: str, done: bool, size: float, width: float) -> Grid:
    box = Grid([["X" if done else ""]], colWidths=[size * 1.2], rowHeights=[size * 1.2])
    box.setStyle(
        [
            ("BOX", (0, 0), (-1, -1), 0.8, _INK),
            ("FONT", (0, 0), (-1, -1), "text", size),
            ("LEFTPADDING", (0, 0), (-1, -1), 1),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    row = Grid([[box, _paragraph(text, size)]], colWidths=[size * 2, width - size * 2])
    row.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), size * 0.25),
            ("BOTTOMPADDING", (0, 0), (-1, -1), size * 0.25),
        ]
    )
    return row


class _Qr(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Drawn as squares, so that it is sharp at any size."""

    def __init__(self, address: str, side: float) -> None:
        super().__init__()
        import segno

        self._rows = [bytes(row) for row in segno.make(address, error="m", micro=False).matrix]
        self.width = self.height = side

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        step = self.width / len(self._rows)
        for y, row in enumerate(self._rows):
            for x, dark in enumerate(row):
                if dark:
                    self.canv.rect(x * step, self.height - (y + 1) * step, step, step, stroke=0, fill=1)


def _square(address: str, text: str, size: float, width: float) -> Grid:
    side = size * 8
    row = Grid([[_Qr(address, side), _paragraph(text, size)]], colWidths=[side + size, width - side - size])
    row.setStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
    return row
