"""The log of causes: outlives every loss of power, the one in the middle of a write too.

Two files of LOG_RECORDS at the most, written in turn: when one is full the other is begun anew. Each record has its
number and a CRC; what was torn is passed over, and written over by the next one. So that flash does not wear, no more
than LOG_PER_DAY are written in a day, but for the ways of the supply itself."""

import mcuframe
import mcuwords

from supply import limits

RECORD = mcuwords.LENGTHS[mcuwords.ENTRY][0] + 2
ALWAYS = ("cut_halted", "cut_time", "cut_hung", "start", "low", "mains_back", "program_good", "program_back")


class Log:
    """`files`: read(name) -> bytes, b"" where there is none; write(name, at, data); clear(name)."""

    def __init__(self, files):
        self._files = files
        self._names = ("log.0", "log.1")
        held = [self._read(name) for name in self._names]
        last = [records[-1][0] if records else 0 for records in held]
        self._current = 1 if last[1] > last[0] else 0
        self.number = max(last)
        self._count = self._places(self._current)
        self._day = 0
        self._today = 0

    def write(self, now, cause, detail=0, unix=0, mv=None, ma=None, tenths=None):
        """Keeps one; False where the day has had enough. The flash may fail (OSError): the supply does not wait for
        it."""
        day = now // limits.DAY_MS
        if day != self._day:
            self._day, self._today = day, 0
        if self._today >= limits.LOG_PER_DAY and cause not in ALWAYS:
            if self._today > limits.LOG_PER_DAY:
                return False
            cause = "limit"
        self._today += 1
        if self._count >= limits.LOG_RECORDS:
            self._current = 1 - self._current
            self._count = 0
            self._files.clear(self._names[self._current])
        record = mcuwords.pack(
            mcuwords.ENTRY,
            self.number + 1,
            now // 1000,
            unix,
            mcuwords.CAUSES.index(cause),
            detail,
            mcuwords.NOT_KNOWN if mv is None else mv,
            mcuwords.NOT_KNOWN_SIGNED if ma is None else ma,
            mcuwords.NOT_KNOWN_SIGNED if tenths is None else tenths,
        )
        record += mcuframe.crc16(record).to_bytes(2, "big")
        self._files.write(self._names[self._current], self._count * RECORD, record)
        self.number += 1
        self._count += 1
        return True

    def entries(self, first=0):
        """The payloads of ENTRY that are kept, from number `first` on, in order."""
        found = self._read(self._names[1 - self._current]) + self._read(self._names[self._current])
        return [record for number, record in found if number >= first]

    def causes(self):
        """By their names, in order."""
        return [mcuwords.CAUSES[mcuwords.unpack(mcuwords.ENTRY, one)[3]] for one in self.entries()]

    def _places(self, which):
        """How many places of a file are taken: to behind the last that can be read."""
        data = self._files.read(self._names[which])
        places = 0
        for place in range(min(len(data) // RECORD, limits.LOG_RECORDS)):
            if _whole(data[place * RECORD : (place + 1) * RECORD]):
                places = place + 1
        return places

    def _read(self, name):
        data = self._files.read(name)
        found = []
        for at in range(0, min(len(data), RECORD * limits.LOG_RECORDS) - RECORD + 1, RECORD):
            record = data[at : at + RECORD]
            if _whole(record):
                number = int.from_bytes(record[:4], "big")
                if not found or number > found[-1][0]:
                    found.append((number, record[:-2]))
        return found


def _whole(record):
    sound = mcuframe.crc16(record[:-2]) == int.from_bytes(record[-2:], "big")
    return sound and record[12] < len(mcuwords.CAUSES)
