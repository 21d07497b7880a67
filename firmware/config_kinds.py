"""Kinds of values that several sections of the configuration have, and what a check between keys is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from firmware.bounds import Text, absolute_path, address, like, network, parse_listen, parse_sip_uri

__all__ = [
    "ADDRESS_OR_NONE",
    "CIDR",
    "CREDENTIAL",
    "FILE_OR_NONE",
    "LISTEN",
    "REALM",
    "SIP_URI",
    "SIP_URI_OR_NONE",
    "Clashes",
    "Values",
    "kept",
    "or_empty",
    "tables_of",
]

Values = Mapping[str, Any]
"""The values of both files by "section.name"."""

Clashes = Iterator[tuple[str, str, str]]
"""What a check between keys gives: (key, message, expected) for each thing that does not hold. A check that misses a
key, as that was refused, is left out."""


def kept(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Give a parser that checks by ``parse`` and keeps the text."""

    def check(text: str) -> str:
        parse(text)
        return text

    return check


def or_empty(parse: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: parse(text) if text else text


def tables_of(name: str, values: Values) -> list[dict[str, Any]]:
    """What was taken of each ``[[name]]``, by the bare names of the keys."""
    return [
        {where.rpartition(".")[2]: value for where, value in values.items() if where.startswith(f"{name}.{number}.")}
        for number in range(1, values.get(name, 0) + 1)
    ]


LISTEN = Text('"udp:ADDRESS:PORT", "tcp:ADDRESS:PORT" or "tls:ADDRESS:PORT" (IPv4)', kept(parse_listen))
FILE_OR_NONE = Text('an absolute path, at most 80 bytes, or ""', or_empty(kept(absolute_path)))
SIP_URI = Text('"sip:HOST[:PORT][;transport=udp|tcp]"', kept(parse_sip_uri))
SIP_URI_OR_NONE = Text(f'{SIP_URI.expected}, or ""', or_empty(kept(parse_sip_uri)))
REALM = Text('up to 255 letters, digits or . - _, or ""', like(r"[A-Za-z0-9._-]{0,255}"))
CIDR = Text('"ADDRESS/LENGTH" (IPv4)', network)
ADDRESS_OR_NONE = Text('an IPv4 address, or ""', or_empty(address))
CREDENTIAL = Text('up to 128 printable ASCII characters, no space, " or \\', like(r"[!#-\[\]-~]{0,128}"), secret=True)
"""Printable ASCII but what would end a string in the edge's configuration."""
