"""A call and what may be done with it: two legs joined back to back, whose sound goes directly from phone to phone.

A core above `sip.user_agent`: events of sessions and the verbs of people in, requests and answers of sessions out, time
passed in. Descriptions go from leg to leg as they are, but for the origin, which is one to each leg (RFC 3264 §8).

    connect     a call that came is led on, to one or several at once (B2BUA)
    answer      the unit itself is at the other end, and may lead on from there (lead_on)
    hold        the phone's own; with `Sound` the other hears music, unless the phone names a place of its own for that
                (RFC 7088); else what the phone sends, or nothing
    transfer    blind and attended, by REFER of a phone (RFC 3515, RFC 5589) or by the console
    park, fetch pick_up     camp_on, call_back, freed

Whom a leg may have called is asked of the `Route` each time that somebody new is to ring: for a transfer by the class
of reach of the one who transfers, for a 3xx by that of the one who diverts. Nothing here passes it.
"""

from __future__ import annotations

from callcontrol.call.legs import (
    Call,
    CallEvent,
    Camps,
    Dial,
    End,
    Happened,
    Leg,
    Onward,
    Refused,
    Ringing,
    Route,
    Said,
    Sound,
    Through,
)
from callcontrol.call.switch import Switch

__all__ = [
    "Call",
    "CallEvent",
    "Camps",
    "Dial",
    "End",
    "Happened",
    "Leg",
    "Onward",
    "Refused",
    "Ringing",
    "Route",
    "Said",
    "Sound",
    "Switch",
    "Through",
]
