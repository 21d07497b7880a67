"""The unit's configurations on the disk: the one it works by, the one that was sent, and those before.

`unit.toml` is always a whole one that was looked at before. Beside the unit's data lie up to three that it has worked
by, the one that was sent last, and what is so of them (`standing.json`). Every step is written before it is taken, so
that whoever comes after a cut finds what is next: `settle` brings file and standing to the same.

No part of this needs the process that fetched a configuration: `guard` is called by each process before it reads its
configuration, and by `unit` all the time. So one by which nothing starts is taken back, too.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from firmware.config import SECRETS_FILE, Config, ConfigError, load
from firmware.document import FILE_MAX_BYTES, sha256_of
from firmware.trial import ATTEMPTS_MAX, Due, Health, Phase, Trial, due

__all__ = ["KEPT", "Generation", "Generations", "GenerationsError", "Standing", "boot_now", "guard", "steady_s"]

log = logging.getLogger("rvx")

KEPT = 3
REGISTERS_WITHIN_S = 10.0
"""A phone whose registration has run out is not counted any more after so long."""
STANDING_MAX_BYTES = 1 << 16
WHY_MAX = 300
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


class GenerationsError(Exception):
    """What lies there cannot be used, or cannot be so; the text says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A configuration that the unit has worked by. Version 0: one that was never sent."""

    version: int
    sha256: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is so. `kept` are those that were confirmed, the newest first; the first is the one that is gone back to.
    `newest` is what was sent last, and `phase` how far that has come. `highest` only grows."""

    kept: tuple[Generation, ...] = ()
    newest: Generation | None = None
    phase: Phase = Phase.NONE
    why: str = ""
    highest: int = 0
    trial: Trial | None = None
    override: str = ""
    """Why somebody has changed the file here; "" when nobody has. What is sent waits until that is released."""
    override_by: str = ""
    restart_since_s: float | None = None
    """Since when, of the machine's time, the processes of the unit should start anew, as their file is another one;
    None: they have."""
    change: int = 0
    """Counts changes of this, for whoever tells of them."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def steady_s(config: Config) -> float:
    """How long a trial lasts at the least: until then each phone has registered again, or is missed."""
    return config.edge.register_s + REGISTERS_WITHIN_S


def boot_now() -> tuple[str, float]:
    """Which start of the machine this is, and how long ago it was, s."""
    return _BOOT.read_text("ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Generations:
    """Those of the unit that works by ``config``; its data in ``state``. One writer at a time, whichever process."""

    config: Path
    state: Path
    _folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self._folder = self.state / "generations"

    # What is so

    def standing(self) -> Standing:
        """Raises GenerationsError for a file that is none of ours."""
        try:
            with self._standing.open("rb") as file:
                data = file.read(STANDING_MAX_BYTES + 1)
        except FileNotFoundError:
            return Standing()
        except OSError as error:
            raise GenerationsError(f"{self._standing}: {error.strerror}") from error
        try:
            if len(data) > STANDING_MAX_BYTES:
                raise ValueError("too large")
            return _standing(json.loads(data))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise GenerationsError(f"{self._standing}: cannot be read ({error}); move it away") from error

    def sha256(self) -> str:
        """Of the file that the unit works by; "" when there is none that can be read."""
        with contextlib.suppress(OSError, UnicodeError):
            return sha256_of(_text(self.config))
        return ""

    def text(self, generation: Generation) -> str:
        """Raises GenerationsError where it is not kept, or is another."""
        path = self._place(generation)
        try:
            text = _text(path)
        except (OSError, UnicodeError) as error:
            raise GenerationsError(f"{path}: {error}") from error
        if sha256_of(text) != generation.sha256:
            raise GenerationsError(f"{path}: is not what was kept")
        return text

    # Steps

    def arm(self, version: int, sha256: str, text: str, now: str) -> Standing:
        """One that was sent, and looked at: it may be tried. Raises GenerationsError, ConfigError."""
        newest = Generation(version=version, sha256=sha256, at=now)
        with self._alone():
            known = self.standing()
            self._first(known, now)
            self.look_at(text)
            _put(self._place(newest), text)
            return self._keep(
                replace(self._first(known, now), newest=newest, phase=Phase.ARMED, why="", highest=version, trial=None)
            )

    def refuse(self, version: int, sha256: str, why: str, now: str) -> Standing:
        """One that was sent, and cannot be used."""
        newest = Generation(version=version, sha256=sha256, at=now)
        with self._alone():
            known = self.standing()
            highest = max(version, known.highest)
            return self._keep(
                replace(known, newest=newest, phase=Phase.REFUSED, why=why[:WHY_MAX], highest=highest, trial=None)
            )

    def look_at(self, text: str) -> Config:
        """Whether a unit could start by it, as far as that is known beforehand. Raises ConfigError, GenerationsError
        for what may not be changed so."""
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        path = self._folder / "looked-at.toml"
        _put(path, text)
        try:
            candidate = load(path, self.config.with_name(SECRETS_FILE))
        except ConfigError as error:  # as lines of what it is to be
            raise ConfigError(tuple(replace(one, file=Path(self.config.name)) for one in error.problems)) from None
        finally:
            path.unlink(missing_ok=True)
        try:
            current = load(self.config)
        except ConfigError:
            return candidate
        for name in ("state_dir", "run_dir"):
            if getattr(candidate.unit, name) != getattr(current.unit, name):
                raise GenerationsError(f"unit.{name}: the unit would lose what it remembers")
        return candidate

    def begin(self, before: Health) -> Standing:
        """The armed one is the unit's from now on, until it is confirmed or taken back."""
        boot, now_s = boot_now()
        with self._alone():
            known = self.standing()
            if known.phase is not Phase.ARMED or known.newest is None or not known.kept:
                raise GenerationsError("no configuration is armed")
            text = self.text(known.newest)
            trial = Trial(boot=boot, began_s=now_s, before=before)
            kept = self._keep(replace(known, phase=Phase.TRIAL, trial=trial, restart_since_s=now_s))
            _put(self.config, text)
            return kept

    def settle(self, *, well: bool, steady_s: float, alone: bool = False) -> Due:
        """Look at a trial, and do what is due; WAIT where there is none. `alone`: by who cannot tell how the unit is,
        who only takes back what has lasted too long."""
        boot, now_s = boot_now()
        with self._alone():
            known = self.standing()
            if known.phase is not Phase.TRIAL or known.trial is None or known.newest is None:
                return Due.WAIT
            if self.sha256() != known.newest.sha256:  # a cut between what was written and what was to follow
                if self.sha256() in [one.sha256 for one in known.kept[:1]] and known.trial.attempts < ATTEMPTS_MAX:
                    again = replace(known.trial, boot=boot, began_s=now_s, attempts=known.trial.attempts + 1)
                    self._keep(replace(known, trial=again, restart_since_s=now_s))
                    _put(self.config, self.text(known.newest))
                    return Due.BEGIN_AGAIN
                return self._back(known, "interrupted")
            if alone and boot == known.trial.boot and known.trial.since_s is not None:
                well = known.trial.well
            what, trial = due(known.trial, boot, now_s, well=well, steady_s=steady_s)
            if what is Due.CONFIRM:
                if alone:
                    return Due.WAIT
                self._confirm(known)
            elif what is Due.ROLL_BACK:
                return self._back(known, "not well")
            elif trial != known.trial:
                self._keep(replace(known, trial=trial))
            return what

    def roll_back(self, why: str) -> Standing:
        """To the one before, at once. Raises GenerationsError when there is none."""
        with self._alone():
            known = self.standing()
            if known.phase is Phase.TRIAL:
                self._back(known, why)
            elif len(known.kept) > 1:
                text = self.text(known.kept[1])
                self.look_at(text)
                back = replace(known, kept=known.kept[1:], phase=Phase.ROLLED_BACK, why=why[:WHY_MAX], trial=None)
                self._keep(replace(back, restart_since_s=boot_now()[1]))
                _put(self.config, text)
            else:
                raise GenerationsError("no configuration was kept from before")
            return self.standing()

    # Changed here

    def override(self, text: str, by: str, why: str, now: str) -> Standing:
        """Somebody here needs another one now; nothing that is sent replaces it until it is released."""
        with self._alone():
            self.look_at(text)
            known = self._first(self.standing(), now)
            own = Generation(version=0, sha256=sha256_of(text), at=now)
            _put(self._place(own), text)
            phase, trial = (Phase.ARMED, None) if known.phase is Phase.TRIAL else (known.phase, known.trial)
            kept = (own, *(one for one in known.kept if one.sha256 != own.sha256))[:KEPT]
            over = replace(known, kept=kept, override=why[:WHY_MAX], override_by=by, phase=phase, trial=trial)
            done = self._keep(replace(over, restart_since_s=boot_now()[1]))
            _put(self.config, text)
            return done

    def release(self) -> Standing:
        """What is sent counts again."""
        with self._alone():
            known = self.standing()
            return self._keep(replace(known, override="", override_by=""))

    def restarted(self, since_s: float) -> None:
        """The processes have started anew, as was wanted since then."""
        with self._alone():
            known = self.standing()
            if known.restart_since_s == since_s:
                self._keep(replace(known, restart_since_s=None))

    def notice(self, now: str) -> bool:
        """Whether the file was changed by hand since anybody looked: that is an override, too, and is kept."""
        sha256 = self.sha256()
        with self._alone():
            known = self.standing()
            ours = [one.sha256 for one in known.kept[:1]]
            if known.phase is Phase.TRIAL or not sha256 or not known.kept or sha256 in ours:
                return False
            try:
                text = _text(self.config)
            except (OSError, UnicodeError):
                return False
            own = Generation(version=0, sha256=sha256, at=now)
            _put(self._place(own), text)
            kept = (own, *(one for one in known.kept if one.sha256 != sha256))[:KEPT]
            self._keep(replace(known, kept=kept, override="unit.toml was changed by hand", override_by="file"))
            return True

    # Within the lock

    def _first(self, known: Standing, now: str) -> Standing:
        """With what the unit works by now as the one to go back to."""
        sha256 = self.sha256()
        if known.kept and known.kept[0].sha256 == sha256:
            return known
        if not sha256:
            raise GenerationsError(f"{self.config}: there is none to go back to")
        version = next((one.version for one in known.kept if one.sha256 == sha256), 0)
        own = Generation(version=version, sha256=sha256, at=now)
        _put(self._place(own), _text(self.config))
        return self._keep(replace(known, kept=(own, *(one for one in known.kept if one.sha256 != sha256))[:KEPT]))

    def _confirm(self, known: Standing) -> None:
        if known.newest is None:
            return
        kept = (known.newest, *(one for one in known.kept if one.sha256 != known.newest.sha256))[:KEPT]
        self._keep(replace(known, kept=kept, phase=Phase.CONFIRMED, why="", trial=None))
        self._tidy()

    def _back(self, known: Standing, why: str) -> Due:
        """The file first: one that is back is not tried again by `settle`, as the trial has had its attempts."""
        if not known.kept:
            raise GenerationsError("no configuration was kept from before")
        spent = replace(known.trial, attempts=ATTEMPTS_MAX) if known.trial else None
        self._keep(replace(known, trial=spent))
        _put(self.config, self.text(known.kept[0]))
        back = replace(known, phase=Phase.ROLLED_BACK, why=why[:WHY_MAX], trial=None)
        self._keep(replace(back, restart_since_s=boot_now()[1]))
        return Due.ROLL_BACK

    def _tidy(self) -> None:
        known = self.standing()
        wanted = {self._place(one) for one in (*known.kept, *((known.newest,) if known.newest else ()))}
        for path in self._folder.glob("*.toml"):
            if path not in wanted:
                path.unlink(missing_ok=True)

    def _keep(self, standing: Standing) -> Standing:
        counted = replace(standing, change=standing.change + 1)
        _put(self._standing, json.dumps(counted.to_json(), indent=1))
        return counted

    @property
    def _standing(self) -> Path:
        return self._folder / "standing.json"

    def _place(self, generation: Generation) -> Path:
        return self._folder / f"{generation.sha256[:16]}.toml"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with (self._folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _put(path: Path, text: str) -> None:
    """Whole or not at all, and on the disk when this returns."""
    new = path.with_name(f".{path.name}.new")
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE), "w", encoding="utf-8") as file:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            known = path.stat()
            os.fchmod(file.fileno(), known.st_mode & 0o777)
            os.fchown(file.fileno(), known.st_uid, known.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(FILE_MAX_BYTES + 1)
    if len(data) > FILE_MAX_BYTES:
        raise OSError(0, f"over {FILE_MAX_BYTES} bytes")
    return data.decode()


def _standing(found: dict[str, Any]) -> Standing:
    trial, newest = found["trial"], found["newest"]
    return Standing(
        kept=tuple(Generation(**one) for one in found["kept"]),
        newest=Generation(**newest) if newest else None,
        phase=Phase(found["phase"]),
        why=str(found["why"]),
        highest=int(found["highest"]),
        trial=Trial(**trial | {"before": Health(**trial["before"])}) if trial else None,
        override=str(found["override"]),
        override_by=str(found["override_by"]),
        restart_since_s=found["restart_since_s"],
        change=int(found["change"]),
    )


def guard(config: Path, state: Path, steady_s: float) -> bool:
    """By a process that starts, before it works by its configuration: whether that was taken back just now, as one in
    trial whose time is over. Never an error: a unit whose list of configurations is damaged starts by its file."""
    try:
        generations = Generations(config, state)
        if generations.standing().phase is not Phase.TRIAL:
            return False
        return generations.settle(well=False, steady_s=steady_s, alone=True) is Due.ROLL_BACK
    except (GenerationsError, ConfigError, OSError) as error:
        log.warning("rvx-event kind=generations_unreadable why=%s", type(error).__name__)
        return False
