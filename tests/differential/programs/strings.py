# SPDX-License-Identifier: MIT
from support import refcheck, table


class Shown:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return f"<repr {self.text}>"

    def __str__(self):
        return f"<str {self.text}>"

    def __format__(self, spec):
        if spec == "bad":
            raise ValueError("bad spec")
        return f"<format {self.text} {spec!r}>"


def interpolate(x, w):
    return f"{x} {x!r} {x!s} {x!a:>12} {x:{w}} {{}} {x=}"


table(interpolate, (1, 5), (2.5, ".1f"), ("é", "^7"), (Shown("s"), "q"), (Shown("s"), "bad"), (None, ""), (3, "z"), ([1], ""))


def concat(n, piece):
    s = ""
    for i in range(n):
        s += piece
        s = s + str(i)
    return s


def concat_shared(n):
    s = "start"
    keep = []
    for i in range(n):
        keep.append(s)
        s += "é" if i == 3 else "x"
    return keep, s


class Str(str):
    def __add__(self, other):
        return "Str+" + str(other)


table(concat, (5, "ab"), (0, "ab"), (3, "日本"), (2, 5), (3, b"x"), (2, Str("s")))
table(concat_shared, (0,), (6,))
table(lambda a, b: a + b, (Str("a"), "b"), ("a", Str("b")), ("a", "b"), ("a", None))


def walk(text):
    out = []
    for i in range(len(text) + 1):
        out.append((text[i], text[-1 - i], ord(text[i])))
    return out


def letters(text):
    counts = {}
    for letter in text:
        counts[letter] = counts.get(letter, 0) + 1
    return counts


def slices(text, a, b):
    return text[a:b], text[a:], text[:b], text[::2], text[::-1], text[b:a:-1]


table(walk, ("abc",), ("é日",), ("",))
table(letters, ("mississippi",), ("",), ("ééa",), ([1, 1, 2],))
table(slices, ("abcdef", 1, 4), ("abcdef", -3, None), ("", 0, 1), ("日本語", 0, 9), ([1, 2, 3], 0, 2), ((1, 2), "a", 1), (b"xy", 0, 1))


def methods(text):
    return text.upper(), text.split(","), ",".join(text), text.replace("a", "b"), text.startswith("a"), text.find("c"), text * 3, len(text)


table(methods, ("a,b,c",), ("",), ("ß",), (5,))


def old_format(x):
    return "%s|%r|%5d|%-5s|%%" % (x, x, 7, x)


def build(parts):
    return "".join([p.strip().title() for p in parts if p])


table(old_format, ("a",), (1,), (None,), (Shown("o"),))
table(build, ([" a", "b ", "", "cd"],), ([],), (["a", 1],))


def compare(a, b):
    return a == b, a < b, a is b, a != b


table(compare, ("a", "a"), ("a", "b"), ("ab", "a" "b"), ("é", "e"), ("a", b"a"), ("", ""))


def data(raw):
    out = bytearray()
    for byte in raw:
        out.append(byte ^ 0x20)
    out += b"!"
    return bytes(out), raw[0], raw[-1:], raw.hex()


table(data, (b"Hello",), (b"\x00\xff",), (b"",))
SHOWN, TEXT = Shown("leak"), "shared text é"


def leak():
    s = TEXT
    s += f"{SHOWN}{SHOWN!r}{TEXT:>20}"
    return s[3], s[1:5], TEXT in s, [c for c in TEXT], s % ()


refcheck(leak, SHOWN, TEXT)
