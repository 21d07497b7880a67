"""The microcontroller's program as one image, compiled where mpy-cross is at hand: what `rvx mcu flash` sends."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hil.sim.mcuport import find

__all__ = ["PROGRAM", "ROOT", "compiled", "image_of", "sources", "version_of"]

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "board" / "mcu"
SHARED = (ROOT / "drivers" / "codec" / "mcuframe.py", ROOT / "drivers" / "codec" / "mcuwords.py")
"""The same files on both sides of the wire."""
MARCH = "armv6m"
COMPILE_S = 30.0


def sources() -> dict[str, bytes]:
    """By their names in a slot. Raises OSError."""
    own = {f"supply/{path.name}": path for path in sorted((PROGRAM / "supply").glob("*.py"))}
    return {name: path.read_bytes() for name, path in {**own, **{path.name: path for path in SHARED}}.items()}


def version_of(files: Mapping[str, bytes]) -> int:
    """What supply/__init__.py says. Raises ValueError."""
    for node in ast.parse(files["supply/__init__.py"]).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            value = node.value.value
            if [ast.unparse(target) for target in node.targets] == ["VERSION"] and isinstance(value, int):
                return value
    raise ValueError("supply/__init__.py has no VERSION")


def compiled(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same as bytecode for the RP2040; what came in where there is no mpy-cross. Raises ValueError."""
    compiler = find("mpy-cross")
    if compiler is None:
        return dict(files)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            source, made = Path(folder, "source.py"), Path(folder, "made.mpy")
            source.write_bytes(data)
            command = [str(compiler), f"-march={MARCH}", "-s", name, "-o", str(made), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S, check=False)
            if done.returncode:
                raise ValueError(f"{name}: {done.stderr.strip()[-200:]}")
            found[name.removesuffix(".py") + ".mpy"] = made.read_bytes()
    return found


def image_of(files: Mapping[str, bytes]) -> bytes:
    """As board/mcu/supply/taking.py takes it."""
    image = b"RVXP" + len(files).to_bytes(2, "big")
    for name, data in files.items():
        image += bytes([len(name)]) + name.encode("ascii") + len(data).to_bytes(4, "big") + data
    return image
