"""People who have an account at the hub: a name, a role, a password that they gave themselves by a one-time word (E6).
Nobody has a password from us; what a browser holds, and the words, are kept as hashes alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callcontrol.plan.pins import Pin, fits, kept
from firmware.store.database import from_text, to_text
from tools.hub.audit import note
from tools.hub.store import Store
from tools.hub.units import Units

__all__ = ["ADMIN", "READER", "ROLES", "Account", "AccountError", "Accounts", "password_fault"]

ADMIN, READER = "admin", "reader"
ROLES = (ADMIN, READER)
WORD_HOLDS = timedelta(hours=24)
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)
PASSWORD_MIN, PASSWORD_MAX = 12, 200
SIGNED_IN_MAX = 10
COOKIE_BYTES = 32
WORD_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
WORD_LENGTH = 20
"""99 bits."""
GUESSES = "account"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")


class AccountError(ValueError):
    """What was asked for cannot be; the text begins with the field."""


@dataclass(frozen=True, slots=True)
class Account:
    """`token`: what each form of theirs holds."""

    name: str
    role: str
    token: str = field(default="", repr=False)

    @property
    def may_change(self) -> bool:
        return self.role == ADMIN


class Accounts:
    """Of one connection. Each method that writes is a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def invite(self, name: str, role: str, by: str, now: datetime) -> str:
        """A one-time word by which they give themselves a password; who is there already keeps theirs until then.
        Raises AccountError."""
        if not _NAME.fullmatch(name):
            raise AccountError("name: expected 1 to 63 of a-z, 0-9 and . _ @ -")
        if role not in ROLES:
            raise AccountError(f"role: expected {' or '.join(ROLES)}")
        word = "".join(secrets.choice(WORD_SIGNS) for _ in range(WORD_LENGTH))

        def work() -> None:
            sql = (
                "INSERT INTO account VALUES (?, ?, NULL, ?, NULL)"
                " ON CONFLICT (name) DO UPDATE SET role = excluded.role, ended_at = NULL"
            )
            self._db.execute(sql, (name, role, to_text(now)))
            self._db.execute("DELETE FROM link WHERE account = ? AND used_at IS NULL", (name,))
            self._db.execute("INSERT INTO link VALUES (?, ?, ?, NULL)", (_hash(word), name, to_text(now + WORD_HOLDS)))
            note(self._store, now, by, "invited", name, {"role": role})

        self._store.transact(work)
        return word

    def begin(self, word: str, password: str, address: str, now: datetime) -> str | None:
        """Use a word: their password from now on; gives their name, None for a word that is nobody's. Takes its time.
        Raises AccountError for the password, with the word unused."""
        if not Units(self._store).may_guess(GUESSES, address, now):
            return None
        sql = "SELECT account FROM link WHERE hash = ? AND used_at IS NULL AND expires_at > ?"
        given = _hash(re.sub(r"[\s-]", "", word.lower()))
        found = self._db.execute(sql, (given, to_text(now))).fetchone()
        if found is None:
            Units(self._store).guessed(GUESSES, address, now)
            return None
        name = str(found[0])
        if fault := password_fault(password, name):
            raise AccountError(f"password: {fault}")
        made = kept(password).hash

        def work() -> bool:
            sql = "UPDATE link SET used_at = ? WHERE hash = ? AND used_at IS NULL"
            if self._db.execute(sql, (to_text(now), given)).rowcount == 0:
                return False
            self._db.execute("UPDATE account SET password = ? WHERE name = ?", (made, name))
            self._db.execute("DELETE FROM login WHERE account = ?", (name,))
            note(self._store, now, name, "password", name)
            return True

        return name if self._store.transact(work) else None

    def sign_in(self, name: str, password: str, address: str, now: datetime) -> str | None:
        """What the browser is to hold; None: one of the two is wrong, or too many were of late. Takes its time."""
        units = Units(self._store)
        if not units.may_guess(GUESSES, address, now):
            return None
        row = self._db.execute("SELECT password FROM account WHERE name = ? AND ended_at IS NULL", (name,)).fetchone()
        known = Pin(row[0]) if row is not None and row[0] else None
        if not fits(password[:PASSWORD_MAX], known):
            units.guessed(GUESSES, address, now)
            return None
        cookie = secrets.token_urlsafe(COOKIE_BYTES)

        def work() -> None:
            self._db.execute("DELETE FROM login WHERE seen_at < ?", (to_text(now - IDLE),))
            sql = (
                "DELETE FROM login WHERE hash IN"
                " (SELECT hash FROM login WHERE account = ? ORDER BY seen_at DESC LIMIT -1 OFFSET ?)"
            )
            self._db.execute(sql, (name, SIGNED_IN_MAX - 1))
            self._db.execute("INSERT INTO login VALUES (?, ?, ?, ?)", (_hash(cookie), name, to_text(now), to_text(now)))
            note(self._store, now, name, "signed_in", name, {"address": address})

        self._store.transact(work)
        return cookie

    def of(self, cookie: str, now: datetime) -> Account | None:
        """Who that is, while it lasts."""
        sql = (
            "SELECT name, role, began_at, login.seen_at FROM login JOIN account ON account.name = login.account"
            " WHERE hash = ? AND ended_at IS NULL"
        )
        row = self._db.execute(sql, (_hash(cookie),)).fetchone() if cookie else None
        if row is None:
            return None
        name, role, began_at, seen_at = row
        if now - from_text(seen_at) > IDLE or now - from_text(began_at) > LONGEST:
            return None
        if now - from_text(seen_at) >= SEEN_EVERY:
            values = (to_text(now), _hash(cookie))
            self._store.transact(lambda: self._db.execute("UPDATE login SET seen_at = ? WHERE hash = ?", values))
        return Account(name, role, hmac.new(cookie.encode(), b"form", hashlib.sha256).hexdigest())

    def sign_out(self, cookie: str) -> None:
        self._store.transact(lambda: self._db.execute("DELETE FROM login WHERE hash = ?", (_hash(cookie),)))

    def end(self, name: str, by: str, now: datetime) -> None:
        """Out at once, wherever they are signed in. Raises AccountError for nobody, and for the last who may change."""

        def work() -> None:
            left = "SELECT count(*) FROM account WHERE role = ? AND ended_at IS NULL AND name <> ?"
            row = self._db.execute("SELECT role FROM account WHERE name = ? AND ended_at IS NULL", (name,)).fetchone()
            if row is None:
                raise AccountError(f"name: there is no {name[:40]!r}")
            if row[0] == ADMIN and not self._db.execute(left, (ADMIN, name)).fetchone()[0]:
                raise AccountError("name: is the last one who may change anything")
            self._db.execute("UPDATE account SET ended_at = ?, password = NULL WHERE name = ?", (to_text(now), name))
            self._db.execute("DELETE FROM login WHERE account = ?", (name,))
            self._db.execute("DELETE FROM link WHERE account = ?", (name,))
            note(self._store, now, by, "ended", name)

        self._store.transact(work)

    def all(self) -> list[tuple[str, str, bool]]:
        """Name, role, whether they have a password yet."""
        sql = "SELECT name, role, password IS NOT NULL FROM account WHERE ended_at IS NULL ORDER BY name"
        return [(name, role, bool(has)) for name, role, has in self._db.execute(sql)]


def password_fault(password: str, name: str) -> str | None:
    """Why it cannot be the password of that account; None: it can."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return f"expected {PASSWORD_MIN} to {PASSWORD_MAX} characters"
    if name in password.lower() or len(set(password)) < PASSWORD_MIN // 2:
        return "is too easily guessed"
    return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
