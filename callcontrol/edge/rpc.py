"""JSON-RPC to a running Kamailio over its Unix datagram socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import socket
from pathlib import Path
from typing import Any

__all__ = ["EdgeError", "EdgeRpc", "EdgeUnreachable", "remove_leftovers"]

TIMEOUT_S = 1.0
"""An edge that has not answered by then is unreachable."""
ANSWER_BYTES = 1 << 16
"""The largest answer that Kamailio's datagram transport makes."""

_OWN = re.compile(r"rpc-([0-9]+)-[0-9]+\.sock")

_counter = itertools.count()


class EdgeUnreachable(Exception):
    """Nobody answers at the edge's socket."""


class EdgeError(Exception):
    """The edge answered with an error: its code and words."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {code} {message}")
        self.code = code


class EdgeRpc:
    """One call at a time, each with a socket of its own, so that a late answer is never taken for the next one's."""

    def __init__(self, path: Path, own_dir: Path | None = None) -> None:
        """`path` is Kamailio's socket; ours, to be answered at, lies in `own_dir` or beside it."""
        self._path = path
        self._own_dir = own_dir or path.parent

    async def call(self, method: str, *params: str | int | float, timeout_s: float = TIMEOUT_S) -> Any:
        """The `result` of `method`. Raises EdgeUnreachable or EdgeError."""
        request = {"jsonrpc": "2.0", "id": next(_counter), "method": method}
        if params:
            request["params"] = list(params)
        own = self._own_dir / f"rpc-{os.getpid()}-{request['id']}.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            try:
                # Process ids come again: one that was killed may have left its socket.
                own.unlink(missing_ok=True)
                sock.bind(str(own))
                # Kamailio, which may run as another user, and nobody else is to write its answer here.
                os.chown(own, os.stat(self._path).st_uid, -1)
                os.chmod(own, 0o600)
                sock.connect(str(self._path))
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(timeout_s):
                    await loop.sock_sendall(sock, json.dumps(request).encode())
                    answer = await loop.sock_recv(sock, ANSWER_BYTES)
            except (OSError, TimeoutError) as error:
                raise EdgeUnreachable(f"{self._path}: {str(error) or 'no answer'}") from error
            finally:
                own.unlink(missing_ok=True)
        return _result(method, answer)


def remove_leftovers(own_dir: Path) -> None:
    """Removes what callers that were killed have left in `own_dir`; those that live keep theirs."""
    for path in own_dir.iterdir():
        name = _OWN.fullmatch(path.name)
        if name is not None and not Path("/proc", name[1]).exists():
            path.unlink(missing_ok=True)


def _result(method: str, answer: bytes) -> Any:
    try:
        message = json.loads(answer)
    except ValueError as error:
        raise EdgeError(method, 0, f"answer is not JSON: {answer[:80]!r}") from error
    if not isinstance(message, dict):
        raise EdgeError(method, 0, "answer is not an object")
    if "error" in message:
        fault = message["error"] if isinstance(message["error"], dict) else {}
        code = fault.get("code")
        raise EdgeError(method, code if isinstance(code, int) else 0, str(fault.get("message", "")))
    return message.get("result")
