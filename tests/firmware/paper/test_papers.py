"""Guides, cards and reserve plans: what they say follows the site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from callcontrol.plan.catalogue import catalogue
from callcontrol.plan.codes import Code, Function, Own
from callcontrol.plan.codesets import SETS
from callcontrol.plan.leaver import Leaver, Tick, What, checklist
from callcontrol.plan.model import Choices
from callcontrol.plan.reasons import MX_ONE
from callcontrol.plan.rights import Role
from firmware.config import Codes
from firmware.paper import card, guide
from firmware.paper.blocks import Block, Boxes, Heading, Lines, Points, Square, Table, Text
from firmware.paper.guide import OF_ROLES, Guide
from firmware.paper.leaver import TO_DO
from firmware.paper.leaver import paper as leaver_paper
from firmware.paper.sheet import pdf
from firmware.paper.site import Site

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BARE = Site(
    unit="rv-1", whose="Norrby kommun", municipality="norrby", place="", prefix="", reception="", codes=(), reasons=(),
    choices=Choices(), address="", by_data=False, by_gateway=False, modems=0, numbers=(), emergency=False,
    sms_referral=False, spoken=False, backup=False,
)  # fmt: skip
FULL = replace(
    BARE, place="Storgatan 1", prefix="0", reception="1000", codes=Codes(sets=tuple(SETS)).table,
    reasons=tuple(MX_ONE), address="https://vaxel.example/", by_data=True, modems=2, numbers=("070-123 45 67",),
    emergency=True, sms_referral=True, spoken=True, backup=True,
)  # fmt: skip


def said(blocks: Iterable[Block]) -> str:
    """All that stands there."""
    found = []
    for block in blocks:
        match block:
            case Heading(text) | Text(text) | Square(_, text):
                found.append(text)
            case Points(texts) | Boxes(texts):
                found += texts
            case Lines(title, names):
                found += [title, *names]
            case Table(rows):
                found += [" ".join(row) for row in rows]
    return "\n".join(found)


def text_of(made: Guide, site: Site) -> str:
    return said(guide.paper(made, site).blocks)


@pytest.mark.parametrize("site", [BARE, FULL], ids=["bare", "full"])
@pytest.mark.parametrize("made", Guide)
def test_every_guide_is_one_page_for_the_barest_and_the_fullest_site(made: Guide, site: Site) -> None:
    assert len(re.findall(rb"/Type /Page\b", pdf(guide.paper(made, site)))) == 1


def test_every_role_has_a_guide() -> None:
    assert set(OF_ROLES) == set(Role)
    assert set(guide.TITLES) == set(Guide)


@pytest.mark.parametrize("made", Guide)
def test_what_the_site_has_not_is_not_promised(made: Guide) -> None:
    bare = text_of(made, BARE)
    assert "http" not in bare
    assert "*23*" not in bare
    assert "SMS från din mobil" not in bare
    assert "mobilnätet," not in bare
    assert "på sidan" not in bare
    assert "ingen egen väg till 112" in bare


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"modems": 1}, "ett samtal åt gången"),
        ({"modems": 3}, "3 samtal åt gången"),
        ({"modems": 3, "by_data": True}, "en annan väg"),
        ({}, "Samtal ut ur huset går inte"),
        ({"emergency": True, "place": "Storgatan 1, plan 2"}, "Storgatan 1, plan 2"),
        ({"by_gateway": True, "prefix": "9"}, "Slå 9 först"),
    ],
)
def test_ways_out_and_112_are_said_as_they_are(fields: dict[str, Any], words: str) -> None:
    assert words in text_of(Guide.EMPLOYEE, replace(BARE, **fields))


def test_codes_are_the_sites_own() -> None:
    own = replace(FULL, codes=(Code.parse(Own.REFER, "*99*R*T#"), Code.parse(Own.BACK, "#99#")))
    text = text_of(Guide.EMPLOYEE, own)
    assert "*99*orsak*tid# #99#" in text
    assert "*23*" not in text


@pytest.mark.parametrize(
    ("allowed", "words"), [(True, "Mobilnummer lämnas ut."), (False, "Mobilnummer lämnas inte ut.")]
)
def test_choices_of_the_municipality(allowed: bool, words: str) -> None:
    site = replace(FULL, choices=Choices(give_mobile_number=allowed))
    assert words in text_of(Guide.RECEPTION, site)


# ---- the card


@pytest.mark.parametrize("sets", [("mx-one",), ("public",), ("mx-one", "public"), ()])
def test_the_card_has_every_code_once_and_fits(sets: tuple[str, ...]) -> None:
    site = replace(FULL, codes=Codes(sets=sets).table)
    made = card.paper(site)
    text = said(made.blocks)
    for code in {code.does: code for code in reversed(site.codes)}.values():
        assert card.written(code) in text
    assert pdf(made).startswith(b"%PDF")


@pytest.mark.parametrize("does", [*Function, *Own])
def test_whatever_a_code_does_has_words(does: Function | Own) -> None:
    known = catalogue()["does"]
    for letters in does.letters:
        assert does.value in known or f"{does.value}_{letters}" in known


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (Code.parse(Own.REFER, "*23*R*T#"), "*23*orsak*tid#"),
        (Code.parse(Own.CHANGE_PIN, "*74*P*P#"), "*74*PIN*nyPIN#"),
        (Code.parse(Function.PARK, "*70*N#"), "*70*plats#"),
        (Code.parse(Function.PICK_UP, "*8*N#"), "*8*anknytning#"),
        (Code.parse(Own.WITHHELD, "*42#A"), "*42#nummer"),
    ],
)
def test_letters_are_words(code: Code, shown: str) -> None:
    assert card.written(code) == shown


def test_without_digits_no_reasons_are_listed() -> None:
    site = replace(FULL, reasons=tuple(replace(reason, digit="") for reason in MX_ONE))
    assert "Orsaker" not in said(card.paper(site).blocks)


# ---- somebody who leaves


def test_every_thing_of_a_leavers_list_is_said_and_fits_a_page() -> None:
    assert set(TO_DO) == set(What)
    leaver = Leaver(
        id="l", person="anna", name="Anna Öberg", unit="bygg", extensions=("1001", "1002"), last_day=date(2026, 12, 31),
        began_at=NOW, set_by="eva",
    )  # fmt: skip
    ticks = {What.RETURNED: Tick(NOW, "Eva")}
    made = leaver_paper(leaver, checklist({What.CONTACT: ("Bygg", "Skola"), What.PIN: ("1001",)}, ticks), "Bygg", NOW)
    text = said(made.blocks)
    assert "Sista dagen är 2026-12-31. Telefonerna spärras när den är över." in text
    assert "En annan är telefonansvarig: Bygg, Skola" in text
    assert "Telefonerna är återlämnade (Eva, 2026-11-23)" in text
    boxes = [block for block in made.blocks if isinstance(block, Boxes)]
    assert sum(len(one.texts) for one in boxes) == len(What)
    assert sum(len(one.done) for one in boxes) == len(What) - 4
    assert len(re.findall(rb"/Type /Page\b", pdf(made))) == 1
