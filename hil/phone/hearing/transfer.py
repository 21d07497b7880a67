"""A phone sends the other of its call on (REFER, RFC 3515; with Replaces, RFC 3891), or is sent on itself."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from hil.phone.hearing.calls import Call, Calls, is_good
from hil.phone.hearing.facts import Manner
from hil.phone.hearing.signalling import tag_of
from hil.phone.raw import header

__all__ = ["sent_on", "transfer"]


def transfer(calls: Calls, call: Call) -> None:
    """As the manner of the call says, where it is up still."""
    if not call.heard.up:
        return
    manner = call.manner
    where = f"sip:{manner.transfers_to}@{calls.signalling.realm}"
    if not manner.attended:
        _refer(calls, call, f"<{where}>")
        return

    def answered(code: int) -> None:
        if call.heard.up and second.heard.up:
            calls.loop.at(manner.transfer_s, lambda: _refer_to(calls, call, second, where))
        else:
            calls.hang_up(call)
            calls.hang_up(second)

    second = calls.dial(call.heard.extension, where, Manner(), "consulting")
    second.final = answered
    call.consulting = second


def sent_on(calls: Calls, call: Call, refer: str) -> None:
    """A REFER within a call: a call of our own, of whose answer the other hears."""
    found = re.search(r"<?(sip:[^>?]+)(?:\?([^>]*))?>?", header(refer, "Refer-To"))
    if found is None:
        calls.respond(refer, "400 Bad Refer-To")
        return
    calls.respond(refer, "202 Accepted")
    replaces = re.search(r"(?:^|&)Replaces=([^&]*)", found[2] or "", re.I)
    new = calls.dial(
        call.heard.extension, found[1], Manner(hold_s=call.manner.hold_s), call.heard.label,
        unquote(replaces[1]) if replaces else "",
    )  # fmt: skip

    def answered(code: int) -> None:
        if call.heard.over_at is None:
            more = {
                "Event": "refer", "Subscription-State": "terminated;reason=noresource",
                "Content-Type": "message/sipfrag;version=2.0",
            }  # fmt: skip
            calls.within(call, "NOTIFY", lambda answer: None, more, f"SIP/2.0 {code} Told\r\n")

    new.final = answered


def _refer_to(calls: Calls, call: Call, second: Call, where: str) -> None:
    if not (call.heard.up and second.heard.up):
        calls.hang_up(call)
        calls.hang_up(second)
    else:
        dialog = f"{second.heard.call_id};to-tag={tag_of(second.remote)};from-tag={tag_of(second.local)}"
        _refer(calls, call, f"<{where}?Replaces={quote(dialog, safe='')}>")


def _refer(calls: Calls, call: Call, to: str) -> None:
    def heard(answer: str) -> None:
        if not is_good(answer):
            calls.hang_up(call)  # nothing came of it

    calls.within(call, "REFER", heard, {"Refer-To": to, "Referred-By": call.local.partition(";")[0]})
