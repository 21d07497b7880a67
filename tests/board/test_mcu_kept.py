"""What the microcontroller keeps: its log, the choice between two programs, a program being taken; with the power cut
at each byte of every write."""

import hashlib
from contextlib import suppress
from typing import Any

import pytest

from hil.sim.mcu import MemoryFiles, PowerGone, part
from tools.mcuimage import image_of

limits = part("supply.limits")
Log = part("supply.log").Log
RECORD = part("supply.log").RECORD
Slots = part("slots").Slots
Taking, Refused = part("supply.taking").Taking, part("supply.taking").Refused

OLD = {"supply/__init__.py": b"VERSION = 1\n", "supply/hal.py": b"old" * 20}
NEW = {"supply/__init__.py": b"VERSION = 2\n", "supply/hal.py": b"new" * 30, "mcuframe.py": b"x" * 1500}


def test_a_log_torn_at_each_byte_keeps_all_that_was_whole() -> None:
    for left in range(3 * RECORD):
        files = MemoryFiles()
        Log(files).write(0, "boot")
        files.left = left
        log = Log(files)
        kept = 1
        with suppress(PowerGone):
            for cause in ("mains_lost", "low", "halt_told", "cut_halted"):
                log.write(1000, cause, mv=3300)
                kept += 1
        files.left = None
        again = Log(files)
        assert len(again.causes()) == again.number == kept
        again.write(0, "start")
        assert Log(files).causes()[-1] == "start"
        assert Log(files).number == kept + 1


def test_a_ring_torn_at_its_turn_keeps_the_other_half() -> None:
    full = MemoryFiles()
    log = Log(full)
    for number in range(2 * limits.LOG_RECORDS):
        log.write(number * limits.HOUR_MS, "boot")
    for left in range(0, 2 * RECORD + 2, 3):
        files = MemoryFiles()
        files.held = {name: bytearray(data) for name, data in full.held.items()}
        log = Log(files)
        files.left = left
        try:
            log.write(0, "low")
            log.write(0, "start")
        except PowerGone:
            pass
        files.left = None
        again = Log(files)
        assert again.number >= 2 * limits.LOG_RECORDS
        assert len(again.causes()) >= limits.LOG_RECORDS
        again.write(0, "cut_time")
        assert Log(files).causes()[-1] == "cut_time"


def test_a_bit_that_flips_in_the_flash_costs_one_record() -> None:
    files = MemoryFiles()
    log = Log(files)
    for _ in range(5):
        log.write(0, "mains_lost")
    files.held["log.0"][2 * RECORD + 7] ^= 4
    again = Log(files)
    assert len(again.causes()) == 4
    assert again.number == 5
    files.held["log.0"][:] = b"\xff" * 1000
    assert Log(files).causes() == []


def test_wear_is_bounded_and_the_supplys_ways_are_kept() -> None:
    files = MemoryFiles()
    log = Log(files)
    for _ in range(5 * limits.LOG_PER_DAY):
        log.write(0, "mains_lost")
    assert log.number == limits.LOG_PER_DAY + 1
    assert log.causes()[-1] == "limit"
    assert log.write(0, "cut_halted")
    assert log.write(limits.DAY_MS, "mains_lost")
    assert len(log.causes()) <= 2 * limits.LOG_RECORDS


def slotted(files: MemoryFiles) -> dict[str, bytes]:
    """The program that would run now, after one start of the loader."""
    slots = Slots(files)
    active, _ = slots.choose()
    prefix = "ab"[active] + "/"
    return {name.removeprefix(prefix): bytes(data) for name, data in files.held.items() if name.startswith(prefix)}


def installed() -> MemoryFiles:
    files = MemoryFiles()
    for name, data in OLD.items():
        files.held[f"a/{name}"] = bytearray(data)
    return files


def take(files: MemoryFiles, image: bytes, sha: bytes | None = None) -> None:
    taking = Taking(files, Slots(files), lambda: None)
    taking.begin(len(image), sha or hashlib.sha256(image).digest())
    for at in range(0, len(image), 96):
        taking.chunk(at, image[at : at + 96])
    taking.end()


def test_a_program_that_is_taken_is_tried_and_given_up() -> None:
    files = installed()
    take(files, image_of(NEW))
    assert "image" not in files.held or not files.held["image"]
    for _ in range(limits.SLOTS_TRIES):
        assert slotted(files) == NEW
    slots = Slots(files)
    assert slots.choose() == (0, True)
    assert slots.choose() == (0, False)
    assert slotted(files) == OLD


def test_a_program_that_proves_itself_stays() -> None:
    files = installed()
    take(files, image_of(NEW))
    slots = Slots(files)
    assert slots.choose() == (1, False)
    slots.good()
    for _ in range(10):
        assert slotted(files) == NEW


def test_a_power_cut_at_each_byte_of_an_update_leaves_one_whole_program() -> None:
    image = image_of(NEW)
    whole = installed()
    take(whole, image)
    ends = set()
    for left in range(whole.written):
        files = installed()
        files.left = left
        with pytest.raises(PowerGone):
            take(files, image)
        files.left = None
        found = slotted(files)
        assert found in (OLD, NEW)
        ends.add(found == NEW)
        if found == OLD:
            take(files, image)
            assert slotted(files) == NEW
    assert ends == {False}


def test_a_power_cut_at_each_byte_of_a_choice_leaves_a_choice() -> None:
    for left in range(60):
        files = installed()
        take(files, image_of(NEW))
        slots = Slots(files)
        files.left = left
        try:
            for _ in range(limits.SLOTS_TRIES + 1):
                slots.choose()
        except PowerGone:
            pass
        files.left = None
        assert slotted(files) in (OLD, NEW)
        for _ in range(limits.SLOTS_TRIES + 1):
            slotted(files)
        assert slotted(files) == OLD


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda image: image[:-1], "check"),
        (lambda image: b"RVXQ" + image[4:], "check"),
        (lambda image: image[:5] + b"\xff" + image[6:], "check"),
        (lambda image: image + b"\0", "check"),
        (lambda image: image.replace(b"mcuframe.py", b"../frame.py"), "check"),
        (lambda image: image.replace(b"mcuframe.py", b"main.py/.py"), "check"),
        (lambda image: image + bytes(limits.PROGRAM_MAX), "room"),
    ],
)
def test_an_image_that_is_none_is_refused(spoil: Any, word: str) -> None:
    files = installed()
    with pytest.raises(Refused, match=word):
        take(files, spoil(image_of(NEW)))
    assert slotted(files) == OLD


def test_pieces_out_of_order_or_another_sum_are_refused() -> None:
    files = installed()
    image = image_of(NEW)
    with pytest.raises(Refused, match="check"):
        take(files, image, bytes(32))
    taking = Taking(files, Slots(files), lambda: None)
    with pytest.raises(Refused, match="order"):
        taking.chunk(0, b"x")
    taking.begin(len(image), hashlib.sha256(image).digest())
    taking.chunk(0, image[:96])
    taking.chunk(0, image[:96])
    with pytest.raises(Refused, match="order"):
        taking.chunk(192, image[192:288])
    with pytest.raises(Refused, match="order"):
        taking.end()
    assert slotted(files) == OLD


def test_while_a_program_proves_itself_no_other_is_taken() -> None:
    files = installed()
    take(files, image_of(NEW))
    with pytest.raises(Refused, match="not_now"):
        take(files, image_of(OLD))
