"""The kernel's word about its clock."""

from drivers.clock import clock


def test_the_kernel_says_something_that_makes_sense() -> None:
    told = clock()
    if told is not None and told.synchronised:
        assert told.error_s is not None
        assert 0 <= told.error_s < 100_000
    elif told is not None:
        assert told.error_s is None
