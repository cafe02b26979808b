# SPDX-License-Identifier: MIT
"""What is pending is seen to behind a call, also behind one that runs no Python code itself."""

import gc
import signal

from support import table


class Timeout(Exception):
    pass


def raise_timeout(number, frame):
    raise Timeout(frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno)


def long_list(size, seconds):
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        items = list(range(size))
        done = "behind the call"
    except Timeout as error:
        return error.args
    return done, len(items)


def long_text(size, seconds):
    parts = ["ab"] * size
    done = "in front of the call"
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        text = ",".join(parts)
        done = "behind the call"
    except Timeout as error:
        return error.args, done
    return done, len(text)


def uncaught(size, seconds):
    signal.setitimer(signal.ITIMER_PROF, seconds)
    items = list(range(size))
    return len(items)


class Loop:
    def __init__(self, log):
        self.log = log
        self.me = self

    def __del__(self):
        self.log.append("deleted")


def collected(threshold):
    log = []
    gc.disable()
    Loop(log)
    gc.set_threshold(threshold)
    gc.enable()
    numbered = enumerate(())
    pairs = zip((), ())
    log.append("behind the calls")
    numbered = enumerate("a")
    gc.set_threshold(2000)
    return log, list(numbered), list(pairs)


def changing(size, seconds):
    """The handler writes to the caller's locals."""
    number = 1.5
    signal.setitimer(signal.ITIMER_PROF, seconds)
    items = list(range(size))
    number = number * 2
    return number, len(items)


def change(number, frame):
    if "number" in frame.f_locals:
        frame.f_locals["number"] = 10.0


SMALL, LARGE = (10, 0), (3_000_000, 0.005)
old = signal.signal(signal.SIGPROF, raise_timeout)
table(long_list, SMALL, SMALL, LARGE, SMALL)
table(long_text, SMALL, SMALL, LARGE, SMALL)
table(uncaught, SMALL, SMALL, LARGE, SMALL)
table(collected, (0,), (0,), (1,), (0,))
signal.signal(signal.SIGPROF, change)
table(changing, SMALL, SMALL, LARGE, SMALL)
signal.signal(signal.SIGPROF, old)
