"""docs/survival.md: what does not survive stands first, every row is whole, and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "survival.md").read_text("utf-8")
COLUMNS = 4
TEST = re.compile(r"`(tests/[^`]*)`")


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, its head first, without the line of dashes."""
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith(heading + "\n")]
    lines = [line for line in found.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert set("".join(cells.pop(1))) <= {"-", ":"}, f"{heading}: no table"
    return cells


def test_what_does_not_survive_stands_first() -> None:
    assert re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[:2] == ["Does not survive", "Survives"]


def test_every_row_has_four_cells_with_something_in_each() -> None:
    for heading in ("Does not survive", "Survives"):
        for row in rows(heading):
            assert len(row) == COLUMNS, row
            assert all(row), row


def test_every_failure_that_is_survived_names_its_tests_and_they_are_there() -> None:
    head, *survived = rows("Survives")
    assert head == ["what fails", "what a person in the building notices", "how long", "shown by"]
    assert len(survived) >= 6
    for row in survived:
        named = TEST.findall(row[-1])
        assert named, row
        for name in named:
            file, _, test = name.partition("::")
            assert (ROOT / file).is_file(), name
            function = test.partition("[")[0]
            assert not test or f"def {function}(" in (ROOT / file).read_text("utf-8"), name


def test_no_failure_stands_there_twice() -> None:
    for heading in ("Does not survive", "Survives"):
        names = [row[0] for row in rows(heading)]
        assert len(set(names)) == len(names)
