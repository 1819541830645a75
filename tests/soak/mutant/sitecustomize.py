"""On the PYTHONPATH of a soak's parts: takes out the guard that SOAK_MUTATION names, sets the clock by SOAK_CLOCK.

See `tests.soak.mutations` and `tests.soak.inside`.
"""

from __future__ import annotations

import os
from pathlib import Path

if os.environ.get("SOAK_MUTATION"):
    from tests.soak import mutations

    mutations.install(os.environ["SOAK_MUTATION"])
if os.environ.get("SOAK_CLOCK"):
    from tests.soak import inside

    inside.change(inside.wrong_clock(Path(os.environ["SOAK_CLOCK"])))
