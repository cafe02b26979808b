# SPDX-License-Identifier: MIT
"""A numeric loop: Newton's method on a grid (the escape-time picture of z**3 - 1), and integers in a sieve-like loop.

Floats and ints in plain loops, no objects: what native code is best at.
"""


def newton_steps(re: float, im: float, limit: int) -> int:
    """Steps until z -> z - (z**3 - 1) / (3 z**2) settles."""
    for step in range(limit):
        re2, im2 = re * re, im * im
        norm = re2 + im2
        if norm < 1e-12:
            return limit
        # 1 / z**2, by hand
        inverse_re = (re2 - im2) / (norm * norm)
        inverse_im = -2.0 * re * im / (norm * norm)
        new_re = (2.0 * re + inverse_re) / 3.0
        new_im = (2.0 * im + inverse_im) / 3.0
        d_re, d_im = new_re - re, new_im - im
        if d_re * d_re + d_im * d_im < 1e-14:
            return step
        re, im = new_re, new_im
    return limit


def picture(width: int, height: int) -> list[int]:
    counts = [0] * 64
    for y in range(height):
        for x in range(width):
            steps = newton_steps(4.0 * x / width - 2.0, 4.0 * y / height - 2.0, 63)
            counts[steps] += 1
    return counts


def collatz_longest(limit: int) -> tuple[int, int]:
    best = best_start = 0
    start = 1
    while start < limit:
        n, length = start, 1
        while n != 1:
            n = n >> 1 if n % 2 == 0 else 3 * n + 1
            length += 1
        if length > best:
            best, best_start = length, start
        start += 1
    return best_start, best


if __name__ == "__main__":
    for steps, count in enumerate(picture(400, 400)):
        if count:
            print(f"{steps:2} steps: {count}")
    print("longest chain below 90000:", *collatz_longest(90000))
