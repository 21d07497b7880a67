"""The SMS of ``rvx bench trunk``: which keys are told."""

import pytest

from hil.smsrig import Outcome
from tools.bench.figures import flat, missed
from tools.bench.trunk import sms


def test_all_keys_are_told_and_one_that_is_lost_or_comes_twice_is_a_goal_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome = Outcome(sent=200, lost=1, doubled=0, unknown=4, failed=0, restarts=8)
    monkeypatch.setattr(sms, "send", lambda *args: outcome)
    figures, conditions = sms.measure(lambda text: None, quick=True)
    told = flat(figures)
    assert {told[key] for key in ("sms_lost", "sms_doubled", "sms_unknown", "sms_sent")} == {1, 0, 4, 200}
    assert [figure.key for figure in missed(figures)] == ["sms_lost"]
    assert conditions["sms_restarts"] == 8
