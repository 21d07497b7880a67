"""The log of causes: outlives every loss of power, the one in the middle of a write too.

Two files of LOG_RECORDS at the most, written in turn: when one is full the other is begun anew. Each record has its
number and a CRC; what was torn is passed over, and written over by the next one. So that flash does not wear, no more
than LOG_PER_DAY are written in a day, but for the ways of the supply itself."""

import mcuframe
import mcuwords

from supply import limits

RECORD = mcuwords.LENGTHS[mcuwords.ENTRY][0] + 2
CAUSE = 12  # where a record has it
AT_ONCE = 16  # records that are read at a time
ALWAYS = ("cut_halted", "cut_time", "cut_hung", "start", "low", "mains_back", "program_good", "program_back")


class Log:
    """`files`: part(name, at, size) -> bytes, fewer at its end; write(name, at, data); clear(name). Never more than a
    few records are in memory at once."""

    def __init__(self, files):
        self._files = files
        self._names = ("log.0", "log.1")
        ends = [self._end(which) for which in (0, 1)]
        self._current = 1 if ends[1] > ends[0] else 0
        self.number, self._count = ends[self._current]
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
        """The payloads of ENTRY that are kept, from number `first` on, in order, one by one."""
        for which in (1 - self._current, self._current):
            last = 0
            for _, number, record in self._records(which):
                if number > last and number >= first:
                    yield record
                last = max(last, number)

    def causes(self):
        """By their names, in order."""
        return [mcuwords.CAUSES[record[CAUSE]] for record in self.entries()]

    def _end(self, which):
        """Of a file: its newest number, and how many places are taken, to behind the last that can be read."""
        newest, places = 0, 0
        for place, number, _ in self._records(which):
            newest, places = max(newest, number), place + 1
        return newest, places

    def _records(self, which):
        """(place, number, payload) of what is whole."""
        for first in range(0, limits.LOG_RECORDS, AT_ONCE):
            data = self._files.part(self._names[which], first * RECORD, AT_ONCE * RECORD)
            for at in range(0, len(data) - RECORD + 1, RECORD):
                record = data[at : at + RECORD]
                if _whole(record):
                    yield first + at // RECORD, int.from_bytes(record[:4], "big"), record[:-2]
            if len(data) < AT_ONCE * RECORD:
                return


def _whole(record):
    sound = mcuframe.crc16(record[:-2]) == int.from_bytes(record[-2:], "big")
    return sound and record[CAUSE] < len(mcuwords.CAUSES)
