"""What all pages have around what they show."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from firmware.web.html import Child, document, el
from firmware.web.site import Request, Response, Session

__all__ = ["Frame", "page", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    language: str
    session: Session | None
    path: str

    @classmethod
    def of(cls, request: Request) -> Frame:
        return cls(language=request.language, session=request.session, path=request.path)


def page(frame: Frame, title: str, *body: Child, status: int = HTTPStatus.OK) -> Response:
    head = [el("meta", {"charset": "utf-8"}), el("title", None, title)]
    shown = el("body", None, el("main", None, el("h1", None, title), *body))
    return Response(status=status, body=document(frame.language, head, shown).encode())


def problem(frame: Frame, status: int, why: str, **fill: str) -> Response:
    return page(frame, why, status=status)
