"""A guide for each role, one page (H7). It says what is so here: a way out, a code, a page that the site does not have
is not in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from callcontrol.plan.codes import Does, Function, Own
from callcontrol.plan.rights import Role
from firmware.paper import card
from firmware.paper.blocks import Block, Heading, Paper, Points, Square, Table, Text
from firmware.paper.site import Site

__all__ = ["OF_ROLES", "TITLES", "Guide", "paper"]


class Guide(StrEnum):
    """For whom."""

    EMPLOYEE = "medarbetare"
    RECEPTION = "reception"
    CONTACT = "telefonansvarig"
    MANAGER = "chef"
    TECHNICIAN = "tekniker"


TITLES: Mapping[Guide, str] = {
    Guide.EMPLOYEE: "När telefonin är borta: för alla",
    Guide.RECEPTION: "När telefonin är borta: växel och reception",
    Guide.CONTACT: "När telefonin är borta: telefonansvarig",
    Guide.MANAGER: "När telefonin är borta: chef",
    Guide.TECHNICIAN: "När telefonin är borta: tekniker",
}

OF_ROLES: Mapping[Role, Guide] = {
    Role.OPERATOR: Guide.RECEPTION,
    Role.TELEPHONY_CONTACT: Guide.CONTACT,
    Role.COORDINATOR: Guide.CONTACT,
    Role.SUPERUSER: Guide.CONTACT,
    Role.CUSTOMER_SERVICE: Guide.CONTACT,
    Role.BUDGET_MANAGER: Guide.MANAGER,
    Role.OPERATIONS: Guide.TECHNICIAN,
    Role.GROUP_LEADER: Guide.EMPLOYEE,
}
"""Which is whose; who has no role has the first."""

_DOES_NOT_WORK = (
    "Hissarnas nödtelefoner, trygghetslarm, fax, porttelefoner och allt annat som inte är en telefon i växeln.",
    "Telefoner utan ström. Din mobil fungerar så länge mobilnätet gör det.",
)


def paper(guide: Guide, site: Site) -> Paper:
    return Paper(
        title=TITLES[guide],
        under=site.whose,
        blocks=tuple(_PARTS[guide](site)),
        foot=f"Gjord av växelns egna inställningar, {site.unit}. Skriv ut på nytt när de ändras.",
        one_page=True,
    )


# ---- what several have


def _emergency(site: Site) -> str:
    where = f" Säg var du är: {site.place}." if site.place else " Säg vilket hus, vilken våning och vilket rum du är i."
    if not site.emergency:
        return f"112: slå 112. Reservväxeln har ingen egen väg till 112; går samtalet inte fram, ta en mobil.{where}"
    return (
        "112: slå 112, från vilken telefon som helst, utan siffra före. Samtalet går före alla andra."
        f"{where} Går det inte fram, ta en mobil."
    )


def _outside(site: Site) -> str:
    first = f"Slå {site.prefix} först, som annars. " if site.prefix else ""
    if not site.ways_out:
        return "Samtal ut ur huset går inte. Ta en mobil."
    if site.by_data or site.by_gateway:
        return f"Samtal ut: {first}De går en annan väg och kan vara färre än annars, så håll dem korta."
    one = "ett samtal" if site.modems == 1 else f"{site.modems} samtal"
    return f"Samtal ut: {first}De går genom mobilnätet, {one} åt gången för hela huset. Håll dem korta."


def _codes(site: Site, *wanted: Does) -> Iterator[Block]:
    if rows := card.rows(site.codes, wanted):
        yield Table(rows=rows, widths=(2.9, 1.9, 3.0), mono=frozenset({0, 1}), says=2)


def _page(site: Site, text: str) -> Iterator[Block]:
    if site.address:
        yield Square(site.address, f"{text}\n{site.address}".replace("\n", " "))


def _has(site: Site, does: Does) -> bool:
    return any(code.does is does for code in site.codes)


# ---- the guides


def _employee(site: Site) -> Iterator[Block]:
    yield Text(
        "Din telefon kopplas om av sig själv när telefonin faller bort, och tillbaka när den är åter. Rör den inte."
    )
    yield Heading("Ring")
    points = ["Anknytningar i huset: slå som vanligt.", _outside(site), _emergency(site)]
    if site.spoken:
        points.append("Den som ringer dig hör varför du inte svarar och när du är åter, och kan lämna ett meddelande.")
    yield Points(tuple(points))
    if _has(site, Own.REFER):
        yield Heading("Hänvisa dig")
        yield from _codes(site, Own.REFER)
        if any(reason.digit for reason in site.reasons):
            yield from card.reasons(site.reasons)
        yield Text("Du hör vad som är inställt och till när. Det du ställer in under avbrottet gäller även efteråt.")
    if site.sms_referral:
        numbers = f" till {' eller '.join(site.numbers)}" if site.numbers else " till växelns mobilnummer"
        yield Text(f"Eller skriv ett SMS från din mobil{numbers}: LUNCH 1300, SEMESTER 24/12, ÅTER. Du får ett kvitto.")
    if _has(site, Own.FOLLOW_ME):
        yield Heading("Flytta med telefonen")
        yield from _codes(site, Own.FOLLOW_ME, Own.DO_NOT_DISTURB)
    if _has(site, Function.VOICEMAIL):
        yield Heading("Lyssna på meddelanden")
        yield from _codes(site, Function.VOICEMAIL, Function.VOICEMAIL_OF)
    yield from _page(site, "Sök i katalogen, hänvisa dig och lyssna på meddelanden, även i mobilen:")
    yield Heading("Detta fungerar inte")
    yield Points(_DOES_NOT_WORK)


def _reception(site: Site) -> Iterator[Block]:
    number = f" ({site.reception})" if site.reception else ""
    yield Text(f"Receptionens telefon{number} fungerar som vanligt. Alla samtal som ingen tar hamnar hos dig.")
    yield Heading("Svara")
    points = [
        "Svara med kommunens namn. Den som ringer kan ha hört varför den sökta inte svarar och valt dig.",
        "Sök i katalogen och hänvisa, även när datorn är borta: alla koder går från telefonen.",
        _outside(site),
        _emergency(site),
        "Ringer 112 tillbaka, hamnar samtalet hos den som ringde, sedan hos dig. Fråga i huset vem det var.",
    ]
    yield Points(tuple(points))
    yield Heading("Koppla, hämta, parkera")
    yield from _codes(
        site, Function.GROUP_PICK_UP, Function.PICK_UP, Function.PARK, Function.FETCH, Function.CAMP_ON, Own.PAST
    )
    if _has(site, Own.NIGHT):
        yield Heading("Stäng för natten eller lunchen")
        yield from _codes(site, Own.NIGHT)
    if _has(site, Own.REFER_OTHER):
        yield Heading("Hänvisa andra")
        yield from _codes(site, Own.REFER_OTHER)
        if any(reason.digit for reason in site.reasons):
            yield from card.reasons(site.reasons)
    yield Heading("Det här får du säga")
    yield Points(
        (
            "När den sökta är åter, vem som svarar i stället, telefontid. Sjuk heter alltid frånvarande.",
            "Mobilnummer lämnas ut." if site.choices.give_mobile_number else "Mobilnummer lämnas inte ut.",
            "Koppla till mobil är tillåtet."
            if site.choices.connect_to_mobile
            else "Koppla inte till mobil: ta ett meddelande.",
            "Den som har skyddade uppgifter nämns aldrig. Tystnadsplikten gäller även efter att du har slutat.",
        )
    )
    if _has(site, Function.THREAT):
        yield Heading("Hot")
        yield from _codes(site, Function.THREAT)
        yield Text("Slå koden under samtalet, eller koppla samtalet dit. Det markeras och spelas in för din chef.")
    yield from _page(site, "Katalog, hänvisningar och meddelanden:")


def _contact(site: Site) -> Iterator[Block]:
    yield Text("Du ser till att någon svarar på din enhet. Allt här går även under avbrott.")
    yield Heading("Varje dag")
    yield Points(
        (
            "Är hela enheten borta en dag får du en varning. Bestäm vem som svarar, eller hänvisa hela enheten.",
            "Ett svarsställe som inte är bemannat ska kopplas vidare. Efter "
            f"{site.choices.signals} signaler går samtalet vidare av sig självt.",
            "En jourtelefon per enhet är alltid öppen på arbetstid.",
            *(("Telefontider får användas; brådskande samtal går fram ändå.",) if site.choices.phone_hours else ()),
        )
    )
    if _has(site, Own.REFER_OTHER):
        yield Heading("Hänvisa en annan, till exempel någon som är sjuk")
        yield from _codes(site, Own.REFER_OTHER)
        if any(reason.digit for reason in site.reasons):
            yield from card.reasons(site.reasons)
    where, there = ("på sidan eller genom växeln", " på sidan") if site.address else ("genom växeln", "")
    yield Heading("En telefon är borta, eller någon slutar")
    yield Points(
        (
            f"Spärra telefonen direkt, {where}. Spärren gäller tills någon häver den.",
            f"Den som slutar: gå igenom checklistan{there}; telefonen töms och lämnas tillbaka.",
        )
    )
    yield Heading("Under ett avbrott")
    yield Points((_outside(site), _emergency(site), *_DOES_NOT_WORK))
    yield from _page(site, "Hänvisa enheten, ändra uppgifter, spärra en telefon:")


def _manager(site: Site) -> Iterator[Block]:
    yield Text("Telefonin faller bort ibland. Det här är bestämt i förväg för din enhet, och det här bestämmer du.")
    yield Heading("Reservplan")
    yield Points(
        (
            "Enhetens reservplan säger vilka telefoner som har reservkraft, hur länge, och vart samtal går.",
            "Läs den, skriv ut den, och bekräfta den med datum. Den ska bekräftas igen när något i den har ändrats.",
            "Telefoner med reservkraft beställs av enheten, med beställare och kostnadsställe."
            if site.backup
            else "Växelns egen reservkraft är inte känd: telefonerna lovas ingenting när strömmen går.",
        )
    )
    yield Heading("Räckvidd och kostnad")
    abroad = "Beställda samtal utomlands kopplas av växeln, med beställare och kostnadsställe."
    yield Points(
        (
            "Telefoner når Sverige och svenska mobiler. Utlandet, betalnummer och nummerupplysning öppnas av den"
            " som har rätten.",
            abroad if site.choices.abroad_by_operator else "Växeln kopplar inga samtal utomlands.",
            f"En telefon som på en timme ringer ut mer än {site.choices.guard_calls} samtal, eller för mer än"
            f" {site.choices.guard_kr} kr, stoppas, och det anmäls."
            if site.choices.guard_calls and site.choices.guard_kr
            else "Ovanligt många eller dyra samtal anmäls.",
            "Samtalsspecifikation för en anknytning: begär den med skäl. Vem som begärde den, och varför, antecknas.",
        )
    )
    yield Heading("Under ett avbrott")
    yield Points((_outside(site), _emergency(site), *_DOES_NOT_WORK))
    yield Heading("Det som sparas")
    yield Text(
        "Röstmeddelanden, SMS och samtalsuppgifter kan vara allmänna handlingar. De gallras bara efter"
        " arkivmyndighetens beslut."
    )
    yield from _page(site, "Reservplan, räckvidd, utdrag:")


def _technician(site: Site) -> Iterator[Block]:
    yield Text(f"Växeln {site.unit}" + (f" står här: {site.place}." if site.place else "."))
    yield Heading("Se efter")
    yield Table(
        rows=(
            ("./rvx status", "läget, vilka telefoner som är här, vad som är fel; även när resten är dött"),
            ("./rvx doctor", "allt som är fel, med vad man gör åt det"),
            ("./rvx explain RVX-L01", "vad en kod betyder, utan nät"),
            ("./rvx explain 1001 1002", "vad som händer med ett samtal, steg för steg"),
            *((("./rvx trunk status", "modemen, och vad som är prövat av vägen till 112"),) if site.modems else ()),
            *((("./rvx power status", "hur länge strömmen räcker"),) if site.backup else ()),
        ),
        widths=(2, 4),
        mono=frozenset({0}),
        says=1,
    )
    yield Heading("Gör")
    yield Points(
        (
            "Starta inte om telefoner eller växel i onödan: den går in i och ur reservdrift av sig själv.",
            "sudo ./rvx restart edge (eller unit, calls): en del i taget; samtal fortsätter.",
            "Pröva vägen till 112 efter varje byte av SIM, modem eller antenn, och skriv upp datum.",
            "Ta ut en kopia av identiteten (rvx identity export) så att en reserv kan ta över på 15 minuter.",
        )
    )
    yield Heading("Vägar ut härifrån")
    ways = [
        ("plattformen över mobildata", site.by_data),
        ("en annan växel (SIP)", site.by_gateway),
        (f"röst över modem: {site.modems}", site.modems > 0),
    ]
    listed = tuple(name for name, there in ways if there)
    yield Points(listed or ("ingen: under avbrott går samtal bara inom huset",))
    yield Points((_emergency(site),))
    yield Heading("Detta fungerar inte")
    yield Points(_DOES_NOT_WORK)


_PARTS: Mapping[Guide, Callable[[Site], Iterator[Block]]] = {
    Guide.EMPLOYEE: _employee,
    Guide.RECEPTION: _reception,
    Guide.CONTACT: _contact,
    Guide.MANAGER: _manager,
    Guide.TECHNICIAN: _technician,
}
