"""One's own mailboxes, and no others'."""

from __future__ import annotations

import wave
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

from callcontrol.media.recorder import read_recording
from firmware.store.mailbox import GreetingKind, Mailbox, MailKind, Settings
from firmware.web.pages.common import frame_of, mailboxes_of
from firmware.web.pages.people import name_of, seen
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views.frame import page
from firmware.web.views.voicemail import Box, voicemail

__all__ = ["ROUTES"]

RATE_HZ = 8_000
SOUND_BYTES_MAX = 4 << 20
"""Of one message: three minutes are 1.5 MB."""


def _show(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    boxes = [_box(request, store, number) for number in mailboxes_of(request, store)]
    return page(frame, "voicemail.title", voicemail(frame, boxes))


def _box(request: Request, store: Store, number: str) -> Box:
    mailbox, people = Mailbox(store.journal), store.people
    held = mailbox.of(number)
    names = {}
    for caller in {one.caller for one in held if one.caller}:
        ours = caller if people.extension(caller) else people.by_direct_number(caller)
        known = people.extension(ours) if ours else None
        if known is not None and seen(request, store, known):
            names[caller] = name_of(known, store)
    extension = people.extension(number)
    person = people.person(extension.person) if extension and extension.person else None
    greetings = [one for one in mailbox.greetings(number) if one.until is None or request.now < one.until]
    return Box(
        number=number,
        held=held,
        settings=mailbox.settings(number),
        greetings=greetings,
        names=names,
        mail=bool(store.config.mail.server) and person is not None and bool(person.email),
        code=store.config.codes.voicemail,
    )


def _sound(request: Request, store: Store) -> Response:
    number, name = _mine(request, store), request.part["id"]
    if Mailbox(store.journal).one(number, name) is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return _wav(store.paths.messages / f"{name}.wav")


def _greeting_sound(request: Request, store: Store) -> Response:
    number = _mine(request, store)
    for one in Mailbox(store.journal).greetings(number):
        if one.kind == request.part["kind"]:
            return _wav(store.paths.greetings / f"{one.id}.wav")
    raise Denied(HTTPStatus.NOT_FOUND, "not_found")


def _wav(path: Path) -> Response:
    """As every browser plays it: recordings are A-law."""
    try:
        if path.stat().st_size > SOUND_BYTES_MAX:
            raise Denied(HTTPStatus.NOT_FOUND, "not_found")
        sound = read_recording(path)
    except (FileNotFoundError, ValueError):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found") from None
    file = BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE_HZ)
        written.writeframes(sound)
    return Response(body=file.getvalue(), type="audio/wav", headers=(("Cache-Control", "private, no-store"),))


def _deed(do: Callable[[Mailbox, str, str, Request], bool], done: str) -> Callable[[Request, Store], Response]:
    def handler(request: Request, store: Store) -> Response:
        number = _mine(request, store)
        changed = do(Mailbox(store.journal), number, request.part["id"], request)
        return see_other(f"/voicemail?done={done}" if changed else "/voicemail")

    return handler


def _keep(mailbox: Mailbox, number: str, name: str, request: Request) -> bool:
    return mailbox.keep(number, name, request.who.viewer.id, request.now)


def _heard(mailbox: Mailbox, number: str, name: str, request: Request) -> bool:
    return mailbox.heard(number, name, request.who.viewer.id, request.now)


def _discard(mailbox: Mailbox, number: str, name: str, request: Request) -> bool:
    return mailbox.discard(number, name, request.who.viewer.id, request.now)


def _end_greeting(request: Request, store: Store) -> Response:
    number = _mine(request, store)
    try:
        kind = GreetingKind(request.part["kind"])
    except ValueError:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found") from None
    gone = Mailbox(store.journal).end_greeting(number, kind, request.who.viewer.id, request.now)
    if gone is not None:
        (store.paths.greetings / f"{gone}.wav").unlink(missing_ok=True)
    return see_other("/voicemail?done=greeting" if gone else "/voicemail")


def _settings(request: Request, store: Store) -> Response:
    number, mailbox = _mine(request, store), Mailbox(store.journal)
    known = mailbox.settings(number)
    try:
        mail = MailKind(request.form.get("mail", known.mail))
    except ValueError:
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "not_so") from None
    new = Settings(takes_messages=bool(request.form.get("takes")), mail=mail)
    mailbox.set(number, new, request.who.viewer.id, request.now)
    return see_other("/voicemail?done=saved")


def _mine(request: Request, store: Store) -> str:
    """Raises Denied for another's mailbox, as for one that is not there."""
    number = request.part["number"]
    if number not in mailboxes_of(request, store):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return number


ROUTES = (
    Route("GET", "/voicemail", Who.SIGNED_IN, _show),
    Route("GET", "/voicemail/{number}/greeting/{kind}/sound", Who.SIGNED_IN, _greeting_sound),
    Route("POST", "/voicemail/{number}/greeting/{kind}/end", Who.SIGNED_IN, _end_greeting),
    Route("POST", "/voicemail/{number}/settings", Who.SIGNED_IN, _settings),
    Route("GET", "/voicemail/{number}/{id}/sound", Who.SIGNED_IN, _sound),
    Route("POST", "/voicemail/{number}/{id}/keep", Who.SIGNED_IN, _deed(_keep, "kept")),
    Route("POST", "/voicemail/{number}/{id}/heard", Who.SIGNED_IN, _deed(_heard, "heard")),
    Route("POST", "/voicemail/{number}/{id}/discard", Who.SIGNED_IN, _deed(_discard, "discarded")),
)
