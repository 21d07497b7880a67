"""``python -m hil.sim.modem``: a network with modems, until SIGTERM, SIGINT or (``--stdin``) the end of its input.

One modem is described by the options, or several by ``--modem name=a,model=sim7600,at=/run/a.at,…`` each. When all
ports are there, ``ready`` and the path of the control socket are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hil.sim.modem.control import ControlServer
from hil.sim.modem.faults import Fault
from hil.sim.modem.models import MODELS
from hil.sim.modem.phones import SOS, Habit
from hil.sim.modem.world import ModemPlan, World

USAGE = 2
STDIN = 0
ANYBODY_ANSWERS_S = 2.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hil.sim.modem", description="Simulate modems and their network.")
    parser.add_argument(
        "--modem", action="append", default=[], metavar="KEY=VALUE,…", help="one modem; may be repeated"
    )
    parser.add_argument("--model", choices=sorted(MODELS), default="generic")
    parser.add_argument("--at", default="", metavar="LINK|tcp:ADDRESS:PORT", help="the AT port")
    parser.add_argument("--pcm", default="", metavar="LINK|tcp:ADDRESS:PORT", help="the port of sound")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is by chance")
    parser.add_argument("--faults", default="", help=f"by +, a likelihood after a colon: {', '.join(Fault)}")
    parser.add_argument("--control", type=Path, metavar="SOCKET")
    parser.add_argument("--history", type=Path, metavar="FILE", help="JSON lines")
    parser.add_argument("--anybody", action="store_true", help="every number answers, and says what it hears")
    parser.add_argument("--stdin", action="store_true", help="also end with the standard input")
    return parser


def _plans(args: argparse.Namespace) -> list[ModemPlan]:
    """Raises ValueError."""
    one = ModemPlan("modem", args.model, args.at, args.pcm, seed=args.seed)
    one = ModemPlan.parse(f"faults={args.faults.replace(',', '+')}", one)
    if not args.modem:
        return [one]
    return [ModemPlan.parse(text, ModemPlan(f"m{n}", seed=args.seed + n)) for n, text in enumerate(args.modem, 1)]


async def _run(args: argparse.Namespace, plans: list[ModemPlan]) -> None:
    world = World(args.history)
    if args.anybody:
        for_all = Habit(answers_after_s=ANYBODY_ANSWERS_S, sound="echo")
        world.anybody(for_all)
        world.phone(SOS, for_all)
    for plan in plans:
        world.add(plan)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if args.stdin:
        loop.add_reader(STDIN, lambda: None if os.read(STDIN, 1) else ended.set())
    server = ControlServer(world, args.control) if args.control else None
    if server is not None:
        await server.start()
    world.start()
    await asyncio.sleep(max((plan.boot_s for plan in plans), default=0.0))
    print("ready", args.control or "", flush=True)
    await ended.wait()
    if server is not None:
        await server.close()
    world.close()


def main(argv: Sequence[str] | None = None) -> int:
    """The program."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        plans = _plans(args)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(args, plans))
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
