"""No spoilt frame is taken for a whole one, however few are tried here."""

from tools.bench.power.frames import measure


def test_no_spoilt_frame_goes_unnoticed() -> None:
    figures, _ = measure(lambda text: None, quick=True)
    found = {figure.key: figure for figure in figures}
    assert found["mcu_bad_frames_unnoticed"].value == 0
    assert found["mcu_bad_frames_unnoticed"].reached
    assert found["mcu_bad_frames_unnoticed"].samples >= 4000
