"""What each part of a storm is asked, and that every fault that comes by itself is somebody's."""

from __future__ import annotations

from itertools import chain

from hil.faults import KILLED, STOPPED
from hil.hubbed import Hubbed
from hil.outside import Outside
from hil.people import People
from hil.powered.actor import Powered
from hil.staff import Staff
from hil.stormpart import Part
from hil.stormplan import WAYS_OUT, Fault
from hil.town import Town

PARTS: tuple[type[Part], ...] = (People, Outside, Town, Staff, Hubbed, Powered)
OF_THE_SITE = {*KILLED, *STOPPED, Fault.CELL_GONE, Fault.CELL_LOSSY}


def test_every_fault_that_comes_by_itself_is_one_parts_or_the_sites() -> None:
    own = list(chain.from_iterable(part.faults for part in PARTS))
    assert len(own) == len(set(own))
    assert set(own) == set(chain.from_iterable(row.faults for row in WAYS_OUT)) - OF_THE_SITE


def test_a_part_that_only_is_there_is_asked_everything() -> None:
    part = Part()
    for step in (part.start, part.see, part.rest, part.at_the_end, part.stop):
        step()
    assert (part.programs(), list(part.breaches(1.0)), part.figures()) == ({}, [], {})
