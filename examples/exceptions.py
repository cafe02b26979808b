# SPDX-License-Identifier: MIT
"""Exceptions: a lenient number parser, a transaction with rollback, retries, `finally`, and chained errors."""

import traceback


class AccountError(Exception):
    """Something a caller is expected to handle."""


class Overdrawn(AccountError):
    def __init__(self, name: str, missing: int) -> None:
        super().__init__(f"{name} lacks {missing}")
        self.missing = missing


class Accounts:
    def __init__(self, names: str) -> None:
        self.balances = dict.fromkeys(names.split(), 1000)

    def withdraw(self, name: str, amount: int) -> None:
        balance = self.balances[name]
        if balance < amount:
            raise Overdrawn(name, amount - balance)
        self.balances[name] = balance - amount

    def transfer(self, source: str, target: str, amount: int) -> None:
        with Transaction(self):
            self.balances[target] += amount
            self.withdraw(source, amount)


class Transaction:
    """Puts the balances back if the block fails."""

    rollbacks = 0

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts

    def __enter__(self) -> None:
        self.before = dict(self.accounts.balances)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            Transaction.rollbacks += 1
            self.accounts.balances = self.before


def parse_number(text: str) -> float | None:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def with_retries(attempts: int, number: int) -> int:
    """Fails for the first tries, as a flaky service would."""
    tries = 0
    while True:
        tries += 1
        try:
            if tries < attempts:
                raise TimeoutError(number, tries)
            return tries
        except TimeoutError as error:
            if error.args[1] >= 5:
                raise RuntimeError("gave up") from error
        finally:
            number += 1


def search(tree: dict[str, object], path: str) -> object:
    node: object = tree
    for key in path.split("/"):
        try:
            node = node[key]  # type: ignore[index]
        except (KeyError, TypeError):
            raise LookupError(f"no {key} in {path}") from None
    return node


if __name__ == "__main__":
    texts = ["12", "3.5", "swallow", "1e3", "", "0x10", "-7", "nan?"]
    numbers = [parse_number(texts[index % len(texts)]) for index in range(300000)]
    print(sum(number for number in numbers if number is not None), numbers.count(None))

    accounts = Accounts("ada ben cleo")
    names = list(accounts.balances)
    failed = missing = 0
    for index in range(250000):
        try:
            accounts.transfer(names[index % 3], names[(index * 7 + 1) % 3], index * 37 % 900)
        except Overdrawn as error:
            failed += 1
            missing += error.missing
    print(accounts.balances, failed, missing, Transaction.rollbacks)

    tries = given_up = 0
    for index in range(60000):
        try:
            tries += with_retries(index % 7, index)
        except RuntimeError as error:
            given_up += 1
            assert isinstance(error.__cause__, TimeoutError)
    print(tries, given_up)

    tree = {"a": {"b": {"c": 1}}, "d": 2}
    found = lost = 0
    for index in range(150000):
        try:
            search(tree, ("a/b/c", "a/x", "d/e", "d")[index & 3])
            found += 1
        except LookupError:
            lost += 1
    print(found, lost)
    try:
        search(tree, "a/b/z")
    except LookupError as error:
        print("".join(traceback.format_exception_only(error)).strip(), "at line", error.__traceback__.tb_lineno)
