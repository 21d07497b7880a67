"""People out of a CSV file and into one: `source` makes rows of bytes, `cells` values of cells, `rows` what a row says
of a person and a phone; `out` writes them. What is done with rows is `firmware.store.staged`'s."""

from firmware.store.people_csv.cells import COLUMNS
from firmware.store.people_csv.out import write, write_extract, write_vcards
from firmware.store.people_csv.rows import Action, Fault, Place, Reading, Row
from firmware.store.people_csv.source import opened

__all__ = [
    "COLUMNS",
    "Action",
    "Fault",
    "Place",
    "Reading",
    "Row",
    "opened",
    "write",
    "write_extract",
    "write_vcards",
]
