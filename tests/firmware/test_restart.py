"""While the edge is away: its UDP places are kept, and whoever binds them anew gets what comes."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from callcontrol.edge.settings import Socket
from firmware.restart import places_kept

ABSENT = "192.0.2.1"  # TEST-NET-1: no machine has it


def bound(port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(2)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def test_nobody_is_told_that_the_edge_is_away_and_the_next_edge_is_heard() -> None:
    with ExitStack() as opened:
        phone = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        edge = bound()
        port = edge.getsockname()[1]
        phone.connect(("127.0.0.1", port))  # so that it hears ICMP errors
        with places_kept([Socket("udp", "127.0.0.1", port), Socket("tcp", "127.0.0.1", port)]):
            edge.close()
            phone.send(b"while away")
            phone.send(b"again")  # would raise ConnectionRefusedError
            after = opened.enter_context(bound(port))
            phone.send(b"to the new one")
            assert after.recv(100) == b"to the new one"
        phone.send(b"alone again")
        assert after.recv(100) == b"alone again"


def test_an_address_that_the_other_unit_has_is_passed_over() -> None:
    with places_kept([Socket("udp", ABSENT, 5060)]):
        pass
