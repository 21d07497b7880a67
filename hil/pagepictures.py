"""Makes the pictures of docs/pages: ``python -m hil.pagepictures FOLDER``. Times are those of the moment."""

from __future__ import annotations

import sys
from pathlib import Path

from hil.pages import DESK, TELEPHONE, Pages, browser
from hil.pagestates import Look, walked

__all__ = ["main"]

LIGHT, DARK, AT_DESK = Look(TELEPHONE, False, "sv-SE"), Look(TELEPHONE, True, "sv-SE"), Look(DESK, False, "sv-SE")
PICTURES = {
    "sign-in": LIGHT,
    "in": LIGHT,
    "away": DARK,
    "when back": LIGHT,
    "when back, odd": LIGHT,
    "search, found": DARK,
    "somebody": LIGHT,
    "voicemail": LIGHT,
    "messages": DARK,
    "calendar": LIGHT,
    "manage somebody": AT_DESK,
    "a whole unit": AT_DESK,
    "who leaves, the list": AT_DESK,
}
"""States (hil/pagestates.py), and how each is looked at."""


def main(folder: Path) -> int:
    """How many were made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = 0
    with Pages() as pages, browser() as started:
        pages.fill()
        for state, page in walked(started, pages, AT_DESK):
            if (look := PICTURES.get(state.name)) is None:
                continue
            page.set_viewport_size(look.size)
            page.emulate_media(color_scheme="dark" if look.dark else "light")
            page.screenshot(path=folder / f"{state.name.replace(',', '').replace(' ', '-')}.png", full_page=True)
            made += 1
    return made


if __name__ == "__main__":
    print(main(Path(sys.argv[1])), "pictures")
