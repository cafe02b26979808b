# SPDX-License-Identifier: MIT
"""Small real programs: a tokenizer, Levenshtein, run-length, a template engine, word wrap, roman numbers, base64 by hand."""

from support import table


def tokenize(text):
    i, out = 0, []
    while i < len(text):
        c = text[i]
        if c.isspace():
            i += 1
            continue
        start = i
        if c.isdigit():
            while i < len(text) and (text[i].isdigit() or text[i] == "."):
                i += 1
            word = text[start:i]
            out.append(("number", float(word) if "." in word else int(word)))
        elif c.isalpha() or c == "_":
            while i < len(text) and (text[i].isalnum() or text[i] == "_"):
                i += 1
            out.append(("name", text[start:i]))
        elif c in "+-*/()=":
            i += 1
            out.append(("op", c))
        else:
            raise ValueError(f"bad character {c!r} at {i}")
    return out


def levenshtein(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def run_length(text):
    out = []
    for c in text:
        if out and out[-1][0] == c:
            out[-1][1] += 1
        else:
            out.append([c, 1])
    return "".join(f"{c}{n}" if n > 1 else c for c, n in out)


def render(template, **values):
    out, i = [], 0
    while True:
        j = template.find("{{", i)
        if j < 0:
            out.append(template[i:])
            return "".join(out)
        out.append(template[i:j])
        k = template.index("}}", j)
        name, *filters = template[j + 2 : k].strip().split("|")
        value = values[name]
        for f in filters:
            value = {"upper": str.upper, "len": len, "rev": lambda s: s[::-1]}[f](value)
        out.append(str(value))
        i = k + 2


def wrap(text, width):
    lines, line, length = [], [], 0
    for word in text.split():
        if length + len(word) + bool(line) > width and line:
            lines.append(" ".join(line))
            line, length = [], 0
        line.append(word)
        length += len(word) + (length > 0)
    if line:
        lines.append(" ".join(line))
    return lines


def roman(n):
    out = ""
    for value, sign in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while n >= value:
            out += sign
            n -= value
    return out


def base64(data):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    out = []
    for i in range(0, len(data), 3):
        chunk = data[i : i + 3]
        n = 0
        for b in chunk:
            n = n << 8 | b
        n <<= 8 * (3 - len(chunk))
        out += [alphabet[n >> s & 63] for s in (18, 12, 6, 0)][: len(chunk) + 1] + ["="] * (3 - len(chunk))
    return "".join(out)


def crc32(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def anagrams(words):
    groups = {}
    for w in words:
        groups.setdefault("".join(sorted(w)), []).append(w)
    return {k: v for k, v in groups.items() if len(v) > 1}


def csv_line(line):
    fields, field, quoted = [], [], False
    it = iter(line)
    for c in it:
        if quoted:
            if c == '"':
                n = next(it, None)
                if n == '"':
                    field.append('"')
                    continue
                quoted = False
                c = n
                if c is None:
                    break
            else:
                field.append(c)
                continue
        if c == '"' and not field:
            quoted = True
        elif c == ",":
            fields.append("".join(field))
            field.clear()
        else:
            field.append(c)
    return [*fields, "".join(field)]


table(tokenize, ("x = 3.5 + foo_1*(2-y)",), ("",), ("a $ b",), ("12 é_ü",))
table(levenshtein, ("kitten", "sitting"), ("", "abc"), ("日本", "日本語"), ([1, 2, 3], [2, 3]))
table(run_length, ("aaabccd",), ("",), ("é" * 12,))
table(lambda t: render(t, name="bob", n=5), ("hi {{ name }}!",), ("{{name|upper|rev}} {{n}}",), ("{{missing}}",), ("{{n|upper}}",), ("{{name",), ("plain",))
table(wrap, ("the quick brown fox jumps over the lazy dog", 10), ("", 5), ("superlongword a b", 3))
table(roman, (1994,), (4,), (0,), (3999,))
table(base64, (b"hello world",), (b"",), (b"ab",), (bytearray(range(256)),))
table(crc32, (b"123456789",), (b"",))
table(anagrams, (["tea", "eat", "tan", "nat", "bat"],))
table(csv_line, ('a,"b,c",d',), ('"say ""hi""",x',), ("",), ('"open',), (",,",))
