"""What a paper is made of. Text is text: nothing in it is markup."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Block", "Boxes", "Heading", "Lines", "Paper", "Points", "Square", "Table", "Text"]


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A list, each with a dot; `numbered`: in this order."""

    texts: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Boxes:
    """A list to be ticked off by pen; those of `done` are."""

    texts: tuple[str, ...]
    done: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """`widths`: how the columns share the line. `mono`: columns of what is dialled. `says`: the column that says what
    the others are, where there is no head. `beside`: on paper so many rows stand beside each other."""

    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    head: tuple[str, ...] = ()
    mono: frozenset[int] = frozenset()
    says: int | None = None
    beside: int = 1


@dataclass(frozen=True, slots=True)
class Lines:
    """To be filled in by pen; a page has none of it."""

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Square:
    """A QR code that leads somewhere, with words beside it."""

    address: str
    text: str


Block = Heading | Text | Points | Boxes | Table | Lines | Square


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """`under`: of whom it is, in a line. `foot`: on each page. `one_page`: it has to be one. `cards`: A5 twice on a
    lying A4, to be cut."""

    title: str
    under: str
    blocks: tuple[Block, ...]
    foot: str
    one_page: bool = False
    cards: bool = False
