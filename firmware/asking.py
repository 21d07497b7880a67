"""Answers the edge's questions about calls from what the unit knows of people (callcontrol.asked)."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from callcontrol.asked import FORBIDDEN, Asked, Decided, decide, may_refer, unknown
from callcontrol.greeted import Greeted, in_turn, led_out, longest_of
from callcontrol.plan.closed import closed
from callcontrol.plan.codes import Dialled
from callcontrol.plan.model import Entity, Kind, PickUp, Presence, Unreadable
from callcontrol.plan.rights import may_barge_in, may_pass
from callcontrol.plan.service import Served, served_at, serving
from callcontrol.plan.setting import Asks, Said, Settled, settle
from callcontrol.plan.steps import Note, Say
from callcontrol.refusal import Refusal, Why
from callcontrol.sip.message import Request
from callcontrol.told import Told
from callcontrol.trunk.pool import Priority
from firmware import edgedb
from firmware.bindings import written
from firmware.config import Config
from firmware.guard import guard_of
from firmware.idle import Idle
from firmware.modes import Mode
from firmware.store import Journal, StoreError
from firmware.store.changes import new_id
from firmware.store.people import People

__all__ = ["PRIORITY", "Asking"]

PRIORITY = "P-Trunk-Priority"
"""Of a call that came by modem, or is to leave by it."""
TRIED_MAX = 64
READ_TIMEOUT_S = 0.2
"""Callers wait meanwhile."""
_NUMBER = re.compile(r"[0-9A-Za-z*#+_-]{1,32}")

log = logging.getLogger("rvx")


class Asking:
    """Belongs to the thread that made it. `told` hears of what somebody is to be told of. A store that cannot be read
    refuses as if nothing were known of anybody."""

    def __init__(self, config: Config, told: Callable[[Note], None]) -> None:
        self._config = config
        self._paths = config.paths
        self._told = told
        by_modem = any(modem.emergency != "only" for modem in config.modem)
        self._ways_out = None if by_modem or config.gateway.address else 0
        self._people: People | None = None
        self._bindings: tuple[int, ...] = ()  # the edge's file, as `_bound` has it
        self._bound: frozenset[str] = frozenset()
        self._idle = Idle()
        self._proved: tuple[str, str] | None = None

    def close(self) -> None:
        """It is opened anew when it is asked again."""
        if self._people is not None:
            self._people.close()
            self._people = None

    def asked(self, request: Request) -> Asked | None:
        """What the edge hands over, with why in the Request-URI; None where it is no question of the edge's."""
        params = request.request_uri.params
        if request.method != "INVITE" or params.get("why") not in frozenset(Why):
            return None
        why, callee = Why(params["why"]), request.request_uri.user
        tried = tuple(filter(_NUMBER.fullmatch, (params.get("tried") or "").split(".")[:TRIED_MAX]))
        return Asked(
            callee=self.answers_for(callee) if why is Why.INCOMING else callee,
            caller=params.get("caller"),
            why=why,
            survival=params.get("mode") == Mode.SURVIVAL,
            tried=tried,
            call_id=request.call_id,
            sos=request.header(PRIORITY) == str(int(Priority.EMERGENCY)),
        )

    def may_refer(self, caller: str | None, number: str) -> Refusal | None:
        """See `callcontrol.asked`; what is not known is not allowed."""
        try:
            people = self._opened()
            if people is not None:
                now = datetime.now(UTC)
                guard = None if caller is None else guard_of(caller, people, Journal(people.journal), now)
                return may_refer(caller, number, people, now, guard)
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
        return FORBIDDEN

    def decided(self, asked: Asked) -> Decided:
        """Who rings next, or how the call ends, and what the caller is told of it."""
        try:
            people = self._opened()
            if people is not None:
                now = datetime.now(UTC)
                guard = None
                if asked.why is Why.OUTSIDE and asked.caller is not None:
                    guard = guard_of(asked.caller, people, Journal(people.journal), now)
                self._idle.asked(asked.call_id)
                journal = Journal(people.journal)
                idle = _Lazy(lambda: self._idle.since(journal))
                places = _Places(people, self._registered)
                decided = decide(asked, people, now, places, guard, idle, self._ways_out)
                if decided.turn is not None:
                    self._idle.rings(asked.call_id, decided.turn, now)
                for note in decided.notes:
                    self._told(note)
                return decided
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
        return unknown(asked)

    def pick_up(self, number: str) -> PickUp | None:
        """The group that an extension is in."""
        try:
            people = self._opened()
            return None if people is None else people.pick_up(number)
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return None

    def may_barge_in(self, caller: str, number: str) -> bool:
        """Whether whoever has the extension `caller` may come into calls of `number`: by a role of theirs."""
        try:
            people = self._opened()
            extension = None if people is None else people.extension(caller)
            if people is None or extension is None or extension.person is None:
                return False
            return may_barge_in(people.roles(extension.person), number, people)
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return False

    def settled(self, caller: str, wanted: Dialled) -> Settled | Asks:
        """What a code that sets something comes to; see callcontrol.plan.setting."""
        try:
            people = self._opened()
            if people is not None:
                return settle(wanted, caller, people, datetime.now(UTC), new_id, people.roles)
        except (Unreadable, StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return Settled((Said(key="not_saved"),))
        return Settled((Said(key="nobodys_phone"),))

    def done(self, caller: str, wanted: Dialled, at: datetime, new_id: Callable[[], str]) -> Settled | Asks | None:
        """The same of what the platform has done, at that moment; None where the store cannot be read now."""
        try:
            people = self._opened()
            return None if people is None else settle(wanted, caller, people, at, new_id, None)
        except (Unreadable, StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return None

    def may_pass(self, caller: str, number: str) -> bool:
        """Whether `caller` may ring `number` past its forwarding: who it goes to, or who has the right."""
        try:
            people = self._opened()
            return people is not None and may_pass(caller, number, people, people.roles, datetime.now(UTC))
        except (Unreadable, StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return False

    def reception_of(self, number: str) -> tuple[str, ...]:
        """Where calls of an extension end that nobody takes."""
        try:
            people = self._opened()
            extension = None if people is None else people.extension(number)
            unit = people.unit(extension.unit) if people and extension else None
            entity = people.entity(unit.entity) if people and unit else None
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return ()
        return (entity.reception,) if entity is not None and entity.reception else ()

    def answers_for(self, called: str) -> str:
        """The extension where a call to a SIM of ours is answered: by its number, by the entity that the site gave it,
        else at the site's reception; what was called where there is none."""
        try:
            people = self._opened()
            if people is not None:
                entity, direct = self._meant_by(called, people)
                if entity is not None and entity.reception:
                    return entity.reception
                if direct is not None:
                    return direct
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
        return self._config.trunk.reception or called

    def greeted(self, called: str, asked: Asked) -> Greeted | None:
        """How who calls the SIM `called` is greeted; None: `asked` rings straight, as the number is an extension's, or
        nobody is known to answer."""
        try:
            people = self._opened()
            if people is None or people.extension(asked.callee) is None:
                return None
            entity, direct = self._meant_by(called, people)
            if direct is not None:
                return None
            site = self._config.trunk.reception
            receptions = (asked.callee, *((site,) if site else ()))
            told, instead = self._closed(asked.callee, people)
            if told is not None or instead:
                receptions = instead
            rings = [each for number in receptions for each in self._in_turn(replace(asked, callee=number))]
            return Greeted(
                closed=told,
                greeting=entity.greeting if entity else "",
                entity=entity.id if entity else "",
                next=tuple(dict.fromkeys(rings)),
                longest=max(longest_of(people.numbering), len(self._config.announcing.voicemail)),
                reached=lambda digits: self._in_turn(replace(asked, callee=digits)),
                leads_out=self._config.trunk.leads_out == "pin",
                voicemail=self._config.announcing.voicemail,
            )
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return None

    def _closed(self, number: str, people: People) -> tuple[tuple[Say, datetime] | None, tuple[str, ...]]:
        """What a caller from outside is told where that is a reception that is closed, and who is rung instead; lunch
        with somebody else there is not told."""
        extension, now = people.extension(number), datetime.now(UTC)
        unit = people.unit(extension.unit) if extension is not None and extension.kind is Kind.RECEPTION else None
        found = people.service(unit.entity) if unit is not None else None
        if found is None or (state := served_at(*found, now)) is Served.OPEN:
            return None, ()
        service = found[0]
        instead = service.night_to if state is Served.NIGHT else service.lunch_to
        rung = (instead,) if instead is not None and people.extension(instead) is not None else ()
        if rung and state is Served.LUNCH:
            return None, rung
        return (closed(serving(*found, now), service, people, ()), now), rung

    def has_mailbox(self, number: str) -> bool:
        """Whether it may be listened to."""
        try:
            people = self._opened()
            extension = None if people is None else people.extension(number)
        except (Unreadable, StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return False
        spoken = extension is not None and (extension.voicemail or extension.kind is Kind.ANNOUNCEMENT)
        return extension is not None and spoken and not extension.blocked

    def back_at(self, number: str) -> datetime | None:
        """When somebody who is away is back; None where nobody knows, or it is so."""
        try:
            people = self._opened()
            absent = None if people is None else people.absent(number, datetime.now(UTC))
        except (Unreadable, StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return None
        return None if absent is None else absent.back_at

    def led_out(self, extension: str, number: str) -> Told:
        """What becomes of a number that `extension` dials from outside (callcontrol.greeted)."""
        asked = Asked(callee=number, caller=extension, why=Why.OUTSIDE, survival=True, proved=True)
        told = led_out(asked, self.decided(asked), self._config.numbering.local)
        if told.instead is not None:
            self._proved = extension, told.instead
        return told

    def proved(self, extension: str, number: str) -> bool:
        """Whether that was just allowed to who has proved to have the extension, whose own phone may be locked."""
        just, self._proved = self._proved, None
        return just == (extension, number)

    def _in_turn(self, asked: Asked) -> tuple[str, ...]:
        try:
            people = self._opened()
            return () if people is None else in_turn(asked, people, datetime.now(UTC))
        except (Unreadable, StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return ()

    def _meant_by(self, called: str, people: People) -> tuple[Entity | None, str | None]:
        """The entity that the site gave the SIM; else the extension whose number it is; else the entity's."""
        chosen = next((modem.entity for modem in self._config.modem if modem.number == called and modem.entity), "")
        entity = people.entity(chosen)
        direct = people.by_direct_number(called) if entity is None else None
        if entity is None and direct is None:
            entity = people.entity(people.by_entity_number(called) or "")
        return entity, direct

    def name_of(self, number: str) -> str | None:
        """Of whose phone an extension is, as it may be said to anybody; None for those who are protected (D4)."""
        try:
            people = self._opened()
            extension = None if people is None else people.extension(number)
            person = people.person(extension.person) if people and extension and extension.person else None
        except (StoreError, sqlite3.Error, OSError) as error:
            self._failed(error)
            return None
        return f"{person.given} {person.family}".strip() if person is not None and not person.protected else None

    def _failed(self, error: Exception) -> None:
        log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
        self.close()

    def _registered(self) -> frozenset[str]:
        """Extensions that have a phone here, as the edge writes it each second; raises sqlite3.Error."""
        file = self._paths.bindings
        if (seen := written(file)) != self._bindings:
            with edgedb.opened(file, READ_TIMEOUT_S) as db:
                rows = db.execute("SELECT username FROM location WHERE expires > julianday('now')")
                self._bound = frozenset(str(user) for (user,) in rows)
            self._bindings = seen
        return self._bound

    def _opened(self) -> People | None:
        """What is known of people as it is now; None where nobody was ever loaded."""
        paths = self._paths
        if self._people is None and paths.directory.exists():
            self._people = People.open(paths.directory, paths.journal, self._config.numbering.local)
        if self._people is not None:
            self._people.look_again()
        return self._people


class _Lazy(Mapping[str, datetime]):
    """Found when somebody asks for any of it."""

    def __init__(self, find: Callable[[], Mapping[str, datetime]]) -> None:
        self._find = find
        self._found: Mapping[str, datetime] | None = None

    def __getitem__(self, key: str) -> datetime:
        return self._all[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def _all(self) -> Mapping[str, datetime]:
        if self._found is None:
            self._found = self._find()
        return self._found


class _Places(Mapping[str, Presence]):
    """Whether attended places have their phone here, looked up as it is asked for: of other phones the edge knows more
    itself, and places of other buildings are not known."""

    def __init__(self, people: People, registered: Callable[[], frozenset[str]]) -> None:
        self._people = people
        self._registered = registered

    def __getitem__(self, number: str) -> Presence:
        extension = self._people.extension(number)
        if extension is None or extension.kind is not Kind.ATTENDED:
            raise KeyError(number)
        try:
            registered = number in self._registered()
        except (sqlite3.Error, OSError):
            raise KeyError(number) from None
        if registered:
            return Presence.FREE
        if self._people.has_credential(number):
            return Presence.NOT_REGISTERED
        raise KeyError(number)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
