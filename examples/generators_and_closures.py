# SPDX-License-Identifier: MIT
"""Generators and closures: a pipeline over primes, a permutation generator, a small parser built of closures."""

from collections.abc import Callable, Iterator


def integers(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def primes() -> Iterator[int]:
    """An incremental sieve: each composite knows the primes that reach it next."""
    reached: dict[int, list[int]] = {}
    for number in integers(2):
        factors = reached.pop(number, None)
        if factors is None:
            yield number
            reached[number * number] = [number]
        else:
            for factor in factors:
                reached.setdefault(number + factor, []).append(factor)


def take(count: int, items: Iterator[int]) -> Iterator[int]:
    for _ in range(count):
        yield next(items)


def permutations(items: list[int]) -> Iterator[list[int]]:
    if len(items) <= 1:
        yield items
        return
    for position, first in enumerate(items):
        for rest in permutations(items[:position] + items[position + 1 :]):
            yield [first, *rest]


def running_mean() -> Iterator[float]:
    """A coroutine in the old sense: send numbers, get means."""
    total, count, mean = 0.0, 0, 0.0
    while True:
        total += yield mean
        count += 1
        mean = total / count


def compile_expression(text: str) -> Callable[[float], float]:
    """Turns "x*x+3*x-1" into nested closures; no precedence beyond sums of products."""

    def constant(value: float) -> Callable[[float], float]:
        return lambda x: value

    def variable() -> Callable[[float], float]:
        return lambda x: x

    def product(left: Callable[[float], float], right: Callable[[float], float]) -> Callable[[float], float]:
        return lambda x: left(x) * right(x)

    def total(left: Callable[[float], float], right: Callable[[float], float], sign: int) -> Callable[[float], float]:
        return lambda x: left(x) + sign * right(x)

    def term(part: str) -> Callable[[float], float]:
        result = None
        for factor in part.split("*"):
            leaf = variable() if factor == "x" else constant(float(factor))
            result = leaf if result is None else product(result, leaf)
        assert result is not None
        return result

    result, sign, start = constant(0.0), 1, 0
    for position, letter in enumerate(text + "+"):
        if letter in "+-":
            if position > start:
                result = total(result, term(text[start:position]), sign)
            sign, start = (1 if letter == "+" else -1), position + 1
    return result


def counter() -> tuple[Callable[[int], int], Callable[[], int]]:
    count = 0

    def add(step: int) -> int:
        nonlocal count
        count += step
        return count

    return add, lambda: count


if __name__ == "__main__":
    print("sum of the first 60000 primes:", sum(take(60000, primes())))
    print("rising permutations:", sum(1 for p in permutations(list(range(9))) if p[0] < p[1] < p[2]))
    means = running_mean()
    next(means)
    for number in range(500000):
        mean = means.send(number % 1009)
    print(f"mean {mean:.6f}")
    polynomial = compile_expression("2*x*x*x-7*x*x+x-11")
    print("integral", round(sum(polynomial(step / 10000) for step in range(120000)) / 10000, 6))
    add, value = counter()
    for step in range(900000):
        add(step & 3)
    print("counted", value())
