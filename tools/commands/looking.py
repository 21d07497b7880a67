"""What is, without changing it: status, doctor, explain, check, say."""

from tools.parser import Command, Parser

__all__ = ["CHECK", "DOCTOR", "EXPLAIN", "SAY", "STATUS"]


def _status_arguments(parser: Parser) -> None:
    parser.add_argument("--watch", action="store_true", help="say it again each second, until Ctrl-C")


def _doctor_arguments(parser: Parser) -> None:
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="only these, and what they rest on; --list has them")
    parser.add_argument("--list", action="store_true", help="list the checks")
    parser.add_argument("-v", "--verbose", action="store_true", help="also what was expected")
    parser.add_argument("--strict", action="store_true", help="a warning is a failure")


def _explain_arguments(parser: Parser) -> None:
    parser.add_argument(
        "what", nargs="*", metavar="CODE | FROM TO", help="a code such as RVX-C01, or a call; without it, all codes"
    )
    parser.add_argument("--at", metavar="TIME", help="a call: at this moment (2026-12-24T10:00), else now")
    parser.add_argument(
        "--mode",
        choices=["normal", "suspect", "survival", "returning"],
        default="survival",
        help="a call: in this mode of the unit (survival)",
    )
    parser.add_argument(
        "--presence",
        action="append",
        default=[],
        metavar="EXTENSION=STATE",
        help="a call: free, busy, not_registered or unknown; may be given again",
    )
    parser.add_argument("--urgent", action="store_true", help="a call: the caller has said that it is urgent")


def _check_arguments(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="the configuration to check (else that of --config)")


def _say_arguments(parser: Parser) -> None:
    parser.add_argument("text", nargs="+", metavar="WORD", help="what to say")
    parser.add_argument("--english", action="store_true", help="in English (else in Swedish)")
    parser.add_argument("--out", metavar="FILE", help="write a WAV file (else it is played, where that can be)")
    parser.add_argument("--recordings", metavar="DIR", help="a folder of recorded phrases, which is checked")


STATUS = Command(
    "status",
    "what works now, and what if something fails",
    "./rvx status",
    "tools.status",
    _status_arguments,
    description="Exit code 3 when the unit does not answer; then Kamailio itself is asked.",
)

DOCTOR = Command(
    "doctor",
    "what is well here, what is not, what to do",
    "sudo ./rvx doctor",
    "tools.doctor",
    _doctor_arguments,
    "Looks and changes nothing. What is not known is said to be so. Exit code 1 when a check failed, 3 when it "
    "may not look.",
)

EXPLAIN = Command(
    "explain",
    "what a code means, or what is done with a call",
    "./rvx explain 1001 1002 --presence 1002=busy",
    "tools.explain",
    _explain_arguments,
    "A call is planned from the directory as it is; nothing is rung. A code is explained offline.",
)

CHECK = Command(
    "check",
    "check a configuration file, changing nothing",
    "./rvx check unit.toml",
    "tools.check",
    _check_arguments,
    "Every fault is listed with file, line, what is expected and the nearest known name. A file without "
    "faults is rendered, and the result given to Kamailio to check.",
)

SAY = Command(
    "say",
    "hear what callers are told, as it is told",
    "./rvx say Anna är på lunch --out anna.wav",
    "tools.say",
    _say_arguments,
    "Phrases that are in the folder of recordings are played from there; the rest is spoken by espeak-ng. Files in the "
    "folder that cannot be used are listed.",
)
