"""``python -m hil.sim.power``: a simulated UPS at a NUT server, until SIGTERM, SIGINT or (``--stdin``) the end of its
input.

Where NUT is installed it is the real one with its driver dummy-ups (``--nut FOLDER``), else a small one of our own
(``--listen``). When it serves, ``ready``, ``HOST:PORT/NAME`` and the driver's socket or ``-`` are printed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.sim.power.cell import Battery, Chemistry
from hil.sim.power.control import Commands, ControlServer
from hil.sim.power.realnut import NAME, RealNut, free_port, is_installed
from hil.sim.power.supply import Supply
from hil.sim.power.ups import Ups, Upsd, write_dev

USAGE = 2
STDIN = 0
STEP_S = 0.5
EVENING = ((20.0, 0.0), (600.0, 230.0), (900.0, 150.0), (930.0, 230.0))
"""``--evening``: seconds of its own time, and mains: a cut of ten minutes, then a brown-out."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hil.sim.power", description="Simulate a UPS.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--nut", type=Path, metavar="FOLDER", help="by the real NUT, with its files there")
    parser.add_argument("--dev", type=Path, metavar="FILE", help="only write what dummy-ups reads; serve nothing")
    parser.add_argument("--control", type=Path, metavar="SOCKET")
    parser.add_argument("--history", type=Path, metavar="FILE", help="JSON lines, written at the end")
    parser.add_argument("--watts", type=float, default=60.0)
    parser.add_argument("--ah", type=float, default=9.0, help="of two blocks of lead")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the battery in one of ours")
    parser.add_argument("--evening", action="store_true", help="a cut and a brown-out, by themselves")
    parser.add_argument("--stdin", action="store_true", help="also end with the standard input")
    return parser


async def _run(args: argparse.Namespace) -> None:
    ups = Ups(Supply(Battery(args.ah, 2, Chemistry.LEAD), watts=args.watts))
    host, _, port = args.listen.rpartition(":")
    dev = args.dev or (args.nut / "ups.dev" if args.nut else None)
    server = Upsd(NAME, ups.variables, ups.order) if dev is None else None
    told: dict[str, str] = {}

    def tell() -> None:
        nonlocal told
        if dev is not None and (variables := ups.variables()) != told:
            write_dev(dev, variables)
            told = variables

    real: RealNut | None = None
    place = f"{host}:{port}/{NAME} -"
    if args.nut and dev is not None:
        args.nut.mkdir(parents=True, exist_ok=True)
        port = port if port != "0" else str(free_port(host))
        real = RealNut(args.nut, dev, int(port), host)
    tell()
    if real is not None:
        real.start()  # not in a thread: NUT ends with the one that started it
        place = f"{host}:{port}/{NAME} {real.driver_socket}"
    elif server is not None:
        place = f"{host}:{await server.start(host, int(port))}/{NAME} -"
    control = ControlServer(Commands(ups, server, tell), args.control) if args.control else None
    if control is not None:
        await control.start()
    try:
        print("ready", place, flush=True)
        await _play(ups, args, tell)
    finally:
        if control is not None:
            await control.close()
        if server is not None:
            await server.close()
        if real is not None:
            await asyncio.to_thread(real.stop)
        if args.history:
            args.history.write_text("".join(json.dumps(one) + "\n" for one in ups.supply.history))


async def _play(ups: Ups, args: argparse.Namespace, tell: Callable[[], None]) -> None:
    """Time passes, until it is ended."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if args.stdin:
        loop.add_reader(STDIN, lambda: None if os.read(STDIN, 1) else ended.set())
    script = list(EVENING) if args.evening else []
    last_s = loop.time()
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_S):
                await ended.wait()
        now_s = loop.time()
        ups.supply.advance((now_s - last_s) * args.speed)
        last_s = now_s
        while script and ups.supply.now_s >= script[0][0]:
            ups.supply.set_mains(script.pop(0)[1])
        tell()


def main(argv: Sequence[str] | None = None) -> int:
    """The program."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.nut and not is_installed():
        print(f"{parser.prog}: --nut: NUT is not installed (nut-server)", file=sys.stderr)
        return USAGE
    try:
        asyncio.run(_run(args))
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
