"""What a sealed file promises: it opens by its passphrase alone, and never when a bit of it is another."""

import hashlib
import json

import pytest

from firmware import seal as module
from firmware.seal import SealError, WrongPassphrase, seal, unseal

KIND = "reservvaxel-test"
PASSPHRASE = "korrekt häst batteri"
CLEAR = b"the unit's secret " * 20


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a try is not what is tested here."""
    monkeypatch.setattr(module, "SCRYPT_N", 1 << 4)


@pytest.fixture
def file() -> bytes:
    return seal(KIND, PASSPHRASE, CLEAR)


def test_what_was_sealed_is_opened_and_reads_as_nothing(file: bytes) -> None:
    assert unseal(KIND, PASSPHRASE, file) == CLEAR
    assert b"secret" not in file
    assert file != seal(KIND, PASSPHRASE, CLEAR), "salt and nonce are new each time"


def test_a_passphrase_is_its_letters_not_its_bytes(file: bytes) -> None:
    assert unseal(KIND, PASSPHRASE.replace("ä", "a\u0308"), file) == CLEAR


def test_a_wrong_passphrase_is_told_from_damage(file: bytes) -> None:
    with pytest.raises(WrongPassphrase, match=r"^passphrase:"):
        unseal(KIND, "another passphrase", file)


@pytest.mark.parametrize("passphrase", ["", "too short", "x" * 257])
def test_a_passphrase_has_bounds(passphrase: str, file: bytes) -> None:
    with pytest.raises(SealError, match=r"^passphrase: expected 12 to 256"):
        seal(KIND, passphrase, CLEAR)
    with pytest.raises(SealError):
        unseal(KIND, passphrase, file)


def test_no_cut_file_is_opened(file: bytes) -> None:
    for length in range(0, len(file), 7):
        with pytest.raises(SealError):
            unseal(KIND, PASSPHRASE, file[:length])
    with pytest.raises(SealError, match=r"^sealed_bytes:"):
        unseal(KIND, PASSPHRASE, file[:-1])
    with pytest.raises(SealError, match=r"^sealed_bytes:"):
        unseal(KIND, PASSPHRASE, file + b"\n")


def test_no_altered_file_is_opened(file: bytes) -> None:
    for at in range(0, len(file), 3):
        altered = file[:at] + bytes([file[at] ^ 0x01]) + file[at + 1 :]
        with pytest.raises(SealError):
            unseal(KIND, PASSPHRASE, altered)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("format", "other", "^format:"),
        ("version", 2, "^version: 2; written by a newer rvx"),
        ("version", "1", "^version:"),
        ("version", 0, "^version:"),
        ("salt", "00", "^salt:"),
        ("nonce", "zz" * 12, "^nonce:"),
        ("nonce", None, "^nonce:"),
        ("nonce", "00" * 12, "^passphrase:"),
        ("sealed_bytes", "many", "^sealed_bytes:"),
        ("sealed_sha256", "00", "^sealed_sha256:"),
        ("more", 1, "^passphrase:"),
    ],
)
def test_each_field_of_the_first_line_is_checked(file: bytes, field: str, value: object, said: str) -> None:
    line, _, sealed = file.partition(b"\n")
    altered = json.dumps(json.loads(line) | {field: value}).encode() + b"\n" + sealed
    with pytest.raises(SealError, match=said):
        unseal(KIND, PASSPHRASE, altered)


def test_a_digest_made_right_by_a_forger_does_not_help(file: bytes) -> None:
    line, _, sealed = file.partition(b"\n")
    sealed = sealed[:-1] + bytes([sealed[-1] ^ 0xFF])
    head = json.loads(line) | {"sealed_sha256": hashlib.sha256(sealed).hexdigest()}
    with pytest.raises(WrongPassphrase):
        unseal(KIND, PASSPHRASE, json.dumps(head).encode() + b"\n" + sealed)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[" * 5000 + b"\n", b'{"format":' * 90, b"\xff\xfe\n", b"x" * 5000]
)
def test_other_files_are_of_another_kind(data: bytes) -> None:
    with pytest.raises(SealError, match=r"^format:"):
        unseal(KIND, PASSPHRASE, data)
