"""``rvx guide`` and ``rvx card``: papers from the site's own configuration, as PDF (H7)."""

import argparse
import os

from firmware.config import Config
from firmware.paper import card, guide
from firmware.paper.blocks import Paper
from firmware.paper.site import Site, site_of
from firmware.store.people import People
from tools.errors import DONE, UserError
from tools.output import Output
from tools.people import opened
from tools.place import config_of

__all__ = ["run", "site_here", "write"]


def run(args: argparse.Namespace) -> int:
    """Writes what is asked for."""
    out, config = Output.of(args), config_of(args)
    with opened(config) as store:
        site = site_here(config, store.people, args.entity)
    made = card.paper(site) if args.command == "card" else guide.paper(guide.Guide(args.role), site)
    write(made, args.file)
    if out.json:
        out.document("ok", file=args.file, title=made.title, of=made.under)
    else:
        out.line(f"{made.title}, {made.under}: {args.file}")
    return DONE


def site_here(config: Config, people: People, entity: str | None) -> Site:
    if entity is not None and people.entity(entity) is None:
        raise UserError("RVX-R07", f"{entity[:60]!r} is no entity here.")
    return site_of(config, people, entity)


def write(paper: Paper, place: str) -> None:
    """To a new file, for its owner alone."""
    from firmware.paper.sheet import TooLong, pdf

    try:
        data = pdf(paper)
    except TooLong as error:
        raise UserError("RVX-R08", f"{error}.") from error
    try:
        with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise UserError("RVX-K04", f"{place}: {error.strerror}.") from error
