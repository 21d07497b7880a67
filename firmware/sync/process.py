"""The process `sync`: what was made here reaches the hub, and what the hub knows is here before the next outage.

A process of its own, so that TLS, JSON and a hundred thousand people never hold who is master: neither waits for the
other, and it may be killed at any moment. It goes on for ever, whatever is in the way, and says what that is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import sqlite3
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp

from callcontrol.edge.rpc import EdgeRpc
from firmware.bindings import written
from firmware.config import Config
from firmware.generations import Standing
from firmware.statusasked import status_of
from firmware.store import StoreError
from firmware.store.database import to_text
from firmware.sync.backoff import BackOff
from firmware.sync.client import Client, Refused, Unreached, tls_of
from firmware.sync.configuring import Configuring, Source
from firmware.sync.down import Down
from firmware.sync.membership import Membership, MembershipError, machine_id
from firmware.sync.sending import holding
from firmware.sync.shown import SyncShown
from firmware.sync.talking import Memory, Stores, Talking, Turn
from firmware.sync.up import Up

__all__ = ["SyncProcess"]

SHOWN_EVERY_S = 2.0
LOOK_EVERY_S = 0.2
"""Whether something was written: a block is at the hub within a second."""
ENROLLED_EVERY_S = 2.0
STATUS_EVERY_S = 15.0
USAGE_EVERY_S = 60.0
ASKED_MAX = 1 << 10
ASKED_WITHIN_S = 5.0
_ENDED = ("revoked", "certificate", "own_certificate", "not_yours")
"""Nothing that time mends: asked again all the same, but seldom."""
SELDOM_S = 600.0

log = logging.getLogger("rvx")


class SyncProcess:
    """One per process; `run` returns only by being cancelled. `file`: of the configuration, None without one."""

    def __init__(self, config: Config, edge: EdgeRpc, file: Path | None) -> None:
        self._config = config
        self._edge = edge
        self._file = file
        self._paths = config.paths
        self._folder = config.paths.sync
        self._stores = Stores(lambda: Up(config.paths, sound=config.sync.sound == "yes"), lambda: Down(config.paths))
        self._shown = [SyncShown(hub=config.sync.hub)]
        self._wake, self._look, self._now = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._again = asyncio.Event()
        self._memory = Memory()
        self._power: str | None = None
        self._standing: Standing | None = None
        self._configuring: Configuring | None = None
        self._client: Client | None = None
        self._usage = _Usage(self._folder / "usage.json")

    async def run(self) -> None:
        """Until cancelled; SystemExit where a configuration wants this process anew."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._paths.sync_socket
        place.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._answer, place, limit=ASKED_MAX)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._show())
                tasks.create_task(self._watch())
                tasks.create_task(self._ask_status())
                tasks.create_task(self._talk(tasks))
        finally:
            server.close()
            place.unlink(missing_ok=True)
            self._paths.sync_shown.unlink(missing_ok=True)
            self._stores.close()

    async def _talk(self, tasks: asyncio.TaskGroup) -> None:
        """For ever: a session, whatever ends it, and a pause."""
        back, reached, asked_s = BackOff(), asyncio.Event(), 0.0
        while True:
            try:
                member = Membership.read(self._folder)
                if member is None or member.hub != self._config.sync.hub:
                    why = "not_enrolled" if member is None else "another_hub"
                    self._trouble(why, "" if member is None else member.hub)
                    await asyncio.sleep(ENROLLED_EVERY_S)
                    continue
                self._note(enrolled=True, unit=member.unit)
                self._configure(member, tasks)

                def spoke(met: asyncio.Event = reached) -> None:
                    if not met.is_set():  # a configuration may have come while it was not reached
                        self._look.set()
                    met.set()

                async with self._session(member) as client:
                    # A task of its own: after a TaskGroup whose child has failed, Python 3.11's asyncio.timeout takes
                    # its own end for somebody's cancellation of the whole task.
                    await asyncio.create_task(self._talking(client, member, spoke).run())
            except Turn as turn:
                log.info("rvx-event kind=sync_turn why=%s", turn)
                back, asked_s = BackOff(1), 0.0
            except Unreached as error:
                back, asked_s = self._failed(back, reached, error.why, error.detail), 0.0
            except Refused as error:
                if error.error == "session":
                    back, asked_s = BackOff(1), 0.0
                else:
                    back = self._failed(back, reached, error.error, f"{error.field or ''} {error.text}".strip())
                    asked_s = error.after_s
            except (MembershipError, ssl.SSLError) as error:
                back, asked_s = self._failed(back, reached, "membership", str(error)), 0.0
            except (StoreError, sqlite3.Error, OSError) as error:
                back, asked_s = self._failed(back, reached, "store", str(error)), 0.0
            pause_s = max(back.pause_s(random.random(), asked_s), SELDOM_S if self._seen.why in _ENDED else 0.0)  # noqa: S311
            await self._pause(pause_s)

    async def _pause(self, pause_s: float) -> None:
        """Or until somebody asks for it now."""
        self._note(again_s=round(pause_s, 1))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._again.wait()
        self._again.clear()
        self._note(again_s=None)

    def _failed(self, back: BackOff, reached: asyncio.Event, why: str, detail: str) -> BackOff:
        back = (BackOff() if reached.is_set() else back).failed()
        reached.clear()
        if why != self._seen.why:
            log.warning("rvx-event kind=sync_down why=%s detail=%s", why, detail.replace(" ", "_"))
        self._trouble(why, detail, back.failures)
        return back

    def _trouble(self, why: str, detail: str, failures: int = 0) -> None:
        same = why == self._seen.why
        since = self._seen.since if same else to_text(datetime.now(UTC))
        self._note(connected=False, why=why, detail=detail[:160], failures=failures, since=since)

    def _session(self, member: Membership) -> Client:
        settings, secrets = self._config.sync, self._config.secrets.sync
        login = aiohttp.BasicAuth(settings.proxy_user, secrets.proxy_password) if settings.proxy_user else None
        client = Client(
            member.hub,
            tls_of(member.ca, str(member.key_file)),
            proxy=settings.proxy,
            proxy_auth=login,
            metered_address=self._config.data.address,
        )
        self._usage.of(client)
        self._client = client
        return client

    def _talking(self, client: Client, member: Membership, spoke: Any) -> Talking:
        return Talking(
            client=client,
            member=member,
            stores=self._stores,
            machine=machine_id(),
            shown=self._shown,
            wake=self._wake,
            look=self._look,
            now_asked=self._now,
            held_back=self._held_back,
            config=self._config_said,
            spread=int(machine_id()[:4], 16) / 0xFFFF,
            spoke=spoke,
            wait_s=self._config.sync.wait_s,
            memory=self._memory,
        )

    def _held_back(self) -> str:
        metered = bool(self._client and self._client.on_metered)
        spent_mb = self._usage.today_mb()
        return holding(self._power, metered=metered, spent_mb=spent_mb, budget_mb=self._config.sync.budget_mb_day)

    # Configurations

    def _configure(self, member: Membership, tasks: asyncio.TaskGroup) -> None:
        if self._configuring is not None or self._file is None:
            return
        source = Source(
            fetch=self._fetch_config,
            reached=lambda: self._seen.connected,
            key=member.config_key_bytes,
            unit=member.unit,
        )
        self._configuring = Configuring(self._file, self._config, self._edge, source, self._tell_config)
        tasks.create_task(self._configuring.run(self._look))

    async def _fetch_config(self, have: int) -> bytes | None:
        """Raises OSError."""
        if self._client is None or not self._seen.connected:
            raise OSError("the hub is not reached")
        try:
            answer = await self._client.ask("GET", "/v1/config", query={"have": str(have)})
        except (Unreached, Refused) as error:
            raise OSError(str(error)) from None
        return None if answer.status == 204 else answer.data

    async def _tell_config(self, standing: Standing) -> None:
        self._standing = standing
        await self._stores.up(lambda up: up.tell_config(standing))

    def _config_said(self) -> Mapping[str, Any]:
        standing = self._standing
        newest = standing.newest or (standing.kept[0] if standing.kept else None) if standing else None
        return {
            "version": newest.version if newest else 0,
            "state": str(standing.phase) if standing else "none",
            "sha256": newest.sha256 if newest else None,
            "override": bool(standing and standing.override),
        }

    # What goes on beside

    async def _watch(self) -> None:
        """Whether something was written that the hub has to hear."""
        seen: object = None
        while True:
            if (now := written(self._paths.journal)) != seen:
                seen = now
                self._wake.set()
            await asyncio.sleep(LOOK_EVERY_S if self._seen.connected else ENROLLED_EVERY_S)

    async def _ask_status(self) -> None:
        while True:
            status = await status_of(self._paths.unit_socket)
            self._power = status.power.state if status and status.power else None
            await asyncio.sleep(STATUS_EVERY_S)

    async def _show(self) -> None:
        kept_at = 0.0
        while True:
            mb = self._usage.today_mb()
            self._note(metered_mb=round(mb, 2))
            if self._configuring is not None:
                self._note(configuration=self._configuring.fault[:160], waits=self._configuring.waits)
            with contextlib.suppress(OSError):
                self._seen.write(self._paths.sync_shown)
            now = asyncio.get_running_loop().time()
            if now - kept_at > USAGE_EVERY_S:
                kept_at = now
                with contextlib.suppress(OSError):
                    self._usage.write()
            await asyncio.sleep(SHOWN_EVERY_S)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """`rvx sync now` and `accept`: a line with a word, and a line of JSON."""
        try:
            async with asyncio.timeout(ASKED_WITHIN_S):
                word = (await reader.readline()).decode("ascii", "replace").strip()
                said: dict[str, Any] = {"ok": True}
                if word == "now":
                    self._now.set()
                    self._again.set()
                    self._wake.set()
                elif word == "accept":
                    said["held"] = await self._stores.down(Down.allow)
                    self._now.set()
                    self._again.set()
                else:
                    said = {"ok": False}
                writer.write(json.dumps(said).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError, sqlite3.Error, StoreError):
            pass
        finally:
            writer.close()

    @property
    def _seen(self) -> SyncShown:
        return self._shown[0]

    def _note(self, **changes: Any) -> None:
        self._shown[0] = replace(self._shown[0], **changes)


class _Usage:
    """What went by mobile data today, over starts of this process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._day, self._before = date.min, 0
        self._client: Client | None = None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(file.read_text("ascii"))
            self._day, self._before = date.fromisoformat(found["day"]), int(found["bytes"])

    def of(self, client: Client) -> None:
        """The client whose traffic counts from now on."""
        self._gather()
        self._client = client

    def today_mb(self) -> float:
        self._gather()
        return self._before / 1e6

    def write(self) -> None:
        """Raises OSError."""
        self._gather()
        if self._before:
            part = self._file.with_suffix(".part")
            part.write_text(json.dumps({"day": self._day.isoformat(), "bytes": self._before}), "ascii")
            part.replace(self._file)

    def _gather(self) -> None:
        today = datetime.now(UTC).date()
        if today != self._day:
            self._day, self._before = today, 0
        if self._client is not None:
            self._before += self._client.traffic.metered
            self._client.traffic.metered = 0
