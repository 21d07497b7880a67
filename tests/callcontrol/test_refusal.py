"""How each call that cannot be is refused."""

from __future__ import annotations

import pytest

from callcontrol.refusal import RETRY_S, RETRY_SURVIVAL_S, Why, refuse

TOLD = {
    Why.INCOMING: (480, 20, None),
    Why.UNKNOWN: (404, 1, None),
    Why.OUTSIDE: (480, 38, RETRY_SURVIVAL_S),
    Why.GONE: (480, 38, RETRY_SURVIVAL_S),
    Why.ABSENT: (480, 20, None),
    Why.SILENT: (480, 20, None),
    Why.NO_ANSWER: (480, 19, None),
    Why.BUSY: (486, 17, None),
    Why.ILL: (480, 41, None),
    Why.ASKED: (480, 41, None),
    Why.BLOCKED: (480, 20, None),
    Why.CODE: (480, 41, None),
    Why.UNLIKE: (488, 88, None),
}


@pytest.mark.parametrize("why", Why)
def test_what_the_caller_is_told(why: Why) -> None:
    refusal = refuse(why, survival=True)
    assert (refusal.status, refusal.cause, refusal.retry_after_s) == TOLD[why]
    swedish, english = refusal.phrase.split(" / ")
    assert swedish != english


@pytest.mark.parametrize("why", Why)
def test_a_platform_that_lives_may_take_the_next_call_soon(why: Why) -> None:
    survival, doubtful = refuse(why, survival=True), refuse(why, survival=False)
    assert doubtful.status == survival.status
    assert doubtful.retry_after_s == (RETRY_S if survival.retry_after_s else None)


def test_headers() -> None:
    assert refuse(Why.BUSY, survival=True).headers() == (("Reason", 'Q.850;cause=17;text="user busy"'),)
    assert refuse(Why.OUTSIDE, survival=False).headers()[1:] == (("Retry-After", str(RETRY_S)),)


@pytest.mark.parametrize("why", Why)
def test_no_refusal_drives_a_phone_away(why: Why) -> None:
    """After a 5xx or 408 it would try its second proxy; after a 6xx nobody else is asked (RFC 3263 §4.3)."""
    assert refuse(why, survival=True).status in (404, 480, 486, 488)
