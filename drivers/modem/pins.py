"""That a SIM's PIN was tried is remembered over restarts, so that a wrong one is never tried twice: three wrong ones
lock the card."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["PinFile"]

FILE_MAX_BYTES = 65536


class PinFile:
    """`version`: whatever changes when somebody has written another PIN, as the change time of the file with the
    secrets has it; the PIN itself is not kept. A file that cannot be read lets no PIN be tried."""

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        self._version = version

    def may_try(self, sim: str) -> bool:
        try:
            return self._read().get(sim) != self._version
        except (OSError, ValueError):
            return False

    def trying(self, sim: str) -> None:
        """Raises OSError."""
        self._write({**self._known(), sim: self._version})

    def accepted(self, sim: str) -> None:
        """Raises OSError."""
        self._write({key: value for key, value in self._known().items() if key != sim})

    def _known(self) -> dict[str, str]:
        try:
            return self._read()
        except ValueError as error:
            raise OSError(f"{self._path}: {error}") from error

    def _read(self) -> dict[str, str]:
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(FILE_MAX_BYTES))
        except FileNotFoundError:
            return {}
        if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
            raise ValueError("is not what we wrote")
        return told

    def _write(self, told: dict[str, str]) -> None:
        aside = self._path.with_name(self._path.name + ".new")
        with aside.open("w") as file:
            os.chmod(aside, 0o600)
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
