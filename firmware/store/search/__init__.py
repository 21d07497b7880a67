"""People found the way they are asked for (requirements.md, D2): `index` makes what `Finder` reads."""

from firmware.store.search.find import Finder, Found
from firmware.store.search.index import index

__all__ = ["Finder", "Found", "index"]
