"""SIP (RFC 3261) as cores without IO and without a clock: bytes and the time in, bytes and events out.

framing       a TCP stream to messages
message       Request and Response: what was said, byte for byte, and typed reading of it (headers)
transaction   retransmissions and time-outs: RFC 3261 §17 as one table
digest        answering a challenge (RFC 7616, RFC 8760)
dialog        what both sides of a call know of each other (RFC 3261 §12)
agent         all of it behind five verbs: receive, data_to_send, next_timer, on_timer, next_event

sdp           session descriptions (RFC 8866)
offer         whose turn it is, and what is answered (RFC 3264)
expiry        session timers (RFC 4028)
refer         Refer-To, Replaces, and the notes of a REFER (RFC 3515, RFC 3891); referred: one that came
session       one side of a call, with what it tells (events)
user_agent    calls above `agent`, behind the same five verbs
"""
