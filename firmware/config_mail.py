"""``[mail]`` of the configuration: the site's server of mail, and what goes by it.

See firmware/config.py, whose part this is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from firmware.bounds import Choice, Each, Refused, Text, Whole, like
from firmware.config_kinds import FILE_OR_NONE, Clashes, Values, or_empty
from firmware.document import key
from firmware.mail.policy import address

__all__ = ["Mail", "MailKey", "mail_whole"]

PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""RFC 8314 §3.3, RFC 6409 §3.1, RFC 5321 §4.5.4.2."""
_HOST = re.compile(r"(?=.{1,253}(?::|$))[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::([0-9]{1,5}))?", re.ASCII)


def _server(text: str) -> str:
    """Raises Refused."""
    match = _HOST.fullmatch(text)
    if not match:
        raise Refused("is not so written")
    if match[1] and not 1 <= int(match[1]) <= 65535:
        raise Refused("has a port that is not 1 to 65535")
    return text


def _address(text: str) -> str:
    """Raises Refused."""
    try:
        return address(text)
    except ValueError:
        raise Refused("is no address of mail") from None


ADDRESS = Text('an address, as "reservvaxel@norrby.example"', _address)
ADDRESS_OR_NONE = Text(f'{ADDRESS.expected}, or ""', or_empty(_address))
LOGIN = Text('up to 254 printable characters, no space, or ""', like(r"[!-~]{0,254}"))
PASSWORD = Text('up to 254 printable ASCII characters, or ""', like(r"[ -~]{0,254}"), secret=True)
_YES_NO = Choice(("yes", "no"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    server: str = field(
        default="",
        metadata=key(
            Text('"HOST", "HOST:PORT" or ""', or_empty(_server)), 'the site\'s server for outgoing mail; "": no mail'
        ),
    )
    security: str = field(
        default="starttls",
        metadata=key(
            Choice(tuple(PORTS)),
            "starttls (port 587), tls (465) or none (25): then everybody on the way reads what is sent",
        ),
    )
    ca_file: str = field(
        default="",
        metadata=key(FILE_OR_NONE, 'the CA that the server\'s certificate is of; "": those that the system knows'),
    )
    user: str = field(default="", metadata=key(LOGIN, "the unit's account at the server, if it wants one"))
    sender: str = field(
        default="", metadata=key(ADDRESS_OR_NONE, "from whom mail is; to it come the servers' own answers (bounces)")
    )
    alarm_addresses: tuple[str, ...] = field(
        default=(),
        metadata=key(Each(ADDRESS, 0, 32), "who is told of an outage, and of what operations are told; none: nobody"),
    )
    notices: str = field(
        default="yes",
        metadata=key(_YES_NO, "whether what somebody is told of goes by mail, where they have an address"),
    )
    memos: str = field(
        default="yes",
        metadata=key(
            Choice(("yes", "bare", "no")),
            "whether messages to people go by mail; bare: that there is one, without what it says",
        ),
    )
    voicemail: str = field(
        default="no",
        metadata=key(
            Choice(("attached", "bare", "no")),
            "whether voicemail goes by mail: its sound, or (bare) that there is some",
        ),
    )
    size_max_mb: int = field(
        default=10, metadata=key(Whole(1, 100), "a mail that would be greater goes without its attachment")
    )
    per_minute: int = field(default=30, metadata=key(Whole(1, 600), "mails that the server is given in a minute"))

    @property
    def host(self) -> str:
        return self.server.partition(":")[0]

    @property
    def port(self) -> int:
        given = self.server.partition(":")[2]
        return int(given) if given else PORTS[self.security]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailKey:
    password: str = field(default="", metadata=key(PASSWORD, "of mail.user"))


def mail_whole(values: Values) -> Clashes:
    server, user, password = values["mail.server"], values["mail.user"], values["mail.password"]
    if server and not values["mail.sender"]:
        yield "mail.sender", "is missing, and mail.server is there", ADDRESS.expected
    if bool(user) != bool(password):
        where, other = ("mail.user", "mail.password") if user else ("mail.password", "mail.user")
        yield where, f"is there, and {other} is not", "both or neither"
    if user and values["mail.security"] == "none":
        yield "mail.user", "would go to the server with its password for everybody to read", 'security "starttls"'
