"""A unit's reserve plan, to be printed, hung up and signed (A9)."""

from __future__ import annotations

from callcontrol.plan.schedule import STOCKHOLM
from firmware.paper.blocks import Block, Heading, Lines, Paper, Points, Table, Text
from firmware.paper.site import Site
from firmware.reserve import Phone, ReservePlan

__all__ = ["paper"]

_HOUR_MIN = 60
OTHERS_MAX = 40
"""Extensions without protection that are named."""


def paper(plan: ReservePlan, site: Site, minutes: int | None = None) -> Paper:
    """`minutes`: for how long somebody can answer, as the unit reckons now; None: not known."""
    blocks: list[Block] = []
    if plan.holds and plan.confirmed is not None:
        day = f"{plan.confirmed.at.astimezone(STOCKHOLM):%Y-%m-%d}"
        blocks.append(Text(f"Bekräftad {day} av {plan.confirmed.confirmed_by}.", strong=True))
    elif plan.confirmed is not None:
        day = f"{plan.confirmed.at.astimezone(STOCKHOLM):%Y-%m-%d}"
        blocks.append(Text(f"Ändrad sedan den bekräftades {day}. Läs den och bekräfta den igen.", strong=True))
    else:
        blocks.append(Text("Inte bekräftad än.", strong=True))
    blocks.append(Heading("Telefoner med reservkraft"))
    if plan.phones:
        head = ("Anknytning", "Vem", "Lovad tid", "Mobil tvilling", "Saknas")
        blocks.append(Table(rows=tuple(map(_row, plan.phones)), widths=(1.3, 2.2, 1.3, 1.8, 2.2), head=head))
    else:
        blocks.append(Text("Inga. När strömmen går tystnar enhetens telefoner."))
    blocks.append(Text(_battery(site, minutes)))
    if short := [phone.protection.extension for phone in plan.phones if phone.protection.minutes > (minutes or 0)]:
        blocks.append(Text(f"Lovat längre än så: {', '.join(short)}.", strong=True))
    if plan.others:
        named = ", ".join(plan.others[:OTHERS_MAX])
        more = f" och {len(plan.others) - OTHERS_MAX} till" if len(plan.others) > OTHERS_MAX else ""
        blocks.append(Text(f"Utan reservkraft: {named}{more}."))
    blocks.append(Heading("Dit går samtalen"))
    blocks.append(
        Table(rows=tuple((goes.when, goes.to) for goes in plan.goes), widths=(1, 1))
        if plan.goes
        else Text("Ingenting är bestämt: enheten har varken svarsställe, jourtelefon eller växel.")
    )
    blocks.append(Heading("När telefonin är borta"))
    points = ["Anknytningar når varandra. Telefonerna kopplas om av sig själva; rör dem inte."]
    if site.modems and not (site.by_data or site.by_gateway):
        points.append(f"Ut och in genom mobilnätet, {site.modems} samtal åt gången för hela huset.")
    points.append(
        "Ut ur huset går en annan väg än annars." if site.ways_out else "Inga samtal ut ur huset: använd mobiler."
    )
    if site.numbers:
        points.append(f"Växelns mobilnummer: {', '.join(site.numbers)}.")
    points.append("112 går före allt annat." if site.emergency else "112 har ingen egen väg härifrån: använd mobiler.")
    if plan.contact:
        points.append(f"Telefonansvarig: {plan.contact}.")
    blocks.append(Points(tuple(points)))
    blocks.append(Lines("Bekräftas av enhetens chef", ("Namn", "Datum", "Underskrift")))
    return Paper(
        title="Reservplan för telefoni",
        under=", ".join(filter(None, (plan.unit.name, plan.entity))),
        blocks=tuple(blocks),
        foot=f"Växel {site.unit}. Planens märke: {plan.digest[:8]}",
    )


def _row(phone: Phone) -> tuple[str, ...]:
    ordered = phone.protection
    return ordered.extension, phone.who, _long(ordered.minutes), phone.twin, phone.lacks.partition(" / ")[0]


def _long(minutes: int) -> str:
    if not minutes:
        return "inget lovat"
    hours, rest = divmod(minutes, _HOUR_MIN)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{rest} min" if rest else "")))


def _battery(site: Site, minutes: int | None) -> str:
    if minutes is not None:
        return f"Växeln räknar just nu med att kunna svara i {_long(minutes) if minutes else '0 min'} utan ström."
    if site.backup:
        return "Hur länge batteriet räcker just nu är inte känt."
    return "Växelns egen reservkraft är inte känd, så ingen tid kan lovas."
