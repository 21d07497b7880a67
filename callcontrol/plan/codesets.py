"""Codes that come ready: what people of an exchange know by heart.

Only what is found in a source is in a set. There is none of OmniPCX: its own guides send the reader to "the table of
codes" of each site (User guide Analog terminal, First REFLEXES), and no table of Sweden's was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from callcontrol.plan.codes import Code, Own, clashes

__all__ = ["SETS", "codes_of"]

MX_ONE: Mapping[Own, tuple[str, ...]] = MappingProxyType(
    {
        Own.REFER: ("*23*R*T#", "*23*R#"),
        Own.BACK: ("#23#",),
        Own.REFER_OTHER: ("*230*N*R*T#", "*230*N*R#"),
        Own.BACK_OTHER: ("#230*N#",),
        Own.FOLLOW_ME: ("*21*N#",),
        Own.FORWARD: ("*21#", "*22#A#"),
        Own.FORWARD_OFF: ("#21#", "#22#"),
        Own.NO_ANSWER: ("*211#",),
        Own.NO_ANSWER_OFF: ("#211#",),
        Own.BUSY: ("*212#",),
        Own.BUSY_OFF: ("#212#",),
        Own.DO_NOT_DISTURB: ("*27#",),
        Own.DO_NOT_DISTURB_OFF: ("#27#",),
        Own.LOCK: ("*76*P#", "*73*P#"),
        Own.UNLOCK: ("#76*P#", "#73*P#"),
        Own.CHANGE_PIN: ("*74*P*P#",),
        Own.CALL_AS: ("*75*P*N#", "*72*P#"),
        Own.PAST: ("*60*N#",),
        Own.WITHHELD: ("*42#A",),
    }
)
"""MD110 and MX-ONE as they are set up in Sweden (facts/peers.md, d: F1, F3, F5–F10, F12–F14). *75*code*extension# is
the individual code at another's phone (MiVoice 4420 for MX-ONE, §4.13.2.5); in Sweden *72*code# is its call from one's
own locked phone (DT4x3, p. 49). There *73* takes a common code, of which there is none here: it takes one's own.
Left out: *10* (profiles), *25* (groups), *61* (accounts), as nothing here answers to them."""

PUBLIC: Mapping[Own, tuple[str, ...]] = MappingProxyType(
    {
        Own.FORWARD: ("*21*A#", "**21*A#"),
        Own.FORWARD_OFF: ("#21#", "##21#"),
        Own.BUSY: ("*67*A#", "**67*A#"),
        Own.BUSY_OFF: ("#67#", "##67#"),
        Own.NO_ANSWER: ("*61*A#", "**61*A#"),
        Own.NO_ANSWER_OFF: ("#61#", "##61#"),
        Own.NOT_REACHABLE: ("*62*A#", "**62*A#"),
        Own.NOT_REACHABLE_OFF: ("#62#", "##62#"),
        Own.ALL_OFF: ("#002#", "##002#"),
        Own.STATUS: ("*#21#",),
        Own.WITHHELD: ("#31#A",),
    }
)
"""The public networks in Sweden, fixed and mobile (facts/peers.md, d: F2, F4; 3GPP TS 22.030 §6.5, annex B). Left out:
*61*number*seconds# (how long it rings is the site's), *004* (three conditions in one), *43# and *44#."""

SETS: Mapping[str, Mapping[Own, tuple[str, ...]]] = MappingProxyType({"mx-one": MX_ONE, "public": PUBLIC})


def codes_of(sets: Iterable[str], own: Mapping[Own, tuple[str, ...]], taken: Iterable[Code] = ()) -> tuple[Code, ...]:
    """The site's own, then those of each set in turn; a set's code is left out where one of `taken`, or one before it,
    is in its way. What is `own` counts whatever is in its way (`clashes` finds it), and in place of the sets'."""
    before = list(taken)
    made = [Code.parse(does, text) for does, texts in own.items() for text in texts]
    for name in sets:
        for does, texts in SETS[name].items():
            for code in (Code.parse(does, text) for text in texts if does not in own):
                if not any(True for other in (*before, *made) for _ in clashes((code, other))):
                    made.append(code)
    return tuple(made)
