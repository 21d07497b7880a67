"""SIP (RFC 3261) as cores without IO and without a clock: bytes and the time in, bytes and events out.

framing       a TCP stream to messages
message       Request and Response: what was said, byte for byte, and typed reading of it (headers)
transaction   retransmissions and time-outs: RFC 3261 §17 as one table
digest        answering a challenge (RFC 7616, RFC 8760)
dialog        what a 2xx says about how to go on: ACK and BYE
agent         all of it behind five verbs: receive, data_to_send, next_timer, on_timer, next_event
"""
