"""The unit starts here: run, restart; and a demo."""

from tools.parser import Command, Parser, positive

__all__ = ["DEMO", "RESTART", "RUN"]


def _run_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--address",
        metavar="IP",
        help="without a configuration: also answer phones on this address of the machine (else it finds one)",
    )


def _restart_arguments(parser: Parser) -> None:
    parser.add_argument("process", choices=["edge", "unit", "standby"], help="what is to start anew")
    parser.add_argument(
        "--patience", type=positive, default=5, metavar="S", help="edge: wait so long for what runs to end (5)"
    )


RUN = Command(
    "run",
    "start the unit on this machine",
    "./rvx run",
    "tools.run",
    _run_arguments,
    "Without a configuration file it makes ten demo extensions and has no platform. Ctrl-C ends it.",
)

DEMO = Command(
    "demo",
    "see an outage survived, with four real phones",
    "sudo ./rvx demo",
    "tools.demo",
    description="A platform, the unit and four phones in networks of their own on this machine; nothing "
    "outside them is touched.",
)

RESTART = Command(
    "restart",
    "start a process of the running unit anew; calls go on",
    "sudo ./rvx restart edge",
    "tools.restart",
    _restart_arguments,
    "The edge's configuration is checked first, and what runs is let come to its end for a while; then it is "
    "away for less than a second. Whoever keeps the processes up (rvx run, systemd) starts it again.",
)
