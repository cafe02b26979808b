# SPDX-License-Identifier: MIT
"""Which numbers are the same object, where loops pass objects on without arithmetic."""


def kept(x):
    y = x
    for _ in range(10):
        y = y
    return y is x


def largest(values):
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return [best is value for value in values]


def extremes(values):
    low = high = values[0]
    total = 0.0
    for value in values:
        total = total + value
        low = value if value < low else low
        high = value if value > high else high
    return [low is value for value in values], [high is value for value in values], total


def swapped(a, b, n):
    first, second = a, b
    while n > 0:
        first, second = second, first
        n -= 1
        if first < second:
            low = first
    return first is a, first is b, second is a, low is a, low is b


def chased(links, start):
    at = start
    for _ in range(20):
        at = links[at]
    return [at is link for link in links]


def sorted_by_hand(values):
    values = list(values)
    for i in range(1, len(values)):
        value, j = values[i], i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    return values


for _ in range(4):
    for base in (float("0.5"), int("1000000000")):
        numbers = [base, base + 1, base - 1, base + 1, base * 2, base]
        print(kept(base), largest(numbers), extremes(numbers), swapped(numbers[0], numbers[1], 9))
        result = sorted_by_hand(numbers)
        print([[a is b for a in numbers] for b in result])
    print(chased([int(str(1000 + i)) - 1000 for i in (3, 2, 0, 1)], 2))
