"""Frame objects that outlive their call show the locals as they were at its end."""

import sys


def counting(n):
    frame = sys._getframe()
    total = 0.5
    i = 0
    while i < n:
        total = total * 1.5 + i
        i += 1
    return frame


def returned_number(n):
    frames.append(sys._getframe())
    square = n * n
    square = square + 1
    return square


frames = []
for _ in range(4):
    frame = counting(10)
    print({k: v for k, v in frame.f_locals.items() if k != "frame"})
    returned_number(7)
    print(frames[-1].f_locals)
    del frame
