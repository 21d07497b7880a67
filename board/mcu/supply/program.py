"""The program without its pins: `step` is one pass of the loop, all it meets is `hal`."""

import mcuframe
import mcuwords

from supply import VERSION, limits
from supply.clock import Clock
from supply.decide import ON, Decider, Seen
from supply.log import Log
from supply.measure import Beating, Mains, Middle, within
from supply.taking import Refused, Taking

OFF_CAUSES = ("cut_halted", "cut_time", "cut_hung")
ON_CAUSES = ("start", "heart_back", "halt_cancelled", "halt_failed")
KERNEL = "kernel"  # a file: the kernel's line has beaten on this board
PIECES_AT_ONCE = 4  # of the log, between two passes


class Program:
    """`hal` is supply/hal.py's Hal, or what a rig has in its place; `files` and `slots` are the loader's."""

    def __init__(self, hal, files, slots, came_back):
        self._hal, self._files, self._slots = hal, files, slots
        self._clock = Clock(hal.ticks)
        self._decoder = mcuframe.Decoder(mcuwords.LENGTHS)
        self._boot_id = hal.random32()
        self._log = Log(files)
        self._taking = Taking(files, slots, hal.feed)
        now = self._clock.now()
        causes = self._log.causes()
        ways = [cause for cause in causes if cause in OFF_CAUSES or cause in ON_CAUSES or cause == "low"]
        drained = hal.from_nothing() and bool(ways) and ways[-1] == "low"
        self._decider = Decider(now, bool(ways) and ways[-1] in OFF_CAUSES, _cycles(causes), drained)
        self._mains = Mains()
        self._kernel = Beating(bool(files.read(KERNEL)))
        self._kernel_kept = self._kernel.known
        self._battery, self._current, self._supply, self._tenths = Middle(), Middle(), Middle(), Middle()
        self._raw = {}
        self._supply_mv = None
        self._seen = Seen()
        self._sequence = 0
        self._peer = None  # the boot id of the unit's heart
        self._agreed = None  # the version that both speak
        self._answered = None  # (boot id, sequence, type), answer
        self._unix = (0, 0)  # s, and when it was told
        self._bounced = False
        self._was_on = None
        self._sample_at = self._decide_at = self._tell_at = self._ask_at = now
        self._done_at = {"sample": now, "decide": now, "hear": now}
        self._proved_since = None
        self._supply_since = now
        self._reading = None  # what of the log is still to be sent
        self._reset_at = None
        self._keep(now, "program_back" if came_back else "boot", hal.cause())
        self._hello()
        self._apply()

    def step(self):
        """Once each few milliseconds."""
        now = self._clock.now()
        self._hear(now)
        if now >= self._sample_at:
            self._sample_at = now + limits.SAMPLE_MS
            self._sample(now)
        if now >= self._decide_at:
            self._decide_at = now + limits.DECIDE_MS
            self._decide(now)
        if now >= self._tell_at:
            self._tell_at = now + limits.TELL_MS
            self._tell(now)
        if self._reading is not None:
            self._read_on()
        if all(now - at < limits.LIVE_MS for at in self._done_at.values()):
            self._hal.feed()
        if self._reset_at is not None and now >= self._reset_at:
            self._hal.reset()

    def _read_on(self):
        for _ in range(PIECES_AT_ONCE):
            payload = next(self._reading, None)
            if payload is None:
                self._reading = None
                return
            self._send(mcuwords.ENTRY, payload)

    def _sample(self, now):
        hal = self._hal
        self._raw = hal.sample()
        raw = self._raw
        self._mains.sample(now, raw["mains"])
        self._kernel.sample(now, raw["kernel"])
        if self._decider.beats(now) and (self._kernel.age(now) or 0) >= limits.KERNEL_DEAD_MS:
            self._kernel.known = False  # the kernel lives, and its line is still: it is not wired any more
        if self._kernel.known != self._kernel_kept:
            self._kernel_kept = self._kernel.known
            if self._kernel_kept:
                self._guard(self._files.write, KERNEL, 0, b"1")
            else:
                self._guard(self._files.clear, KERNEL)
        self._seen.battery_mv = self._battery.of(
            within(raw["battery_mv"], limits.BATTERY_MIN_MV, limits.BATTERY_MAX_MV)
        )
        self._seen.unit_ma = self._current.of(within(raw["unit_ma"], -limits.CURRENT_MAX_MA, limits.CURRENT_MAX_MA))
        self._seen.tenths = self._tenths.of(within(raw["tenths"], limits.COLD_TENTHS, limits.NONSENSE_TENTHS))
        self._supply_mv = self._supply.of(within(raw["supply_mv"], limits.SUPPLY_MIN_MV, limits.SUPPLY_MAX_MV))
        self._done_at["sample"] = now
        if self._mains.on != self._was_on:
            if self._was_on is not None or self._mains.on is False:
                self._keep(now, "mains_back" if self._mains.on else "mains_lost")
            self._was_on = self._mains.on
            self._decide_at = self._tell_at = now
        if self._mains.bouncing != self._bounced:
            self._bounced = self._mains.bouncing
            if self._bounced:
                self._keep(now, "bouncing")

    def _decide(self, now):
        seen, decider = self._seen, self._decider
        seen.mains, seen.mains_ms = self._mains.on, now - self._mains.since
        seen.kernel_ms, seen.halted = self._kernel.age(now), self._raw.get("halted")
        was = decider.supply
        for cause in decider.step(now, seen):
            self._keep(now, cause, decider.edge)
        if decider.supply != was:
            self._supply_since = now
        self._apply()
        if decider.warns and now >= self._ask_at:
            self._ask_at = now + limits.ASK_EVERY_MS
            self._send(mcuwords.ASK, b"")
        self._prove(now)
        self._done_at["decide"] = now

    def _apply(self):
        self._hal.supply(self._decider.supply)
        self._hal.warn(self._decider.warns or self._decider.low)

    def _prove(self, now):
        """A new program is good when it has measured, and heard the unit for a while; one that has not starts anew."""
        if self._slots.proved:
            return
        beats = self._agreed is not None and self._decider.state == ON and self._decider.beats(now)
        if not beats:
            self._proved_since = None
        elif self._proved_since is None:
            self._proved_since = now
        elif now - self._proved_since >= limits.PROVE_MS:
            self._slots.good()
            self._keep(now, "program_good", VERSION & 0xFF)
        elapsed = now - self._supply_since
        if self._decider.supply and elapsed >= limits.PROVE_BY_MS and self._proved_since is None:
            self._hal.reset()

    def _hear(self, now):
        for kind, sequence, payload in self._decoder.receive(self._hal.receive()):
            fields = mcuwords.unpack(kind, payload)
            if fields is None:
                self._decoder.bad += 1
            elif kind == mcuwords.HELLO:
                if fields[2] != self._peer:
                    self._hello()
                self._peer = fields[2]
                self._agreed = mcuwords.agreed(fields[0], fields[1])
            elif kind == mcuwords.BEAT and self._agreed is not None:
                edge, calls, _, _, unix = fields
                self._decider.beat(now, edge, None if calls == mcuwords.CALLS_UNKNOWN else calls)
                self._unix = (unix, now)
            elif kind in mcuwords.COMMANDS:
                self._command(now, kind, sequence, fields)
            elif kind == mcuwords.BEAT:
                self._hello()  # a heart that does not know that this has begun anew
        self._done_at["hear"] = now

    def _command(self, now, kind, sequence, fields):
        """Done once, however often it comes, and answered each time."""
        known = (self._peer, sequence, kind)
        if self._answered is None or self._answered[0] != known or self._peer is None:
            try:
                self._do(now, kind, fields)
                word = "done"
            except Refused as refused:
                word = refused.args[0]
            except OSError:
                word = "room"
            self._answered = known, word
        answer = mcuwords.REFUSALS.index(self._answered[1])
        self._send(mcuwords.ACK, mcuwords.pack(mcuwords.ACK, kind, sequence, answer))

    def _do(self, now, kind, fields):
        if self._peer is None or (self._agreed is None and kind not in (mcuwords.BEGIN, mcuwords.CHUNK, mcuwords.END)):
            raise Refused("hello_first")
        if kind == mcuwords.HALT and not self._decider.halt(now, fields[0] * 1000):
            raise Refused("not_now")
        if kind == mcuwords.CANCEL and not self._decider.cancel():
            raise Refused("not_now")
        if kind == mcuwords.READ_LOG:
            self._reading = self._log.entries(fields[0])
        elif kind == mcuwords.BEGIN:
            self._taking.begin(fields[0], fields[2])
        elif kind == mcuwords.CHUNK:
            self._taking.chunk(fields[0], fields[1])
        elif kind == mcuwords.END:
            if self._decider.state != ON:
                raise Refused("not_now")
            self._taking.end()
            self._keep(now, "program_taken")
            self._reset_at = now + limits.SECOND_MS  # its answer is out by then

    def _tell(self, now):
        decider, seen = self._decider, self._seen
        self._send(
            mcuwords.TELEMETRY,
            mcuwords.pack(
                mcuwords.TELEMETRY,
                now // 1000 & 0xFFFFFFFF,
                mcuwords.MAINS_UNKNOWN if self._mains.on is None else int(self._mains.on),
                _or(seen.battery_mv, mcuwords.NOT_KNOWN),
                _or(seen.unit_ma, mcuwords.NOT_KNOWN_SIGNED),
                _or(self._supply_mv, mcuwords.NOT_KNOWN),
                _or(seen.tenths, mcuwords.NOT_KNOWN_SIGNED),
                decider.state,
                int(decider.orders_halt),
                int(decider.low),
                int(decider.warns),
                min(self._decoder.bad, 0xFFFF),
                self._log.number,
            ),
        )

    def _hello(self):
        low, high = mcuwords.PROTOCOLS
        slot = 1 + self._slots.active
        self._send(
            mcuwords.HELLO,
            mcuwords.pack(mcuwords.HELLO, low, high, self._boot_id, VERSION, slot, self._hal.cause()),
        )

    def _send(self, kind, payload):
        self._sequence = (self._sequence + 1) & 0xFF
        self._hal.send(mcuframe.encode(kind, self._sequence, payload))

    def _keep(self, now, cause, detail=0):
        """In the log."""
        unix, told_at = self._unix
        seen = self._seen
        self._guard(
            self._log.write,
            now,
            cause,
            detail,
            unix + (now - told_at) // 1000 if unix else 0,
            seen.battery_mv,
            seen.unit_ma,
            seen.tenths,
        )

    def _guard(self, write, *what):
        """A flash that fails holds nothing up."""
        try:
            write(*what)
        except OSError:
            pass


def _or(value, unknown):
    return unknown if value is None else value


def _cycles(causes):
    """Cuts of a unit that hung, since it was last steady."""
    last = len(causes) - causes[::-1].index("steady") if "steady" in causes else 0
    return causes[last:].count("cut_hung")
