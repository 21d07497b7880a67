"""What units and hub say, as OpenAPI 3.1: made of the schemas that both judge by. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from firmware import __version__
from firmware.sync import wire

__all__ = ["openapi"]

_SCHEMAS = "#/components/schemas/"
_OCTETS = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

_POSTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("enrol", "enrolled", "A code for a certificate; the only message that needs none.", ("code", "too_many")),
    ("renew", "renewed", "A certificate for the same unit, before the old one ends.", ()),
    ("session", "sessioned", "A unit says what it has and where it is; the hub says what it holds.", ()),
    ("outbox", "taken", "Rows of a unit's outbox: any numbers, in any order, again.", ("forked", "session")),
    ("state", "stated", "All that both sides set, after the hub began another life.", ("session",)),
)


def openapi() -> dict[str, Any]:
    paths: dict[str, Any] = {f"/v1/{post[0]}": {"post": _post(*post)} for post in _POSTS}
    count = {"type": "integer", "minimum": 0}
    cursor = {"$ref": f"{_SCHEMAS}cursor"}
    paths["/v1/feed"] = {
        "get": _get(
            "What is new behind a cursor; waits for it.",
            _json("feed"),
            (
                _query("after", cursor, required=True),
                _query("limit", {"type": "integer", "minimum": 1, "maximum": wire.ITEMS_MAX}),
                _query("wait", {"type": "integer", "minimum": 0, "maximum": 55, "description": "seconds"}),
            ),
            ("cursor_unknown",),
        )
    }
    paths["/v1/snapshot"] = {
        "get": _get(
            "All that is the unit's: snapshot_head, an item a line, snapshot_end (NDJSON, gzip). If-Range with Range"
            " goes on with one that broke off.",
            {"application/gzip": {"schema": {"type": "string", "format": "binary"}}},
            (_header("Range", "bytes=N-"), _header("If-Range", "the ETag of what was begun")),
            ("range",),
        )
    }
    after = (_query("cursor", cursor, required=True),)
    paths["/v1/digest"] = {
        "get": _get("Digests by kind, where the feed is now.", _json("digests"), after, ("cursor_unknown",))
    }
    signed = {"application/json": {"schema": {"type": "object"}}}
    config = _get("The unit's newest configuration, signed.", signed, (_query("have", count),), ())
    config["responses"]["204"] = {"description": "It has the newest."}
    paths["/v1/config"] = {"get": config}
    paths["/v1/sound/{sha256}"] = _sound(count)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Reservväxel: sync",
            "version": str(wire.SCHEMA),
            "description": f"Of {__version__}. TLS 1.3; a client certificate of the hub's CA everywhere but /v1/enrol."
            f" Bodies may be packed by gzip. Header {wire.HEADER}: {wire.SCHEMA}. docs/sync.md is the prose.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"certificate": []}],
        "paths": paths,
        "components": {
            "schemas": json.loads(json.dumps(wire.definitions()).replace("#/definitions/", _SCHEMAS)),
            "securitySchemes": {"certificate": {"type": "mutualTLS"}},
        },
    }


def _post(message: str, answer: str, text: str, errors: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": message,
        "summary": text,
        "requestBody": {"required": True, "content": _json(message)},
        "responses": {
            "200": {"description": "Done.", "content": _json(answer)},
            **_errors(("refused", "schema", "too_large", *errors), certified=message != "enrol"),
        },
    }
    return made | ({} if message != "enrol" else {"security": []})


def _get(
    text: str, content: Mapping[str, Any], parameters: tuple[dict[str, Any], ...], errors: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "summary": text,
        "parameters": list(parameters),
        "responses": {
            "200": {"description": "Here it is.", "content": dict(content)},
            **_errors(("refused", "schema", *errors)),
        },
    }


def _sound(count: Mapping[str, Any]) -> dict[str, Any]:
    name = {"name": "sha256", "in": "path", "required": True, "schema": {"$ref": f"{_SCHEMAS}sha256"}}
    offset = {"Upload-Offset": {"schema": dict(count), "description": "how much is here"}}
    there = {"description": "Upload-Offset says.", "headers": offset}
    begins = _header("Upload-Offset", "where this piece begins", required=True)
    length = _header("Upload-Length", "of the whole", required=True)
    return {
        "parameters": [name],
        "head": {
            "summary": "How much of a sound is here.",
            "responses": {"200": there, **_errors(("refused",), body=False)},
        },
        "patch": {
            "summary": "The next piece of it; whole, it is what its name says.",
            "parameters": [begins, length],
            "requestBody": {"required": True, "content": _OCTETS},
            "responses": {
                "204": {"description": "It is here.", "headers": offset},
                **_errors(("refused", "offset", "too_large", "hash")),
            },
        },
    }


def _errors(words: tuple[str, ...], *, certified: bool = True, body: bool = True) -> dict[str, Any]:
    """By status; several words may have one."""
    found: dict[str, list[str]] = {}
    for word in (*words, *(("certificate", "revoked") if certified else ()), "busy"):
        status, sentence = wire.ERRORS[word]
        found.setdefault(str(status), []).append(f"{word}: {sentence}")
    content = {"content": _json("error")} if body else {}
    return {status: {"description": " ".join(texts), **content} for status, texts in sorted(found.items())}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{name}"}}}


def _query(name: str, schema: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": dict(schema)}


def _header(name: str, text: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string"}}
