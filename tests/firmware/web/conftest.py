"""A town with everybody who may want something of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from callcontrol.plan.pins import kept
from firmware.config import Config, default
from firmware.store.pins import PinRows
from firmware.web.site import Request, Session
from firmware.web.store import Store
from firmware.web.who import session_of
from tools.cli import main

PEOPLE = """\
kommun;enhet;id;förnamn;efternamn;titel;anknytning;mobil;e-post;röstbrevlåda;skyddad;ansvar
Norrby;Bygg;anna;Anna;Öberg;Handläggare;1001;070-111 11 11;anna@norrby.se;ja;;bygglov
Norrby;Bygg;eva;Eva;Chef;Chef;1002;;;ja;;
Norrby;Skola;olle;Olle;Telefonist;Telefonist;1003;;;ja;;
Norrby;Skola;bo;Bo;<b>Ek</b>;Lärare;1004;070-222 22 22;;ja;;
Norrby;Skola;siv;Siv;Lund;Lärare;1006;;;ja;ja;
Söderby;Vård;ulla;Ulla;Annan;Sköterska;2001;;;ja;;
"""
ORGANISATION = """\
[[role]]
person = "eva"
role = "coordinator"
scope = "norrby/norrby/bygg"

[[role]]
person = "olle"
role = "operator"
scope = "norrby"
"""
PIN = "804715"
WHO = {"colleague": "1004", "owner": "1001", "manager": "1002", "operator": "1003", "other town": "2001"}
"""Extensions by who sits there."""


class Town(NamedTuple):
    config: Config
    store: Store

    def signed_in(self, who: str) -> Session:
        """As somebody, by a cookie of theirs."""
        session = session_of(self.store, self.cookie(who), datetime.now(UTC))
        assert session is not None
        return session

    def cookie(self, who: str) -> str:
        return self.store.sessions.begin(WHO[who], False, datetime.now(UTC))

    def asks(self, who: str | None, method: str, path: str, **fields: str) -> Request:
        """What a browser of theirs sends: fields of a query, or of a form of ours."""
        session = self.signed_in(who) if who else None
        form = {**fields, "token": session.token if session else ""} if method == "POST" else {}
        return Request(
            method=method,
            path=path,
            query=fields if method == "GET" else {},
            form=form,
            session=session,
            ours=True,
            now=datetime.now(UTC),
        )


@pytest.fixture(scope="session")
def loaded_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Closed: making it costs more than most tests of what is in it."""
    folder = tmp_path_factory.mktemp("town")
    for name, text, words in (
        ("people.csv", PEOPLE, ("people", "load")),
        ("organisation.toml", ORGANISATION, ("people", "organisation")),
    ):
        file = folder / name
        file.write_text(text, "utf-8")
        assert main([*words, str(file), "--state", str(folder / "state")]) == 0
    with closing(PinRows.open(folder / "state" / "directory.db", folder / "state" / "journal.db")) as rows:
        pin = kept(PIN)
        for extension in WHO.values():
            rows.change(extension, pin, "test", datetime.now(UTC))
    return folder / "state"


@pytest.fixture
def town(loaded_town: Path, tmp_path: Path) -> Iterator[Town]:
    shutil.copytree(loaded_town, tmp_path / "state")
    config = default(tmp_path / "state")
    store = Store(config)
    store.people.look_again()
    yield Town(config, store)
    store.close()
