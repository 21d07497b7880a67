"""An itemised extract, to be printed and kept with its order (F3)."""

from __future__ import annotations

from datetime import timedelta

from callcontrol.plan.extract import Extract, Line
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.records import Way
from firmware.paper.blocks import Block, Paper, Table, Text

__all__ = ["paper"]

ORE = 100
"""In a krona."""
_WAYS = {Way.PLATFORM: "plattformen", Way.GATEWAY: "annan väg", Way.MODEM: "modem"}
_SECONDS_A_MINUTE = 60


def paper(made: Extract) -> Paper:
    order = made.order
    last = (order.until - timedelta(microseconds=1)).astimezone(STOCKHOLM)
    whose = ", ".join(filter(None, (f"anknytning {order.extension}", made.who, made.unit)))
    facts = [
        ("Tid", f"{order.since.astimezone(STOCKHOLM):%Y-%m-%d} till {last:%Y-%m-%d}"),
        ("Begärt av", order.asked_by),
        ("Skäl", order.why),
        ("Framtaget av", order.made_by),
        ("Kostnadsställe", made.cost_centre or "–"),
        ("Utdragets id", order.id),
    ]
    blocks: list[Block] = [Table(rows=tuple(facts), widths=(1, 3))]
    if made.lines:
        head = ("Tid", "Nummer", "Slag", "Väg", "Längd", "Kostnad")
        blocks.append(Table(rows=tuple(map(_row, made.lines)), widths=(2.2, 2.2, 2.5, 1.6, 1, 1.5), head=head))
    blocks += [
        Text(f"{len(made.lines)} samtal ut, uppskattad kostnad {_kronor(made.ore)} kr.", strong=True),
        Text(
            f"{made.free} avgiftsfria samtal (112, hjälplinjer, frisamtal, anknytningar) är räknade men inte"
            " specificerade. Inkommande samtal ingår inte."
        ),
        Text("Kostnaden är växelns egen uppskattning, hellre för hög än för låg; fakturan gäller."),
        Text(
            "Här finns bara samtal som reservväxeln själv har kopplat, alltså under avbrott. Plattformen har de övriga."
        ),
    ]
    if not made.whole:
        blocks.append(Text("Numrens sista siffror är dolda."))
    return Paper(
        title="Samtalsspecifikation", under=whose, blocks=tuple(blocks), foot="Lämnas bara till den som har begärt den."
    )


def _row(line: Line) -> tuple[str, ...]:
    minutes, seconds = divmod(line.seconds or 0, _SECONDS_A_MINUTE)
    length = "okänd" if line.seconds is None else f"{minutes}:{seconds:02}" if line.seconds else "inget svar"
    at = f"{line.at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"
    return at, line.number, line.kind, _WAYS.get(line.way, line.way.value), length, f"{_kronor(line.ore)} kr"


def _kronor(ore: int) -> str:
    return f"{ore // ORE},{ore % ORE:02}"
