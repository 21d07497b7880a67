"""The few files that are kept, in one folder of the flash."""

import os


class Files:
    def __init__(self, folder=""):
        self._folder = folder

    def read(self, name):
        """b"" where it cannot be read."""
        try:
            with open(self._folder + "/" + name, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def part(self, name, at, size):
        """Some of it, fewer at its end; b"" where it cannot be read."""
        try:
            with open(self._folder + "/" + name, "rb") as file:
                file.seek(at)
                return file.read(size)
        except OSError:
            return b""

    def write(self, name, at, data):
        """`at`: bytes from its beginning, no more than it is long. Raises OSError."""
        path = self._folder + "/" + name
        try:
            file = open(path, "r+b")
        except OSError:
            file = open(path, "wb")
        with file:
            file.seek(at)
            file.write(data)

    def clear(self, name):
        """Makes it empty. Raises OSError."""
        open(self._folder + "/" + name, "wb").close()

    def folder(self, name):
        """A folder, empty: for a new program. Raises OSError."""
        path = self._folder + "/" + name
        try:
            os.mkdir(path)
        except OSError:
            pass  # it is there
        _empty(path)
        return path

    def make(self, name):
        """A folder in one of those."""
        os.mkdir(self._folder + "/" + name)


def _empty(path):
    for entry in os.ilistdir(path) if hasattr(os, "ilistdir") else _listed(path):
        inner = path + "/" + entry[0]
        if entry[1] & 0x4000:
            _empty(inner)
            os.rmdir(inner)
        else:
            os.remove(inner)


def _listed(path):
    """As MicroPython's ilistdir, on the PC."""
    return [(entry.name, 0x4000 if entry.is_dir() else 0x8000) for entry in os.scandir(path)]
