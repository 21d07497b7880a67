"""The list of somebody who leaves, to be gone through by pen (E5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from callcontrol.plan.leaver import Entry, Leaver, What
from callcontrol.plan.schedule import STOCKHOLM
from firmware.paper.blocks import Block, Boxes, Heading, Lines, Paper, Text

__all__ = ["TO_DO", "paper"]

TO_DO: Mapping[What, str] = {
    What.PHONE: "Telefonen är spärrad",
    What.RETURNED: "Telefonerna är återlämnade",
    What.WIPED: "Mobilen och telefonen är tömda",
    What.TOLD: "De som brukar ringa vet vem som svarar nu",
    What.FORWARDED: "Egna vidarekopplingar är borttagna",
    What.FORWARDED_HERE: "Andras vidarekopplingar hit är borttagna",
    What.ANSWERS_FOR: "Svarar inte längre i stället för andra",
    What.ATTENDS: "Är inte längre svarsställe, jourtelefon eller vidare till",
    What.CONTACT: "En annan är telefonansvarig",
    What.DEPUTY: "En annan är ersättare",
    What.GROUP: "Är ute ur svarsgrupper",
    What.ROLE: "Behörigheterna är borttagna",
    What.MESSAGES: "Röstmeddelanden är avlyssnade eller överlämnade",
    What.MEMOS: "Meddelanden är hanterade",
    What.CALENDAR: "Kalendern läses inte längre",
    What.PIN: "PIN-koden är borttagen",
    What.SECRET: "Telefonens lösenord är borttaget",
    What.PROTECTED: "Skyddad telefoni är avbeställd",
    What.DIRECTORY: "Är borttagen ur katalogen",
}
"""What is so when a thing is done."""
_LINE = "Spärren gäller tills någon häver den, från växeln eller plattformen."


def paper(leaver: Leaver, entries: Iterable[Entry], unit: str, now: datetime) -> Paper:
    """`unit`: by its name."""
    entries = tuple(entries)
    blocks: list[Block] = [Text(_when(leaver), strong=True)]
    if leaver.extensions:
        blocks.append(Text(f"Anknytningar: {', '.join(leaver.extensions)}. {_LINE}"))
    for title, hand in (("Görs och kryssas för hand", True), ("Ser växeln själv", False)):
        listed = [entry for entry in entries if entry.by_hand is hand]
        if listed:
            blocks.append(Heading(title))
            done = frozenset(place for place, entry in enumerate(listed) if entry.done)
            blocks.append(Boxes(tuple(map(_said, listed)), done))
    blocks.append(Lines("Genomgången", ("Namn", "Datum", "Underskrift")))
    return Paper(
        title="Checklista: någon slutar",
        under=", ".join(filter(None, (leaver.name, unit))),
        blocks=tuple(blocks),
        foot=f"Så var det {now.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}. Växeln vet alltid hur det är nu.",
        one_page=True,
    )


def _when(leaver: Leaver) -> str:
    last = f"Sista dagen är {leaver.last_day:%Y-%m-%d}. " if leaver.last_day is not None else ""
    if leaver.blocked_at is not None:
        return f"{last}Telefonerna spärrades {leaver.blocked_at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}."
    return f"{last}Telefonerna spärras när den är över." if last else "Telefonerna är inte spärrade än."


def _said(entry: Entry) -> str:
    if entry.tick is not None:
        return f"{TO_DO[entry.what]} ({entry.tick.by}, {entry.tick.at.astimezone(STOCKHOLM):%Y-%m-%d})"
    return f"{TO_DO[entry.what]}: {', '.join(entry.about)}" if entry.about and not entry.done else TO_DO[entry.what]
