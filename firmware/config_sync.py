"""``[sync]`` of the configuration: the hub, and by which way it is reached.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from firmware.bounds import Choice, Refused, Text, Whole, like
from firmware.config_kinds import Clashes, Values, or_empty
from firmware.document import key

__all__ = ["Sync", "SyncKey", "hub_address", "sync_whole"]

URL_MAX = 300


def _server(text: str, schemes: tuple[str, ...]) -> str:
    """Raises Refused for what is more, or less, than scheme, host and port."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("is not so written") from None
    if len(text) > URL_MAX or not text.isascii() or any(not "!" <= each <= "~" for each in text) or "\\" in text:
        raise Refused("has characters that no address has")
    if parts.scheme not in schemes or not host:
        raise Refused(f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and a host")
    if parts.username is not None or parts.query or parts.fragment or parts.path.strip("/"):
        raise Refused("is more than scheme, host and port")
    return f"{parts.scheme}://{parts.netloc}"


def hub_address(text: str) -> str:
    """As it is kept. Raises Refused."""
    return _server(text, ("https",))


def _proxy(text: str) -> str:
    return _server(text, ("http", "https"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    hub: str = field(
        default="",
        metadata=key(
            Text('"https://HOST" or "https://HOST:PORT", or ""', or_empty(hub_address)),
            'the hub that the unit is synchronised with, once it is enrolled (rvx enrol); "": none',
        ),
    )
    proxy: str = field(
        default="",
        metadata=key(
            Text('"http://HOST:PORT" or ""', or_empty(_proxy)),
            'the proxy by which the hub is reached (CONNECT); "": straight',
        ),
    )
    proxy_user: str = field(
        default="",
        metadata=key(
            Text('up to 128 printable characters, no space or colon, or ""', like(r"[!-9;-~]{0,128}")),
            "the unit's account at the proxy, if it wants one",
        ),
    )
    wait_s: int = field(
        default=25, metadata=key(Whole(5, 120), "how long the hub keeps a question open; below what proxies cut")
    )
    sound: str = field(
        default="yes",
        metadata=key(Choice(("yes", "no")), "whether the sound of messages and threats goes to the hub"),
    )
    budget_mb_day: int = field(
        default=20,
        metadata=key(
            Whole(0, 10_000),
            "by mobile data (data.address), a day; when it is spent, only blocks, referrals and the like go",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncKey:
    proxy_password: str = field(
        default="",
        metadata=key(
            Text('up to 254 printable ASCII characters, or ""', like(r"[ -~]{0,254}"), secret=True),
            "of sync.proxy_user",
        ),
    )


def sync_whole(values: Values) -> Clashes:
    user, password = values["sync.proxy_user"], values["sync.proxy_password"]
    if user and not values["sync.proxy"]:
        yield "sync.proxy_user", "is there, and sync.proxy is not", "both or neither"
    if password and not user:
        yield "sync.proxy_password", "is there, and sync.proxy_user is not", "both or neither"
