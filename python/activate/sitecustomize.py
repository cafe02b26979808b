# SPDX-License-Identifier: MIT
"""Put on PYTHONPATH by scripts/python when MARTLET=1: enables the JIT before the program starts.

A sitecustomize that would have been found without this one still runs, first.
"""

import os
import sys


def _activate() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401  (the other one)
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours
    import martlet  # noqa: F401  (enables the JIT: MARTLET=1)


_activate()
del _activate
