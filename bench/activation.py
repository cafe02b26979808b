# SPDX-License-Identifier: MIT
"""What scripts/python does to a process for MARTLET=1: the environment of one that has the JIT from its start."""

from __future__ import annotations

import os

import martlet

TREE = os.path.dirname(os.path.dirname(martlet.__file__))
ACTIVATE = os.path.join(os.path.dirname(TREE), "activate")


def enabled(environment: dict[str, str]) -> dict[str, str]:
    """The same environment with MARTLET=1, as if `scripts/python` had been called with it."""
    others = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry not in ("", TREE, ACTIVATE)]
    return environment | {"MARTLET": "1", "PYTHONPATH": os.pathsep.join([ACTIVATE, *others])}
