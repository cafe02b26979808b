# SPDX-License-Identifier: MIT
"""Everything at module level: loops, exceptions, with, match, comprehensions, class bodies with code in them."""

import contextlib

total = 0.0
for i in range(400):
    total += i * 0.5
    if i == 150:
        total = int(total)
    if i == 300:
        del total
        total = -1
print(total, i)

numbers, n = [], 27
while n != 1:
    n = n // 2 if n % 2 == 0 else 3 * n + 1
    numbers.append(n)
print(len(numbers), max(numbers), n)

caught = []
for value in [1, 0, "a", None, 2.0] * 8:
    try:
        caught.append(10 / value)
    except ZeroDivisionError as error:
        caught.append(str(error))
    except TypeError as error:
        caught.append(type(error).__name__)
    else:
        caught[-1] = round(caught[-1], 3)
    finally:
        caught.append(1)
print(len(caught), caught[:10])
try:
    error
except NameError as e:
    print(e)

for row in range(15):
    with contextlib.suppress(KeyError):
        match row % 4:
            case 0:
                continue
            case 1 | 2 as kept:
                last = kept
            case _:
                raise KeyError(row)
else:
    print("else", row, last)


class Table:
    squares = {}
    for k in range(60):
        squares[k] = k * k
        if k % 2:
            del squares[k]
    size = len(squares)
    total = sum(v for v in squares.values())
    try:
        missing = undefined
    except NameError as e:
        missing = str(e)

    def get(self, k):
        return self.squares.get(k, self.size)

    for name in ("alpha", "beta"):
        locals()[name] = name.upper()
    del name, k


print(Table.size, Table.total, Table.missing, Table().get(4), Table().get(5), Table.alpha, hasattr(Table, "k"))


def uses_globals():
    global total
    before = total
    for _ in range(30):
        total += 1
    return before, total


for _ in range(4):
    print(uses_globals())

functions = []
for j in range(5):
    functions.append(lambda j=j: (j, i))
print([f() for f in functions])
words = {}
for word in ("to be or not to be " * 20).split():
    words[word] = words.get(word, 0) + 1
print(sorted(words.items()))
x = y = 0
while True:
    x += 1
    if x % 3:
        continue
    y += x
    if x > 200:
        break
print(x, y)
if (m := max(words.values())) > 30:
    print("max", m)
exec("for z in range(100):\n    x += z\nprint(x)")
print(eval("[q * q for q in range(5)] + [x]"))
for name in sorted(n for n in globals() if not n.startswith("__")):
    print(name, end=" ")
print()
assert x == 0, f"the last line fails with x = {x}"
