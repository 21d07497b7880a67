"""Every error and problem that a person may meet, by its code, in Swedish and in English.

A code is ``RVX-``, a letter for the area and two figures. It never changes its meaning and is never used again. Each
area's codes stand in a file of their own, which ``tools.errors.catalog`` joins: what ``rvx explain`` says without any
network, and what ``docs/errors.md`` is made from.
"""

from typing import NamedTuple

__all__ = ["AREAS", "DONE", "FAILED", "INTERRUPTED", "UNKNOWN", "USAGE", "Entry", "Said", "UserError"]

# Exit codes, the same for every command.
DONE = 0  # done, or healthy; warnings included
FAILED = 1  # a check, drill or test failed
USAGE = 2  # wrong usage or configuration
UNKNOWN = 3  # could not find out: not running, not root, time-out
INTERRUPTED = 130  # Ctrl-C

AREAS = {
    "A": ("kommandoraden", "the command line"),
    "B": ("växelparet", "the pair of units"),
    "C": ("inställningarna", "the configuration"),
    "D": ("anknytningar och lösenord", "extensions and their secrets"),
    "E": ("samtalsdelen, Kamailio", "the edge, Kamailio"),
    "G": ("nödsamtal och andra vägar ut", "emergency calls and other ways out"),
    "H": ("hänvisningarna", "referrals"),
    "I": ("växelns identitet och dess reserv", "the unit's identity and its spare"),
    "J": ("lagringen", "the store"),
    "K": ("katalogen", "the directory"),
    "L": ("linjen och plattformen", "the line and the platform"),
    "M": ("ljudet i samtalen", "the sound of calls"),
    "N": ("datorn som rvx körs på", "the machine that rvx runs on"),
    "O": ("SMS", "short messages"),
    "P": ("telefonerna", "the phones"),
    "Q": ("e-post och meddelanden", "mail and messages"),
    "R": ("arkivet", "the archive"),
    "S": ("växelns läge", "the state of the unit"),
    "T": ("kryptering och certifikat", "encryption and certificates"),
    "U": ("växelns egen dator", "the unit itself"),
    "V": ("mikrostyrkretsen", "the microcontroller"),
    "W": ("strömmen", "power"),
    "X": ("sidorna", "the pages"),
    "Y": ("navet", "the hub"),
    "Z": ("växelns synkning med navet", "the unit's synchronisation with the hub"),
}


class Said(NamedTuple):
    """One problem in one language: a sentence of what it is, one of why, one of what to do."""

    what: str
    cause: str
    remedy: str


class Entry(NamedTuple):
    """A problem in both languages, and how a command ends that meets it."""

    sv: Said
    en: Said
    exit_status: int = USAGE


class UserError(Exception):
    """Ends a command with a code from the catalog.

    ``detail`` says why in this very case, in place of the catalog's general cause; ``remedy`` likewise what to do.
    """

    def __init__(self, code: str, detail: str = "", remedy: str = "") -> None:
        from tools.errors.catalog import CATALOG  # which is made of this file's values; most starts never need it

        self.code = code
        self.entry = CATALOG[code]
        self.detail = detail or self.entry.en.cause
        self.remedy = remedy or self.entry.en.remedy
        super().__init__(f"{code} {self.entry.en.what} {self.detail}")
