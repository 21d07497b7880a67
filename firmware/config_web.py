"""``[web]`` of the configuration: where the unit's pages are had, and by which certificate.

See firmware/config.py, whose part this is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from firmware.bounds import Each, Refused, Text, Whole, ipaddress_of, like
from firmware.config_kinds import FILE_OR_NONE, Clashes, Values, kept, or_empty
from firmware.document import key

__all__ = ["Place", "Web", "parse_place", "web_whole"]

PLACES_MAX = 8
LOOPBACK = "127."
"""What is said there nobody else hears."""
_PLACE = re.compile(r"([0-9.]{7,15}):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where pages are had: an IPv4 address and a port."""

    address: str
    port: int

    @property
    def loopback(self) -> bool:
        return self.address.startswith(LOOPBACK)


def parse_place(text: str) -> Place:
    """Raises Refused."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise Refused("is no address with a port")
    return Place(str(ipaddress_of(found[1])), Whole(1, 65535).take(int(found[2])))


PLACE = Text('"ADDRESS:PORT" (IPv4)', kept(parse_place))
NAME = Text(
    'a host name, as "vaxel.norrby.se", or ""', like(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){0,8}[a-z0-9-]{0,63}")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    listen: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(PLACE, 0, PLACES_MAX), "where the pages are had, by TLS but on 127.0.0.1; none: there are no pages"
        ),
    )
    name: str = field(
        default="", metadata=key(NAME, "the name by which people reach the pages, which the certificate has")
    )
    certificate: str = field(
        default="",
        metadata=key(
            FILE_OR_NONE, 'the certificate of the pages and what stands behind it (PEM); "": the unit makes its own'
        ),
    )
    phones_listen: str = field(
        default="",
        metadata=key(
            Text('"ADDRESS:PORT" (IPv4), or ""', or_empty(kept(parse_place))),
            "where desk phones fetch the directory, in clear, from phones' networks alone; none: nowhere",
        ),
    )
    phones_municipality: str = field(
        default="",
        metadata=key(
            Text('the id of a municipality, or ""', like(r"[a-z0-9åäö_-]{0,63}")),
            "whose people desk phones find; where the directory has one alone it need not be said",
        ),
    )
    key: str = field(default="", metadata=key(FILE_OR_NONE, "the key of that certificate (PEM)"))

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(map(parse_place, self.listen))


def web_whole(values: Values) -> Clashes:
    """Both of certificate and key, or none; no place twice."""
    certificate, of = values["web.certificate"], values["web.key"]
    if bool(certificate) is not bool(of):
        yield "web.key", "a certificate and its key belong together", "both, or none"
    places = [*values["web.listen"], *filter(None, [values["web.phones_listen"]])]
    if len(set(places)) < len(places):
        yield "web.listen", "the same place is named twice", "each place once"
