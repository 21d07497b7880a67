"""Crowds of phones without sound, by sipp (3.6.1 of Debian 12; MD5 only).

Results are read from sipp's own traces, one line a message with its time to the microsecond, so that what is measured
is what was on the wire. sipp spends about 1.2 ms between a challenge and its answer, which the times include; by TCP
they begin some 1 ms before the connection is asked for. By TCP it ends when a connection is lost, its reconnecting
being broken: phones that come back by TCP are the real ones.
"""

from __future__ import annotations

import contextlib
import csv
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from hil.net import Host
from hil.phone import PhoneError

__all__ = ["Answering", "Dial", "Load", "Message", "Placing", "Result", "Sipp", "User", "messages_of", "parse"]

SCENARIOS = Path(__file__).with_name("sipp_scenarios")
MAX_SOCKETS = 4000  # below this system's limit of open files
SOCKET_BYTES = 4 << 20  # one socket stands for a crowd: each phone by itself would lose nothing of what is sent to it
MAX_ANSWERS = 3  # to challenges of one request; a stale nonce takes two
NO_RINGING_END_MS = 3_600_000
STARTED_TIMEOUT_S = 20.0
END_TIMEOUT_S = 20.0
SLACK_S = 15.0  # what a run may take beyond its own timers
POLL_S = 0.05

_REINVITED = '<recv request="INVITE" optional="true" next="again"{}/>'
"""In the scenarios, where a call is up; with the time-out of what comes after it, which sipp minds here."""
_SECRET = re.compile(r"[^\s;\[\]\"]*")
_BEGUN = re.compile(r"(?P<method>[A-Z]+) (?P<call_id>\S+) \S+\t\S+\t(?P<epoch>\d+\.\d+)")
_MESSAGE = re.compile(
    r"\S+\t\S+\t(?P<epoch>\d+\.\d+)\t(?P<way>[SR])\t(?P<call_id>\S+)"
    r"\tCSeq:\s*(?P<cseq>\d+) (?P<method>[A-Z]+)\t(?P<line>.+)"
)
_EXTENSION = re.compile(r"[^\s;\[\]<>\"]+")


@dataclass(frozen=True)
class User:
    """An extension and its password; without one it answers no challenge."""

    extension: str
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not _EXTENSION.fullmatch(self.extension) or not _SECRET.fullmatch(self.password):
            raise ValueError(f"{self.extension!r}: sipp cannot be given this extension, or its password")

    @property
    def authentication(self) -> str:
        """sipp's keyword that computes the answer to a challenge."""
        return f"[authentication username={self.extension} password={self.password}]" if self.password else ""


@dataclass(frozen=True)
class Dial:
    """Who rings whom."""

    caller: User
    callee: str


@dataclass(frozen=True)
class Result:
    """One call or registration as the trace of one side shows it; times are ms from its very first request."""

    number: int  # within its run, from 1
    call_id: str
    began_at: float | None  # s, time.monotonic(); None: sipp could not send anything
    code: int | None  # of the final answer, a challenge only where none other came; None: none came
    first_ms: float | None  # first 180 or 183, challenges and their answers included
    final_ms: float | None  # that final answer
    challenges: int
    completed: bool  # a call: answered, acknowledged, and its BYE answered; else: code is 200


@dataclass(frozen=True)
class Message:
    """One message on the wire, as one phone's trace has it."""

    at: float  # s, time.monotonic()
    sent: bool  # by this phone; else received
    call_id: str
    cseq: int
    method: str  # of its CSeq
    code: int | None  # None: a request


@dataclass(frozen=True)
class Load:
    """What came of many calls, untraced."""

    ok: int
    failed: int
    retransmissions: int
    seconds: float
    first_ms: tuple[float, ...]  # INVITE to 180, each call that got one; whole ms


@dataclass(frozen=True)
class Sipp:
    """One address from which phones ring and are rung. ``proxy`` is "ip:port", ``port`` the phones' own.

    By TCP each user, and each call, has a connection of its own.
    """

    host: Host
    ip: str
    proxy: str
    realm: str
    port: int = 5060
    transport: str = "udp"

    def register(
        self,
        users: Sequence[User],
        *,
        expires_s: int = 3600,
        contact: str | None = None,
        rate: float = 200,
        timeout_s: float = 40,
    ) -> list[Result]:
        """Register each user once, from the phones' port. ``expires_s`` 0 unregisters, with ``contact`` "*" all of it.

        ``contact`` is the whole value of the header. By TCP the connections are closed again: see :meth:`answer`.
        """
        fields = _registrar_fields(self, contact, expires_s, refresh_s=1)
        run = _Run(self, "phone", fields, _rows(users), ["-set", "once", "1", *_pace(len(users), rate)], port=self.port)
        return run.finish("REGISTER", timeout_s)

    def answer(
        self,
        users: Sequence[User] = (),
        *,
        ring_ms: int | None = 20,
        slow_ms: int = 0,
        status: str | None = None,
        hang_up_ms: int | None = None,
        expires_s: int = 3600,
        refresh_s: float | None = None,
        reinvited: bool = False,
        traced: bool = True,
    ) -> Answering:
        """Let the phones' port be answered until :meth:`Answering.stop`; without ``users``, whoever is called there.

        With users, they are registered first and kept so (every ``refresh_s``, else in good time), on the same port
        and, by TCP, on the connections by which they are then called. ``ring_ms`` None rings until cancelled,
        ``slow_ms`` passes before 180, ``status`` ("486 Busy Here") refuses, and ``hang_up_ms`` after the answer the
        phone says BYE. OPTIONS is answered, and, where it is `reinvited`, an INVITE within the call.
        """
        contact = f"{self.ip}:{self.port};transport={self.transport}"
        fields = {
            "contact": contact,
            "slow_ms": max(1, slow_ms),
            "ring_ms": NO_RINGING_END_MS if ring_ms is None else max(1, ring_ms),
            "hold_ms": hang_up_ms or 0,
            "status": status,
            "reinvited": _REINVITED.format("") if reinvited else "",
        }
        options = [] if slow_ms else ["-set", "prompt", "1"]
        options += ["-set", "hang_up", "1"] if hang_up_ms is not None else []
        scenario = "answerer"
        if status is not None:
            scenario, options = "refuser", []
        options.append("-aa")
        if not users:
            return Answering(_Run(self, scenario, fields, [], options, port=self.port, traced=traced), 0)
        options += ["-oocsf", f"{scenario}.xml", *_pace(len(users), rate=200)]
        fields |= _registrar_fields(self, None, expires_s, refresh_s or expires_s * 0.8)
        run = _Run(self, "phone", fields, _rows(users), options, port=self.port, traced=traced, also=scenario)
        return Answering(run, len(users))

    def place(
        self,
        dials: Sequence[Dial],
        *,
        count: int | None = None,
        rate: float = 100,
        at_once: int | None = None,
        hold_ms: int = 100,
        patience_ms: int = 30_000,
        cancel_ms: int | None = None,
        callee_ends: bool = False,
        reinvited: bool = False,
        rtpmap: str = "8 PCMA/8000",
        traced: bool = True,
    ) -> Placing:
        """Begin calls, ``rate`` a second, ``count`` in all (each once, else round and round); they run by themselves.
        Where so many are up or begun ``at_once``, the next one waits for its turn.

        A call waits ``patience_ms`` for its final answer, after which one that rings is cancelled. It ends ``hold_ms``
        after an answer, or by the callee's BYE (``callee_ends``); ``cancel_ms`` after the first 180 it is cancelled
        instead. Where it is ``reinvited``, an INVITE within the call is answered, and begins ``hold_ms`` anew.
        ``rtpmap`` is the one codec of which it says that it speaks it.
        Passwords: all callers or none; without one, challenges are not answered.
        """
        with_password = {bool(dial.caller.password) for dial in dials}
        if len(with_password) != 1:
            raise ValueError("one run needs callers who all have a password, or who all have none")
        count = len(dials) if count is None else count
        fields = {
            "realm": self.realm,
            "hold_ms": max(1, hold_ms if cancel_ms is None else cancel_ms),
            "patience_ms": patience_ms,
            "answers": MAX_ANSWERS if with_password.pop() else 0,
            "reinvited": _REINVITED.format(f' timeout="{hold_ms}" ontimeout="ends"') if reinvited else "",
            "payload": rtpmap.partition(" ")[0],
            "rtpmap": rtpmap,
        }
        options = [*_pace(count, rate, at_once), "-default_behaviors", "all,-abortunexp"]
        options += ["-set", "cancel", "1"] if cancel_ms is not None else []
        options += ["-set", "callee_ends", "1"] if callee_ends else []
        rows = [[dial.caller.extension, dial.callee, dial.caller.authentication] for dial in dials]
        run = _Run(self, "caller", fields, rows, options, traced=traced)
        return Placing(run, count / rate + (2 * patience_ms + hold_ms) / 1000 + SLACK_S)

    def call(self, dials: Sequence[Dial], **options: Any) -> list[Result]:
        """:meth:`place` and wait: one result a call, in the order placed."""
        return self.place(dials, **options).wait()

    def load(self, dials: Sequence[Dial], *, count: int, rate: float, **options: Any) -> Load:
        """Many calls at little cost: not traced one by one. ``options`` as of :meth:`place`."""
        return self.place(dials, count=count, rate=rate, traced=False, **options).wait_load()


class Placing:
    """Calls under way."""

    def __init__(self, run: _Run, timeout_s: float) -> None:
        self._run = run
        self._timeout_s = timeout_s

    def so_far(self) -> list[Result]:
        """What has come of those begun."""
        return self._run.results("INVITE")

    def fresh(self) -> list[Message]:
        """What has been sent and received since this was last asked. Needs ``traced``."""
        return self._run.fresh()

    @property
    def over(self) -> bool:
        """Every call has ended."""
        return self._run.over

    def wait(self) -> list[Result]:
        """The results in the order placed, when all calls have ended, or have had time to."""
        return self._run.finish("INVITE", self._timeout_s)

    def wait_load(self) -> Load:
        self._run.end(self._timeout_s)
        return self._run.load()

    def stop(self) -> None:
        """Give up at once."""
        self._run.kill()


class Answering:
    """Phones that are rung; a context manager, which stops them."""

    def __init__(self, run: _Run, users: int) -> None:
        self._run = run
        self._users = users
        run.wait_bound()

    def __enter__(self) -> Answering:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def registrations(self) -> list[Result]:
        """The first registration of each user, as far as it has come. Needs ``traced``."""
        return self._run.results("REGISTER")

    def wait_registered(self, timeout_s: float) -> None:
        """Wait until every user has been registered once. Raises PhoneError. Needs ``traced``."""
        deadline = time.monotonic() + timeout_s
        while (done := sum(result.code == 200 for result in self.registrations())) < self._users:
            if time.monotonic() > deadline:
                raise PhoneError(f"{done} of {self._users} users registered within {timeout_s} s")
            time.sleep(POLL_S)

    def calls(self) -> list[Result]:
        """The calls that came in so far. Needs ``traced``."""
        return self._run.results("INVITE")

    def fresh(self) -> list[Message]:
        """What has been sent and received since this was last asked. Needs ``traced``."""
        return self._run.fresh()

    @property
    def over(self) -> bool:
        """It has ended by itself: by TCP, a connection was lost."""
        return self._run.over

    def stop(self) -> None:
        """End at once; nobody is told, as when a switch loses power."""
        self._run.kill()


class _Run:
    """One sipp process and its files."""

    def __init__(
        self,
        sipp: Sipp,
        scenario: str,
        fields: dict[str, Any],
        rows: list[list[str]],
        options: list[str],
        *,
        port: int | None = None,
        traced: bool = True,
        also: str | None = None,
    ) -> None:
        self._sipp = sipp
        self._port = port
        self.directory = Path(tempfile.mkdtemp(prefix="sipp-", dir=sipp.host.directory))
        for name in (scenario, also):
            if name is not None:
                (self.directory / f"{name}.xml").write_text(_filled(name, fields))
        args = ["sipp", sipp.proxy, "-sf", f"{scenario}.xml", "-i", sipp.ip, "-bind_local", "-nostdin"]
        args += ["-t", "u1" if sipp.transport == "udp" else "tn", "-max_socket", str(MAX_SOCKETS)]
        args += ["-buff_size", str(SOCKET_BYTES)]
        args += ["-p", str(port)] if port is not None else []
        if rows:
            with (self.directory / "rows.csv").open("w", newline="") as file:
                file.write("SEQUENTIAL\n")
                csv.writer(file, delimiter=";", quoting=csv.QUOTE_NONE, lineterminator="\n").writerows(rows)
            args += ["-inf", "rows.csv"]
        if traced:
            args += ["-trace_shortmsg", "-shortmessage_file", "messages", "-trace_logs", "-log_file", "begun"]
        else:
            args += ["-trace_stat", "-stf", "statistics", "-fd", "1", "-trace_rtt", "-rtt_freq", "1"]
        self._read_bytes = 0
        self._log = self.directory / "output"
        with self._log.open("wb") as log:
            self._process = sipp.host.popen([*args, *options], cwd=self.directory, stdout=log, stderr=log)

    def wait_bound(self) -> None:
        """Wait until the port answers for itself."""
        deadline = time.monotonic() + STARTED_TIMEOUT_S
        kind = "-lun" if self._sipp.transport == "udp" else "-ltn"
        while f"{self._sipp.ip}:{self._port}" not in self._sipp.host.run(["ss", "-H", kind]).stdout:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise PhoneError(f"sipp did not start: {self._complaint()}")
            time.sleep(POLL_S)

    def end(self, timeout_s: float) -> None:
        """Wait for the end; calls that do not end in time are dropped."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(END_TIMEOUT_S)

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    def fresh(self) -> list[Message]:
        with contextlib.suppress(FileNotFoundError), (self.directory / "messages").open("rb") as file:
            file.seek(self._read_bytes)
            whole = file.read().rpartition(b"\n")[0] + b"\n"
            if len(whole) == 1:
                return []
            self._read_bytes += len(whole)
            return messages_of(whole.decode(errors="replace"), time.monotonic() - time.time())
        return []

    def results(self, method: str) -> list[Result]:
        wall_to_monotonic = time.monotonic() - time.time()
        return parse(self._text("messages"), self._text("begun"), method, wall_to_monotonic)

    def finish(self, method: str, timeout_s: float) -> list[Result]:
        self.end(timeout_s)
        results = self.results(method)
        if not results:
            raise PhoneError(f"sipp ended with {self._process.returncode} before it began: {self._complaint()}")
        return results

    def load(self) -> Load:
        statistics = list(csv.DictReader(self._text("statistics").splitlines(), delimiter=";"))
        if not statistics:
            raise PhoneError(f"sipp left no statistics: {self._complaint()}")
        last = statistics[-1]
        times = (
            line.split(";") for path in self.directory.glob("*_rtt.csv") for line in path.read_text().splitlines()[1:]
        )
        hours, minutes, seconds = last["ElapsedTime(C)"].split(":")[:3]
        return Load(
            ok=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
            seconds=int(hours) * 3600 + int(minutes) * 60 + float(seconds),
            first_ms=tuple(float(fields[1]) for fields in times),
        )

    def _text(self, name: str) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / name).read_text(errors="replace")
        return ""

    def _complaint(self) -> str:
        return self._log.read_text(errors="replace")[-500:].strip()


@dataclass
class _Trace:
    """What is known of one Call-ID."""

    sent_at: float | None = None
    first_at: float | None = None
    final_at: float | None = None
    code: int | None = None
    challenges: int = 0
    acknowledged: bool = False
    ended: bool = False


def parse(messages: str, begun: str, method: str, wall_to_monotonic: float = 0.0) -> list[Result]:
    """The results of one method (INVITE, REGISTER) in sipp's short message trace, in the order of their Call-IDs.

    ``begun`` is the log of calls begun, which also holds those whose first request waited for a connection. Lines cut
    short are passed over. Of what a phone does to be registered, its first success counts.
    """
    traces: dict[str, _Trace] = {}
    for line in begun.splitlines():
        if (match := _BEGUN.fullmatch(line)) and match["method"] == method:
            traces[match["call_id"]] = _Trace(sent_at=float(match["epoch"]))
    unseen = set(traces)
    for line in messages.splitlines():
        if not (match := _MESSAGE.fullmatch(line)):
            continue
        call_id, of, first_line, at = match["call_id"], match["method"], match["line"], float(match["epoch"])
        # What is heard first of a call by an answer is an earlier run's, from the same port.
        if call_id not in traces and (of != method or _code(first_line) is not None):
            continue
        trace = traces.setdefault(call_id, _Trace())
        if call_id in unseen:
            unseen.discard(call_id)
            if _code(first_line) is None:
                trace.sent_at = None  # the first request itself is nearer to the truth than the log
        _note(trace, of, method, first_line, at)
    return [
        _result(call_id, trace, method, wall_to_monotonic) for call_id, trace in sorted(traces.items(), key=_number)
    ]


def messages_of(text: str, wall_to_monotonic: float = 0.0) -> list[Message]:
    """The messages in sipp's short message trace, as they stand there; lines cut short are passed over."""
    return [
        Message(
            at=float(match["epoch"]) + wall_to_monotonic,
            sent=match["way"] == "S",
            call_id=match["call_id"],
            cseq=int(match["cseq"]),
            method=match["method"],
            code=_code(match["line"]),
        )
        for match in map(_MESSAGE.fullmatch, text.splitlines())
        if match
    ]


def _note(trace: _Trace, of: str, method: str, first_line: str, at: float) -> None:
    code = _code(first_line)
    if of == "ACK":
        trace.acknowledged = True
    elif of == "BYE" and code == 200:
        trace.ended = True
    elif of != method:
        return
    elif code is None:
        trace.sent_at = at if trace.sent_at is None else trace.sent_at
        if trace.code in (401, 407):  # it is being answered: not the final one
            trace.code = trace.final_at = None
    elif code in (180, 183):
        trace.first_at = at if trace.first_at is None else trace.first_at
    elif code >= 200 and (trace.code in (None, 401, 407) or (method == "REGISTER" and trace.code != 200)):
        trace.challenges += code in (401, 407)
        trace.code, trace.final_at = code, at


def _result(call_id: str, trace: _Trace, method: str, wall_to_monotonic: float) -> Result:
    def ms(at: float | None) -> float | None:
        return None if at is None or trace.sent_at is None else round((at - trace.sent_at) * 1000, 3)

    return Result(
        number=_number((call_id, trace)),
        call_id=call_id,
        began_at=None if trace.sent_at is None else trace.sent_at + wall_to_monotonic,
        code=trace.code,
        first_ms=ms(trace.first_at),
        final_ms=ms(trace.final_at),
        challenges=trace.challenges,
        completed=trace.code == 200 and (method != "INVITE" or (trace.acknowledged and trace.ended)),
    )


def _number(item: tuple[str, _Trace]) -> int:
    """sipp's Call-IDs begin with the number of the call."""
    digits = item[0].partition("-")[0]
    return int(digits) if digits.isdigit() else 0


def _code(first_line: str) -> int | None:
    version, _, rest = first_line.partition(" ")
    return int(rest[:3]) if version == "SIP/2.0" and rest[:3].isdigit() else None


def _rows(users: Iterable[User]) -> list[list[str]]:
    return [[user.extension, user.authentication] for user in users]


def _pace(count: int, rate: float, at_once: int | None = None) -> list[str]:
    return ["-m", str(count), "-l", str(count if at_once is None else at_once), "-r", f"{rate:g}"]


def _registrar_fields(sipp: Sipp, contact: str | None, expires_s: int, refresh_s: float) -> dict[str, Any]:
    own = f"<sip:[field0]@{sipp.ip}:{sipp.port};transport={sipp.transport}>"
    return {
        "realm": sipp.realm,
        "registered": own if contact is None else contact,
        "expires_s": expires_s,
        "refresh_ms": round(refresh_s * 1000),
        "answers": MAX_ANSWERS,
    }


def _filled(scenario: str, fields: dict[str, Any]) -> str:
    text = (SCENARIOS / f"{scenario}.xml").read_text()
    for name, value in fields.items():
        text = text.replace(f"%{name}%", str(value))
    return text
