"""What comes to a crowd: calls, and requests within them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from hil.phone.hearing.calls import Call, Calls
from hil.phone.hearing.facts import Manner
from hil.phone.hearing.signalling import GIVEN_UP_S, T1_S, T2_S, tag_of, user_of
from hil.phone.hearing.transfer import sent_on
from hil.phone.raw import body_of, header

__all__ = ["Coming"]


class Coming:
    """`extensions` are rung, and answer as `manners` says of each."""

    def __init__(self, calls: Calls, extensions: Collection[str], manners: Mapping[str, Manner]) -> None:
        self._calls, self._extensions, self._manners = calls, extensions, manners

    def take(self, method: str, message: str) -> None:
        calls = self._calls
        call = calls.of(header(message, "Call-ID"))
        match method:
            case "ACK":
                if call is not None:
                    self._acked(call, message)
            case "INVITE" if ";tag=" not in header(message, "To"):
                self._invited(message)
            case "OPTIONS":
                calls.respond(message, "200 OK")
            case _ if call is None or (call.heard.over_at is not None and method != "BYE"):
                calls.respond(message, "481 Call Does Not Exist")
            case "CANCEL":
                calls.respond(message, "200 OK")
                if call.heard.up_at is None and call.heard.over_at is None:
                    calls.respond(call.invite, "487 Request Terminated")
                    calls.over(call)
            case "BYE":
                calls.respond(message, "200 OK")
                calls.over(call)
            case "INVITE":
                if not body_of(message) or call.sound.agree(body_of(message)):
                    self._answer(call, message)
                else:
                    calls.respond(message, "488 Not Acceptable Here")
            case "UPDATE":
                call.sound.agree(body_of(message))
                calls.respond(message, "200 OK", body=call.described() if body_of(message) else "")
            case "REFER":
                sent_on(calls, call, message)
            case "NOTIFY":
                calls.respond(message, "200 OK")
                said = re.match(r"SIP/2.0 (\d{3})", body_of(message))
                if said and int(said[1]) >= 200:
                    for each in (call, call.consulting):
                        if each is not None:
                            calls.hang_up(each)
            case _:
                calls.respond(message, "405 Method Not Allowed")

    def _invited(self, message: str) -> None:
        calls = self._calls
        extension = user_of(message.split(" ")[1])
        manner = self._manners.get(extension, Manner())
        if extension not in self._extensions:
            calls.respond(message, "404 Not Found")
            return
        replaced = self._replaced(header(message, "Replaces"))
        if header(message, "Replaces") and replaced is None:
            calls.respond(message, "481 Call Does Not Exist")
            return
        if manner.refuses:
            calls.respond(message, manner.refuses)
            return
        call = calls.invited(message, extension, manner)
        if body_of(message) and not call.sound.agree(body_of(message)):
            calls.respond(message, "488 Not Acceptable Here")
            calls.over(call)
        elif replaced is not None:
            self._lift(call)
            calls.hang_up(replaced)
        else:
            calls.respond(message, "180 Ringing")
            calls.loop.at(manner.ring_s, lambda: self._lift(call))

    def _replaced(self, dialog: str) -> Call | None:
        call = self._calls.of(dialog.partition(";")[0].strip())
        return call if call is not None and call.heard.up and f"to-tag={tag_of(call.local)}" in dialog else None

    def _lift(self, call: Call) -> None:
        if call.heard.over_at is None and not call.answer:
            self._answer(call, call.invite)

    def _answer(self, call: Call, invite: str) -> None:
        call.invite, call.acked = invite, False
        call.answer = self._calls.respond(invite, "200 OK", body=call.described())
        self._calls.loop.at(T1_S, lambda: self._answer_again(call, call.answer, T1_S, 0.0))

    def _answer_again(self, call: Call, answer: str, interval_s: float, waited_s: float) -> None:
        """RFC 3261 §13.3.1.4."""
        if call.acked or call.heard.over_at is not None or answer != call.answer:
            return
        if waited_s >= GIVEN_UP_S:
            self._calls.up(call)
            self._calls.hang_up(call)
            return
        self._calls.signalling.send(answer)
        more_s = min(T2_S, interval_s * 2)
        self._calls.loop.at(more_s, lambda: self._answer_again(call, answer, more_s, waited_s + interval_s))

    def _acked(self, call: Call, message: str) -> None:
        if not call.answer or call.heard.over_at is not None:
            return
        call.acked = True
        if body_of(message):
            call.sound.agree(body_of(message))
        self._calls.up(call)
