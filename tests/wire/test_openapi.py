"""The hub's OpenAPI, read by a program that others made (schemathesis): whatever it makes of the schemas, and against
them, the hub answers as its document says, and never by a fault; and who shows no certificate of a unit is nobody."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from hil.ownenv import installed
from tools.bench.sync.pair import Hub, Unit, enrolled, hub

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

PACKAGE = "schemathesis==4.32.5"
EXAMPLES, SEED = 25, 1
RUN_S = 200.0
JUDGES = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
"""Not that all is taken that a schema lets through: a session may be over, a request for a certificate none."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Unit]]:
    folder = tmp_path_factory.mktemp("openapi")
    with hub(folder) as at:
        yield at, enrolled(at, folder / "unit", "norrby")


@pytest.mark.parametrize("known", [True, False], ids=["a unit", "a stranger"])
def test_whatever_is_asked_is_answered_as_the_document_says(
    pair: tuple[Hub, Unit], known: bool, tmp_path: Path
) -> None:
    at, unit = pair
    words = [sys.executable, "-P", "-m", "tools.cli", "hub", "openapi", "--state", str(at.state)]
    document = tmp_path / "openapi.json"
    document.write_text(subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout)
    args = [f"{installed(PACKAGE)}/bin/st", "run", str(document), "--url", at.url, "--tls-verify", str(at.ca)]
    args += ["-n", str(EXAMPLES), "--seed", str(SEED), "--no-color", "--checks", ",".join(JUDGES)]
    if known:
        args += ["--request-cert", str(unit.member.key_file)]
    done = subprocess.run(args, capture_output=True, text=True, timeout=RUN_S, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "Tested: 11" in done.stdout
    assert "Traceback" not in (at.state / "run.log").read_text()


async def test_without_a_certificate_there_is_enrolment_alone(pair: tuple[Hub, Unit]) -> None:
    at, _ = pair
    tls = ssl.create_default_context(cafile=str(at.ca))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        for path in (
            "/v1/feed?after=x",
            "/v1/snapshot",
            "/v1/digest?cursor=x",
            "/v1/config?have=0",
            "/v1/sound/" + "0" * 64,
        ):
            async with session.get(at.url + path, headers={"Reservvaxel-Schema": "1"}) as answer:
                assert answer.status in (401, 405), path
