"""``rvx explain``: what a code means and what to do, with no network and nothing running; or a call."""

import argparse
import difflib
import textwrap

from tools.errors import AREAS, DONE, Said, UserError
from tools.errors.catalog import CATALOG
from tools.output import WIDTH, Output

__all__ = ["run"]

_PREFIX = "RVX-"
_NEAR = 0.8  # how alike a misspelt code must be: codes are alike by nature


def run(args: argparse.Namespace) -> int:
    """Explains one code, or lists all. A code may be given in any case, and without ``RVX-``. Two words are a call."""
    out = Output.of(args)
    if not args.what:
        _list_all(out)
        return DONE
    if len(args.what) > 1 and args.what[0].upper().startswith(_PREFIX):
        raise UserError("RVX-A02", f"{args.what[1]} is not known: one code at a time.")
    if len(args.what) == 2:
        from tools.explaincall import run as explain_call  # a code is explained without the store

        return explain_call(args, out)
    if len(args.what) > 2:
        raise UserError("RVX-A02", "A code, or the two numbers of a call.")
    code = args.what[0].upper()
    code = code if code.startswith(_PREFIX) else _PREFIX + code
    if code not in CATALOG:
        near = difflib.get_close_matches(code, CATALOG, n=1, cutoff=_NEAR)
        raise UserError("RVX-A03", f"{args.what[0]} is not in the catalog.", f"Did you mean {near[0]}?" if near else "")
    entry = CATALOG[code]
    if out.json:
        out.document("ok", code=code, sv=entry.sv._asdict(), en=entry.en._asdict(), exit_status=entry.exit_status)
        return DONE
    area_sv, area_en = AREAS[code[len(_PREFIX)]]
    out.line(out.paint.bold(code))
    _show(out, area_sv, entry.sv, "Orsak", "Gör så här")
    _show(out, area_en, entry.en, "Cause", "What to do")
    return DONE


def _show(out: Output, area: str, said: Said, cause: str, remedy: str) -> None:
    width = max(len(cause), len(remedy)) + 2
    out.line()
    out.line(textwrap.fill(f"{said.what} ({area})", WIDTH, break_on_hyphens=False))
    for label, sentence in ((cause, said.cause), (remedy, said.remedy)):
        head = f"  {label + ':':<{width}}"
        rest = " " * len(head)
        out.line(textwrap.fill(sentence, WIDTH, initial_indent=head, subsequent_indent=rest, break_on_hyphens=False))


def _list_all(out: Output) -> None:
    if out.json:
        out.document("ok", codes=[{"code": code, "sv": e.sv.what, "en": e.en.what} for code, e in CATALOG.items()])
        return
    for code, entry in CATALOG.items():
        out.line(f"{code}  {entry.sv.what}")
        out.line(f"{'':{len(code)}}  {entry.en.what}")
    out.line(f"{len(CATALOG)} codes. One of them: rvx explain {next(iter(CATALOG))}")
