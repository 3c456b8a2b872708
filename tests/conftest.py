"""What all tests share: the profiles of hypothesis, and nothing that belongs to one room.

Profiles: `quick` is the default on a desk, `ci` repeats the same examples on every run (a red build must be reproducible),
`deep` is for a night (`HYPOTHESIS_PROFILE=deep`). Deadlines are off everywhere: a slow machine is not a broken law.
"""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

settings.register_profile("quick", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True, database=None)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick"))
