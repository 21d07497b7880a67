"""The unit's certificate: made once, renewed in time, refused when it cannot be used; and what is told of it."""

from __future__ import annotations

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


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., bool]:
    """Makes the unit's certificate for so many addresses, as at a start; whether it is another than before."""

    def again(addresses: frozenset[str] = ADDRESSES) -> bool:
        ca, ca_key = tmp_path / "tls" / "ca.pem", tmp_path / "tls" / "ca.key"
        make_ca("gw-1", ca, ca_key)
        return make("gw-1", addresses, ca, ca_key, tmp_path / "edge.pem", tmp_path / "edge.key")

    return again


def test_made_once_and_of_its_own_ca(made: Callable[..., bool], tmp_path: Path) -> None:
    assert made()
    held = read(tmp_path / "edge.pem")
    assert held.names >= ADDRESSES | {"gw-1"}
    assert held.until - datetime.now(UTC) > 2 * RENEW_BEFORE
    checked = ["openssl", "verify", "-CAfile", str(tmp_path / "tls/ca.pem"), str(tmp_path / "edge.pem")]
    subprocess.run(checked, check=True, capture_output=True)
    for key in (tmp_path / "tls/ca.key", tmp_path / "edge.key"):
        assert key.stat().st_mode & 0o777 == 0o600
    assert not made()


def test_made_anew_for_another_address_and_before_its_end(
    made: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    ca = (tmp_path / "tls/ca.pem").read_bytes()
    assert made(ADDRESSES | {"10.98.0.2"})
    assert not made(), "an address less is no reason"
    monkeypatch.setattr(certificate, "RENEW_BEFORE", timedelta(days=certificate.OWN_DAYS + 1))
    assert made()
    assert (tmp_path / "tls/ca.pem").read_bytes() == ca


def test_a_given_pair(made: Callable[..., bool], tmp_path: Path) -> None:
    made()
    given, key = tmp_path / "edge.pem", tmp_path / "edge.key"
    to, key_to = tmp_path / "used.pem", tmp_path / "used.key"
    assert install(given, key, to, key_to)
    assert not install(given, key, to, key_to)
    assert (to.read_bytes(), key_to.read_bytes()) == (given.read_bytes(), key.read_bytes())
    assert key_to.stat().st_mode & 0o777 == 0o600
    made(ADDRESSES | {"10.98.0.2"})
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
def test_what_cannot_be_used_is_refused_by_name(
    made: Callable[..., bool], tmp_path: Path, damage: Callable[[Path], object], named: str
) -> None:
    made()
    damage(tmp_path)
    with pytest.raises(CertificateError, match=named):
        install(tmp_path / "edge.pem", tmp_path / "edge.key", tmp_path / "used.pem", tmp_path / "used.key")
    assert not (tmp_path / "used.pem").exists()


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
