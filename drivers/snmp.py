"""An SNMP agent asked by version 3 with authentication and encryption (authPriv; RFC 3414, RFC 3826, RFC 7860), and by
nothing less: what is weaker is no choice here.

`Agent` is what drivers need of it. `SnmpAgent` is the real one, by pysnmp, which is loaded by the first question, in a
thread. What comes from an agent is bounded and checked here for what any table must be: rows that go on for ever, names
that do not rise and types that SNMP's tables of numbers do not have are refused, with the name at fault."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from drivers.ups.model import Trouble

__all__ = [
    "PASSWORD_LEAST",
    "Access",
    "Agent",
    "Auth",
    "Oid",
    "Privacy",
    "SnmpAgent",
    "SnmpError",
    "Value",
    "dotted",
    "master_key",
    "whole",
]

PASSWORD_LEAST = 8
"""Characters, which RFC 3414 §11.2 asks for."""
PORT = 161
ANSWER_S = 2.0
TRIES = 2
"""A question is sent so often, each with ANSWER_S for its answer."""
QUESTION_MAX_S = 8.0
"""For one question, meeting the agent included (three packets more)."""
ROWS_AT_ONCE = 24
TEXT_MAX = 255
"""Bytes of a text; DisplayString's own bound (RFC 2579)."""
HASHED_BYTES = 1 << 20
"""A password is hashed over so many bytes (RFC 3414 §2.6)."""

Oid = tuple[int, ...]
Value = int | bytes | Oid | None
"""What an agent has under a name. None: it has nothing there."""


class Auth(StrEnum):
    """RFC 7860; the words are those of the configuration."""

    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class Privacy(StrEnum):
    """AES of RFC 3826, and what makers have made of it with longer keys: Blumenthal's draft, and Cisco's (Reeder)."""

    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"
    AES192_CISCO = "aes192-cisco"
    AES256_CISCO = "aes256-cisco"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where an agent is, and as whom it is asked. `address`: IPv4."""

    address: str
    user: str
    auth_password: str = field(repr=False)
    privacy_password: str = field(repr=False)
    auth: Auth = Auth.SHA256
    privacy: Privacy = Privacy.AES128
    port: int = PORT


class SnmpError(Exception):
    """An agent did not answer, refused, or answered with what cannot be. The text names the object at fault."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


class Agent(Protocol):
    """Each raises SnmpError, and nothing else; none takes longer than its own time-out."""

    async def get(self, *names: Oid) -> list[Value]: ...

    async def walk(self, column: Oid, rows_max: int) -> Mapping[Oid, Value]:
        """A column of a table by index, in order."""
        ...

    async def put(self, name: Oid, value: int) -> None:
        """Writes an INTEGER."""
        ...

    def close(self) -> None: ...


def dotted(oid: Sequence[int]) -> str:
    return ".".join(map(str, oid))


def whole(value: Value, name: str, low: int, high: int) -> int | None:
    """The number if it is one within these bounds; None where the agent has none. Raises SnmpError."""
    if value is None:
        return None
    if not isinstance(value, int):
        kind = "a text" if isinstance(value, bytes) else "an object's name"
        raise SnmpError(Trouble.NONSENSE, f"{name} is {kind}, expected a number")
    if not low <= value <= high:
        raise SnmpError(Trouble.NONSENSE, f"{name} is {value}, expected {low} to {high}")
    return value


def master_key(password: str, auth: Auth) -> bytes:
    """RFC 3414 §2.6 with the hash of RFC 7860; takes milliseconds on purpose. Raises ValueError: too short."""
    text = password.encode()
    if len(text) < PASSWORD_LEAST:
        raise ValueError(f"a password of SNMP has {PASSWORD_LEAST} characters or more")
    return hashlib.new(auth, (text * (HASHED_BYTES // len(text) + 1))[:HASHED_BYTES]).digest()


class SnmpAgent:
    """By pysnmp. One question at a time; between them nothing wakes."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = asyncio.Lock()
        self._engine: _Engine | None = None

    async def get(self, *names: Oid) -> list[Value]:
        rows = await self._ask("get", [(name, None) for name in names])
        if [name for name, _ in rows] != list(names):
            raise SnmpError(Trouble.NONSENSE, f"the answer to {dotted(names[0])} has other names")
        return [value for _, value in rows]

    async def walk(self, column: Oid, rows_max: int) -> Mapping[Oid, Value]:
        found: dict[Oid, Value] = {}
        last = column
        while True:
            rows = await self._ask("bulk", [(last, None)])
            if not rows:
                raise SnmpError(Trouble.NONSENSE, f"nothing follows {dotted(last)}, not even an end")
            for name, value in rows:
                if name[: len(column)] != column or (name == last and value is None):  # the end of what there is
                    return found
                if name <= last:
                    raise SnmpError(Trouble.NONSENSE, f"{dotted(name)} follows {dotted(last)}: names must rise")
                if len(found) >= rows_max:
                    raise SnmpError(Trouble.NONSENSE, f"{dotted(column)} has more than {rows_max} rows")
                found[name[len(column) :]] = value
                last = name

    async def put(self, name: Oid, value: int) -> None:
        await self._ask("set", [(name, value)])

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    async def _ask(self, verb: str, pairs: list[tuple[Oid, int | None]]) -> list[tuple[Oid, Value]]:
        async with self._lock:
            try:
                if self._engine is None:
                    self._engine = await asyncio.to_thread(_Engine, self._access, asyncio.get_running_loop())
                async with asyncio.timeout(QUESTION_MAX_S):
                    return await self._engine.ask(verb, pairs)
            except SnmpError as error:
                if error.trouble in (Trouble.SILENT, Trouble.REFUSED):
                    self.close()  # it may be another device now, of which nothing is known
                raise
            except TimeoutError as error:
                self.close()
                raise SnmpError(Trouble.SILENT, f"no answer about {dotted(pairs[0][0])}") from error
            except Exception as error:  # whatever the library makes of a hostile answer
                self.close()
                raise SnmpError(Trouble.NONSENSE, f"{dotted(pairs[0][0])}: {type(error).__name__}") from error


class _Engine:
    """pysnmp's engine, which remembers the agent's engine, its boots and its clock. Made in a thread: it reads files
    and hashes passwords."""

    def __init__(self, access: Access, loop: asyncio.AbstractEventLoop) -> None:
        from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
        from pysnmp.hlapi.v3arch import asyncio as api
        from pysnmp.proto.rfc1902 import OctetString

        asked = self._asked = asyncio.Event()

        class Dispatcher(AsyncioDispatcher):  # type: ignore[misc]
            """Its clock goes only while a question is out; pysnmp's own wakes twice a second for ever."""

            async def handle_timeout(self) -> None:
                while True:
                    await asked.wait()
                    await asyncio.sleep(self.get_timer_resolution())
                    self.handle_timer_tick(time.time())

        self._api, self._access = api, access
        self._engine = api.SnmpEngine()
        self._engine.register_transport_dispatcher(Dispatcher(loop=loop))
        auth = {
            Auth.SHA224: api.USM_AUTH_HMAC128_SHA224,
            Auth.SHA256: api.USM_AUTH_HMAC192_SHA256,
            Auth.SHA384: api.USM_AUTH_HMAC256_SHA384,
            Auth.SHA512: api.USM_AUTH_HMAC384_SHA512,
        }[access.auth]
        privacy = {
            Privacy.AES128: api.USM_PRIV_CFB128_AES,
            Privacy.AES192: api.USM_PRIV_CFB192_AES_BLUMENTHAL,
            Privacy.AES256: api.USM_PRIV_CFB256_AES_BLUMENTHAL,
            Privacy.AES192_CISCO: api.USM_PRIV_CFB192_AES,
            Privacy.AES256_CISCO: api.USM_PRIV_CFB256_AES,
        }[access.privacy]
        self._user = api.UsmUserData(
            access.user,
            authKey=OctetString(master_key(access.auth_password, access.auth)),
            privKey=OctetString(master_key(access.privacy_password, access.auth)),
            authProtocol=auth,
            privProtocol=privacy,
            authKeyType=api.USM_KEY_TYPE_MASTER,
            privKeyType=api.USM_KEY_TYPE_MASTER,
        )

    async def ask(self, verb: str, pairs: list[tuple[Oid, int | None]]) -> list[tuple[Oid, Value]]:
        api = self._api
        self._asked.set()
        try:
            at = await api.UdpTransportTarget.create(
                (self._access.address, self._access.port), timeout=ANSWER_S, retries=TRIES - 1
            )
            common = (self._engine, self._user, at, api.ContextData())
            objects = [_object(api, name, value) for name, value in pairs]
            if verb == "bulk":
                answer = await api.bulk_cmd(*common, 0, ROWS_AT_ONCE, *objects, lookupMib=False)
            else:
                command: Callable[..., Any] = {"get": api.get_cmd, "set": api.set_cmd}[verb]
                answer = await command(*common, *objects, lookupMib=False)
        finally:
            self._asked.clear()
        told, status, index, rows = answer
        if told:
            raise _indicated(told, dotted(pairs[0][0]))
        if status:
            at_fault = pairs[min(max(int(index), 1), len(pairs)) - 1][0]
            raise _refused(int(status), status.prettyPrint(), dotted(at_fault))
        return [(_oid(name), _value(name, value)) for name, value in rows]

    def close(self) -> None:
        self._engine.close_dispatcher()


def _object(api: Any, name: Oid, value: int | None) -> Any:
    named = api.ObjectIdentity(name)
    return api.ObjectType(named) if value is None else api.ObjectType(named, api.Integer32(value))


_REFUSALS = frozenset(
    {
        "UnknownUserName",
        "WrongDigest",
        "DecryptionError",
        "UnsupportedSecurityLevel",
        "AuthenticationError",
        "AuthenticationFailure",
        "NotInTimeWindow",
    }
)
"""Classes of pysnmp's indications that mean another name, password or method."""
_STATUS_REFUSED = frozenset({2, 6, 16, 17})
"""noSuchName (of agents that are told not to show it), noAccess, authorizationError, notWritable (RFC 3416 §3)."""


def _indicated(told: Any, name: str) -> SnmpError:
    kind = type(told).__name__
    if kind == "RequestTimedOut":
        return SnmpError(Trouble.SILENT, f"no answer about {name}")
    if kind in _REFUSALS:
        return SnmpError(Trouble.REFUSED, f"the agent refuses the user: {kind}")
    return SnmpError(Trouble.NONSENSE, f"{name}: {kind}")


def _refused(status: int, word: str, name: str) -> SnmpError:
    return SnmpError(Trouble.REFUSED if status in _STATUS_REFUSED else Trouble.NONSENSE, f"{name}: {word[:40]}")


def _oid(name: Any) -> Oid:
    return tuple(int(arc) for arc in name)


def _value(name: Any, value: Any) -> Value:
    """Numbers, texts and names of objects; what SNMP says for "nothing there" is None. Raises SnmpError."""
    from pyasn1.type.univ import Integer, Null, ObjectIdentifier, OctetString

    match value:
        case Null():  # noSuchObject, noSuchInstance, endOfMibView (RFC 3416 §3)
            return None
        case Integer():
            return int(value)
        case ObjectIdentifier():
            return _oid(value)
        case OctetString() if len(value) <= TEXT_MAX:
            return bytes(value.asOctets())
        case OctetString():
            raise SnmpError(Trouble.NONSENSE, f"{dotted(_oid(name))} is a text of {len(value)} bytes")
        case _:
            raise SnmpError(Trouble.NONSENSE, f"{dotted(_oid(name))} has a type that no table has")
