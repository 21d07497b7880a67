"""A crowd of phones that hear: SIP by one UDP socket, a socket of sound for each call, all in one thread.

For what sipp cannot tell (whether anybody sits in silence) and real phones are too heavy for (fifty of them, or five
hundred callers). They speak G.711 A-law and telephone events, and do what a desk phone does in a call: they ring, lift,
press keys, wait, hang up, take a re-INVITE and a REFER, transfer by REFER, and take the place of a call (Replaces).
What each call heard, and when, is told as facts.

Calls are told apart by Call-ID: who calls somebody whom the edge reaches must be of another crowd.
A phone says its tone in one packet of five (`SAYS_EVERY_S`), as nobody listens to it: what counts is that it comes.
"""

from hil.phone.hearing.crowd import Hearing
from hil.phone.hearing.facts import GAP_S, Heard, Manner

__all__ = ["GAP_S", "Heard", "Hearing", "Manner"]
