"""People given out: a file that can be loaded again and loses nothing, an extract for who may see less, vCards."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from callcontrol.plan.model import Entity, Extension, Group, Kind, Person, Unit, Visibility
from callcontrol.plan.number import pretty
from firmware.store.people_csv import cells as form
from firmware.store.people_csv.cells import COLUMNS, HIDDEN
from firmware.store.visible import Card

__all__ = ["write", "write_extract", "write_vcards"]

VCARD_LINE_BYTES = 75

_EXPORTED = tuple(name for name in COLUMNS.values() if name != "action")
_EXTRACTED = (
    *("municipality", "entity", "unit", "cost_centre", "id", "given", "family", "title", "extension", "mobile"),
    *("duties", "search_words", "phone_hours", "location", "email"),
)


class Known(Protocol):
    """What is asked of the directory."""

    def unit(self, unit: str) -> Unit | None: ...
    def entity(self, entity: str) -> Entity | None: ...
    def municipality_name(self, municipality: str) -> str: ...
    def extension(self, number: str) -> Extension | None: ...
    def group(self, extension: str) -> Group | None: ...


def write(cards: Iterable[Card], others: Iterable[Extension], known: Known, target: io.TextIOBase) -> int:
    """People with all their phones, then `others`, the phones that are nobody's: loaded again, it changes nothing.
    What is hidden of a card is written as HIDDEN, and left as it is by who loads it. Gives how many people."""
    out = csv.writer(target, delimiter=";", lineterminator="\r\n")
    out.writerow(form.swedish(name) for name in _EXPORTED)

    def put(row: Mapping[str, str]) -> None:
        out.writerow(form.harmless(row.get(name, "")) for name in _EXPORTED)

    people = 0
    for card in cards:
        people += 1
        row = _person(card, known)
        phones = [phone for number in card.extensions if (phone := known.extension(number)) is not None]
        first = next((phone for phone in phones if _fits(phone, card.person)), None)
        put(row | _phone(first, known, card) | {"mobile": row["mobile"]} if first else row)
        for phone in phones:
            if phone is not first:
                put({"id": card.person.id} | _place(phone.unit, known, card) | _phone(phone, known, card))
    for phone in others:
        put(_place(phone.unit, known) | _phone(phone, known))
    return people


def write_extract(cards: Iterable[Card], sees: Visibility, known: Known, target: io.TextIOBase) -> int:
    """People as these may see them, and nobody and nothing else: for a website, not to be loaded again."""
    out = csv.writer(target, delimiter=";", lineterminator="\r\n")
    out.writerow([*map(form.swedish, _EXTRACTED), form.EXTRACT[0]])
    people = 0
    for card in cards:
        row = {"extension": next(iter(card.extensions), ""), **_person(card, known, hidden="")}
        cells = [*(row[name] for name in _EXTRACTED), form.written(sees, form.WHO)]
        out.writerow(map(form.harmless, cells))
        people += 1
    return people


def write_vcards(cards: Iterable[Card], target: io.TextIOBase) -> int:
    """People as vCards (RFC 6350), for phones and mail programs."""
    people = 0
    for card in cards:
        person = card.person
        name = f"{person.given} {person.family}".strip()
        lines = ["BEGIN:VCARD", "VERSION:4.0", f"UID:{_text(person.id)}", f"FN:{_text(name)}"]
        lines.append(f"N:{_text(person.family)};{_text(person.given)};;;")
        lines.append(f"ORG:{_text(card.entity)};{_text(card.unit)}")
        lines += [f"TITLE:{_text(person.title)}"] if person.title else []
        lines += [f"TEL;TYPE=work;VALUE=text:{number}" for number in card.extensions]
        lines += [f"TEL;TYPE=cell;VALUE=uri:tel:{person.mobile}"] if person.mobile else []
        lines += [f"EMAIL:{_text(person.email)}"] if person.email else []
        target.writelines(_folded(line) for line in (*lines, "END:VCARD"))
        people += 1
    return people


def _fits(phone: Extension, person: Person) -> bool:
    """Whether a phone can stand in the row of its owner, and says the same there as in a row of its own."""
    of_its_own = phone.kind is Kind.MOBILE and phone.mobile != person.mobile
    return phone.unit == person.unit and phone.hours is None and not of_its_own


def _person(card: Card, known: Known, hidden: str = HIDDEN) -> dict[str, str]:
    person = card.person
    row = {
        "municipality": known.municipality_name(card.municipality),
        "entity": card.entity,
        "unit": card.unit,
        **{name: getattr(person, name) or "" for name in ("cost_centre", "id", "given", "family", "title", "location")},
        **{name: getattr(person, name) or "" for name in ("email", "deputy")},
        **{name: _number(getattr(person, name)) for name in ("mobile", "sms")},
        **{name: " | ".join(getattr(person, name)) for name in ("duties", "search_words")},
        "phone_hours": str(person.phone_hours or ""),
        "protected": "ja" if person.protected else "",
        "visibility": ", ".join(
            f"{form.swedish(name)}={form.written(who, form.WHO)}" for name, who in person.visibility.items()
        ),
    }
    also = ("entity",) if "unit" in card.hidden else ()
    return row | dict.fromkeys((*card.hidden, *also), hidden)


def _phone(phone: Extension, known: Known, card: Card | None = None) -> dict[str, str]:
    row = {
        "extension": phone.number,
        "kind": form.written(phone.kind, form.KINDS),
        "direct_number": _number(phone.direct_number),
        "mobile": _number(phone.mobile),
        "mobile_twin": _number(phone.mobile_twin),
        "reach": phone.reach.name,
        "identity": form.written(phone.identity, form.IDENTITIES),
        "voicemail": "ja" if phone.voicemail else "",
        "fallback": phone.fallback or "",
        "announcement": phone.announcement or "",
    }
    if card is None or not _fits(phone, card.person):
        row["phone_hours"] = str(phone.hours or "")
    if (group := known.group(phone.number)) is not None:
        row["distribution"] = form.written(group.distribution, form.DISTRIBUTIONS)
        row["members"] = " | ".join(member.extension for member in group.members)
    hidden: tuple[str, ...] = ()
    if card is not None and "mobile" in card.hidden:
        hidden += ("mobile", "mobile_twin")
    if card is not None and "unit" in card.hidden:  # somebody protected
        hidden += ("mobile", "mobile_twin", "direct_number")
    return row | dict.fromkeys(hidden, HIDDEN)


def _place(unit: str, known: Known, card: Card | None = None) -> dict[str, str]:
    found = known.unit(unit)
    entity = known.entity(found.entity) if found else None
    if found is None or entity is None:
        raise AssertionError(f"{unit}: no unit")  # a foreign key
    municipality = known.municipality_name(entity.municipality)
    if card is not None and "unit" in card.hidden:
        return {"municipality": municipality, "entity": HIDDEN, "unit": HIDDEN}
    return {"municipality": municipality, "entity": entity.name, "unit": found.name}


def _number(number: str | None) -> str:
    return pretty(number) if number else ""


def _text(text: str) -> str:
    """RFC 6350 §3.4."""
    return re.sub(r"\r\n?|\n", r"\\n", re.sub(r"([\\,;])", r"\\\1", text))


def _folded(line: str) -> str:
    """RFC 6350 §3.2: lines of at most 75 bytes, cut between letters."""
    parts, part = [], ""
    for letter in line:
        if len((part + letter).encode()) > VCARD_LINE_BYTES:
            parts.append(part)
            part = " "
        part += letter
    return "\r\n".join([*parts, part]) + "\r\n"
