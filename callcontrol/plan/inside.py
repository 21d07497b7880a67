"""A call to one of ours: who answers, and who instead (B1–B9, C1–C7).

One walk is one plan in the making. It goes from extension to extension, never to one that it has been at, and whatever
it meets, it ends at the reception, at a colleague, or in a mailbox (B1).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from callcontrol.plan.closed import closed
from callcontrol.plan.mailbox import Meets, met
from callcontrol.plan.model import (
    Call,
    Choices,
    Condition,
    Directory,
    Distribution,
    Entity,
    Extension,
    Forwarding,
    Kind,
    Member,
    Presence,
    State,
    Unit,
    Whole,
    choices_of,
    whole_at,
)
from callcontrol.plan.outside import identity_of, kept_off_trunk, reaches
from callcontrol.plan.service import Served, served_at, serving
from callcontrol.plan.steps import LAST, Note, Out, Plan, Reception, Refuse, Ring, Say, Step, Voicemail

__all__ = ["HOPS_MAX", "SIGNALS_MAX", "Walk"]

HOPS_MAX = 8
"""Extensions that one call is led through; a longer chain ends at the reception."""

SIGNALS_MAX = 4
"""B2, whatever a site has chosen."""

_EVER = datetime.min.replace(tzinfo=UTC)


class Walk:
    """Makes the plan of one call; used once."""

    def __init__(self, call: Call, directory: Directory, state: State, now: datetime, *, dialled: str | None) -> None:
        self._call = call
        self._directory = directory
        self._state = state
        self._now = now
        self._entity = dialled  # by the number called, else by the extension's unit
        self._inside = call.caller is not None and directory.extension(call.caller) is not None
        self._sought = ""
        self._been: set[str] = set()
        self._out_to: set[str] = set(call.tried)  # numbers outside that have rung, or will
        self._steps: list[Step] = []
        self._notes: list[Note] = []
        self._trace: list[tuple[str, str]] = []

    def to(self, number: str) -> Plan:
        """To an extension."""
        self._sought = number
        self._reach(number, None)
        return self._made()

    def to_reception_of(self, entity: str) -> Plan:
        """To whoever answers for an entity that was called by its own number (B6)."""
        self._reception("B6", "entity_number")
        return self._made()

    # The walk

    def _reach(self, number: str, because: Condition | None) -> None:
        """Add what is done to reach an extension, up to the end of the plan."""
        extension = self._directory.extension(number)
        if extension is None:
            self._nobody(first=not self._been)
            return
        if number in self._been or len(self._been) >= HOPS_MAX:
            self._reception("B1", "loop")
            return
        self._been.add(number)
        if self._entity is None and (unit := self._directory.unit(extension.unit)) is not None:
            self._entity = unit.entity
        if extension.blocked:
            self._reception("E5", "blocked")
            return
        if extension.kind in _BY_KIND:
            _BY_KIND[extension.kind](self, extension, because)
        else:
            self._person(extension, because)

    def _person(self, extension: Extension, because: Condition | None) -> None:
        """A person's phone, or a group's: forwarded, referred, in or out of hours, or rung."""
        unit = self._directory.unit(extension.unit)
        moved = self._moved(extension, (Condition.FOLLOW_ME, Condition.ALWAYS))
        if moved is not None and self._forward(extension, unit, moved):
            return
        if self._referred(extension):
            return
        if self._has(extension, Condition.DO_NOT_DISTURB):
            self._say("C5", "do_not_disturb")
            self._instead(extension, unit, "do_not_disturb")
            return
        if unit is not None and (whole := whole_at(unit, self._now)) is not None:
            self._unstaffed(extension, unit, whole)
            return
        if self._closed(extension, unit):
            return
        self._ring(extension, unit, because)

    def _ring(self, extension: Extension, unit: Unit | None, because: Condition | None) -> None:
        number = extension.number
        presence = self._presence(number)
        twins = self._twins(extension, unit, presence)
        if presence is Presence.BUSY:
            self._no_answer(extension, unit, Condition.BUSY, "busy")
            return
        if presence is Presence.NOT_REGISTERED and not twins:
            self._no_answer(extension, unit, Condition.NOT_REACHABLE, "not_reachable")
            return
        if number in self._call.tried:
            # It has rung already, and was not answered.
            self._no_answer(extension, unit, Condition.NO_ANSWER, "no_answer")
            return
        rung = () if presence is Presence.NOT_REGISTERED else (number,)
        self._add(
            Ring(
                rule="B2" if rung else "A13",
                extensions=rung,
                twins=twins,
                for_s=self._for_s(),
                sought="" if number == self._sought else self._sought,
                because=because,
            )
        )
        self._no_answer(extension, unit, Condition.NO_ANSWER, "no_answer")

    def _no_answer(self, extension: Extension, unit: Unit | None, condition: Condition, why: str) -> None:
        moved = self._moved(extension, (condition,))
        if moved is None or not self._forward(extension, unit, moved):
            self._instead(extension, unit, why)

    def _instead(self, extension: Extension, unit: Unit | None, why: str) -> None:
        """Who answers for an extension that did not: its fallback, its attended place, its mailbox, the reception
        (B1)."""
        if extension.kind is Kind.GROUP and extension.announcement is not None:
            self._say("C7", "group_announcement", ("text", extension.announcement))
        for place in (extension.fallback, unit.attended_by if unit else None):
            if place is None or place in self._been:
                continue
            if self._staffed(place):
                self._reach(place, None)
                return
            if (attended := self._directory.extension(place)) is not None:
                self._unattended(attended)
        if not self._mailbox(extension, "B1"):
            self._reception("B1", why)

    def _mailbox(self, extension: Extension, rule: str) -> bool:
        """Whether the call ends at the extension's mailbox."""
        meets = met(extension, self._directory, self._now)
        if meets is Meets.NOBODY_LISTENS:
            self._trace.append(("C6", "nobody_listens"))
        if meets not in (Meets.MESSAGES, Meets.GREETING):
            return False
        only = meets is Meets.GREETING
        reception = self._open_reception()
        self._add(Voicemail(rule=rule, extension=extension.number, reception=reception, announcement_only=only))
        return True

    def _forward(self, extension: Extension, unit: Unit | None, moved: Forwarding) -> bool:
        """Whether the call goes where the forwarding says; where it may not, the reason is in the trace."""
        target = moved.target
        if target is None:
            return False
        if self._directory.extension(target) is not None or not target.startswith("+"):
            self._trace.append(("C5", f"forwarded_{moved.condition}"))
            self._reach(target, moved.condition)
            return True
        mobile = self._directory.is_municipal_mobile(target)
        refusal = self._not_outside(extension, unit, moved, mobile=mobile)
        if refusal is not None:
            self._trace.append(refusal)
            return False
        if mobile:
            told = (("extension", extension.number), ("condition", str(moved.condition)))
            self._notes.append(Note(rule="C5", to="operations", words="forwarded_to_mobile", fill=told))
        self._trace.append(("C5", f"forwarded_{moved.condition}"))
        self._out(extension, unit, target, "C5", moved.condition)
        self._instead(extension, unit, "no_answer")
        return True

    def _not_outside(
        self, extension: Extension, unit: Unit | None, moved: Forwarding, *, mobile: bool
    ) -> tuple[str, str] | None:
        """Rule and key of why a forwarding does not lead outside; None when it may."""
        assert moved.target is not None
        if unit is not None and unit.secret:
            return "E8", "secret_not_to_mobile"
        if mobile and not self._choices().forward_to_mobile:
            return "C5", "mobile_not_chosen"
        if moved.condition is Condition.FOLLOW_ME and not mobile:
            return "C5", "follow_me_only_to_ours"
        if not reaches(extension, moved.target, self._directory):
            return "E1", "forwarding_barred"
        if moved.target in self._out_to:
            return "B1", "loop"
        if self._no_channel():
            return "A5", "no_line_free"
        return None

    def _referred(self, extension: Extension) -> bool:
        """A referral: the caller hears reason and return; another answers, or the mailbox, or the reception (C1,
        C2)."""
        absent = self._directory.absent(extension.number, self._now)
        if absent is None or self._call.past_forwarding:
            return False
        back = absent.back_at.isoformat() if absent.back_at else ""
        self._say("C2", "referred", ("name", extension.number), ("reason", absent.reason), ("back_at", back))
        other = absent.answers_instead
        if other and absent.direct and other not in self._been and self._directory.extension(other) is not None:
            self._trace.append(("C1", "answers_instead"))
            self._reach(other, None)
        elif not self._mailbox(extension, "C2"):
            self._reception("C1", "referred")
        return True

    def _unstaffed(self, extension: Extension, unit: Unit, whole: Whole) -> None:
        """A department that is referred whole (B3)."""
        place = unit.attended_by
        if place is not None and place not in self._been and self._staffed(place):
            self._trace.append(("B3", "attended_place"))
            self._reach(place, None)
            return
        if place is not None and (attended := self._directory.extension(place)) is not None:
            self._unattended(attended)
        if whole.until is None:
            self._say("B3", "unstaffed", ("unit", unit.name))
        else:
            self._say("B3", "unstaffed_until", ("unit", unit.name), ("back_at", whole.until.isoformat()))
        self._reception("B3", "unstaffed", emergency_number=whole.emergency_number or unit.emergency_number)

    def _closed(self, extension: Extension, unit: Unit | None) -> bool:
        """Outside phone hours, for callers from outside; urgent calls get through to the one on call (B4)."""
        person = self._directory.person(extension.person) if extension.person else None
        hours = person.phone_hours if person else None
        if self._inside or hours is None or not self._choices().phone_hours or hours.open_at(self._now):
            return False
        if self._call.urgent:
            self._trace.append(("B4", "urgent"))
            if unit is not None and unit.on_call is not None and unit.on_call not in self._been:
                self._reach(unit.on_call, None)
                return True
            return False
        opens = hours.next_open(self._now)
        self._say("B4", "phone_hours", ("opens_at", opens.isoformat() if opens else ""))
        if not self._mailbox(extension, "B4"):
            self._reception("B4", "phone_hours")
        return True

    # Kinds that are no person's phone

    def _attended(self, extension: Extension, because: Condition | None) -> None:
        """An attended place that is not certainly staffed goes on to its own fallback (B3)."""
        unit = self._directory.unit(extension.unit)
        if self._manned(extension):
            self._ring(extension, unit, because)
        else:
            self._unattended(extension)
            self._trace.append(("B3", "not_certainly_staffed"))
            self._instead(extension, unit, "not_staffed")

    def _by_hours(self, extension: Extension, because: Condition | None) -> None:
        """On-call and office phones, by their hours (B4)."""
        unit = self._directory.unit(extension.unit)
        if extension.hours is None or extension.hours.open_at(self._now):
            self._ring(extension, unit, because)
        else:
            self._trace.append(("B4", "outside_hours"))
            self._instead(extension, unit, "outside_hours")

    def _hunt(self, extension: Extension, because: Condition | None) -> None:
        group = self._directory.group(extension.number)
        unit = self._directory.unit(extension.unit)
        members = [member for member in group.members if self._rings(member)] if group else []
        if group is not None and group.distribution is Distribution.LONGEST_IDLE:
            members.sort(key=lambda member: self._state.idle.get(member.extension, _EVER))
        numbers = tuple(member.extension for member in members)
        self._been.update(numbers)
        together = group is not None and group.distribution is Distribution.ALL
        for rung in (numbers,) if together and numbers else ((number,) for number in numbers):
            ring = Ring(rule="B2", extensions=rung, for_s=self._for_s(), sought=self._sought, because=because)
            self._add(ring)
        self._instead(extension, unit, "no_answer" if numbers else "nobody_in_group")

    def _announcement(self, extension: Extension, because: Condition | None) -> None:
        """It says its text, or what was recorded for it, and that is all."""
        if extension.announcement is not None:
            self._say("C6", "announcement", ("text", extension.announcement), ("name", extension.number))
        self._add(Voicemail(rule="C6", extension=extension.number, announcement_only=True))

    def _to_reception(self, extension: Extension, because: Condition | None) -> None:
        self._reception("B1", "called")

    def _mobile(self, extension: Extension, because: Condition | None) -> None:
        """A mobile that is an extension: rung over the trunk (B8)."""
        unit = self._directory.unit(extension.unit)
        if self._referred(extension):
            return
        number = extension.mobile
        if number is None or number in self._out_to or self._no_channel():
            self._instead(extension, unit, "no_answer" if number in self._out_to else "not_reachable")
            return
        if kept_off_trunk(unit, self._choices(), self._state):
            self._trace.append(("E8", "secret_not_by_trunk"))
            self._instead(extension, unit, "not_reachable")
            return
        if unit is not None and unit.secret and not self._state.platform:
            self._say("E8", "mobile_trunk_notice")
        self._out(extension, unit, number, "B8", because)
        self._instead(extension, unit, "no_answer")

    # Ends

    def _nobody(self, *, first: bool) -> None:
        """No such extension: one of ours is told so; a caller from outside, or a forwarding, comes to the reception."""
        if first and self._inside:
            self._trace.append(("B1", "unknown"))
            self._add(Refuse(rule="B1", code=404, words="unknown", cause=1))
        else:
            self._reception("B1", "unknown")

    def _reception(self, rule: str, why: str, emergency_number: str | None = None) -> None:
        entity = self._directory.entity(self._entity) if self._entity else None
        self._trace.append((rule, why))
        if entity is not None and self._served(entity):
            return
        self._add(
            Reception(
                rule=rule,
                entity=self._entity,
                extension=entity.reception if entity else None,
                sought=self._sought,
                why=why,
                emergency_number=emergency_number,
            )
        )

    def _served(self, entity: Entity) -> bool:
        """Night and lunch (B10): who is rung instead, else what is told, and a mailbox. False: somebody is there."""
        found = self._directory.service(entity.id)
        if found is None or self._call.sos:
            return False
        service, pressed = found
        state = served_at(service, pressed, self._now)
        if state is Served.OPEN:
            return False
        self._trace.append(("B10", str(state)))
        night = state is Served.NIGHT
        instead = service.night_to if night else service.lunch_to
        told = any(isinstance(step, Say) and step.rule == "B10" for step in self._steps)
        rung = self._may_be_rung(instead)
        if not told and (night or not rung):
            passed_over = {*self._been, *self._call.tried, self._call.caller}
            self._add(closed(serving(service, pressed, self._now), service, self._directory, passed_over))
        if instead is not None and rung:
            self._instead_of_reception(entity, instead)
            return True
        reception = self._directory.extension(entity.reception) if entity.reception else None
        if reception is None or reception.blocked or not self._mailbox(reception, "B10"):
            self._add(Voicemail(rule="B10", extension=entity.reception or "", announcement_only=True))
        return True

    def _may_be_rung(self, number: str | None) -> bool:
        """Whether a reception that is closed leads there."""
        if number is None or number in self._been or number == self._call.caller or len(self._been) >= HOPS_MAX:
            return False
        return self._directory.extension(number) is not None

    def _instead_of_reception(self, entity: Entity, number: str) -> None:
        extension = self._directory.extension(number)
        if extension is not None and extension.kind is Kind.RECEPTION and not extension.blocked:
            # Another's, which answers for this one.
            self._add(Reception(rule="B10", entity=entity.id, extension=number, sought=self._sought, why="served_by"))
        else:
            self._reach(number, None)

    def _open_reception(self) -> str | None:
        """The entity to whose reception one may choose to be led, from a mailbox; None: it is closed."""
        found = self._directory.service(self._entity) if self._entity else None
        if found is not None and served_at(*found, self._now) is not Served.OPEN:
            return None
        return self._entity

    # What is known

    def _choices(self) -> Choices:
        return choices_of(self._entity, self._directory)

    def _for_s(self) -> int:
        choices = self._choices()
        return min(choices.signals, SIGNALS_MAX) * choices.signal_s

    def _presence(self, number: str) -> Presence:
        return self._state.presence.get(number, Presence.UNKNOWN)

    def _no_channel(self) -> bool:
        return not self._state.platform and self._state.trunk_channels_free == 0

    def _twins(self, extension: Extension, unit: Unit | None, presence: Presence) -> tuple[str, ...]:
        """The mobile that rings for a desk phone without power (A13); not for a unit of secret matters (E8)."""
        twin = extension.mobile_twin
        if twin is None or presence is not Presence.NOT_REGISTERED or (unit is not None and unit.secret):
            return ()
        if twin in self._out_to or self._no_channel() or not reaches(extension, twin, self._directory):
            return ()
        self._out_to.add(twin)
        return (twin,)

    def _rings(self, member: Member) -> bool:
        number = member.extension
        extension = self._directory.extension(number)
        if extension is None or extension.blocked or not member.signed_in:
            return False
        if number in self._call.tried or number in self._been or number == self._call.caller:
            return False
        if self._presence(number) in (Presence.BUSY, Presence.NOT_REGISTERED):
            return False
        if self._has(extension, Condition.DO_NOT_DISTURB):
            return False
        return self._directory.absent(number, self._now) is None

    def _manned(self, place: Extension) -> bool:
        """Whether somebody is certainly at an attended place: what is not known is no certainty (B3)."""
        closed = place.hours is not None and not place.hours.open_at(self._now)
        return not closed and self._presence(place.number) in (Presence.FREE, Presence.BUSY)

    def _staffed(self, number: str) -> bool:
        """Whether a call that is led there goes on: to who is certainly there, or to the place's own fallback (B3)."""
        extension = self._directory.extension(number)
        if extension is None or extension.blocked:
            return False
        if extension.kind is not Kind.ATTENDED:
            return True
        return self._manned(extension) or (extension.fallback is not None and extension.fallback not in self._been)

    def _unattended(self, place: Extension) -> None:
        """An attended place that is known to have nobody, in its own hours: its telephony contact is told (B3)."""
        unit = self._directory.unit(place.unit)
        if unit is None or unit.telephony_contact is None or place.blocked or place.kind is not Kind.ATTENDED:
            return
        if self._presence(place.number) is not Presence.NOT_REGISTERED:
            return
        if place.hours is not None and not place.hours.open_at(self._now):
            return
        fill = (("extension", place.number), ("unit", unit.name))
        note = Note(rule="B3", to=unit.telephony_contact, words="place_unattended", fill=fill)
        if note not in self._notes:
            self._notes.append(note)

    def _moved(self, extension: Extension, conditions: tuple[Condition, ...]) -> Forwarding | None:
        """The newest forwarding that applies."""
        if self._call.past_forwarding and Condition.BUSY not in conditions:
            return None
        found = [entry for entry in self._directory.forwardings(extension.number) if entry.condition in conditions]
        return max(found, key=lambda entry: (entry.set_at, entry.condition), default=None)

    def _has(self, extension: Extension, condition: Condition) -> bool:
        return not self._call.past_forwarding and self._moved(extension, (condition,)) is not None

    # Making it

    def _out(self, extension: Extension, unit: Unit | None, number: str, rule: str, because: Condition | None) -> None:
        """The forwarded caller's own number is not ours to give out: the forwarding extension's is shown (E2)."""
        self._out_to.add(number)
        identity, shown = identity_of(extension, unit, self._directory, withhold=self._call.withhold)
        cost_centre = unit.cost_centre if unit else ""
        self._add(
            Out(
                rule=rule,
                number=number,
                identity=identity,
                shown=shown,
                cost_centre=cost_centre,
                for_s=self._for_s(),
                because=because,
            )
        )

    def _say(self, rule: str, words: str, *fill: tuple[str, str]) -> None:
        self._add(Say(rule=rule, words=words, fill=fill))

    def _add(self, step: Step) -> None:
        assert not (self._steps and isinstance(self._steps[-1], LAST)), "a step after the last one"
        self._steps.append(step)

    def _made(self) -> Plan:
        return Plan(steps=tuple(self._steps), notes=tuple(self._notes), entity=self._entity, trace=tuple(self._trace))


_BY_KIND: dict[Kind, Callable[[Walk, Extension, Condition | None], None]] = {
    Kind.ATTENDED: Walk._attended,
    Kind.ON_CALL: Walk._by_hours,
    Kind.OFFICE: Walk._by_hours,
    Kind.HUNT: Walk._hunt,
    Kind.ANNOUNCEMENT: Walk._announcement,
    Kind.RECEPTION: Walk._to_reception,
    Kind.MOBILE: Walk._mobile,
}
