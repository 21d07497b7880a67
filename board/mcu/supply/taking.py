"""A new program, taken over the wire piece by piece into the slot that does not run, and tried only when it is whole.

It comes as one image: b"RVXP", the number of files (2 bytes), and of each the length of its name (1), its name, its
length (4) and its bytes. While it comes it lies in one file; what runs is untouched until the very last write, which is
that of the choice between the two."""

import hashlib

from supply import limits

IMAGE = "image"
MAGIC = b"RVXP"
NAME_MAX = 40
FILES_MAX = 40
PIECE = 1024  # bytes that are copied at a time
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


class Refused(Exception):
    """Its one argument is a word of REFUSALS."""


class Taking:
    """`files` and `slots` as in the loader; `breathe()` is called between files, which take their time."""

    def __init__(self, files, slots, breathe):
        self._files, self._slots, self._breathe = files, slots, breathe
        self._size = 0
        self._at = 0
        self._hash = None
        self._sha = b""

    def begin(self, size, sha):
        """What was begun before is forgotten. Raises Refused, OSError."""
        if not self._slots.proved:
            raise Refused("not_now")  # the way back would be lost
        if size > limits.PROGRAM_MAX:
            raise Refused("room")
        self._files.clear(IMAGE)
        self._size, self._at, self._sha, self._hash = size, 0, sha, hashlib.sha256()

    def chunk(self, at, data):
        """The next one; one that was there already changes nothing. Raises Refused, OSError."""
        if self._hash is None or at > self._at or at + len(data) > self._size:
            raise Refused("order")
        if at < self._at:
            if at + len(data) > self._at:
                raise Refused("order")
            return
        self._files.write(IMAGE, at, data)
        self._hash.update(data)
        self._at += len(data)

    def end(self):
        """Checks it, lays it out, and marks it as the one to try. Raises Refused, OSError."""
        if self._hash is None or self._at != self._size:
            raise Refused("order")
        sound = self._hash.digest() == self._sha
        self._hash = None
        if not sound:
            raise Refused("check")
        parts = parts_of(self._part, self._size)
        if parts is None:
            raise Refused("check")
        self._lay_out(parts)
        self._files.clear(IMAGE)
        self._slots.new()

    def _part(self, at, size):
        return self._files.part(IMAGE, at, size)

    def _lay_out(self, parts):
        slot = "ab"[1 - self._slots.active]
        self._files.folder(slot)
        made = set()
        for name, at, size in parts:
            folder, _, rest = name.partition("/")
            if rest and folder not in made:
                made.add(folder)
                self._files.make(slot + "/" + folder)
            self._files.clear(slot + "/" + name)
            for done in range(0, size, PIECE):
                piece = self._part(at + done, min(PIECE, size - done))
                self._files.write(slot + "/" + name, done, piece)
            self._breathe()


def parts_of(part, total):
    """(name, where, bytes) of each file; None where the image is not one. `part(at, size)` gives its bytes."""
    head = part(0, 6)
    if head[:4] != MAGIC or len(head) < 6:
        return None
    count = int.from_bytes(head[4:6], "big")
    if not 0 < count <= FILES_MAX:
        return None
    at, found = 6, []
    for _ in range(count):
        length = part(at, 1)
        name = part(at + 1, length[0]) if length else b""
        at += 1 + len(name)
        size = part(at, 4)
        at += 4
        if len(size) < 4 or not _is_name(name):
            return None
        size = int.from_bytes(size, "big")
        if at + size > total:
            return None
        found.append((name.decode(), at, size))
        at += size
    return found if at == total else None


def _is_name(name):
    """[folder/]name.py or .mpy, of small letters."""
    if not 0 < len(name) <= NAME_MAX or any(byte > 127 for byte in name):
        return False
    stem, _, kind = name.decode().rpartition(".")
    words = stem.split("/")
    return kind in ("py", "mpy") and len(words) <= 2 and all(word and all(c in LETTERS for c in word) for word in words)
