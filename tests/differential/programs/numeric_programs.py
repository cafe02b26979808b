# SPDX-License-Identifier: MIT
"""Small numeric programs over ints, floats, complex numbers, fractions and decimals."""

import cmath
import decimal
import fractions
import math

from support import table


def nbody(steps):
    bodies = [[0.0, 0.0, 0.0, 0.0, 10.0], [1.0, 0.0, 0.0, 3.0, 1.0], [0.0, 2.0, -2.0, 0.0, 1.0]]
    for _ in range(steps):
        for i, a in enumerate(bodies):
            for b in bodies[i + 1 :]:
                dx, dy = a[0] - b[0], a[1] - b[1]
                mag = 0.01 / (dx * dx + dy * dy) ** 1.5
                a[2] -= dx * b[4] * mag
                a[3] -= dy * b[4] * mag
                b[2] += dx * a[4] * mag
                b[3] += dy * a[4] * mag
        for b in bodies:
            b[0] += 0.01 * b[2]
            b[1] += 0.01 * b[3]
    return [round(x, 12) for b in bodies for x in b]


def fannkuch(n):
    p, q, s, sign, maxflips, total = list(range(n)), list(range(n)), list(range(n)), 1, 0, 0
    while True:
        if p[0]:
            q[:], flips = p, 1
            while q[q[0]]:
                k = q[0]
                q[: k + 1] = q[k::-1] if k < len(q) else q
                flips += 1
            maxflips = max(flips, maxflips)
            total += sign * flips
        if sign == 1:
            p[0], p[1] = p[1], p[0]
            sign = -1
        else:
            p[1], p[2] = p[2], p[1]
            sign = 1
            for i in range(2, n):
                if s[i]:
                    s[i] -= 1
                    break
                s[i] = i
                if i == n - 1:
                    return total, maxflips
                p.insert(i + 1, p.pop(0))


def matmul(n, one):
    a = [[one * (i + j) for j in range(n)] for i in range(n)]
    b = [[one * (i - j) for j in range(n)] for i in range(n)]
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            t = 0
            for k in range(n):
                t += a[i][k] * b[k][j]
            c[i][j] = t
    return c


def pi_digits(n):
    k, a, b, a1, b1, out = 2, 4, 1, 12, 4, ""
    while len(out) < n:
        p, q, k = k * k, 2 * k + 1, k + 1
        a, b, a1, b1 = a1, b1, p * a + q * a1, p * b + q * b1
        d, d1 = a / b if b < 1 else a // b, a1 // b1
        while d == d1 and len(out) < n:
            out += str(d)
            a, a1 = 10 * (a % b), 10 * (a1 % b1)
            d, d1 = a // b, a1 // b1
    return out


def newton(x, zero):
    guess = x
    for _ in range(60):
        if guess == zero:
            return guess
        better = (guess + x / guess) / 2
        if abs(better - guess) < 1e-15:
            break
        guess = better
    return guess


def mandel(c, limit):
    z = 0
    for n in range(limit):
        if abs(z) > 2:
            return n
        z = z * z + c
    return limit


def gcd_lcm(values):
    g, l = 0, 1
    for v in values:
        a, b = g, v
        while b:
            a, b = b, a % b
        g = abs(a)
        l = l * v // math.gcd(l, v) if v else 0
    return g, l


def is_prime(n):
    if n < 2:
        return False
    d, r = n - 1, 0
    while d % 2 == 0:
        d //= 2
        r += 1
    for a in (2, 3, 5, 7, 11, 13):
        if n % a == 0:
            return n == a
        x = pow(a, d, n)
        if x in (1, n - 1):
            continue
        for _ in range(r - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def statistics_of(values):
    n = len(values)
    mean = sum(values) / n
    variance = sum((v - mean) ** 2 for v in values) / n
    return mean, variance, math.sqrt(variance) if variance >= 0 else None


def hash_mix(n):
    h = 2166136261
    for i in range(n):
        h ^= i & 0xFF
        h = (h * 16777619) & 0xFFFFFFFF
        h = (h << 13 | h >> 19) & 0xFFFFFFFF
    return h


def xorshift(n):
    x, out = 88172645463325252, []
    for _ in range(n):
        x ^= (x << 13) & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 7
        x ^= (x << 17) & 0xFFFFFFFFFFFFFFFF
        out.append(x)
    return out[-2:]


table(nbody, (1,), (50,))
table(fannkuch, (4,), (6,))
table(matmul, (3, 1), (3, 0.5), (3, 1j), (3, fractions.Fraction(1, 3)), (2, 2**40), (2, True))
table(pi_digits, (5,), (60,))
table(newton, (2.0, 0.0), (9, 0), (1e-300, 0), (0, 0), (1e10, 0), (decimal.Decimal(2), 0), (-1.0, 0))
table(mandel, (0.1, 50), (1 + 1j, 50), (-1, 50), (0.3 + 0.5j, 100))
table(gcd_lcm, ([12, 18],), ([2**70, 6],), ([],), ([0, 5],), ([7, -3],), ([1.5],))
table(is_prime, (2,), (97,), (2**31 - 1,), (2**61 - 1,), (2**61 + 1,), (561,))
table(statistics_of, ([1, 2, 3],), ([1.5] * 4,), ([],), ([10**400, 1],), (["a"],))
table(hash_mix, (0,), (500,))
table(xorshift, (2,), (300,))
table(lambda z: (z * z, abs(z), z.conjugate(), z / 2, z**2, cmath.sqrt(z), z == z.real), (1 + 2j,), (0j,), (complex("nan"),))
