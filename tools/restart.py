"""`rvx restart`: a process of the running unit starts anew, and no call is lost by it.

The edge is asked first whether its configuration can be used, then let finish what runs. Whoever supervises (systemd,
`rvx run`) starts it again."""

import argparse
import asyncio

from firmware.edge import EdgeUnavailable, check_edge
from firmware.restart import BACK_S, NotBack, NotThere, process_of, restart
from tools.errors import DONE, UserError
from tools.output import Output
from tools.place import config_of

__all__ = ["PROCESSES", "run"]

PROCESSES = ("edge", "unit", "calls", "trunk", "web", "sync", "standby")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the process is there again; else an error."""
    out, config = Output.of(args), config_of(args)
    if process_of(config, args.process) is None:
        raise _not_there(args.process, config.paths.state)
    if args.process == "edge":
        try:
            said = check_edge(config)
        except EdgeUnavailable as error:
            raise UserError("RVX-E02", f"{error}.") from error
        if said:
            raise UserError("RVX-E02", said[0], "The edge was not touched.")
    try:
        done = asyncio.run(restart(config, args.process, args.patience))
    except NotThere as error:
        raise _not_there(args.process, config.paths.state) from error
    except NotBack as error:
        raise UserError("RVX-E05", f"{args.process} has not come back within {BACK_S:.0f} s.") from error
    except OSError as error:
        raise UserError("RVX-E02", f"{error}.") from error
    if out.json:
        out.document("ok", process=args.process, away_ms=done.away_ms, transactions_left=done.left)
    else:
        out.line(f"{args.process}: omstartad, borta i {done.away_ms} ms. / Restarted, away for {done.away_ms} ms.")
    return DONE


def _not_there(process: str, state: object) -> UserError:
    return UserError("RVX-E04", f"No process {process} runs on {state}.")
