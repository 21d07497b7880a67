"""What proves and measures the program itself: test, bench, storm."""

from tools.parser import Command, Parser, minutes, positive

__all__ = ["BENCH", "STORM", "TEST"]


def _test_arguments(parser: Parser) -> None:
    parser.add_argument("--fast", action="store_true", help="leave out the tests with real phones, which need root")
    parser.add_argument("--long", action="store_true", help="also the tests that take minutes")


_BENCHES = """failover: how fast; load: how much and how cheaply; master: who is master, and what the unit's own death,
restarts and a flood cost; people: how people are found, taken in and decided on;
calls: what calls cost that `calls` leads or tells something in (with --peer beside Asterisk), and their sound;
trunk: how soon 112 is at a modem, what is lost of SMS, what a modem's sound costs;
power: how soon a loss of mains is seen, how true the minutes are, whether the unit comes back;
pages: how soon and how heavy, whether everybody can use them, codes confirmed, messages kept over power cuts;
sync: how soon a unit knows what the hub knows, records once, a bad configuration taken back, conflicts"""


def _bench_arguments(parser: Parser) -> None:
    parser.add_argument(
        "what",
        choices=["failover", "load", "master", "people", "calls", "trunk", "power", "pages", "sync"],
        help=_BENCHES,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute, with the fewest samples that count")
    parser.add_argument("--peer", action="store_true", help="load, calls: the same against Asterisk, in the same run")
    parser.add_argument("--samples", type=positive, metavar="N", help="measure each figure this many times")


def _storm_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--seed", type=positive, metavar="N", help="the plan's seed (else one by chance, which is told)"
    )
    parser.add_argument("--minutes", type=minutes, metavar="M", help="how long faults come (else 2)")
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first thing that breaks")
    parser.add_argument("--chapters", type=positive, metavar="N", help="only so many of the plan's faults, the first")
    parser.add_argument("--replay", action="store_true", help="what broke is replayed, for the shortest way to it")
    parser.add_argument(
        "--all-pairs", action="store_true", help="until every fault was there in every mode (else 25 min)"
    )
    parser.add_argument(
        "--takeovers", type=positive, metavar="N", help="two units instead: whichever serves dies, so many times"
    )
    parser.add_argument(
        "--planted",
        nargs="?",
        const="",
        metavar="BUG",
        help="plant known bugs in a copy, or those whose names begin so, and see which are found",
    )


TEST = Command(
    "test",
    "prove that everything here works",
    "sudo ./rvx test",
    "tools.testrun",
    _test_arguments,
    "Linters, types, layers, then the tests, then those with real phones. The first argument that is not "
    "listed here, and all after it, go to pytest, and then only pytest is run.",
    rest="pytest_args",
)

BENCH = Command(
    "bench",
    "measure: failover, load, master",
    "sudo ./rvx bench failover --json",
    "tools.bench",
    _bench_arguments,
)

STORM = Command(
    "storm",
    "a building's day under faults by seed",
    "sudo ./rvx storm --seed 7 --minutes 20",
    "tools.storm",
    _storm_arguments,
    "Calls, restarts of phones, strangers and 112 go on while platform, line, unit, disk and clock fail in any "
    "overlap. It ends at the first thing that must not be, and tells its seed.",
)
