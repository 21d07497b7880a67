"""What is wrong between a unit and its hub, by the facts of its status alone. No call hangs on any of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from firmware.status import Problem, Severity, Status, Sync

__all__ = ["sync_problems"]

TOLD_AFTER = timedelta(minutes=10)
"""A hub that is not reached for so long is told of; a line that fails for a minute is no news."""
CLOCKS_APART_S = 300.0

_OTHER = ("redirected", "not_the_hub", "certificate", "tls")
_NOT_TAKEN = ("revoked", "own_certificate", "not_yours")
_CALLS = "calls go on; what is made here waits"


def sync_problems(status: Status) -> list[Problem]:
    sync = status.sync
    if sync is None or sync.process is None:
        return []
    if sync.process is False:
        return [
            _warn("RVX-Z01", "the process sync is not there", "it tells of itself each 2 s", _CALLS,
                  "see in its log why; rvx restart sync"),
        ]  # fmt: skip
    found = [problem for problem in (_reached(sync, status.time),) if problem]
    if sync.gone:
        found.append(
            _warn("RVX-Z06", f"the hub has {sync.gone} people fewer", "a fifth fewer at the most",
                  "they are still found here, and all else is taken in", "ask who looks after it; rvx sync accept")
        )  # fmt: skip
    if sync.aside or sync.refused:
        found.append(
            _warn("RVX-Z07", f"{sync.aside or 0} rows of the hub's and {sync.refused or 0} of ours were not taken in",
                  "none", "what they say is not known on the other side", "rvx sync why lists them")
        )  # fmt: skip
    if sync.clock_s is not None and abs(sync.clock_s) > CLOCKS_APART_S:
        found.append(
            _warn("RVX-Z08", f"the hub's clock is {sync.clock_s:+.0f} s from ours", "within 300 s",
                  "what is set here counts as set when it reaches the hub", "timedatectl; ask who looks after the hub")
        )  # fmt: skip
    if sync.twin:
        found.append(
            _warn("RVX-Z09", "another unit speaks to the hub by this one's name", "one unit by one name",
                  "both are taken; it is not clear which is meant", "switch one off, or rvx enrol --anew there")
        )  # fmt: skip
    return found


def _reached(sync: Sync, now: str) -> Problem | None:
    if sync.connected or not sync.why:
        return None
    said = f"{sync.why}{f': {sync.detail}' if sync.detail else ''}"
    if sync.why in ("not_enrolled", "another_hub", "membership"):
        return _warn("RVX-Z04", said, "a code given once", _CALLS, "rvx hub enrol at the hub, rvx enrol here")
    if sync.why in _NOT_TAKEN:
        return Problem(
            "RVX-Z05", Severity.FAIL, "sync", observed=said, expected="a certificate that the hub takes",
            effect=_CALLS, fix="ask who looks after the hub; rvx enrol --anew", since=sync.since,
        )  # fmt: skip
    if sync.since and datetime.fromisoformat(now) - datetime.fromisoformat(sync.since) < TOLD_AFTER:
        return None
    if sync.why in _OTHER:
        return _warn("RVX-Z03", said, "the hub, by its own certificate", _CALLS,
                     "sign in to the network, or have the unit let through", sync.since)  # fmt: skip
    return _warn("RVX-Z02", said, "an answer", _CALLS, "rvx sync why says what to do", sync.since)


def _warn(code: str, observed: str, expected: str, effect: str, fix: str, since: str | None = None) -> Problem:
    return Problem(code, Severity.WARN, "sync", observed, expected, effect, fix, since)
