"""Whether an edge lives: `python alive.py PORT` asks the one on this machine by OPTIONS, and ends with 0 if it answers.

keepalived starts it each second as a file, so it imports little and nothing of ours."""

import os
import socket
import sys

ANSWER_S = 0.6
ANSWER_BYTES = 2048


def main() -> int:
    """0, or 1 when nobody answers."""
    port = int(sys.argv[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(ANSWER_S)
        sock.connect(("127.0.0.1", port))
        own = sock.getsockname()[1]
        name = f"{os.getpid()}-{own}"
        request = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK{name}\r\n"
            f"From: <sip:alive@127.0.0.1>;tag={name}\r\nTo: <sip:127.0.0.1:{port}>\r\nCall-ID: alive-{name}\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            sock.send(request.encode("ascii"))
            return 0 if sock.recv(ANSWER_BYTES).startswith(b"SIP/2.0 200") else 1
        except OSError:
            return 1


if __name__ == "__main__":
    sys.exit(main())
