"""`rvx run`: the gateway in the foreground, until Ctrl-C; registrations and calls as they come.

Without a configuration it is a unit for trying: this machine alone, ten extensions with secrets of their own, no
platform, a simulated modem (hil/sim/modem) and a simulated UPS (hil/sim/power), which is said."""

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from callcontrol.edge.settings import Socket
from firmware.app import programs
from firmware.config import Config, ConfigError, default, load
from firmware.edge import EdgeUnavailable, check_edge, make_state
from firmware.paths import Paths
from firmware.processes import Program, Supervisor, end_own_leftover
from firmware.restart import SUPERVISOR
from firmware.store.database import to_text
from tools.errors import DONE, UserError
from tools.events import Event, Tail, parse, worded
from tools.output import Output, table
from tools.place import alone_on, config_of, config_path, developer_state
from tools.unconfigured import (
    COUNT,
    FIRST,
    SECRETS,
    Extension,
    extensions,
    modem_control,
    simulated_modem,
    simulated_ups,
    ups_control,
)

__all__ = ["run"]

PYTHON = ("unit", "calls", "trunk", "data", "tunnel", "web", "sync")
"""Processes of ours that are Python for good, and known by their command."""
LOOK_EVERY_S = 0.2
READY_TIMEOUT_S = 20.0


def run(args: argparse.Namespace) -> int:
    """Until Ctrl-C or SIGTERM; what it started has ended when it returns."""
    out = Output.of(args)
    path = config_path(args)
    config = config_of(args) if path else _alone(args)
    paths = config.paths
    try:
        make_state(config)
        said = check_edge(config)
    except (EdgeUnavailable, OSError) as error:
        raise UserError("RVX-E02", f"{error}.") from error
    if said:
        raise UserError("RVX-E02", said[0])
    with alone_on(paths):
        _end_leftovers(out, paths)
        _ports_free(config)
        shown = extensions(config, paths) if path is None else None
        _say_what_it_is(out, config, path, shown)
        arguments = ["--state", str(config.unit.state_dir)]
        arguments += ["--run", config.unit.run_dir] if config.unit.run_dir else []
        arguments += ["--config", str(path.resolve())] if path else []
        arguments += ["--address", address] if not path and (address := _address(config)) else []
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(
                _supervise(
                    out, config, path, arguments, () if path else (simulated_modem(config), simulated_ups(config))
                )
            )
    out.note("Växeln är avslutad. / The unit has ended.")
    return DONE


async def _supervise(
    out: Output, config: Config, path: Path | None, arguments: list[str], besides: Sequence[Program]
) -> None:
    paths = config.paths
    kept_up = (*besides, *programs(config, arguments, events=True))
    tails = [Tail(program.log) for program in kept_up if program.log]

    def tell(name: str, word: str, detail: str) -> None:
        if word == "started":
            if name != "edge":  # Kamailio writes its own
                _pid_file(paths, name).write_text(detail, "ascii")
        else:
            _tell(out, {"kind": "process", "name": name, "word": word, "detail": detail})

    def anew() -> None:
        """The configuration is another one (firmware.restart.told_anew)."""
        if path is not None:
            with contextlib.suppress(ConfigError):
                now = programs(load(path).in_state(config.unit.state_dir, config.unit.run_dir), arguments, events=True)
                tails.extend(Tail(each.log) for each in now if each.log and each.name not in known)
                known.update(each.name for each in now)
                supervisor.set((*besides, *now))

    known = {program.name for program in kept_up}
    supervisor = Supervisor(kept_up, tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.stop)
    loop.add_signal_handler(signal.SIGHUP, anew)
    _pid_file(paths, SUPERVISOR).write_text(str(os.getpid()), "ascii")
    watch = asyncio.create_task(_show(out, tails))
    try:
        await supervisor.run()
    finally:
        watch.cancel()
        _pid_file(paths, SUPERVISOR).unlink(missing_ok=True)


async def _show(out: Output, tails: list[Tail]) -> None:
    while True:
        for tail in tails:
            for line in tail.lines():
                event = parse(line)
                if event is not None:
                    _tell(out, event)
                elif "CRITICAL" in line or "bind(" in line:
                    _tell(out, {"kind": "process", "name": "edge", "word": "says", "detail": line.strip()[:200]})
        await asyncio.sleep(LOOK_EVERY_S)


def _tell(out: Output, event: Event) -> None:
    if out.json:
        out.line(json.dumps({"time": to_text(datetime.now(UTC)), **event}, ensure_ascii=False))
        return
    if event["kind"] == "process":
        text: str | None = f"{event['name']}: {event['word']} {event['detail']}"
    else:
        text = worded(event)
    if text:
        out.line(f"{datetime.now().astimezone():%H:%M:%S}  {text}")


def _alone(args: argparse.Namespace) -> Config:
    """The unit that needs no configuration, on `--address` or the address by which this machine reaches others."""
    try:
        return default(Path(args.state or developer_state()).resolve(), args.address or _own_address())
    except ConfigError as error:
        raise UserError("RVX-C01", f"{error}.") from error


def _own_address() -> str | None:
    """The IPv4 address of the default route; nothing is sent for it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nobody's
        address = str(probe.getsockname()[0])
        return None if address.startswith("127.") else address
    return None


def _address(config: Config) -> str | None:
    """Where phones on other machines reach the unit."""
    found = (Socket.parse(entry).address for entry in config.edge.listen)
    return next((address for address in found if not address.startswith("127.")), None)


def _ports_free(config: Config) -> None:
    pages = (f"tcp:{place}" for place in (*config.web.listen, config.web.phones_listen) if place)
    for entry in dict.fromkeys((*config.edge.listen, *config.edge.platform_listen, *pages)):
        place = Socket.parse(entry)
        kind = socket.SOCK_DGRAM if place.transport == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET6 if ":" in place.address else socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((place.address.strip("[]"), place.port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL and config.standby.shared:
                    continue  # the other unit of the pair has it now
                code = "RVX-E03" if error.errno == errno.EADDRINUSE else "RVX-E02"
                raise UserError(code, f"{entry}: {error.strerror}.") from error


def _say_what_it_is(out: Output, config: Config, path: Path | None, shown: list[Extension] | None) -> None:
    if out.json:
        return
    bold = out.paint.bold
    nodes = ", ".join(config.platform.nodes) or "ingen / none"
    out.line(bold(f"{config.unit.name}: växeln startar. / The unit starts.") + "  Ctrl-C avslutar. / Ctrl-C ends it.")
    out.line(f"Plattform / platform: {nodes}")
    if path is None:
        out.line("Ingen inställning: provläge på den här datorn. Modem och UPS är SIMULERADE:")
        out.line("112 når ingen: en låtsad telefon svarar, och upprepar vad den hör.")
        out.line("No configuration: for trying on this machine. Modem and UPS are SIMULATED:")
        out.line("112 reaches nobody: a make-believe phone answers, and repeats what it hears.")
        out.line("Slå 0 före ett nummer utanför huset. / Dial 0 before a number outside the house.")
        out.line()
        server = _address(config) or "127.0.0.1"
        out.line(bold("Ge en mjuktelefon detta: / Give a softphone this:"))
        rows = [("server / proxy", f"{server}, port 5060, UDP or TCP"), ("domän / realm", config.platform.realm)]
        secret_file = config.paths.state / SECRETS
        rows.append(("anknytning / user", f"{FIRST} – {FIRST + COUNT - 1}"))
        rows.append(
            ("lösenord / password", "nedan, visas bara nu / below, shown only now" if shown else str(secret_file))
        )
        for line in table(rows):
            out.line("  " + line)
        for one in shown or ():
            out.line(f"    {one.number}  {one.secret}  PIN {one.pin}")
        if shown:
            out.line(f"  Sparade i / kept in {secret_file} (0600)")
        for place in config.web.listen:
            out.line(bold("Sidor: / Pages:") + f" http://{place}/  (anknytning och PIN / extension and PIN)")
    out.line()


def _end_leftovers(out: Output, paths: Paths) -> None:
    """What a run that was killed has left running."""
    marks = {
        **{_pid_file(paths, name): "\0".join(("firmware.app", name, "--state", str(paths.state))) for name in PYTHON},
        _pid_file(paths, "standby"): str(paths.keepalived_config),
        _pid_file(paths, "modem"): "\0".join(("--control", str(modem_control(paths)))),
        _pid_file(paths, "ups"): "\0".join(("--control", str(ups_control(paths)))),
        paths.edge_pid: str(paths.edge_config),
    }
    for file, mark in marks.items():
        if left := end_own_leftover(file, mark):
            out.note(f"En process från en tidigare körning avslutades ({left}). / Ended one left by an earlier run.")


def _pid_file(paths: Paths, name: str) -> Path:
    """Where the id of a process is, for `rvx restart`, and for a next run to find it if this one is killed."""
    return paths.run / f"{name}.pid"
