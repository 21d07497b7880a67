"""Looks after the door that phones come by: the certificate is kept valid while the edge runs, and what stands at the
door that somebody should know of (a certificate near its end, a phone that is banned) is told as a problem."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from firmware.certificate import Certificate, CertificateError, read
from firmware.config import Config
from firmware.edge import EdgeUnavailable, certificate_file, edge_settings, renew_certificate
from firmware.status import Problem, Severity
from firmware.ticks import tick
from firmware.watch import Watch, table

__all__ = ["Door", "certificate_problems"]

CERTIFICATE_EVERY_S = 3_600.0
BANS_EVERY_S = 2.0
SOON = timedelta(days=30)
"""An end so near is told: time for who runs the municipality's CA."""
SHOWN = 5
"""Sources that are named."""

log = logging.getLogger("rvx")


class Door:
    """Runs `run` for ever; `problems` is what it found last."""

    def __init__(self, config: Config, edge: EdgeRpc, watch: Watch) -> None:
        self._config = config
        self._edge = edge
        self._watch = watch
        self._certificate: Certificate | None = None
        self._fault = ""
        self._bans = 0  # counted by the edge when it was last looked at
        self._look_until_s = 0.0
        self._banned: tuple[str, ...] = ()

    async def run(self) -> None:
        """Until cancelled."""
        due_s = 0.0
        tls = edge_settings(self._config).tls
        while True:
            if tls and time.monotonic() >= due_s:
                due_s = time.monotonic() + CERTIFICATE_EVERY_S
                await self._keep_certificate()
            try:
                await self._see_bans()
            except (EdgeUnreachable, EdgeError):
                self._banned = ()
            await tick(BANS_EVERY_S)

    def problems(self, now: datetime) -> tuple[Problem, ...]:
        found = list(certificate_problems(self._certificate, self._fault, now))
        if self._banned:
            more = f" and {len(self._banned) - SHOWN} more" if len(self._banned) > SHOWN else ""
            found.append(
                Problem(
                    "RVX-P05",
                    Severity.WARN,
                    "phones",
                    observed=f"{', '.join(self._banned[:SHOWN])}{more} sends more than [limits] allows",
                    expected=f"{self._config.limits.requests_per_source_s} requests a second at most",
                    effect="it is not heard, but for 112; all others are",
                    fix="find that phone or computer; take it off the network",
                )
            )
        return tuple(found)

    async def _keep_certificate(self) -> None:
        """Renewed or replaced while the edge runs: it takes a new one in use without losing a connection."""
        try:
            changed = await asyncio.to_thread(renew_certificate, self._config)
            self._fault = ""
        except (CertificateError, EdgeUnavailable, OSError) as error:
            changed, self._fault = False, str(error)
            log.error("rvx-event kind=certificate_fault why=%s", self._fault.replace(" ", "_"))
        try:
            self._certificate = await asyncio.to_thread(read, certificate_file(self._config))
        except CertificateError:
            self._certificate = None
        if changed:
            try:
                await self._edge.call("tls.reload")
            except (EdgeUnreachable, EdgeError) as error:
                log.warning("rvx-event kind=certificate_not_taken why=%s", str(error).replace(" ", "_"))
                return
            log.info("rvx-event kind=certificate_renewed")

    async def _see_bans(self) -> None:
        """Asks the edge for its bans only while there can be some."""
        bans = self._watch.count("bans")
        if bans != self._bans:
            self._bans = bans
            self._look_until_s = time.monotonic() + self._config.limits.ban_s + 2 * BANS_EVERY_S
        if self._banned or time.monotonic() < self._look_until_s:
            self._banned = tuple(sorted(table(await self._edge.call("htable.dump", "ban"))))


def certificate_problems(held: Certificate | None, fault: str, now: datetime) -> tuple[Problem, ...]:
    """What is wrong with the certificate in use (None: there is none, or no TLS), and with the next one."""
    found = []
    if fault:
        found.append(
            Problem(
                "RVX-T02",
                Severity.FAIL,
                "certificate",
                observed=fault,
                expected="a certificate and its key that can be read",
                effect="phones by TLS go on by the old one, or not at all" if held else "no phone gets in by TLS",
                fix="mend [tls] certificate and key; it is taken in use within the hour, or at the next start",
            )
        )
    if held is not None and held.until - now < SOON:
        over = held.until <= now
        found.append(
            Problem(
                "RVX-T01",
                Severity.FAIL if over else Severity.WARN,
                "certificate",
                observed=f"it {'ended' if over else 'ends'} {held.until.astimezone(UTC):%Y-%m-%d}",
                expected=f"{SOON.days} days more at least",
                effect="phones by TLS do not get in" if over else "after that day phones by TLS do not get in",
                fix="put a new one where [tls] certificate and key say; one of the unit's own renews itself",
            )
        )
    return tuple(found)
