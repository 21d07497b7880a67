"""What desk phones are told by their directory key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from firmware.config import Web
from firmware.web.phonebook import ENTRIES_MAX, MAKERS, answer
from firmware.web.site import Request, Response
from tests.firmware.web.conftest import Town

PHONE, ELSEWHERE = "10.1.2.3", "192.0.2.7"


def ask(town: Town, maker: str, question: str | None = None, address: str = PHONE, method: str = "GET") -> Response:
    query = {} if question is None else {"q": question}
    request = Request(
        method=method,
        path=f"/phones/{maker}",
        query=query,
        address=address,
        host="10.0.0.1:8081",
        now=datetime.now(UTC),
    )
    return answer(request, town.store)


@pytest.fixture
def town(town: Town) -> Town:
    town.store.config = replace(town.config, web=Web(phones_municipality="norrby"))
    return town


def listed(response: Response) -> list[tuple[str, str]]:
    root = ElementTree.fromstring(response.body)
    entries = [(one.findtext("Name"), one.findtext("Telephone")) for one in root.iter("DirectoryEntry")]
    entries += [(one.findtext("Prompt"), one.findtext("Dial")) for one in root.iter("MenuItem")]
    return [(str(name), str(number)) for name, number in entries]


@pytest.mark.parametrize("maker", MAKERS)
def test_whom_a_phone_finds(town: Town, maker: str) -> None:
    response = ask(town, maker, "öberg")
    assert response.type == "text/xml; charset=utf-8"
    assert listed(response) == [("Anna Öberg, Bygg", "1001")]
    assert listed(ask(town, maker, "bygglov")) == [("Anna Öberg, Bygg", "1001")], "by duty"
    assert listed(ask(town, maker, "ek")) == [("Bo <b>Ek</b>, Skola", "1004")], "markup is a name here"
    assert "2001" not in [number for _, number in listed(ask(town, maker, "ulla"))], "another municipality's"
    assert listed(ask(town, maker, "lund")) == [], "protected"
    assert b"070" not in ask(town, maker, "öberg").body, "numbers of mobiles are for operators"


@pytest.mark.parametrize(
    ("maker", "root", "url"),
    [
        ("snom", "SnomIPPhoneInput", "http://10.0.0.1:8081/phones/snom?q=__Q__"),
        ("cisco", "CiscoIPPhoneInput", "http://10.0.0.1:8081/phones/cisco"),
        ("mitel", "AastraIPPhoneInputScreen", "http://10.0.0.1:8081/phones/mitel"),
    ],
)
def test_a_phone_is_asked_whom_it_looks_for(town: Town, maker: str, root: str, url: str) -> None:
    found = ElementTree.fromstring(ask(town, maker).body)
    assert (found.tag, found.findtext("URL")) == (root, url)


def test_a_yealink_asks_by_itself(town: Town) -> None:
    found = ElementTree.fromstring(ask(town, "yealink").body)
    assert found.tag == "YealinkIPPhoneDirectory"
    assert listed(ask(town, "yealink")) == []


@pytest.mark.parametrize(
    ("maker", "address", "method", "status"),
    [
        ("snom", PHONE, "GET", 200),
        ("snom", ELSEWHERE, "GET", 403),
        ("snom", "::1", "GET", 403),
        ("snom", "", "GET", 403),
        ("snom", PHONE, "POST", 404),
        ("grandstream", PHONE, "GET", 404),
        ("", PHONE, "GET", 404),
    ],
)
def test_who_may_ask(town: Town, maker: str, address: str, method: str, status: int) -> None:
    assert ask(town, maker, "öberg", address, method).status == status


def test_of_several_municipalities_one_is_chosen(town: Town) -> None:
    town.store.config = town.config
    assert ask(town, "snom", "öberg").status == 503


@pytest.mark.parametrize("question", ["", "x" * 4000, "<", "' OR 1=1", "*", "\u202e", '"'])
@pytest.mark.parametrize("maker", MAKERS)
def test_whatever_is_typed_the_answer_is_well_formed(town: Town, maker: str, question: str) -> None:
    response = ask(town, maker, question)
    ElementTree.fromstring(response.body)
    assert len(listed(response)) <= ENTRIES_MAX[maker]
