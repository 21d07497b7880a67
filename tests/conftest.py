"""How far a test by hypothesis looks: `fast` at every change, `thorough` by `./rvx test --long`.

No deadlines: how long an example takes says more of what else the machine does than of the product.
"""

from hypothesis import HealthCheck, settings

FAST_EXAMPLES = 40
THOROUGH_EXAMPLES = 1000

settings.register_profile(
    "fast", deadline=None, max_examples=FAST_EXAMPLES, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("fast"), max_examples=THOROUGH_EXAMPLES)
settings.load_profile("fast")
