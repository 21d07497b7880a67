"""A building in SURVIVAL with a real phone to each extension, for what is done with calls that the unit leads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from callcontrol.media.phrases import phrases
from callcontrol.plan.number import LocalNumbering
from callcontrol.records import Record
from firmware.store import organisation
from firmware.store.database import connect
from hil.net import Net
from hil.phone import Account, Phone, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.site import PROXY, REALM, Site, password
from hil.sound import TONE_SHARE, holds, write_tone
from hil.spelled import spell
from hil.told import load_staff, record, staff
from tests.wire.conftest import STEP_S

__all__ = ["HEARD_S", "Desk", "House", "Real", "in_survival"]

Real = Baresip | Linphone
HEARD_S = 0.4
TUNE_S = 2.0
FIRST_IP = 30


@dataclass(frozen=True)
class Desk:
    """One phone, whose sound is a tone of so many Hz."""

    number: str
    kind: type[Real]
    hz: float
    srtp: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


class House:
    def __init__(self, site: Site, phones: Mapping[str, Real]) -> None:
        self.site = site
        self.phones = phones
        self._link = 0

    def dials(self, phone: Phone, number: str, *rings: Phone) -> None:
        """And it comes to these."""
        since = time.monotonic()
        phone.dial(number)
        for one in rings:
            self.site.wait(lambda one=one: (one.call.ringing_at or 0.0) > since, STEP_S, "rung")  # type: ignore[misc]

    def reaches(self, phone: Phone, number: str) -> None:
        """Again while `calls` has no sound yet, which it loads beside the calls."""
        began = time.monotonic()
        while True:
            phone.dial(number)
            try:
                phone.wait_established(STEP_S)
            except PhoneError:
                if time.monotonic() - began > STEP_S:
                    raise
                time.sleep(0.5)
            else:
                return

    def hears(self, ear: Phone, hz: float, share: float = TONE_SHARE) -> None:
        what = f"{ear.account.extension} hears {hz} Hz"
        self.site.wait(lambda: holds(ear.heard(), hz, HEARD_S, share), STEP_S, what)

    def talk(self, *phones: Phone, share: float = TONE_SHARE) -> None:
        """All hear each other."""
        for ear in phones:
            for mouth in phones:
                if ear is not mouth:
                    self.hears(ear, mouth.tone_hz, share)

    def edge_begins_anew(self) -> None:
        """Killed when it has written which phones there are."""
        bound = self.site.bindings()
        self.site.wait(lambda: self.site.bindings_written() == bound, STEP_S, "bindings written")
        self.site.edge.kill()
        self.site.edge.start()

    def calls_dies(self) -> None:
        self._link = self.site.table("st")["link"]
        self.site.calls.kill()

    def calls_begins_anew(self) -> None:
        """And the edge hands calls over again."""
        self.site.calls.start()
        self.calls_listens_again()

    def calls_listens_again(self) -> None:
        self.site.wait(lambda: self.site.table("st")["link"] not in (0, self._link), STEP_S, "a connection of its own")

    def records(self) -> dict[str, Record]:
        """Of calls that have ended, by Call-ID."""
        with closing(self.site.journal()) as journal:
            return {record.call_id: record for record in journal.records(100) if record.ended_at is not None}

    def all_over(self) -> None:
        self.site.wait(lambda: not self.site.table("legs"), STEP_S, "no leg is left")

    def all_closed(self) -> None:
        """And nobody is in a call."""
        for phone in self.phones.values():
            if phone.call.dialled_at or phone.call.ringing_at:
                phone.wait_closed(STEP_S)
        self.all_over()


@contextmanager
def in_survival(
    name: str,
    desks: Sequence[Desk],
    group: str,
    *,
    said: Mapping[str, float] | None = None,
    spelled: bool = False,
    music_hz: float | None = None,
    reception: str | None = None,
    configuration: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[tuple[Site, dict[str, Real]]]:
    """`group` is of the organisation's file. `said`: callers are told, in recordings that are tones; `spelled`: in such
    that are told apart (hil.spelled); else nothing is said. `music_hz`: what who waits hears."""
    with Net(name) as net, ExitStack() as stack:
        announcing: dict[str, object] = {"languages": []}
        numbers = [desk.number for desk in desks]
        if spelled:
            folder = spell(net.directory / "said", "sv", list(phrases()), numbers)
            announcing = {"languages": ["sv"], "recordings": str(folder)}
        if said is not None:
            announcing = {"languages": ["sv"], "recordings": str(record(net.directory / "said", said, 1.0, numbers))}
        if music_hz is not None:
            (net.directory / "music").mkdir()
            announcing["music"] = str(write_tone(net.directory / "music" / "tone.wav", music_hz, TUNE_S).parent)
        users = {desk.number: password(desk.number) for desk in desks}
        site = Site(net, users=users, configuration={"announcing": announcing, **(configuration or {})})
        load_staff(site.paths, staff(list(users), reception))
        with closing(connect(site.paths.directory, "directory")) as directory:
            assert organisation.apply(directory, group, LocalNumbering()).faults == ()
        site.start()
        stack.callback(site.stop)
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        phones: dict[str, Real] = {}
        for at, desk in enumerate(desks):
            host, ip = net.host(f"desk{desk.number}"), f"10.98.0.{FIRST_IP + at}"
            site.switch.join(host, "eth0", f"{ip}/24")
            account = Account(desk.number, password(desk.number), REALM, PROXY, srtp=desk.srtp)
            phone = phones[desk.number] = desk.kind(host, ip, account, desk.hz, **desk.options)
            phone.start()
            stack.callback(phone.stop)
            phone.wait_registered(STEP_S)
        yield site, phones
