"""The directory as desk phones ask for it by their key: XML of Yealink, Snom, Cisco and Mitel, with search (D3).

Forms by the makers' manuals: Yealink, "Remote Phone Book Template"; Snom, "XML Minibrowser" (IPPhoneInput,
IPPhoneDirectory); Cisco, "Unified IP Phone Services Application Development Notes" (CiscoIPPhoneInput,
CiscoIPPhoneDirectory); Mitel, "XML Development Guide" for 6700i and 6800i (AastraIPPhoneInputScreen,
AastraIPPhoneTextMenu). Phones say nobody's name: they hear of what colleagues see of each other, and of one
municipality."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from xml.etree.ElementTree import Element, SubElement, tostring

from callcontrol.plan.model import Visibility
from firmware.store.search.find import Found
from firmware.store.visible import Viewer
from firmware.web.answering import Answering, NotNow
from firmware.web.pace import Paces
from firmware.web.site import Request, Response
from firmware.web.store import Store

__all__ = ["MAKERS", "Entry", "PhoneBook", "answer", "entries_of", "municipality_of"]

TITLE, PROMPT, NOBODY = "Telefonkatalog", "Sök namn, uppgift eller nummer", "Ingen träff"
SEARCHED = "q"
"""The parameter that is looked for."""
INPUT_TOKEN = "__Q__"  # noqa: S105  where Snom puts what was typed
ENTRIES_MAX: Mapping[str, int] = {"yealink": 50, "snom": 50, "cisco": 32, "mitel": 30}
"""What a phone's list holds, by the manuals; Yealink's and Snom's take more."""
NAME_MAX = 60

Entry = tuple[str, str]
"""What stands there, and what is dialled."""


class PhoneBook:
    """What answers phones, beside the pages and by their store."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._paces = Paces()

    async def answer(self, request: Request) -> Response:
        if not self._paces.allows(request.address, asyncio.get_running_loop().time()):
            return _said(HTTPStatus.TOO_MANY_REQUESTS, b"too often")
        try:
            return await self._answering.in_store(lambda store: answer(request, store))
        except NotNow:
            return _said(HTTPStatus.SERVICE_UNAVAILABLE, b"not now")


def answer(request: Request, store: Store) -> Response:
    """Without a question a phone is given a field to type in, but a Yealink, which asks by itself."""
    maker = request.path.removeprefix("/phones/")
    if request.method not in ("GET", "HEAD") or maker not in MAKERS:
        return _said(HTTPStatus.NOT_FOUND, b"no such directory")
    if not _here(request.address, store.config.network.phone_networks):
        return _said(HTTPStatus.FORBIDDEN, b"only for phones")
    municipality = municipality_of(store)
    if municipality is None:
        return _said(HTTPStatus.SERVICE_UNAVAILABLE, b"[web] phones_municipality is not set")
    asked = request.query.get(SEARCHED, "").strip()
    ask, listed = MAKERS[maker]
    if not asked and ask is not None:
        return _xml(ask(f"http://{request.host}{request.path}"))
    viewer = Viewer(
        id="phones", sees=Visibility.STAFF, municipality=municipality, municipalities=frozenset({municipality})
    )
    found = store.finder.find(asked, viewer, request.now, ENTRIES_MAX[maker])
    return _xml(listed(entries_of(found)[: ENTRIES_MAX[maker]]))


def municipality_of(store: Store) -> str | None:
    """The one that is set, or the only one that there is."""
    chosen = store.config.web.phones_municipality
    known = [str(name) for (name,) in store.people.directory.execute("SELECT id FROM municipality LIMIT 2")]
    if chosen:
        return chosen
    return known[0] if len(known) == 1 else None


def entries_of(found: Sequence[Found]) -> list[Entry]:
    """One for each extension; who has none cannot be dialled here."""
    made = []
    for one in found:
        person = one.card.person
        name = " ".join(filter(None, (person.given, person.family)))
        told = f"{name}, {one.card.unit}" if one.card.unit else name
        made += [(told[:NAME_MAX], number) for number in one.card.extensions]
    return made


def _here(address: str, networks: Sequence[str]) -> bool:
    try:
        asks = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return any(asks in ipaddress.IPv4Network(network) for network in networks)


def _root(name: str, title: str = TITLE, prompt: str = "") -> Element:
    root = Element(name)
    SubElement(root, "Title").text = title
    if prompt:
        SubElement(root, "Prompt").text = prompt
    return root


def _directory(name: str, entries: Sequence[Entry]) -> Element:
    root = _root(name, prompt=PROMPT if entries else NOBODY)
    for told, number in entries:
        entry = SubElement(root, "DirectoryEntry")
        SubElement(entry, "Name").text = told
        SubElement(entry, "Telephone").text = number
    return root


def _yealink(entries: Sequence[Entry]) -> Element:
    return _directory("YealinkIPPhoneDirectory", entries)


def _snom_asks(url: str) -> Element:
    root = _root("SnomIPPhoneInput")
    SubElement(root, "URL").text = f"{url}?{SEARCHED}={INPUT_TOKEN}"
    item = SubElement(root, "InputItem")
    for name, text in (("DisplayName", PROMPT), ("InputToken", INPUT_TOKEN), ("InputFlags", "a")):
        SubElement(item, name).text = text
    return root


def _snom(entries: Sequence[Entry]) -> Element:
    return _directory("SnomIPPhoneDirectory", entries)


def _cisco_asks(url: str) -> Element:
    root = _root("CiscoIPPhoneInput", prompt=PROMPT)
    SubElement(root, "URL").text = url
    item = SubElement(root, "InputItem")
    for name, text in (
        ("DisplayName", "Sök"),
        ("QueryStringParam", SEARCHED),
        ("DefaultValue", ""),
        ("InputFlags", "A"),
    ):
        SubElement(item, name).text = text
    return root


def _cisco(entries: Sequence[Entry]) -> Element:
    return _directory("CiscoIPPhoneDirectory", entries)


def _mitel_asks(url: str) -> Element:
    root = Element("AastraIPPhoneInputScreen", {"type": "string"})
    for name, text in (("Title", TITLE), ("Prompt", PROMPT), ("URL", url), ("Parameter", SEARCHED), ("Default", "")):
        SubElement(root, name).text = text
    return root


def _mitel(entries: Sequence[Entry]) -> Element:
    root = Element("AastraIPPhoneTextMenu", {"wrapList": "yes"})
    SubElement(root, "Title").text = TITLE if entries else NOBODY
    for told, number in entries:
        item = SubElement(root, "MenuItem")
        SubElement(item, "Prompt").text = told
        SubElement(item, "URI").text = f"Dial:{number}"
        SubElement(item, "Dial").text = number
    return root


MAKERS: Mapping[str, tuple[Callable[[str], Element] | None, Callable[[Sequence[Entry]], Element]]] = {
    "yealink": (None, _yealink),
    "snom": (_snom_asks, _snom),
    "cisco": (_cisco_asks, _cisco),
    "mitel": (_mitel_asks, _mitel),
}
"""By the last part of the path: what asks for a question, and what lists whom was found."""


def _xml(root: Element) -> Response:
    body = tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body=body, type="text/xml; charset=utf-8")


def _said(status: HTTPStatus, text: bytes) -> Response:
    return Response(status=status, body=text, type="text/plain")
