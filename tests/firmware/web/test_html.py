"""Nothing that is text becomes markup, and no page of ours has what its policy forbids."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.web.html import Html, document, el, together


class Read(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_text_is_text_and_a_value_a_value(text: str, value: str) -> None:
    read = Read(el("p", {"title": value}, text).text)
    assert (read.tags, read.attributes, read.text) == (["p"], [("title", value)], text)


def test_what_is_nothing_is_left_out_and_what_is_many_is_joined() -> None:
    made = el("ul", {"hidden": False, "id": None}, (el("li", None, each) for each in (1, "två")), None)
    assert made == Html("<ul><li>1</li><li>två</li></ul>")
    assert el("input", {"disabled": True, "value": 5}) == Html('<input disabled value="5">')
    assert together("a", [None, ["<"]]) == Html("a&lt;")
    assert el("script", {"src": "/static/site.js"}) == Html('<script src="/static/site.js"></script>')
    assert document("sv", None, el("body")) == '<!doctype html>\n<html lang="sv"><head></head><body></body></html>\n'


@pytest.mark.parametrize(
    ("tag", "attributes", "children"),
    [
        ("script", {}, ("alert(1)",)),
        ("style", {}, ("p{}",)),
        ("iframe", {}, ()),
        ("p onclick", {}, ()),
        ("p", {"onclick": "x()"}, ()),
        ("p", {"style": "color:red"}, ()),
        ("a", {"href": "javascript:alert(1)"}, ()),
        ("a", {"href": "//elsewhere.example/"}, ()),
        ("a", {"href": "https://elsewhere.example/"}, ()),
        ("a", {"href": "tel:112;ext=<"}, ()),
        ("img", {"src": "data:text/html,x"}, ()),
        ("form", {"action": "https://elsewhere.example/"}, ()),
        ("br", {}, ("x",)),
    ],
)
def test_what_no_page_of_ours_may_have(tag: str, attributes: dict[str, str], children: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"tag|attribute|href|src|action|br|holds"):
        el(tag, attributes, *children)


@pytest.mark.parametrize("place", ["/person/anna", "?page=2", "#main", "tel:+46701112233", "mailto:a@norrby.se"])
def test_places_of_ours(place: str) -> None:
    assert f'href="{place}"' in el("a", {"href": place}, "x").text
