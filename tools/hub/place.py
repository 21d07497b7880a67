"""Where the hub keeps what: one folder, closed to others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEFAULT", "Place"]

DEFAULT = Path("hub")
"""In the working folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """`state` is the folder; all else is in it."""

    state: Path

    @property
    def store(self) -> Path:
        return self.state / "hub.db"

    @property
    def ca(self) -> Path:
        """The CA's and the server's certificates and keys, and the key that signs configurations."""
        return self.state / "ca"

    @property
    def directories(self) -> Path:
        """A directory.db for each source of people."""
        return self.state / "directories"

    @property
    def sound(self) -> Path:
        """By hash; what is not whole yet lies in `part`."""
        return self.state / "sound"

    @property
    def snapshots(self) -> Path:
        """Made when they are asked for; may be deleted at any moment."""
        return self.state / "snapshots"

    def make(self) -> None:
        """Raises OSError."""
        for folder in (self.state, self.ca, self.directories, self.sound, self.sound / "part", self.snapshots):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.chmod(0o700)
