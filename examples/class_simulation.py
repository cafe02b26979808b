# SPDX-License-Identifier: MIT
"""A class-heavy simulation: a bank with tellers, customers and an event queue, and its own random numbers.

Small methods, attributes, properties, inheritance, a priority queue of objects that compare themselves.
"""

from __future__ import annotations

import heapq


class Random:
    """A linear congruential generator, so that every machine prints the same."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def next(self) -> float:
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return self.state / 2147483648

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.next()


class Event:
    __slots__ = ("time", "number")

    def __init__(self, time: float, number: int) -> None:
        self.time = time
        self.number = number

    def __lt__(self, other: Event) -> bool:
        if self.time != other.time:
            return self.time < other.time
        return self.number < other.number

    def happen(self, bank: Bank) -> None:
        raise NotImplementedError


class Arrival(Event):
    __slots__ = ("customer",)

    def __init__(self, time: float, number: int, customer: Customer) -> None:
        super().__init__(time, number)
        self.customer = customer

    def happen(self, bank: Bank) -> None:
        teller = bank.free_teller()
        if teller is None:
            bank.queue.append(self.customer)
        else:
            teller.serve(self.customer, bank)
        bank.schedule_arrival()


class Departure(Event):
    __slots__ = ("teller",)

    def __init__(self, time: float, number: int, teller: Teller) -> None:
        super().__init__(time, number)
        self.teller = teller

    def happen(self, bank: Bank) -> None:
        bank.leave(self.teller.customer)
        self.teller.customer = None
        if bank.queue:
            self.teller.serve(bank.queue.pop(0), bank)


class Customer:
    def __init__(self, name: int, arrived: float) -> None:
        self.name = name
        self.arrived = arrived
        self.served = 0.0

    @property
    def waited(self) -> float:
        return self.served - self.arrived

    def work(self, random: Random) -> float:
        return random.between(1.0, 3.0)


class BusinessCustomer(Customer):
    def work(self, random: Random) -> float:
        return 2.0 * super().work(random)


class Teller:
    def __init__(self, name: str, speed: float) -> None:
        self.name = name
        self.speed = speed
        self.customer: Customer | None = None
        self.customers = 0

    @property
    def is_free(self) -> bool:
        return self.customer is None

    def serve(self, customer: Customer, bank: Bank) -> None:
        self.customer = customer
        self.customers += 1
        customer.served = bank.now
        bank.schedule(Departure(bank.now + customer.work(bank.random) / self.speed, bank.next_number(), self))


class Bank:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.number = 0
        self.events: list[Event] = []
        self.queue: list[Customer] = []
        self.tellers = [Teller("Ada", 1.0), Teller("Ben", 1.3), Teller("Cleo", 0.8)]
        self.waited: list[float] = []
        self.longest_queue = 0

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def schedule(self, event: Event) -> None:
        heapq.heappush(self.events, event)

    def schedule_arrival(self) -> None:
        number = self.next_number()
        kind = BusinessCustomer if self.random.next() < 0.2 else Customer
        time = self.now + self.random.between(0.1, 1.6)
        self.schedule(Arrival(time, number, kind(number, time)))

    def free_teller(self) -> Teller | None:
        for teller in self.tellers:
            if teller.is_free:
                return teller
        return None

    def leave(self, customer: Customer | None) -> None:
        assert customer is not None
        self.waited.append(customer.waited)

    def run(self, events: int) -> None:
        self.schedule_arrival()
        for _ in range(events):
            event = heapq.heappop(self.events)
            self.now = event.time
            event.happen(self)
            if len(self.queue) > self.longest_queue:
                self.longest_queue = len(self.queue)


if __name__ == "__main__":
    for seed in range(1, 7):
        bank = Bank(seed)
        bank.run(80000)
        mean = sum(bank.waited) / len(bank.waited)
        shares = ", ".join(f"{teller.name} {teller.customers}" for teller in bank.tellers)
        print(f"day {seed}: {len(bank.waited)} customers, mean wait {mean:.3f}, queue {bank.longest_queue}, {shares}")
