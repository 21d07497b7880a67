"""The world outside a storm's building: two modems on a mobile network, who is called there, who calls a SIM, and who
texts. What is seen of it goes into the history."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from callcontrol.trunk.smsqueue import Kind
from firmware.paths import Paths
from firmware.store.sms import Sms, SmsRows
from firmware.store.smsview import SmsView
from hil.child import ChildError
from hil.history import History
from hil.modems import Modems
from hil.site import Site
from hil.stormdeeds import BOSS, MOBILES, MODEMS, REFERRED_MOBILE, Deed, Do
from hil.stormpart import Part
from hil.stormplan import Fault

__all__ = ["MODEM_PLANS", "Outside"]

MODEM_PLANS = tuple(
    f"name={name},model={model},faults=sms_error:0.3+cut:0.2+glued:0.1"
    for name, model in zip(MODEMS, ("sim7600", "eg25g"), strict=True)
)
"""What a real modem does all day: a network that now and then takes no message, lines in pieces and glued."""
SETUP_S, SOS_SETUP_S = 0.5, 0.3
BOOT_S = 2.0
SOS = ("112", "112-2", "112-3")
"""As many as there can be calls by modem, and more."""
AT = {
    Fault.MODEM_UNPLUGGED: MODEMS[0],
    Fault.MODEM_HUNG: MODEMS[0],
    Fault.KEPT_UNPLUGGED: MODEMS[1],
    Fault.KEPT_HUNG: MODEMS[1],
}
UNPLUGGED = (Fault.MODEM_UNPLUGGED, Fault.KEPT_UNPLUGGED)
TEXT_MAX = 2000


class Outside(Part):
    """`lock` guards the history. What is done is done in a thread of its own, in its order."""

    faults = (*AT, Fault.NETWORK_LOST)

    def __init__(self, modems: Modems, history: History, lock: threading.RLock) -> None:
        self._modems = modems
        self._paths: Paths | None = None
        self._history = history
        self._lock = lock
        self._asking = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "outside")
        self._read = 0

    def join(self, site: Site) -> None:
        """Who can be called is there."""
        self._paths = site.paths
        self._do("network", setup_s=SETUP_S, emergency_setup_s=SOS_SETUP_S)
        for number in (*MOBILES, BOSS, REFERRED_MOBILE, *SOS):
            self._do("phone", number=number, answers_after_s=0.3)
        with self._lock:
            self._history.outside.sims = {self._modems.number(name): name for name in MODEMS}

    def stop(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def do(self, deed: Deed) -> None:
        """Begin it; what came of it is seen by `see`."""
        self._worker.submit(self._work, deed)

    def change(self, fault: Fault, on: bool) -> None:
        """Strike or mend one. Raises OSError where the simulator is gone."""
        try:
            if fault is Fault.NETWORK_LOST:
                self._do("radio", coverage="none" if on else "home")
            elif fault in UNPLUGGED or not on:  # who hangs is without power for a moment
                self._do("power", modem=AT[fault], on=False)
                if not on:
                    self._do("power", modem=AT[fault], on=True, boot_s=BOOT_S)
            else:
                self._do("hang", modem=AT[fault])
        except ChildError as error:
            raise OSError(str(error)) from error

    def figures(self) -> dict[str, int]:
        """Calls that were up in the mobile network, of the unit's modems, those to 112 of them, and texts that came."""
        seen = self._history.outside
        up = [one for one in seen.calls.values() if one.up_at is not None]
        emergencies = sum(one.emergency for one in up)
        return {"by_modem": len(up), "emergencies_by_modem": emergencies, "texts": seen.delivered.total()}

    def see(self) -> None:
        """What the network has seen since, and what the queue says. Raises OSError, sqlite3.Error."""
        assert self._paths is not None
        at = time.monotonic()
        with contextlib.closing(SmsView.open(self._paths.journal)) as rows:
            states = {one.sms.id: one.state for one in rows.newest(TEXT_MAX)}
            tried = frozenset(name for name in states if rows.tries(name))
        # After it: of what the queue says is sent the network must know already.
        with self._modems.history_file.open("rb") as file:
            file.seek(self._read)
            lines = file.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in lines[:-1])
        # Most of it is what modems and unit say to each other.
        entries = [json.loads(line) for line in lines[:-1] if b'"what": "at_' not in line]
        with self._lock:
            for entry in entries:
                self._history.outside.take(entry)
            self._history.outside.states, self._history.outside.tried = (at, states), tried

    def _work(self, deed: Deed) -> None:
        with contextlib.suppress(ChildError, sqlite3.Error, OSError, OverflowError):  # not done: not promised
            if deed.do is Do.TEXT:
                self._text(deed)
            elif deed.do is Do.COMMAND:
                with self._lock:
                    self._history.outside.commands += 1
                self._do("sms", from_=deed.caller, to=self._number(MODEMS[0]), text=deed.callee)
            else:
                self._do("call", from_=deed.caller, to=self._number(deed.callee), hangs_up_after_s=deed.hold_s)

    def _text(self, deed: Deed) -> None:
        assert self._paths is not None
        kind = (Kind.ALARM, Kind.MESSAGE)[deed.slot % 2]
        one = Sms(
            id=f"storm {deed.slot}", kind=kind, number=deed.callee, text=f"larm {deed.slot}", set_by="rig",
            queued_at=datetime.now(UTC),
        )  # fmt: skip
        with contextlib.closing(SmsRows.open(self._paths.journal)) as rows:
            rows.put([one])
        with self._lock:
            self._history.outside.queued[one.id] = time.monotonic(), one.number, one.text

    def _number(self, modem: str) -> str:
        return next(number for number, name in self._history.outside.sims.items() if name == modem)

    def _do(self, word: str, **fields: object) -> None:
        with self._asking:
            self._modems.do(word, **fields)
