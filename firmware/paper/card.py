"""The code card: what is dialled for what, from the site's own table; two to a sheet, to be cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from callcontrol.plan.catalogue import words
from callcontrol.plan.codes import Code, Does, Function, Own
from callcontrol.plan.reasons import Needs, Reason
from firmware.paper.blocks import Block, Heading, Paper, Table, Text
from firmware.paper.site import Site

__all__ = ["GROUPS", "paper", "reasons", "rows", "written"]

GROUPS: tuple[tuple[str, tuple[Does, ...]], ...] = (
    ("Frånvaro", (Own.REFER, Own.REFER_OTHER)),
    (
        "Vidarekoppling",
        (
            Own.FOLLOW_ME, Own.FORWARD, Own.BUSY, Own.NO_ANSWER, Own.NOT_REACHABLE, Own.DO_NOT_DISTURB, Own.ALL_OFF,
            Own.STATUS,
        ),
    ),
    (
        "I samtal",
        (
            Function.GROUP_PICK_UP, Function.PICK_UP, Function.PARK, Function.FETCH, Function.CALL_BACK,
            Function.CAMP_ON, Function.CONFERENCE, Function.ADD, Own.PAST, Own.WITHHELD, Function.THREAT,
            Function.BARGE_IN,
        ),
    ),
    ("Meddelanden", (Function.VOICEMAIL, Function.VOICEMAIL_OF)),
    ("Lås, PIN och annat", (Own.LOCK, Own.CALL_AS, Own.CHANGE_PIN, Own.NIGHT, Own.FAULT)),
)  # fmt: skip
"""What is not named here stands last."""
_OTHERS = "Övrigt"
OFF: dict[Does, Does] = {
    Own.REFER: Own.BACK,
    Own.REFER_OTHER: Own.BACK_OTHER,
    Own.FOLLOW_ME: Own.FORWARD_OFF,
    Own.FORWARD: Own.FORWARD_OFF,
    Own.BUSY: Own.BUSY_OFF,
    Own.NO_ANSWER: Own.NO_ANSWER_OFF,
    Own.NOT_REACHABLE: Own.NOT_REACHABLE_OFF,
    Own.DO_NOT_DISTURB: Own.DO_NOT_DISTURB_OFF,
    Own.LOCK: Own.UNLOCK,
    Function.CALL_BACK: Function.CALL_BACK_OFF,
}
"""What takes back what a code has set stands beside it."""

_LETTERS = {"N": "anknytning", "A": "nummer", "R": "orsak", "T": "tid", "P": "PIN"}
_OF: dict[Does, dict[str, str]] = {
    Function.PARK: {"N": "plats"},
    Function.FETCH: {"N": "plats"},
    Function.CONFERENCE: {"N": "rum"},
}


def paper(site: Site) -> Paper:
    blocks: list[Block] = []
    named: set[Does] = set()
    for title, group in GROUPS:
        named.update((*group, *(OFF[does] for does in group if does in OFF)))
        blocks += _group(title, rows(site.codes, group))
    blocks += _group(_OTHERS, rows(site.codes, (code.does for code in site.codes if code.does not in named)))
    if any(code.does is Own.REFER for code in site.codes) and any(reason.digit for reason in site.reasons):
        blocks += [Heading("Orsaker"), *reasons(site.reasons)]
    return Paper(
        title="Koder på telefonen",
        under=site.whose,
        blocks=(
            Text("Slå koden och vänta på beskedet. Den andra koden tar bort det igen. Sista # kan utelämnas."),
            *blocks,
        ),
        foot=f"112 slås som vanligt, även från låst telefon.  Växel {site.unit}",
        one_page=True,
        cards=True,
    )  # fmt: skip


def rows(codes: Sequence[Code], wanted: Iterable[Does]) -> tuple[tuple[str, str, str], ...]:
    """What is dialled, what takes it back, and what it does, in this order; of codes that do the same with the same
    letters the first."""
    found: dict[tuple[Does, str], Code] = {}
    for code in codes:
        found.setdefault((code.does, code.letters), code)
    order = {does: place for place, does in enumerate(dict.fromkeys(wanted))}
    offs = {does: written(code) for (does, _), code in reversed(found.items())}
    listed = sorted((code for code in found.values() if code.does in order), key=lambda code: order[code.does])
    return tuple(
        (written(code), offs.get(OFF[code.does], "") if code.does in OFF else "", _said(code)) for code in listed
    )


def written(code: Code) -> str:
    """With words in the place of letters: *23*orsak*tid#."""
    letters = {**_LETTERS, **_OF.get(code.does, {})}
    made, pins = "", 0
    for sign in code.written:
        word = letters.get(sign, sign)
        if sign == "P":
            pins += 1
            word = "nyPIN" if pins > 1 else word
        made += word
    return made


def reasons(listed: Iterable[Reason]) -> tuple[Block, ...]:
    """Those that have a digit."""
    known = [reason for reason in listed if reason.digit]
    takes = {Needs.TIME: "tid TTMM", Needs.DATE: "datum MMDD", Needs.NOTHING: ""}
    rows = tuple((reason.digit, reason.sv, takes[reason.needs]) for reason in known)
    return (
        Table(rows=rows, widths=(0.6, 2.6, 1.8), mono=frozenset({0}), beside=2),
        Text("orsak = siffran. tid = TTMM (1430) eller MMDD (1224)."),
    )


def _group(title: str, listed: tuple[tuple[str, str, str], ...]) -> tuple[Block, ...]:
    if not listed:
        return ()
    return Heading(title), Table(rows=listed, widths=(2.4, 1.7, 3.2), mono=frozenset({0, 1}), says=2)


def _said(code: Code) -> str:
    """By what it does and, where that differs by its letters, by those too."""
    try:
        return words("does", f"{code.does.value}_{code.letters}").sv
    except KeyError:
        return words("does", code.does.value).sv
