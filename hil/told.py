"""A municipality in which callers are told something: who is away, a reception, and recordings that are tones, so that
it can be heard which of them is said, and no machine speaks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from callcontrol.media.phrases import phrases
from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Entity, Extension, Identity, Kind, Person, Unit
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.paths import Paths
from firmware.store.changes import Changes, new_id
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.hearing import Hearing
from hil.phone.linphone import Linphone
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, password
from hil.sound import write_tone

__all__ = ["crowd", "desk", "load_staff", "open_told", "record", "refer", "staff"]

Desk = TypeVar("Desk", Baresip, Linphone)
WORD_HZ, WORD_S = 440.0, 0.2
TUNE_S = 2.0
STEP_S = 30.0
AWAY_FOR = timedelta(hours=1)


def record(folder: Path, tones: Mapping[str, float], tone_s: float = 1.5, numbers: Collection[str] = ()) -> Path:
    """Each phrase in Swedish: those of `tones` at their Hz for `tone_s`, the others a short one; with the names of
    `numbers`."""
    for key in phrases():
        hz, seconds = (tones[key], tone_s) if key in tones else (WORD_HZ, WORD_S)
        write_tone(_made(folder / "sv" / f"{key}.wav"), hz, seconds)
    for number in numbers:
        write_tone(_made(folder / "names" / f"{number}.wav"), WORD_HZ, WORD_S)
    return folder


def staff(numbers: Collection[str], reception: str | None = None, mailboxes: Collection[str] = ()) -> Bulk:
    """One department, whose reception, one of `numbers`, takes its calls; for `mailboxes` messages may be left."""
    return Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id="e", name="Norrby", municipality="m", greeting="Norrby kommun", reception=reception),),
        units=(Unit(id="u", name="Bygg", entity="e"),),
        people=tuple(Person(id=f"p{number}", given="Anna", family=f"Ek {number}", unit="u") for number in numbers),
        extensions=tuple(
            Extension(
                number=number,
                kind=Kind.RECEPTION if number == reception else Kind.PERSON,
                unit="u",
                person=f"p{number}",
                reach=DEFAULT_CLASS,
                identity=Identity.DIRECT,
                voicemail=number in mailboxes,
            )
            for number in numbers
        ),
    )


def load_staff(paths: Paths, bulk: Bulk) -> None:
    """Raises StoreError, sqlite3.Error."""
    with closing(connect(paths.directory, "directory")) as directory:
        load(directory, bulk, "rig", datetime.now(UTC))


def refer(paths: Paths, extension: str, reason: str = "meeting", lasts: timedelta = AWAY_FOR) -> None:
    """Away from now on. Raises StoreError."""
    now = datetime.now(UTC)
    one = Referral(
        id=new_id(), extension=extension, reason=reason, start=now, until=now + lasts, source=Source.PAGE,
        set_by="rig", set_at=now,
    )  # fmt: skip
    with closing(Changes.open(paths.journal)) as changes:
        changes.refer([one])


def open_told(
    net: Net,
    users: Mapping[str, str],
    away: str,
    reception: str,
    tones: Mapping[str, float],
    tone_s: float,
    configuration: Mapping[str, Mapping[str, object]] | None = None,
    music_hz: float | None = None,
    voicemail: str = "",
) -> Site:
    """A site in SURVIVAL where `away` is in a meeting, and has a mailbox; it is to be stopped. `music_hz`: what who
    waits hears. `voicemail`: the number of mailboxes."""
    recordings = record(net.directory / "said", tones, tone_s, (away, reception))
    announcing: dict[str, object] = {"languages": ["sv"], "recordings": str(recordings)}
    if voicemail:
        announcing |= {"voicemail": voicemail, "voicemail_always": "yes"}
    if music_hz is not None:
        announcing["music"] = str(write_tone(_made(net.directory / "music" / "tone.wav"), music_hz, TUNE_S).parent)
    site = Site(net, users=users, configuration={"announcing": announcing, **(configuration or {})})
    load_staff(site.paths, staff(list(users), reception, mailboxes=(away,)))
    site.start()
    try:
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        refer(site.paths, away)
        site.wait(lambda: site.table("ask").get(away) == "ask", STEP_S, "known to the edge")
    except BaseException:
        site.stop()
        raise
    return site


@contextmanager
def desk(net: Net, site: Site, at: int, kind: type[Desk], number: str, hz: float) -> Iterator[Desk]:
    """A phone of `number`, saying `hz`, on a host of its own at 10.98.0.`at`; registered, and ended with this."""
    host, ip = net.host(f"desk{number}"), f"10.98.0.{at}"
    site.switch.join(host, "eth0", f"{ip}/24")
    phone = kind(host, ip, Account(number, password(number), REALM, PROXY), hz)
    phone.start()
    try:
        phone.wait_registered(STEP_S)
        yield phone
    finally:
        phone.stop()


def crowd(site: Site, net: Net, number: int, extensions: Collection[str], **options: Any) -> Hearing:
    """Phones that hear, on a host of their own at 10.98.0.`number`; to be started."""
    host, ip = net.host(f"ears{number}"), f"10.98.0.{number}"
    site.switch.join(host, "eth0", f"{ip}/24")
    return Hearing(host, ip, [User(each, password(each)) for each in extensions], PROXY, REALM, **options)


def _made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file
