"""JSON-RPC to a running Kamailio over its Unix datagram socket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import socket
from pathlib import Path
from typing import Any

__all__ = ["EdgeError", "EdgeRpc", "EdgeUnreachable", "Question", "remove_leftovers"]

TIMEOUT_S = 1.0
"""An edge that has not answered by then is unreachable."""
ANSWER_BYTES = 1 << 16
"""The largest answer that Kamailio's datagram transport makes."""

_OWN = re.compile(r"rpc-([0-9]+)-[0-9]+\.sock")

_counter = itertools.count()

Question = tuple[str | int | float, ...]
"""A method and its parameters."""
Answer = dict[str, Any] | bytes
"""A JSON object, or what was none."""


class EdgeUnreachable(Exception):
    """Nobody answers at the edge's socket."""


class EdgeError(Exception):
    """The edge answered with an error: its code and words."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {code} {message}")
        self.code = code


class EdgeRpc:
    """Questions to one edge. Each has a socket of its own, so that a late answer is never taken for the next one's;
    or, with `kept`, all of a process that lives long have one, where answers are told apart by their number. That is
    made anew when the edge is, or has not answered; who keeps it must `close` it, in the loop that it was used in."""

    def __init__(self, path: Path, own_dir: Path | None = None, *, kept: bool = False) -> None:
        """`path` is Kamailio's socket; ours, to be answered at, lies in `own_dir` or beside it."""
        self._path = path
        self._own_dir = own_dir or path.parent
        self._kept = kept
        self._wire: _Wire | None = None

    async def call(self, method: str, *params: str | int | float, timeout_s: float = TIMEOUT_S) -> Any:
        """The `result` of `method`. Raises EdgeUnreachable or EdgeError."""
        (result,) = await self.call_all((method, *params), timeout_s=timeout_s)
        return result

    async def call_all(self, *questions: Question, timeout_s: float = TIMEOUT_S) -> list[Any]:
        """The results of what is asked at once, so that it costs both sides one turn; the edge does it in that order,
        and goes on after one that it refuses. Raises EdgeUnreachable, or EdgeError for the first that was refused."""
        requests: list[dict[str, Any]] = []
        for method, *params in questions:
            request = {"jsonrpc": "2.0", "id": next(_counter), "method": method}
            requests.append({**request, "params": params} if params else request)
        try:
            answers = await self._ask(requests, timeout_s)
        except (OSError, TimeoutError) as error:
            self.close()
            raise EdgeUnreachable(f"{self._path}: {str(error) or 'no answer'}") from error
        return [_result(str(question[0]), answer) for question, answer in zip(questions, answers, strict=True)]

    def close(self) -> None:
        """Gives up the kept socket, if there is one; the next question makes another."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _ask(self, requests: list[dict[str, Any]], timeout_s: float) -> list[Answer]:
        async with asyncio.timeout(timeout_s):
            if self._wire is not None:
                with contextlib.suppress(OSError):  # of the edge before this one
                    return await self._wire.ask(requests)
                self.close()
            wire = _Wire(self._path, self._own_dir, requests[0]["id"])
            if self._kept:
                self._wire = wire
                return await wire.ask(requests)
            try:
                return await wire.ask(requests)
            finally:
                wire.close()


class _Wire:
    """A socket of ours at the edge's, named by `number`. Raises OSError: nobody is there."""

    def __init__(self, path: Path, own_dir: Path, number: int) -> None:
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._loop = asyncio.get_running_loop()
        self._own = own_dir / f"rpc-{os.getpid()}-{number}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            # Process ids come again: one that was killed may have left its socket.
            self._own.unlink(missing_ok=True)
            self._socket.bind(str(self._own))
            # Kamailio, which may run as another user, and nobody else is to write its answer here.
            os.chown(self._own, os.stat(path).st_uid, -1)
            os.chmod(self._own, 0o600)
            self._socket.connect(str(path))
            self._loop.add_reader(self._socket, self._came)
        except BaseException:
            self.close()
            raise

    async def ask(self, requests: list[dict[str, Any]]) -> list[Answer]:
        asked: dict[int, asyncio.Future[Answer]] = {each["id"]: self._loop.create_future() for each in requests}
        self._waiting |= asked
        try:
            for request in requests:
                await self._loop.sock_sendall(self._socket, json.dumps(request).encode())
            return await asyncio.gather(*asked.values())
        finally:
            for number in asked:
                del self._waiting[number]

    def close(self) -> None:
        self._own.unlink(missing_ok=True)
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("given up"))

    def _came(self) -> None:
        try:
            data = self._socket.recv(ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        try:
            message = json.loads(data)
        except ValueError:
            message = None
        answer: Answer = message if isinstance(message, dict) else data
        # What has no number is everybody's: each refuses it.
        number = answer.get("id") if isinstance(answer, dict) else None
        for waiting in self._waiting.values() if number is None else filter(None, (self._waiting.get(number),)):
            if not waiting.done():
                waiting.set_result(answer)


def remove_leftovers(own_dir: Path) -> None:
    """Removes what callers that were killed have left in `own_dir`; those that live keep theirs."""
    for path in own_dir.iterdir():
        name = _OWN.fullmatch(path.name)
        if name is not None and not Path("/proc", name[1]).exists():
            path.unlink(missing_ok=True)


def _result(method: str, message: Answer) -> Any:
    if isinstance(message, bytes):
        raise EdgeError(method, 0, f"answer is no JSON object: {message[:80]!r}")
    if "error" in message:
        fault = message["error"] if isinstance(message["error"], dict) else {}
        code = fault.get("code")
        raise EdgeError(method, code if isinstance(code, int) else 0, str(fault.get("message", "")))
    return message.get("result")
