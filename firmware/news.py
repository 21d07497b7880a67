"""Looking only at what was written: whether a file of SQLite may say something new, by two system calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from firmware.bindings import written

__all__ = ["News"]


class News:
    """Whether files may say something else than when they were last looked at: one was written, or that is `longest_s`
    ago, as two writes within a tick of the file system's clock can look like one."""

    def __init__(self, longest_s: float, files: Callable[[], Iterable[Path]]) -> None:
        self._longest_s, self._files = longest_s, files
        self._seen: tuple[tuple[object, ...], ...] | None = None
        self._at_s = -math.inf

    def came(self, now_s: float) -> bool:
        """Asked before they are looked at; True also counts as that look."""
        seen = tuple((file.name, *written(file)) for file in self._files())
        if seen == self._seen and now_s - self._at_s < self._longest_s:
            return False
        self._seen, self._at_s = seen, now_s
        return True

    def again(self) -> None:
        """The look did not succeed, or left something."""
        self._seen = None
