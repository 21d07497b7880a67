"""The unit's certificate: made once, renewed in time, refused when it cannot be used; and what is told of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware import certificate
from firmware.certificate import RENEW_BEFORE, Certificate, CertificateError, install, make, make_ca, read
from firmware.door import certificate_problems

ADDRESSES = frozenset({"10.98.0.1"})
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as after a unit's first start: making keys takes long, so the tests that only use them have copies."""
    folder = tmp_path_factory.mktemp("first")
    assert make_both(folder)
    return folder


@pytest.fixture
def used(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    return tmp_path


def make_both(folder: Path, addresses: frozenset[str] = ADDRESSES) -> bool:
    """Makes the unit's certificate for so many addresses, as at a start; whether it is another than before."""
    ca, ca_key = folder / "tls" / "ca.pem", folder / "tls" / "ca.key"
    make_ca("gw-1", ca, ca_key)
    return make("gw-1", addresses, ca, ca_key, folder / "edge.pem", folder / "edge.key")


def test_made_once_and_of_its_own_ca(used: Path) -> None:
    held = read(used / "edge.pem")
    assert held.names >= ADDRESSES | {"gw-1"}
    assert held.until - datetime.now(UTC) > 2 * RENEW_BEFORE
    checked = ["openssl", "verify", "-CAfile", str(used / "tls/ca.pem"), str(used / "edge.pem")]
    subprocess.run(checked, check=True, capture_output=True)
    for key in (used / "tls/ca.key", used / "edge.key"):
        assert key.stat().st_mode & 0o777 == 0o600
    assert not make_both(used)


def test_made_anew_for_another_address_and_before_its_end(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = (used / "tls/ca.pem").read_bytes()
    assert make_both(used, ADDRESSES | {"10.98.0.2"})
    assert not make_both(used), "an address less is no reason"
    monkeypatch.setattr(certificate, "RENEW_BEFORE", timedelta(days=certificate.OWN_DAYS + 1))
    assert make_both(used)
    assert (used / "tls/ca.pem").read_bytes() == ca


def test_a_given_pair(used: Path) -> None:
    given, key = used / "edge.pem", used / "edge.key"
    to, key_to = used / "used.pem", used / "used.key"
    assert install(given, key, to, key_to)
    assert not install(given, key, to, key_to)
    assert (to.read_bytes(), key_to.read_bytes()) == (given.read_bytes(), key.read_bytes())
    assert key_to.stat().st_mode & 0o777 == 0o600
    make_both(used, ADDRESSES | {"10.98.0.2"})
    assert install(given, key, to, key_to)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "edge.pem").write_text("nonsense"), "edge.pem"),
        (lambda folder: (folder / "edge.pem").unlink(), "edge.pem"),
        (lambda folder: (folder / "edge.key").write_text("nonsense"), "edge.key"),
        (lambda folder: (folder / "edge.key").write_bytes((folder / "tls/ca.key").read_bytes()), "not the key of"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(used: Path, damage: Callable[[Path], object], named: str) -> None:
    damage(used)
    with pytest.raises(CertificateError, match=named):
        install(used / "edge.pem", used / "edge.key", used / "used.pem", used / "used.key")
    assert not (used / "used.pem").exists()


@pytest.mark.parametrize(
    ("held", "fault", "told"),
    [
        (None, "", []),
        (timedelta(days=31), "", []),
        (timedelta(days=29), "", [("RVX-T01", "warn")]),
        (timedelta(days=-1), "", [("RVX-T01", "fail")]),
        (None, "no key", [("RVX-T02", "fail")]),
        (timedelta(days=1), "no key", [("RVX-T02", "fail"), ("RVX-T01", "warn")]),
    ],
)
def test_what_is_told(held: timedelta | None, fault: str, told: list[tuple[str, str]]) -> None:
    found = certificate_problems(Certificate(NOW + held, frozenset()) if held else None, fault, NOW)
    assert [(problem.id, problem.severity) for problem in found] == told
