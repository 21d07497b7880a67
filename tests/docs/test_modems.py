"""docs/modems.md names every model, step and reason that the drivers have."""

from __future__ import annotations

import re
from pathlib import Path

from drivers.codec.at import SYNC_S, SYNC_TRIES, URGENT_WAIT_S
from drivers.modem.health import Reason
from drivers.modem.model import Step
from drivers.modem.ports import KNOWN
from drivers.modem.session import CALLS_IDLE_S, CALLS_TIMEOUT_S

TEXT = (Path(__file__).parents[2] / "docs" / "modems.md").read_text()


def test_every_known_modem_with_its_ports() -> None:
    rows = re.findall(r"\| (\w{4}):(\w{4}) \| (\d), (\d) \|", TEXT)
    told = {(vendor, product): (int(at), int(pcm)) for vendor, product, at, pcm in rows}
    assert told == {ids: (layout.at, layout.pcm) for ids, layout in KNOWN.items()}


def test_every_step_and_reason() -> None:
    steps = re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE)
    assert steps == [step.value for step in Step if step is not Step.FINE]
    reasons = [value for name, value in vars(Reason).items() if name.isupper()]
    assert [reason for reason in reasons if f"`{reason}`" not in TEXT] == []


def test_the_times_that_it_promises() -> None:
    assert f"seen within {CALLS_IDLE_S + CALLS_TIMEOUT_S + SYNC_TRIES * SYNC_S:g} s" in TEXT
    assert f"behind a slow answer after {URGENT_WAIT_S:g} s" in TEXT
