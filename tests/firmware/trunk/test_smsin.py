"""What is done with messages that came, and who is told without asking; by the store itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.model import Choices, Entity, Extension, Kind, Person, Unit
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from callcontrol.plan.steps import Note
from callcontrol.trunk import smsqueue
from callcontrol.trunk.smsqueue import State
from drivers.codec.sms_fields import ALPHANUMERIC, Address
from drivers.codec.sms_pdu import DeliverPdu
from drivers.codec.sms_text import WAIT, split
from firmware.config import Config, Sms, default
from firmware.store import Credential, Directory, Journal
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from firmware.store.people import People
from firmware.store.sms import Sms as Message
from firmware.store.sms import SmsRows
from firmware.store.smscame import CameRows, What
from firmware.trunk.smsin import REPLIES_PER_HOUR, Incoming
from firmware.trunk.smsout import PARTS_MAX, Outgoing, parts_of, shortened
from firmware.trunk.smstold import Telling

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)  # a Tuesday, eleven o'clock
ANNA, BO, STRANGER, CHIEF, SHARED = "+46701111111", "+46702222222", "+46709999999", "+46703333333", "+46705555555"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anna with two phones, Bo with one that has a twin, two who share a mobile; made once."""
    folder = tmp_path_factory.mktemp("loaded")
    Changes.open(folder / "journal.db").close()
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    names = {"anna": ("Anna", "Öberg", ANNA), "bo": ("Bo", "Ek", BO), "x": ("X", "X", SHARED), "y": ("Y", "Y", SHARED)}
    extensions = [("1001", "anna"), ("1003", "anna"), ("1002", "bo"), ("1004", "x"), ("1005", "y")]
    bulk = Bulk(
        municipalities=(Municipality(id="norrby", name="Norrby", choices=Choices(message_by_sms=True)),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id="kommun", name="Norrby", municipality="norrby", greeting="Hej"),),
        units=(Unit(id="bygg", name="Bygg", entity="kommun"),),
        people=tuple(
            Person(id=name, given=given, family=family, unit="bygg", mobile=mobile)
            for name, (given, family, mobile) in names.items()
        ),
        extensions=tuple(
            Extension(
                number=number, kind=Kind.PERSON, unit="bygg", person=person, reach=DEFAULT_CLASS,
                mobile_twin=BO if number == "1002" else None,
            )
            for number, person in extensions
        ),
    )  # fmt: skip
    load(people.directory, bulk, "by hand", NOW)
    Directory(people.directory).put_credential(
        Credential("1002", 2, "0" * 32, None, "r", "1002", "2026-03-03T08:00:00Z")
    )
    people.close()
    return folder


@dataclass
class Deciding:
    """The parts of `Messaging` that decide, over a store of their own; `begin` is a process that begins."""

    folder: Path
    settings: Sms = field(default_factory=lambda: Sms(alarm_numbers=(CHIEF,)))
    now: datetime = NOW

    def begin(self) -> None:
        config: Config = replace(default(self.folder), sms=self.settings)
        journal = self.folder / "journal.db"
        self.people = People.open(self.folder / "directory.db", journal, LocalNumbering())
        self.db = connect(journal, "journal")
        self.rows, self.came = SmsRows(self.db), CameRows(self.db)
        out = Outgoing(config, self.rows)
        self.incoming = Incoming(config.sms, self.people, self.db, out)
        self.telling = Telling(config, self.people, out)
        self.incoming.begin(self.now)

    def end(self) -> None:
        self.people.close()
        self.db.close()

    def get(
        self, text: str, sender: str = ANNA, *, kind: int = 0x91, reference: int = 1, handle: bool = True
    ) -> What | None:
        """A message comes, in its parts; what it was taken for."""
        for user in split(text, 1):
            pdu = DeliverPdu(sender=Address(sender, kind), user=user, sent_at=self.now - timedelta(seconds=3))
            kept = self.incoming.keep("m1", b"\0" + pdu.to_bytes(), self.now)
            if kept is not None and handle:
                self.incoming.handle(kept, self.now)
        newest = self.came.newest(1)
        return newest[0].what if newest and newest[0].came_at == self.now else None

    def away(self, number: str) -> str | None:
        self.people.look_again()
        absent = self.people.absent(number, self.now)
        if absent is None or absent.back_at is None:
            return absent.reason if absent else None
        return f"{absent.reason} {absent.back_at:%H:%M}"

    def sent(self, number: str) -> list[str]:
        """What waits for a number, the oldest first."""
        return [one.sms.text for one in reversed(self.rows.newest(100)) if one.sms.number == number]

    def wait(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def unit(loaded: Path, tmp_path: Path) -> Iterator[Deciding]:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    made = Deciding(tmp_path)
    made.begin()
    yield made
    made.end()


def test_somebody_refers_all_their_phones_and_gets_a_receipt(unit: Deciding) -> None:
    assert unit.get("MÖTE 1430") is What.COMMAND
    assert (unit.away("1001"), unit.away("1003"), unit.away("1002")) == ("meeting 14:30", "meeting 14:30", None)
    assert unit.sent(ANNA) == ["Möte, åter 14:30. Svara ÅTER när du är tillbaka."]
    unit.wait(minutes=5)
    assert unit.get("åter") is What.COMMAND
    assert (unit.away("1001"), unit.away("1003")) == (None, None)
    assert unit.sent(ANNA)[1:] == ["Du är tillbaka: hänvisningen är slut."]
    unit.wait(minutes=5)
    unit.get("ÅTER")
    assert unit.sent(ANNA)[2:] == ["Du var inte hänvisad."]


def test_an_odd_return_is_asked_about(unit: Deciding) -> None:
    unit.get("LUNCH 1700")
    assert unit.away("1001") is None
    (asked,) = unit.sent(ANNA)
    assert asked.startswith("Lunch, åter 17:00: det är efter arbetstid. Inget är ändrat;")
    unit.get("LUNCH 1700 JA")
    assert unit.away("1001") == "lunch 17:00"


@pytest.mark.parametrize(
    ("sender", "kind"),
    [(STRANGER, 0x91), (SHARED, 0x91), ("Anna", ALPHANUMERIC), ("72456", 0x81), ("+4690161000", 0x91), ("", 0x81)],
)
def test_who_is_not_known_is_told_nothing_and_changes_nothing(unit: Deciding, sender: str, kind: int) -> None:
    assert unit.get("LUNCH 1300", sender, kind=kind) is What.STRANGER
    assert unit.rows.newest(10) == ()
    assert [unit.away(number) for number in ("1001", "1002", "1004", "1005")] == [None] * 4


def test_a_machine_that_answers_is_not_answered_for_ever(unit: Deciding) -> None:
    for minute in range(50):
        unit.wait(minutes=1)
        assert unit.get(f"Jag kör bil och läser inte sms, {minute}") is What.UNCLEAR
    assert len(unit.sent(ANNA)) == 1  # of one hour
    for _ in range(5):
        unit.wait(minutes=1)
        unit.get("STOP")
    assert len(unit.sent(ANNA)) == 1


def test_no_more_commands_are_done_in_an_hour_than_are_answered(unit: Deciding) -> None:
    for minute in range(20):
        unit.wait(seconds=30)
        unit.get("ÅTER" if minute % 2 else "MÖTE")
    assert len(unit.sent(ANNA)) == unit.settings.answers_per_hour + 1  # and that it was not understood
    unit.wait(hours=1)
    assert unit.get("MÖTE") is What.COMMAND


def test_what_comes_once_more_is_done_once(unit: Deciding) -> None:
    unit.get("MÖTE 1430")
    unit.get("MÖTE 1430")
    assert len(unit.sent(ANNA)) == 1
    assert len(unit.came.newest(10)) == 1


def test_a_process_that_died_with_a_message_in_its_hands_is_followed_by_one_that_handles_it(unit: Deciding) -> None:
    unit.get("MÖTE 1430", handle=False)
    unit.end()
    unit.wait(minutes=2)
    unit.begin()
    assert unit.away("1001") == "meeting 14:30"
    unit.db.execute("UPDATE sms_pdu SET whole = NULL")  # as if it had died before its last write
    unit.db.execute("DELETE FROM sms_came")
    unit.end()
    unit.begin()
    assert len(unit.sent(ANNA)) == 1
    assert unit.people.referrals("1001")[0][0].id == "in-1-1001"


def test_a_long_text_is_one_and_half_of_one_is_never_a_command(unit: Deciding) -> None:
    long = "möte " + "x" * 300
    assert unit.get(long) is What.UNCLEAR
    (came,) = unit.came.newest(5)
    assert came.text == long
    first = split("ÅTER" + " " * 200, 7)[0]
    pdu = DeliverPdu(sender=Address(ANNA), user=first, sent_at=unit.now)
    kept = unit.incoming.keep("m1", b"\0" + pdu.to_bytes(), unit.now)
    assert kept is not None
    unit.incoming.handle(kept, unit.now)
    unit.wait(hours=25)
    assert timedelta(hours=25) >= WAIT
    unit.incoming.expire(unit.now)
    assert unit.came.newest(1)[0].what is What.UNCLEAR


def test_what_cannot_be_read_is_kept_and_named(unit: Deciding) -> None:
    kept = unit.incoming.keep("m1", bytes.fromhex("001C011C"), unit.now)
    assert kept is not None
    unit.incoming.handle(kept, unit.now)
    (came,) = unit.came.newest(5)
    assert (came.what, came.text) == (What.UNREAD, "TP-OA: 1 octets wanted, 0 there")


def test_what_is_stumbled_over_costs_that_message_alone(unit: Deciding, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("firmware.trunk.smsin.owner_of", lambda number, people: 1 / 0)
        assert unit.get("MÖTE 1430") is What.UNREAD
    unit.end()
    unit.begin()
    unit.wait(minutes=1)
    assert unit.get("MÖTE 1430") is What.COMMAND


def test_an_answer_goes_to_whose_message_it_answers(unit: Deciding) -> None:
    unit.rows.put([
        Message(id="m", kind=smsqueue.Kind.MESSAGE, number=STRANGER, text="Ring oss", set_by="anna", queued_at=NOW,
                reply_to="1001"),
    ])  # fmt: skip
    unit.wait(hours=1)
    assert unit.get("Gärna, klockan tre", STRANGER) is What.REPLY
    assert unit.sent(ANNA) == ["Svar från 070-999 99 99: Gärna, klockan tre"]
    unit.wait(days=8)
    assert unit.get("Hallå?", STRANGER) is What.STRANGER


def test_who_answers_without_end_is_not_sent_on_without_end(unit: Deciding) -> None:
    unit.rows.put([
        Message(id="m", kind=smsqueue.Kind.MESSAGE, number=STRANGER, text="Ring oss", set_by="anna", queued_at=NOW,
                reply_to="1001"),
    ])  # fmt: skip
    for number in range(REPLIES_PER_HOUR + 3):
        assert unit.get(f"Svar {number}", STRANGER) is What.REPLY
        unit.wait(minutes=1)
    assert len(unit.sent(ANNA)) == REPLIES_PER_HOUR
    unit.wait(hours=1)
    unit.get("Hallå?", STRANGER)
    assert len(unit.sent(ANNA)) == REPLIES_PER_HOUR + 1


def test_referral_by_sms_is_a_choice(unit: Deciding) -> None:
    unit.end()
    unit.settings = replace(unit.settings, referral="no")
    unit.begin()
    assert unit.get("MÖTE 1430") is What.UNCLEAR
    assert (unit.away("1001"), unit.sent(ANNA)) == (None, [])


def outage(unit: Deciding) -> Callable[[float], None]:
    """Minutes pass; the unit looks each of them."""

    def until(minutes: float) -> None:
        while unit.now < NOW + timedelta(minutes=minutes):
            unit.wait(minutes=1)
            unit.telling.look(unit.now)

    return until


def test_an_outage_is_told_at_its_start_at_set_minutes_and_at_its_end(unit: Deciding) -> None:
    journal, until = Journal(unit.db), outage(unit)
    number = journal.incident_begin(NOW, "line", "SURVIVAL")
    until(5)
    began = "demo: reservtelefoni sedan 11:00, förbindelsen är bruten."
    assert unit.sent(CHIEF) == [began]
    unit.end()
    unit.begin()  # a new process tells nobody anew
    journal = Journal(unit.db)
    until(40)
    assert unit.sent(CHIEF) == [began, "demo: fortfarande reservtelefoni, sedan 11:00, förbindelsen är bruten."]
    assert unit.sent(BO) == ["demo: reservtelefoni sedan 11:00. Samtal till 1002 kan komma hit."]
    journal.incident_end(number, unit.now)
    until(44)
    assert len(unit.sent(CHIEF)) == 2
    until(50)
    assert unit.sent(CHIEF)[2:] == ["demo: telefonin är som vanligt sedan 11:40. Avbrottet började 11:00."]
    assert unit.sent(BO)[1:] == [
        "demo: telefonin är som vanligt sedan 11:40. Samtal till 1002 kommer till bordstelefonen."
    ]


def test_a_line_that_comes_and_goes_is_told_seldom(unit: Deciding) -> None:
    journal, until = Journal(unit.db), outage(unit)
    for minute in range(0, 120, 4):
        number = journal.incident_begin(NOW + timedelta(minutes=minute), "line", "SURVIVAL")
        until(minute + 2)
        journal.incident_end(number, unit.now)
        until(minute + 4)
    assert len(unit.sent(CHIEF)) <= 3  # its beginning, and two set minutes
    for hour in range(3, 15):
        number = journal.incident_begin(NOW + timedelta(hours=hour), "line", "SURVIVAL")
        until(hour * 60 + 10)
        journal.incident_end(number, unit.now)
        until(hour * 60 + 30)
    assert sum("reservtelefoni sedan" in text for text in unit.sent(CHIEF)) == 6


def test_what_is_noticed_goes_by_sms_once_each_time_it_is_told(unit: Deciding) -> None:
    changes = Changes(unit.db)
    operations = Note(rule="F2", to="operations", words="guard_calls", fill=(("extension", "1001"),))
    contact = Note(rule="B3", to="bo", words="place_unattended", fill=(("extension", "1100"),))
    changes.notice(operations, NOW)
    changes.notice(contact, NOW)
    changes.notice(replace(contact, to="nobody"), NOW)
    for _ in range(3):
        unit.telling.look(unit.now)
    assert unit.sent(CHIEF) == ["demo: 1001 ringer ovanligt mycket."]
    assert unit.sent(BO) == ["demo: Passningsstället 1100 är inte bemannat."]
    unit.wait(hours=2)
    changes.notice(operations, unit.now)  # told again: it lasts
    unit.telling.look(unit.now)
    assert len(unit.sent(CHIEF)) == 2
    assert unit.rows.newest(1)[0].state is State.WAITING


@pytest.mark.parametrize("text", ["a" * 2000, "š" * 2000, "😋" * 700])
def test_what_has_no_room_is_cut_and_marked(text: str) -> None:
    cut = shortened(text)
    assert parts_of(cut) == PARTS_MAX
    assert cut.endswith("[...]")
    assert shortened("kort") == "kort"
