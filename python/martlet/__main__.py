# SPDX-License-Identifier: MIT
"""python -m martlet: everything is in _launcher, because the program replaces this module as ``__main__``."""

from martlet._launcher import main

main()
