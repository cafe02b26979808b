# SPDX-License-Identifier: MIT
import queue
import signal
import threading

from support import refcheck, table


def parallel(workers, n):
    results, lock, total = [], threading.Lock(), 0

    def work(k):
        nonlocal total
        t = 0
        for i in range(n):
            t += i * k
            if i % 50 == 0:
                with lock:
                    total += 1
        results.append((k, t))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sorted(results), total


def pipeline(n):
    first, second, out = queue.Queue(3), queue.Queue(3), []

    def double():
        while (item := first.get()) is not None:
            second.put(item * 2)
        second.put(None)

    def collect():
        while (item := second.get()) is not None:
            out.append(item + 1)

    threads = [threading.Thread(target=f) for f in (double, collect)]
    for t in threads:
        t.start()
    for i in range(n):
        first.put(i)
    first.put(None)
    for t in threads:
        t.join()
    return out


def local_data(n):
    data, seen = threading.local(), []
    data.x = "main"

    def work(i):
        data.x = i
        for _ in range(100):
            assert data.x == i
        seen.append(data.x)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
        t.join()
    return seen, data.x


def failing_thread():
    seen = []
    hook, threading.excepthook = threading.excepthook, lambda a: seen.append((a.exc_type.__name__, str(a.exc_value)))
    try:
        t = threading.Thread(target=lambda: {}["missing"])
        t.start()
        t.join()
    finally:
        threading.excepthook = hook
    return seen


def alarm():
    seen = []

    def handler(number, frame):
        seen.append(frame.f_code.co_name)

    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        spins = 0
        while not seen:
            spins += 1
        return seen, spins > 0
    finally:
        signal.signal(signal.SIGALRM, old)


def raising_handler():
    def handler(number, frame):
        raise TimeoutError("from the handler")

    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        n = 0
        while True:
            n += 1
    except TimeoutError as e:
        return str(e), n > 0
    finally:
        signal.signal(signal.SIGALRM, old)


def raised_signal(n):
    seen = []
    old = signal.signal(signal.SIGUSR1, lambda *a: seen.append(i))
    try:
        for i in range(n):
            if i % 10 == 3:
                signal.raise_signal(signal.SIGUSR1)
        return seen
    finally:
        signal.signal(signal.SIGUSR1, old)


table(parallel, (1, 10), (3, 2000))
table(pipeline, (0,), (50,))
table(local_data, (3,))
table(failing_thread, ())
table(alarm, ())
table(raising_handler, ())
table(raised_signal, (5,), (100,))
OBJ = object()


def leak():
    box = []
    t = threading.Thread(target=lambda o: box.extend([o, OBJ]), args=(OBJ,))
    t.start()
    t.join()
    return box


refcheck(leak, OBJ, rounds=20)
