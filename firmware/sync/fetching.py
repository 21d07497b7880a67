"""A snapshot is fetched into a file, from where it was cut (RFC 9110 §14): at 64 kbit/s that of 100,000 people takes
minutes, and a line that fails in the last of them must not begin anew.

    state/sync/snapshot.gz      what has come
    state/sync/snapshot.etag    of which snapshot, the hub's strong ETag; and how long it is"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from firmware.sync.client import Client, Refused, Unreached

__all__ = ["PACKED_MAX", "Snapshot"]

PACKED_MAX = 256 << 20
ETAG_MAX = 200
_RANGE = re.compile(r"bytes ([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12}|\*)")


class Snapshot:
    """The file, and how far it has come."""

    def __init__(self, folder: Path, told: Callable[[int, int | None], None] = lambda came, whole: None) -> None:
        self.file = folder / "snapshot.gz"
        self._etag = folder / "snapshot.etag"
        self._told = told

    def forget(self) -> None:
        """It is taken in, or no good."""
        self._etag.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)

    async def fetch(self, client: Client) -> None:
        """All of it. Raises Unreached, Refused, OSError; what has come stays for the next time."""
        etag, came, known = self._kept()
        if came and came == known:
            return  # all of it came, and was not taken in yet
        headers = {"Range": f"bytes={came}-", "If-Range": etag} if came else {}
        try:
            async with client.stream("/v1/snapshot", {"Accept-Encoding": "identity", **headers}) as (
                status,
                head,
                chunks,
            ):
                new = head.get("ETag", "")
                if status == 206:
                    at = _RANGE.fullmatch(head.get("Content-Range", ""))
                    if new != etag or at is None or int(at[1]) != came:
                        self.forget()
                        raise Unreached("not_understood", "/v1/snapshot: another part than was asked for")
                    whole = int(at[3]) if at[3] != "*" else None
                elif status == 200:
                    came = 0
                    length = head.get("Content-Length", "")
                    whole = int(length) if length.isascii() and length.isdigit() and len(length) < 12 else None
                    self._begin(new, whole)
                else:
                    raise Unreached("not_understood", f"/v1/snapshot: {status}")
                if whole is not None and whole > PACKED_MAX:
                    raise Unreached("not_understood", f"/v1/snapshot: {whole} bytes")
                with self.file.open("ab") as out:
                    async for chunk in chunks:
                        came += len(chunk)
                        if came > PACKED_MAX:
                            raise Unreached("not_understood", "/v1/snapshot: does not end")
                        await asyncio.to_thread(out.write, chunk)
                        self._told(came, whole)
                if whole is not None and came != whole:
                    raise Unreached("broken", f"/v1/snapshot: {came} of {whole} bytes")
        except Refused as refused:
            if refused.error != "range":
                raise
            self.forget()  # it was whole already, or is another one now
            raise Unreached("broken", "/v1/snapshot: begins anew") from None

    def _begin(self, etag: str, whole: int | None) -> None:
        self.forget()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file.touch(0o600)
        if etag.startswith('"') and len(etag) <= ETAG_MAX and etag.isascii() and etag.isprintable():
            self._etag.write_text(f"{etag}\n{whole or 0}\n", "ascii")

    def _kept(self) -> tuple[str, int, int]:
        """ETag, how much has come, and how much there is (0: not known). A weak ETag, or none: nothing that could be
        gone on with."""
        with contextlib.suppress(OSError, ValueError):
            etag, whole = self._etag.read_text("ascii").splitlines()
            return etag, self.file.stat().st_size, int(whole)
        return "", 0, 0
