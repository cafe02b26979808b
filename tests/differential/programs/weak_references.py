# SPDX-License-Identifier: MIT
"""Calls of weakref.ref: with and without callback, for what has none, from __del__, by subclasses."""

import sys
import weakref
from weakref import ref

from support import attempt, refcheck, say

ROUNDS = 6


class Thing:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"Thing({self.name})"


class Slotted:
    __slots__ = ("name",)


class Own(ref):
    made = 0

    def __init__(self, *arguments):
        Own.made += 1
        super().__init__(*arguments)


def one(thing):
    return ref(thing)


def by_module(thing):
    return weakref.ref(thing)


def with_callback(thing, callback):
    return ref(thing, callback)


def own(thing):
    return Own(thing)


def all_of(things):
    return [ref(thing) for thing in things]


def is_alive(thing):
    made = ref(thing)
    return made() is thing


def identities(thing):
    first, second, other = ref(thing), ref(thing), ref(thing, print)
    return first is second, first is other, weakref.getweakrefcount(thing)


def counts(thing):
    before = sys.getrefcount(thing)
    made = ref(thing)
    return sys.getrefcount(thing) - before, type(made) is ref


def main():
    things = [Thing(i) for i in range(4)]
    for _ in range(ROUNDS):
        say([made() for made in all_of(things)])
        say((is_alive(things[0]), identities(things[1]), counts(things[2])))
        say((one(Thing)() is Thing, one(main)() is main, by_module(things[3])()))
        say(one(Thing("temporary"))())
        log = []
        made = with_callback(Thing("watched"), lambda dead: log.append(dead() is None))
        say((made(), log, attempt(with_callback, things[0], None) == repr(one(things[0]))))
        say((type(own(things[0])) is Own, Own.made))
    for bad in (1, "text", None, (), [], Slotted(), 1.5, object()):
        say((type(bad).__name__, attempt(one, bad), attempt(all_of, [things[0], bad])))
    for _ in range(ROUNDS):
        say((attempt(lambda: ref()), attempt(lambda: ref(things[0], None, None)), attempt(lambda: ref(object=things[0]))))
    refcheck(lambda: one(things[0]), things[0])
    refcheck(lambda: is_alive(things[1]), things[1])
    at_the_end()
    rebound(things[0])


class Dying:
    log = []

    def __del__(self):
        Dying.log.append(one(self)() is self)


def at_the_end():
    """Referring to an object that is about to go."""
    for _ in range(ROUNDS):
        Dying()
    say(Dying.log)


def rebound(thing):
    global ref
    kept = ref
    try:
        ref = Own
        say(type(one(thing)) is Own)
        ref = str
        say(one(thing))
    finally:
        ref = kept
    say(type(one(thing)) is kept)


main()
