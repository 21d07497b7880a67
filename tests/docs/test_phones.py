"""docs/phones.md: what it tells a router is what the rig's router is told."""

import re
from pathlib import Path

from hil.guarded import router_conf

TEXT = (Path(__file__).parents[2] / "docs" / "phones.md").read_text("utf-8")


def test_the_router_of_the_rig_is_told_the_same() -> None:
    told = re.search(r"^  ```\n(  global_defs .*?)^  ```$", TEXT, re.M | re.S)
    assert told is not None
    assert re.sub(r"^  ", "", told[1], flags=re.M) == router_conf()
