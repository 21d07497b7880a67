"""A signed configuration: taken whole, or refused with the field named."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmware.document import FILE_MAX_BYTES
from firmware.sync.bundle import BUNDLE_MAX_BYTES, Bundle, BundleError, Replayed, opened, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
BUNDLE = Bundle(
    unit="norrby", version=7, made_at="2026-11-23T08:00:00Z", program="0.1.0", config='[unit]\nname = "Åmåla"\n'
)
DATA = sign(BUNDLE, KEY)


def taken(data: bytes, *, unit: str = "norrby", program: str = "0.1.0", highest: int = 6) -> Bundle:
    return opened(data, PUBLIC, unit, program, highest)


def signed(**changed: Any) -> bytes:
    """Well signed, whatever it says."""
    inner = json.loads(json.loads(DATA)["signed"]) | changed
    text = json.dumps(inner)
    return json.dumps({"signed": text, "signature": base64.b64encode(KEY.sign(text.encode())).decode()}).encode()


def test_what_was_signed_is_what_is_taken() -> None:
    assert taken(DATA) == BUNDLE


@pytest.mark.parametrize("highest", [7, 8, 1 << 52])
def test_an_older_one_is_not_taken_again(highest: int) -> None:
    with pytest.raises(Replayed, match="version: 7"):
        taken(DATA, highest=highest)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "bundle"),
        (b"[]", "bundle"),
        (b"[" * 100_000, "bundle"),
        (b"x" * (BUNDLE_MAX_BYTES + 1), "bundle"),
        (b'{"signed": 1}', "signed"),
        (json.dumps(json.loads(DATA) | {"signature": None}).encode(), "signature"),
        (json.dumps(json.loads(DATA) | {"signature": "!"}).encode(), "signature"),
        (sign(BUNDLE, Ed25519PrivateKey.generate()), "signature"),
        (signed(unit="soderby"), "unit"),
        (signed(unit=["norrby"]), "unit"),
        (signed(version="8"), "version"),
        (signed(version=True), "version"),
        (signed(version=0), "version"),
        (signed(version=1 << 60), "version"),
        (signed(program="9.0"), "program"),
        (signed(program="0.1.0-x"), "program"),
        (signed(made_at="today"), "made_at"),
        (signed(config=""), "config"),
        (signed(config=7), "config"),
        (signed(config="x" * (FILE_MAX_BYTES + 1)), "config"),
        (signed(config="\ud800"), "config"),
        (signed(format="another"), "format"),
    ],
)
def test_what_is_none_is_refused_by_its_field(data: bytes, field: str) -> None:
    with pytest.raises(BundleError, match=f"^{field}:"):
        taken(data)


def test_nothing_is_signed_that_no_unit_would_take() -> None:
    with pytest.raises(BundleError, match=r"^config:"):
        sign(replace(BUNDLE, config=""), KEY)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(place: int, by: int) -> None:
    changed = bytes((*DATA[:place], DATA[place] ^ by, *DATA[place + 1 :]))
    with suppress(BundleError):
        assert taken(changed) == BUNDLE  # white space of the outer JSON, at most


@pytest.mark.parametrize("length", range(0, len(DATA), 7))
def test_half_of_one_is_none(length: int) -> None:
    with pytest.raises(BundleError):
        taken(DATA[:length])
