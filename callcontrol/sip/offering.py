"""Our offers within a call: re-INVITE and UPDATE, each in its turn (RFC 3261 §14.1, 3311)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callcontrol.sip import expiry
from callcontrol.sip.described import ALLOW, SUPPORTED, description, typed
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Agreed, EndedBy, Offered, OfferRefused
from callcontrol.sip.message import Response
from callcontrol.sip.offered import Owed
from callcontrol.sip.phase import Phase
from callcontrol.sip.shared import Branch, Inviting, Timer

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["OurOffers"]

REINVITE_MAX_S = 32.0
"""Within a call nobody is to be fetched to the phone: a re-INVITE without a final answer by then is cancelled."""
GLARE_OWNER_S = (2.1, 4.0)
GLARE_OTHER_S = (0.0, 2.0)
"""RFC 3261 §14.1: when a 491 is tried again, by whoever chose the Call-ID and by the other."""


@dataclass(eq=False)
class OurOffers:
    session: Session
    _wanted: bytes | None = None  # waits for its turn; empty: the other side is asked for one
    _glare: Timer | None = None

    def want(self, body: bytes, now: float) -> None:
        self._wanted = body
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """Sends the offer that waits, if it is our turn."""
        session, body = self.session, self._wanted
        branch = session.branch
        if body is None or branch is None or self._glare is not None or session.offered.owed is not None:
            return
        if session.busy:
            return
        if session.phase is Phase.UP and not session.accepting.unacked:
            self._wanted = None
            self._reinvite(body, now, told=True)
        elif session.phase in (Phase.CALLING, Phase.RINGING) and branch.talk.local and not session.called.unpracked:
            self._wanted = None
            self._update(body, now)

    def refresh(self, now: float) -> None:
        """By UPDATE where the other side takes it, as that needs no description (RFC 4028 §7.4)."""
        session, branch = self.session, self.session.branch
        if session.phase is not Phase.UP or branch is None:
            return
        if branch.updates:
            self._update(b"", now)
        elif not session.busy and session.offered.owed is None and not session.accepting.unacked:
            self._reinvite(branch.talk.local, now, told=False)

    def close(self) -> None:
        if self._glare is not None:
            self._glare.cancel()
        self._wanted = self._glare = None

    def _reinvite(self, body: bytes, now: float, *, told: bool) -> None:
        """`told`: the user is told what comes of it; a refresh says again what was said."""
        session, owner = self.session, self.session.owner
        inviting = session.inviting = Inviting(bool(body))
        if body:
            session.talk.sends(body)
        headers = [
            ("Contact", owner.contact),
            ("Allow", ALLOW),
            ("Supported", SUPPORTED),
            *session.lifetime.again,
            *typed(body),
        ]

        def heard(response: Response | None, then: float) -> None:
            self._heard(inviting, told, response, then)

        inviting.id = session.ask("INVITE", headers, body, now, heard)
        inviting.timer = owner.at(now + REINVITE_MAX_S, lambda then: owner.cancel(inviting.id, then))

    def _heard(self, inviting: Inviting, told: bool, response: Response | None, now: float) -> None:
        session, branch = self.session, self.session.branch
        assert branch is not None
        if response is not None and response.status < 200:
            return
        if response is not None and response.status < 300 and inviting.ack is not None:
            session.owner.acknowledge(inviting.ack)
            return
        inviting.stop()
        if session.inviting is inviting:
            session.inviting = None
        if response is not None and response.status < 300:
            inviting.ack = branch.dialog.ack_of(response.cseq.number)
            if session.phase is not Phase.UP:
                session.owner.acknowledge(inviting.ack)
                return
            self._accepted(inviting, branch, told, response, now)
        elif session.phase is Phase.UP:
            if inviting.offered:
                branch.talk.refused()
            self._not_agreed(inviting.offered, told, response, now)

    def _accepted(self, inviting: Inviting, branch: Branch, told: bool, response: Response, now: float) -> None:
        session = self.session
        try:
            branch.dialog = branch.dialog.refreshed(response)
            branch.says(response)
            body = description(response)
            if not body:
                raise RemoteError("SDP", "", "neither offer nor answer in the 2xx")
            before = branch.talk.remote
            offers = branch.talk.receives(body)
            session.lifetime.arm(expiry.agreed(response), "uac", now)
        except RemoteError:
            inviting.acknowledge(session.owner, branch)
            session.stop(EndedBy.FAULT, response, now)
            raise
        if offers:
            session.offered.owed = Owed(inviting=inviting)
            session.owner.emit(Offered(session, body))
            return
        inviting.acknowledge(session.owner, branch)
        if told or body != before:
            session.owner.emit(Agreed(session, body))
        self.go_on(now)

    def _update(self, body: bytes, now: float) -> None:
        """An offer before the call is up, or, empty, a refresh."""
        session, branch = self.session, self.session.branch
        assert branch is not None
        if body:
            branch.talk.sends(body)
        headers = [("Contact", session.owner.contact), ("Allow", ALLOW), ("Supported", SUPPORTED), *typed(body)]
        if not body:
            headers += session.lifetime.again

        def heard(response: Response | None, then: float) -> None:
            if response is not None and response.status < 200:
                return
            if session.phase not in (Phase.CALLING, Phase.RINGING, Phase.UP):
                return
            if response is not None and response.status < 300:
                answer = description(response)
                branch.dialog = branch.dialog.refreshed(response)
                if not body:
                    session.lifetime.arm(expiry.agreed(response), "uac", then)
                elif answer:
                    branch.talk.receives(answer)
                    session.owner.emit(Agreed(session, answer))
                else:
                    branch.talk.refused()
                    session.owner.emit(OfferRefused(session, response.status))
                self.go_on(then)
                return
            if body:
                branch.talk.refused()
            self._not_agreed(bool(body), bool(body), response, then)

        session.ask("UPDATE", headers, body, now, heard)

    def _not_agreed(self, offered: bool, told: bool, response: Response | None, now: float) -> None:
        """A re-INVITE or UPDATE of ours came to nothing (§12.2.1.2, §14.1)."""
        session = self.session
        if response is None or response.status in (408, 481):
            if session.phase is Phase.UP:
                session.stop(EndedBy.TIMEOUT, response, now)
            return
        if response.status == 491:
            if self._wanted is None and told:
                self._wanted = self._tried(offered)
            least, most = GLARE_OWNER_S if session.outgoing else GLARE_OTHER_S
            wait_s = session.owner.uniform(least, most)
            self._glare = session.owner.at(now + wait_s, lambda then: self._after_glare(told, then))
            return
        if response.status == 422 and session.lifetime.longer(response):
            if told:
                self._wanted = self._wanted if self._wanted is not None else self._tried(offered)
            else:
                self.refresh(now)
        elif told:
            session.owner.emit(OfferRefused(session, response.status))
        self.go_on(now)

    def _tried(self, offered: bool) -> bytes:
        return self.session.talk.tried if offered else b""

    def _after_glare(self, told: bool, now: float) -> None:
        self._glare = None
        if not told:
            self.refresh(now)
        self.go_on(now)
