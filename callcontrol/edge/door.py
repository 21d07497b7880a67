"""What the edge lets a phone say: tables that `render` fills in, each entry with its reason."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EVENT_PACKAGES", "IDENTITY_HEADERS", "LAMP_PACKAGES"]

IDENTITY_HEADERS: Mapping[str, str] = {
    "P-Asserted-Identity": "RFC 3325 §5: only who has authenticated the caller asserts who it is",
    "P-Preferred-Identity": "RFC 3325 §9.2: a wish towards who authenticates; read here, never passed on",
    "Remote-Party-ID": "what came before P-Asserted-Identity; callees show it as if it were true",
    "P-Asserted-Service": "RFC 6050 §4.1: a service that a trusted network has authorised",
    "P-Served-User": "RFC 5502 §4: whom a call is charged to and served for, between servers",
    "P-Charging-Vector": "RFC 7315 §4.6: accounting between networks",
    "P-Charging-Function-Addresses": "RFC 7315 §4.5: the same",
    "Diversion": "RFC 5806 §5: who was called before; a gateway takes it for the caller's right to call out",
    "History-Info": "RFC 7044 §10.1: the same; who retargets a call writes it, and a phone that calls does not",
}
"""Headers that a phone's request or answer may not bring: name -> why. What a phone asks to have withheld (Privacy,
RFC 3323) is not among them: it is a wish, and stays one."""

EVENT_PACKAGES: Mapping[str, str] = {
    "message-summary": "RFC 3842: the lamp for waiting messages",
    "dialog": "RFC 4235: the lamps for colleagues' lines, and pick-up",
    "presence": "RFC 3856: colleagues' state",
    "conference": "RFC 4575: who is in a conference that the platform mixes",
    "refer": "RFC 3515: how a transfer went",
    "call-completion": "RFC 6910: ring back when free",
    "as-feature-event": "keys for forwarding and do not disturb kept alike at phone and platform (BroadSoft)",
    "call-info": "lines shared by several phones (BroadSoft)",
    "line-seize": "taking such a line before dialling (BroadSoft)",
}
"""What a phone may subscribe to at the platform: event package -> what the house loses without it. Others are refused:
provisioning (ua-profile) because the unit provisions, registration state (reg, presence.winfo) because it names other
people's devices, anything unknown because each subscription is state that the platform keeps."""

LAMP_PACKAGES = ("dialog", "presence", "message-summary")
"""Those that the edge itself serves in SURVIVAL, and whose subscriptions move at a change of master."""
