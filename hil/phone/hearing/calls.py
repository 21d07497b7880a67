"""The calls of a crowd: their dialogs (RFC 3261 §12), those that its phones make, and how a call ends."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from hil.net import Host
from hil.phone.hearing.facts import Heard, Manner
from hil.phone.hearing.loop import Loop
from hil.phone.hearing.signalling import GIVEN_UP_S, KEYS_TRIED, Signalling, listed, new_tag, uri_of, user_of
from hil.phone.hearing.sound import Sound
from hil.phone.raw import body_of, header, status
from hil.phone.sipp import User

__all__ = ["Call", "Calls", "is_good"]

_numbers = itertools.count(1)


@dataclass(eq=False)
class Call:
    """A dialog and its sound."""

    heard: Heard
    manner: Manner
    sound: Sound
    local: str  # From or To of ours, with its tag
    remote: str
    target: str  # Request-URI within the dialog
    routes: tuple[str, ...] = ()
    cseq: int = 0
    invite: str = ""  # the INVITE that came, or the last of ours
    answer: str = ""  # our 200, sent again until it is acknowledged
    acked: bool = True
    ack: str = ""  # the last of ours
    cancelled: bool = False
    replaces: str = ""  # header of our INVITE
    final: Callable[[int], None] | None = None
    """Hears the final answer to our INVITE."""
    consulting: Call | None = None
    """The second call, to whom the other of this one is to be sent."""

    def described(self) -> str:
        return self.sound.described(self.cseq + 1)


class Calls:
    """Each by its Call-ID, until nothing of it can come again. `on_up` hears of each call that is up."""

    def __init__(
        self, loop: Loop, signalling: Signalling, host: Host, users: Mapping[str, User], on_up: Callable[[Call], None]
    ) -> None:
        self.loop, self.signalling = loop, signalling
        self.all: list[Heard] = []
        """Since the beginning."""
        self._host, self._users, self._on_up = host, users, on_up
        self._calls: dict[str, Call] = {}

    @property
    def known(self) -> Collection[Call]:
        return self._calls.values()

    def of(self, call_id: str) -> Call | None:
        return self._calls.get(call_id)

    def numbered(self, number: int) -> Call | None:
        """None: there is no such call, or it is over."""
        found = (call for call in self._calls.values() if call.heard.number == number and call.heard.over_at is None)
        return next(found, None)

    def clear(self) -> None:
        """All end without a word. The loop is at rest by then."""
        for call in self._calls.values():
            call.heard.over_at = call.heard.over_at or time.monotonic()
            call.sound.wire.close()
        self._calls.clear()

    def dial(self, caller: str, uri: str, manner: Manner, label: str = "", replaces: str = "") -> Call:
        call = self._begin(
            Heard(next(_numbers), caller, user_of(uri), f"ears-{random.getrandbits(64):x}@{self.signalling.ip}",
                  time.monotonic(), label),
            manner, f"<sip:{caller}@{self.signalling.realm}>;tag={new_tag()}", f"<{uri}>", uri, replaces=replaces,
        )  # fmt: skip
        lines = self._lines(call, "INVITE")
        if replaces:
            lines["Replaces"] = replaces
        lines["Allow"] = "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY, UPDATE"
        call.invite = self.signalling.request("INVITE", call.target, lines, call.described())
        self.signalling.ask(call.invite, lambda answer: self._answered(call, answer, 0))
        return call

    def invited(self, invite: str, extension: str, manner: Manner) -> Call:
        """A call that came, and has no answer yet."""
        return self._begin(
            Heard(next(_numbers), extension, user_of(header(invite, "From")), header(invite, "Call-ID"),
                  time.monotonic()),
            manner, f"{header(invite, 'To')};tag={new_tag()}", header(invite, "From"),
            uri_of(header(invite, "Contact")), tuple(listed(invite, "Record-Route")), invite=invite, acked=False,
        )  # fmt: skip

    def respond(self, request: str, line: str, more: Mapping[str, str] | None = None, body: str = "") -> str:
        """What was sent: an answer with the status line `line`, of the call that the request is of, if any."""
        call = self._calls.get(header(request, "Call-ID"))
        to = call.local if call is not None else f"{header(request, 'To')};tag={new_tag()}"
        return self.signalling.respond(request, line, to, more, body)

    def within(
        self,
        call: Call,
        method: str,
        heard: Callable[[str], None],
        more: Mapping[str, str] | None = None,
        body: str = "",
    ) -> None:
        """A request within the dialog; `heard` as in `Signalling.ask`."""
        lines = {**self._lines(call, method), **(more or {})}
        self.signalling.ask(self.signalling.request(method, call.target, lines, body), heard)

    def acknowledge(self, call: Call, answer: str, body: str = "") -> None:
        """The 2xx to an INVITE of ours."""
        lines = self._lines(call, "ACK")
        call.cseq -= 1
        lines["CSeq"] = f"{header(answer, 'CSeq').split()[0]} ACK"
        call.ack = self.signalling.request("ACK", call.target, lines, body)
        self.signalling.send(call.ack)

    def repeated(self, answer: str) -> None:
        """A 2xx comes again: its ACK was lost."""
        call = self._calls.get(header(answer, "Call-ID"))
        if call is not None and call.ack and " INVITE" in header(answer, "CSeq"):
            self.signalling.send(call.ack)

    def up(self, call: Call) -> None:
        if call.heard.up_at is not None or call.heard.over_at is not None:
            return
        call.heard.up_at = time.monotonic()
        if call.manner.hold_s is not None:
            self.loop.at(call.manner.hold_s, lambda: self.hang_up(call))
        self._on_up(call)

    def hang_up(self, call: Call) -> None:
        """By CANCEL, BYE, or by refusing it."""
        heard = call.heard
        if heard.over_at is not None:
            return
        if heard.up_at is None and not call.acked and not call.answer:
            self.respond(call.invite, "603 Decline")
            self.over(call)
        elif heard.up_at is None and not call.answer:
            if not call.cancelled:
                call.cancelled = True
                self._cancel(call)
        else:
            heard.by_us = True
            self.within(call, "BYE", lambda answer: self._bye_heard(call, answer))
            self.over(call)

    def over(self, call: Call) -> None:
        if call.heard.over_at is None:
            call.heard.over_at = time.monotonic()
            call.sound.close()
            # What comes again is answered still.
            self.loop.at(GIVEN_UP_S, lambda: self._forget(call.heard.call_id))

    def _begin(
        self,
        heard: Heard,
        manner: Manner,
        local: str,
        remote: str,
        target: str,
        routes: tuple[str, ...] = (),
        *,
        invite: str = "",
        acked: bool = True,
        replaces: str = "",
    ) -> Call:
        wire = self._host.socket()
        wire.bind((self.signalling.ip, 0))
        wire.setblocking(False)
        sound = Sound(self.loop, wire, self.signalling.ip, heard, manner)
        call = Call(heard, manner, sound, local, remote, target, routes, invite=invite, acked=acked, replaces=replaces)
        self._calls[heard.call_id] = call
        self.all.append(heard)
        return call

    def _lines(self, call: Call, method: str) -> dict[str, str]:
        call.cseq += 1
        lines = {"Route": ", ".join(call.routes)} if call.routes else {}
        return {
            **lines,
            "From": call.local,
            "To": call.remote,
            "Call-ID": call.heard.call_id,
            "CSeq": f"{call.cseq} {method}",
            "Contact": self.signalling.contact(call.heard.extension),
        }

    def _answered(self, call: Call, answer: str, tried: int) -> None:
        code = status(answer) if answer else 408
        user = self._users.get(call.heard.extension)
        if code in (401, 407) and tried < KEYS_TRIED and user is not None and not call.cancelled:
            call.cseq += 1
            call.invite = self.signalling.with_key(call.invite, answer, user, call.cseq)
            self.signalling.ask(call.invite, lambda more: self._answered(call, more, tried + 1))
            return
        call.heard.code = code
        if not is_good(answer):
            if not answer:
                self._cancel(call)
            self.over(call)
        else:
            call.remote = header(answer, "To")
            call.target = uri_of(header(answer, "Contact"))
            call.routes = tuple(reversed(listed(answer, "Record-Route")))
            self.acknowledge(call, answer)
            agreed = call.sound.agree(body_of(answer))
            self.up(call)
            if not agreed or call.cancelled:
                self.hang_up(call)
        if call.final is not None:
            call.final(code)

    def _cancel(self, call: Call) -> None:
        number, uri = header(call.invite, "CSeq").split()[0], call.invite.split(" ")[1]
        lines = {name: header(call.invite, name) for name in ("Via", "From", "To", "Call-ID")}
        request = self.signalling.request("CANCEL", uri, {**lines, "CSeq": f"{number} CANCEL"})
        self.signalling.send(request)

    def _bye_heard(self, call: Call, answer: str) -> None:
        code = status(answer) if answer else 408
        call.heard.bye_refused = None if code == 200 else code

    def _forget(self, call_id: str) -> None:
        self._calls.pop(call_id, None)


def is_good(answer: str) -> bool:
    """A 2xx; "" is no answer."""
    return 200 <= status(answer) < 300
