# SPDX-License-Identifier: MIT
"""Text and dict processing: makes a log, parses it line by line, counts and groups, and prints a report."""

WORDS = "swallow martlet nest river stone meadow cloud thunder harvest lantern window letter garden bridge".split()
LEVELS = ["debug", "info", "info", "info", "warning", "error"]


def make_log(lines: int) -> list[str]:
    state = 7
    log = []
    for number in range(lines):
        state = (state * 48271) % 2147483647
        level = LEVELS[state % len(LEVELS)]
        user = WORDS[(state >> 4) % len(WORDS)]
        message = " ".join(WORDS[(state >> shift) % len(WORDS)] for shift in (3, 7, 11))
        log.append(f"{number // 60:04}:{number % 60:02} [{level.upper()}] user={user} bytes={state % 4096} {message!r}")
    return log


def parse(line: str) -> dict[str, str]:
    time, level, rest = line.split(" ", 2)
    record = {"time": time, "level": level.strip("[]").lower()}
    fields, _, message = rest.partition(" '")
    record["message"] = message.rstrip("'")
    for field in fields.split():
        key, equals, value = field.partition("=")
        if equals:
            record[key] = value
    # The second field stands after the first blank of the rest.
    if "bytes" not in record and " bytes=" in rest:
        record["bytes"] = rest.split(" bytes=", 1)[1].split(" ", 1)[0]
    return record


def count_words(records: list[dict[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in records:
        for word in record["message"].split():
            counts[word] = counts.get(word, 0) + 1
    return counts


def group_bytes(records: list[dict[str, str]]) -> dict[str, dict[str, int]]:
    groups: dict[str, dict[str, int]] = {}
    for record in records:
        levels = groups.setdefault(record["user"], {})
        levels[record["level"]] = levels.get(record["level"], 0) + int(record["bytes"])
    return groups


def is_palindrome(text: str) -> bool:
    low, high = 0, len(text) - 1
    while low < high:
        if text[low] != text[high]:
            return False
        low += 1
        high -= 1
    return True


def caesar(text: str, shift: int) -> str:
    letters = []
    for letter in text:
        if "a" <= letter <= "z":
            letters.append(chr((ord(letter) - 97 + shift) % 26 + 97))
        else:
            letters.append(letter)
    return "".join(letters)


if __name__ == "__main__":
    records = [parse(line) for line in make_log(150000)]
    for word, count in sorted(count_words(records).items(), key=lambda item: (-item[1], item[0]))[:8]:
        print(f"{word:10}{count}")
    for user, levels in sorted(group_bytes(records).items()):
        print(f"{user:10}" + "  ".join(f"{level} {levels[level]}" for level in sorted(levels)))
    secret = caesar(" ".join(record["message"] for record in records[:20000]), 13)
    print(secret[:40], len(secret))
    print(sum(is_palindrome(str(number)) for number in range(400000)), "palindromes below 400000")
