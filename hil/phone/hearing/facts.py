"""What a phone that hears is to do in a call, and what it heard there."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["GAP_S", "Heard", "Manner"]

GAP_S = 1.0
"""No sound for so long is remembered."""


@dataclass(frozen=True)
class Manner:
    """What a phone does in a call. `keys` are pressed one after the other, the first `after_s` the first sound;
    `hold_s` after it is up it hangs up, None: it waits for the other to do so. `transfer_s` after it is up it sends
    the other to `transfers_to`, by way of a second call that it makes there itself where it is `attended`."""

    ring_s: float = 0.3
    keys: str = ""
    after_s: float = 0.5
    hold_s: float | None = None
    transfers_to: str = ""
    transfer_s: float = 1.0
    attended: bool = False
    refuses: str = ""
    """A status line, "486 Busy Here"."""
    mute: bool = False
    """Says nothing, but for its keys."""
    speaks: bool = False
    """Says all of its tone."""
    between_s: float = 0.3
    """From key to key."""


@dataclass
class Heard:
    """One call as its phone saw it; times are s, time.monotonic(), None: it did not happen (yet)."""

    number: int
    extension: str
    peer: str
    call_id: str
    began_at: float
    label: str = ""
    code: int | None = None  # of the final answer to its own INVITE
    up_at: float | None = None
    over_at: float | None = None
    by_us: bool = False  # it was this phone that ended it
    bye_refused: int | None = None  # what a BYE of ours got, where that was no 200
    sound_at: tuple[str, int] | None = None  # where the other side's description wants its sound
    first_at: float | None = None  # sound
    last_at: float | None = None
    packets: int = 0
    gaps: tuple[tuple[float, float], ...] = ()  # of GAP_S and more without sound, while it was up, that are over
    sources: dict[tuple[str, int], int] = field(default_factory=dict)  # packets by where they came from

    @property
    def up(self) -> bool:
        return self.up_at is not None and self.over_at is None

    def silence(self, now: float) -> list[tuple[float, float]]:
        """All spans without sound while it was up, before `now`, the one that lasts included."""
        if self.up_at is None:
            return []
        until = now if self.over_at is None else min(now, self.over_at)
        return [*self.gaps, (max(self.up_at, self.last_at or 0.0), until)]
