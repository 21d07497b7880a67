"""A phone with a wrong password: kept from the platform, told so, and let through when its password is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.phone.sipp import Dial, User
from tests.wire.conftest import REFRESH_S, STEP_S, Building, Buildings, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

WRONG_IP, STRANGER_IP, RIGHT_IP = 13, 14, 15
LIMIT = 3
WRONG, RIGHT, LEARNT = 1011, 1012, 1013
LIMITS: dict[str, object] = {"wrong_answers_north": LIMIT, "failed_auth_per_minute": 1000}
TRIES = 6
OLD_NONCE_TRIES = 8


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    credentials = {str(extension): 1 for extension in (*range(1001, 1013), *range(1014, 1021))} | {str(LEARNT): 4}
    with open_buildings(4, credentials=credentials, configuration={"limits": LIMITS}) as made:
        yield made


def test_wrong_answers_stay_here_and_the_alarm_is_given(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, phone = building.site, building.sipp(WRONG_IP)
        wrong = [User(str(WRONG), "wrong")]
        for _ in range(TRIES):
            phone.register(wrong)
        site.calls.kill()  # asks for a phone now and then
        seen = building.platform.seen()["REGISTER"]
        assert site.count("held") >= 1
        absorbed = site.count("refused_north")
        for _ in range(TRIES):
            (result,) = phone.register(wrong)
            assert result.code in (401, 503), "it may try again"
        assert building.platform.seen()["REGISTER"] == seen, "not one more reached the platform"
        assert site.count("refused_north") >= absorbed + TRIES
        before = building.carried()
        (call,) = phone.call([Dial(wrong[0], "1001")], patience_ms=20_000)
        assert call.code in (407, 503)
        assert building.carried() == before
        site.calls.start()
        site.wait(lambda: "RVX-P04" in [problem["id"] for problem in site.status()["problems"]], STEP_S, "RVX-P04")
        log = (site.host.directory / "edge.log").read_text(errors="replace")
        (line, *_) = [line for line in log.splitlines() if "kind=held " in line]
        assert str(WRONG) not in line.split("rvx-event")[1]

        # Its neighbours, and others of the same extension, are not troubled.
        building.call_by_platform((1001, 1002))
        (elsewhere,) = building.sipp(RIGHT_IP).register(users(WRONG))
        assert elsewhere.code == 200

        # Its password is mended: right by what the unit knows, it is let through.
        with phone.answer(users(WRONG), refresh_s=REFRESH_S) as mended:
            mended.wait_registered(STEP_S)
            site.wait(
                lambda: not any(row.split("|")[1] != "0" for row in site.table("wrong").values()), STEP_S, "released"
            )
            site.wait(lambda: building.platform.seen()["REGISTER"] > seen + 2, STEP_S, "told to the platform")
            site.wait(lambda: not site.table("wrong"), STEP_S, "forgotten after a right answer")
            building.call_by_platform((1001, WRONG))

    buildings.each(work)


def test_old_nonces_are_no_wrong_answers(buildings: Buildings) -> None:
    """A phone answers a challenge of ours, or of a platform that was, before it is asked anew."""

    def work(building: Building) -> None:
        phone = building.sipp(RIGHT_IP)
        for _ in range(OLD_NONCE_TRIES):
            (result,) = phone.register(users(RIGHT))
            assert result.code == 200
        building.caller.call([Dial(users(RIGHT)[0], "1001")] * OLD_NONCE_TRIES)
        assert not [name for name in building.site.table("wrong") if name.startswith(str(RIGHT))]

    buildings.each(work)


def test_a_phone_that_was_only_learnt_is_refused_and_trusted_no_more(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, phone = building.site, building.sipp(STRANGER_IP)
        (first,) = phone.register(users(LEARNT))
        assert first.code == 200
        assert str(LEARNT) in site.table("learnt")
        wrong = [User(str(LEARNT), "wrong")]
        # In between, a refresh that only says again what was accepted is answered here: a new expiry is none.
        for _ in range(TRIES):
            phone.register(wrong)
        assert site.count("held") >= 1
        (held,) = phone.register(wrong)
        assert held.code == 503
        assert str(LEARNT) not in site.table("learnt")

    buildings.each(work)


def test_112_is_never_kept(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        phone = building.sipp(STRANGER_IP)
        for _ in range(TRIES):
            phone.register([User(str(LEARNT), "wrong")])
        before = building.carried()
        phone.call([Dial(User(str(LEARNT), "wrong"), "112")], patience_ms=1_500)
        building.site.wait(lambda: building.carried() > before, STEP_S, "112 at the platform")

    buildings.each(work)
