"""What a rig may ask of the simulator: JSON objects, one a line, over a Unix socket.

``{"do": "call", "from": "+46…", "to": "+46…"}`` is answered ``{"ok": true, …}`` or ``{"ok": false, "error": "…"}``.
After ``{"do": "watch"}`` each entry of the history follows as ``{"event": {…}}``. The commands are the methods of
:class:`Commands` whose names begin with ``do_``; their docstrings name the fields.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from hil.sim.modem.faults import Fault
from hil.sim.modem.history import Entry
from hil.sim.modem.network import Cause, Settings
from hil.sim.modem.phones import Habit, Phone
from hil.sim.modem.registration import Coverage, Radio
from hil.sim.modem.voices import voice
from hil.sim.modem.world import ModemPlan, Plugged, World

__all__ = ["Commands", "ControlServer"]

COMMAND_MAX_BYTES = 64 * 1024
HISTORY_MAX = 5000
"""Entries in one answer; the newest."""
BEHIND_MAX_BYTES = 4 * 1024 * 1024
"""Who watches and does not read is dropped."""

Said = Mapping[str, Any]


class Commands:
    """Everything that can be done to a world. Raises ValueError or KeyError, naming what is wrong."""

    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, said: Said) -> dict[str, Any]:
        """One command."""
        word = said.get("do")
        method = getattr(self, f"do_{word}", None) if isinstance(word, str) else None
        if method is None:
            raise ValueError(f"do {word!r}: no such command")
        return method(said) or {}

    def do_status(self, said: Said) -> dict[str, Any]:
        """All modems and calls."""
        return {
            "modems": {name: _modem_status(modem) for name, modem in self._world.modems.items()},
            "calls": [
                {"call": call.index, "caller": call.caller.number, "dialled": call.dialled, "stage": str(call.stage)}
                for call in self._world.network.calls
            ],
        }

    def do_add(self, said: Said) -> None:
        """name, model, at, pcm, number, pin, seed, ppm: another modem, with power."""
        wanted = {name: value for name, value in said.items() if name != "do"}
        self._world.add(ModemPlan(**wanted)).device.power_on(0.0)

    def do_phone(self, said: Said) -> None:
        """number, and any field of Habit."""
        number = str(said["number"])
        phone = self._world.phone(number)
        phone.told(replace(phone.habit, **_only(said, Habit)))

    def do_call(self, said: Said) -> dict[str, Any]:
        """from, to, withheld: a phone calls; and any field of Habit for that phone."""
        self.do_phone({**said, "number": said["from"]})
        call = self._world.phone(str(said["from"])).dial(str(said["to"]), withheld=bool(said.get("withheld")))
        return {"call": call.index}

    def do_answer(self, said: Said) -> None:
        """number: a phone takes the call that rings."""
        self._phone(said).answer()

    def do_hang_up(self, said: Said) -> None:
        """number, cause: a phone ends its call."""
        self._phone(said).hang_up(Cause(said.get("cause", Cause.NORMAL)))

    def do_press(self, said: Said) -> None:
        """number, keys."""
        self._phone(said).press(str(said["keys"]))

    def do_say(self, said: Said) -> None:
        """number, sound."""
        self._phone(said).say(str(said["sound"]))

    def do_sms(self, said: Said) -> dict[str, Any]:
        """from, to, text; or to, pdu (hex)."""
        if "pdu" in said:
            self._world.centre.send_pdu(str(said["to"]), bytes.fromhex(said["pdu"]))
            return {"parts": 1}
        return {"parts": self._world.centre.send(str(said["from"]), str(said["to"]), str(said["text"]))}

    def do_inbox(self, said: Said) -> dict[str, Any]:
        """number: the SMS that a phone has got."""
        return {"texts": self._phone(said).inbox}

    def do_ussd(self, said: Said) -> None:
        """code, text: the answer to a code."""
        self._world.centre.ussd[str(said["code"])] = str(said["text"])

    def do_balance(self, said: Said) -> None:
        """number, amount: what is left to send SMS by."""
        self._world.centre.balances[str(said["number"])] = float(said["amount"])

    def do_time(self, said: Said) -> None:
        """wrong_by_s, offset_min: the network's clock."""
        self._world.centre.wrong_by_s = float(said.get("wrong_by_s", self._world.centre.wrong_by_s))
        self._world.centre.offset_min = int(said.get("offset_min", self._world.centre.offset_min))

    def do_network(self, said: Said) -> None:
        """Any field of Settings."""
        settings = replace(self._world.network.settings, **_only(said, Settings))
        for name in (settings.ringback, settings.announces):
            voice(name)
        self._world.network.settings = settings

    def do_radio(self, said: Said) -> None:
        """modem (absent: all), and any field of Radio."""
        changes = _only(said, Radio)
        if "coverage" in changes:
            changes["coverage"] = Coverage(changes["coverage"])
        for modem in self._modems(said):
            modem.device.registration.move(**changes)

    def do_fault(self, said: Said) -> None:
        """modem (absent: all), fault, likelihood (0 is off)."""
        for modem in self._modems(said):
            modem.device.faults.put(Fault(said["fault"]), float(said.get("likelihood", 1.0)))

    def do_no_faults(self, said: Said) -> None:
        """modem (absent: all)."""
        for modem in self._modems(said):
            modem.device.faults.clear()

    def do_hang(self, said: Said) -> None:
        """modem: silent until it is without power."""
        for modem in self._modems(said):
            modem.device.hang()

    def do_power(self, said: Said) -> None:
        """modem, on, boot_s: its power, or its plug."""
        for modem in self._modems(said):
            if said["on"]:
                modem.device.power_on(said.get("boot_s"))
            else:
                modem.device.power_off()

    def do_reset(self, said: Said) -> None:
        """modem: begins anew."""
        for modem in self._modems(said):
            modem.device.reset()

    def do_move(self, said: Said) -> None:
        """modem, at, pcm, boot_s: unplugged, and enumerated again under other names."""
        modem = self._modem(said)
        modem.moved(str(said.get("at", "")), str(said.get("pcm", "")))
        modem.device.power_on(said.get("boot_s"))

    def do_sim(self, said: Said) -> None:
        """modem, present: the card is put in or taken out."""
        self._modem(said).device.card.insert(bool(said["present"]))

    def do_urc(self, said: Said) -> None:
        """modem, text: a line that nobody asked for."""
        self._modem(said).device.unsolicited(str(said["text"]))

    def do_history(self, said: Said) -> dict[str, Any]:
        """what (absent: all kinds): the newest entries."""
        kept = [entry for entry in self._world.history.entries if said.get("what", entry["what"]) == entry["what"]]
        return {"entries": kept[-HISTORY_MAX:]}

    def _phone(self, said: Said) -> Phone:
        found = self._world.network.parties.get(str(said["number"]))
        if not isinstance(found, Phone):
            raise ValueError(f"number {said['number']!r}: no such phone")
        return found

    def _modem(self, said: Said) -> Plugged:
        found = self._world.modems.get(str(said["modem"]))
        if found is None:
            raise ValueError(f"modem {said['modem']!r}: one of {', '.join(self._world.modems)} expected")
        return found

    def _modems(self, said: Said) -> list[Plugged]:
        return [self._modem(said)] if "modem" in said else list(self._world.modems.values())


def _only(said: Said, kind: Any) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in said.items() if name in names}


def _modem_status(modem: Plugged) -> dict[str, Any]:
    device = modem.device
    return {
        "model": device.model.name,
        "number": device.calls.number,
        "power": str(device.power),
        "registered": str(device.registration.state),
        "sim": "ready" if device.card.ready else "locked or absent",
        "calls": [{"index": held.index, "stat": held.stat, "number": held.number} for held in device.calls.calls],
        "pcm": device.pcm.on,
        "faults": {str(fault): likelihood for fault, likelihood in device.faults.all().items()},
        "at": modem.plan.at,
        "pcm_at": modem.plan.pcm,
    }


class ControlServer:
    """The socket; any number of rigs at once."""

    def __init__(self, world: World, path: Path) -> None:
        self._world, self._commands, self.path = world, Commands(world), path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens. Raises OSError."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=COMMAND_MAX_BYTES)

    async def close(self) -> None:
        """Listens no more."""
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = []
        try:
            while line := await reader.readline():
                watching = self._one(line, writer)
                if watching:
                    ends.append(self._world.history.listen(lambda entry: _tell(writer, entry)))
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # gone, or a line beyond every bound
        finally:
            for end in ends:
                end()
            writer.close()

    def _one(self, line: bytes, writer: asyncio.StreamWriter) -> bool:
        try:
            said = json.loads(line)
            if not isinstance(said, dict):
                raise ValueError("an object expected")
            watching = said.get("do") == "watch"
            answer = {"ok": True, **({} if watching else self._commands.run(said))}
        except (ValueError, KeyError, TypeError) as error:
            watching, answer = False, {"ok": False, "error": f"{type(error).__name__}: {error}"[:400]}
        writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        return watching


def _tell(writer: asyncio.StreamWriter, entry: Entry) -> None:
    if writer.transport.get_write_buffer_size() > BEHIND_MAX_BYTES:
        writer.transport.abort()
    elif not writer.is_closing():
        writer.write(json.dumps({"event": entry}, ensure_ascii=False).encode() + b"\n")
