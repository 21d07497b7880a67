"""``[panel]`` of the configuration: what of the unit's own lamps, buzzer and button is there. Their pins stand in
board/pinmap.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.bounds import Choice
from firmware.document import key

__all__ = ["Panel"]

_YES_NO = Choice(("yes", "no"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    lamps: str = field(
        default="no", metadata=key(_YES_NO, "whether the green, the yellow and the red lamp are connected")
    )
    buzzer: str = field(
        default="no", metadata=key(_YES_NO, "whether the buzzer is connected; it tells of mains lost and a low battery")
    )
    button: str = field(
        default="no", metadata=key(_YES_NO, "whether the button is connected; pressed, it tries lamps and buzzer")
    )
