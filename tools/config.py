"""``rvx config``: which configuration the unit works by, where it came from, and another one in its place."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from firmware.config import Config, ConfigError
from firmware.document import FILE_MAX_BYTES
from firmware.edge import EdgeUnavailable, check_edge
from firmware.generations import Generations, GenerationsError, Standing
from firmware.store.database import to_text
from firmware.trial import Phase
from tools.errors import DONE, UserError
from tools.output import Output, table
from tools.people import viewer_of
from tools.place import config_of, config_path

__all__ = ["run"]

_PHASES = {
    Phase.NONE: ("ingen sänd hit", "none was sent here"),
    Phase.ARMED: ("väntar på att prövas", "waits to be tried"),
    Phase.TRIAL: ("prövas", "is tried"),
    Phase.CONFIRMED: ("i bruk", "in use"),
    Phase.ROLLED_BACK: ("återtagen", "taken back"),
    Phase.REFUSED: ("avvisad", "refused"),
}


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    path = config_path(args)
    if path is None:
        raise UserError("RVX-C02", "This unit has no configuration file.", "rvx check FILE")
    actions: dict[str, Callable[[argparse.Namespace, Output, Config, Generations], int]] = {
        "config show": _show,
        "config override": _override,
        "config release": _release,
        "config rollback": _roll_back,
    }
    config = config_of(args)
    try:
        return actions[args.command](args, Output.of(args), config, Generations(path.resolve(), config.paths.state))
    except GenerationsError as error:
        raise UserError("RVX-C08", f"{error}.") from error


def _show(args: argparse.Namespace, out: Output, config: Config, generations: Generations) -> int:
    return _shown(out, generations, generations.standing())


def _override(args: argparse.Namespace, out: Output, config: Config, generations: Generations) -> int:
    file = Path(args.file)
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_MAX_BYTES + 1)
        text = data.decode()
    except (OSError, UnicodeError) as error:
        raise UserError("RVX-C02", f"{file}: {error}.") from error
    if len(data) > FILE_MAX_BYTES:
        raise UserError("RVX-C02", f"{file}: over {FILE_MAX_BYTES} bytes.")
    try:
        candidate = generations.look_at(text)
        said = check_edge(candidate.in_state(config.unit.state_dir, config.unit.run_dir))
        if said:
            raise UserError("RVX-C04", f"{said[0]}.")
        standing = generations.override(text, viewer_of(args).id, args.why, to_text(datetime.now(UTC)))
    except ConfigError as error:
        raise UserError(
            "RVX-C01", f"{replace(error.problems[0], file=file)}.", f"rvx check {file} lists every fault."
        ) from error
    except EdgeUnavailable as error:
        raise UserError("RVX-E02", f"{error}.") from error
    return _shown(out, generations, standing)


def _release(args: argparse.Namespace, out: Output, config: Config, generations: Generations) -> int:
    return _shown(out, generations, generations.release())


def _roll_back(args: argparse.Namespace, out: Output, config: Config, generations: Generations) -> int:
    try:
        return _shown(out, generations, generations.roll_back(f"by {viewer_of(args).id}"))
    except ConfigError as error:
        raise UserError("RVX-C01", f"{error.problems[0]}.") from error


def _shown(out: Output, generations: Generations, standing: Standing) -> int:
    kept = [{"version": one.version, "sha256": one.sha256, "at": one.at} for one in standing.kept]
    if out.json:
        newest = standing.newest
        out.document(
            "ok",
            file=str(generations.config),
            sha256=generations.sha256(),
            phase=str(standing.phase),
            newest=newest.version if newest else None,
            why=standing.why,
            override=standing.override,
            override_by=standing.override_by,
            kept=kept,
        )
        return DONE
    swedish, english = _PHASES[standing.phase]
    rows = [("fil / file", str(generations.config)), ("innehåll / content", generations.sha256()[:16])]
    if standing.newest:
        rows.append(("senast sänd / last sent", f"version {standing.newest.version}"))
    rows.append(("läge / state", f"{swedish} / {english}" + (f": {standing.why}" if standing.why else "")))
    if standing.override:
        rows.append(("ändrad här / changed here", f"{standing.override} ({standing.override_by})"))
    for number, one in enumerate(standing.kept):
        name = f"version {one.version}" if one.version else "egen / own"
        rows.append(("sparad / kept" if number == 0 else "", f"{name}, {one.sha256[:16]}, {one.at}"))
    for line in table(rows):
        out.line(line)
    if standing.override:
        out.note("Det som sänds väntar tills rvx config release. / What is sent waits until rvx config release.")
    return DONE
