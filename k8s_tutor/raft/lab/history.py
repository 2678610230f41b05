"""Linearizability: did clients see a register that changes at one instant within each operation?

The checker searches for an order of the operations that respects real time and gives every read the value of the write
before it (Wing and Gong 1993), and remembers which sets of operations it has already tried with which value (Lowe 2017). A
history of several registers is linearizable if each register's is (locality: Herlihy and Wing 1990).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

FOREVER = 1 << 62
BOUND = 200_000
"""Positions of the search after which it gives up on a register."""


class Operation(NamedTuple):
    """What a client did: it began and ended at an instant each. A write without an answer (``end`` is `FOREVER`) may have
    happened at any time since it began, or never; a read without an answer says nothing and need not be listed."""

    client: str
    key: str
    write: bool
    value: str
    """What was written, or read; empty: nothing yet."""
    begin: int
    end: int = FOREVER


def linearizable(history: Iterable[Operation], bound: int = BOUND) -> bool | None:
    """Whether a history is linearizable; None when a register took more than ``bound`` positions to decide."""
    registers: dict[str, list[Operation]] = {}
    for operation in history:
        registers.setdefault(operation.key, []).append(operation)
    verdicts = [_register(operations, bound) for operations in registers.values()]
    return False if False in verdicts else None if None in verdicts else True


def _register(operations: list[Operation], bound: int) -> bool | None:
    """The same for one register, which is empty at first."""
    operations = sorted(operations, key=lambda one: one.begin)
    needed = sum(1 << place for place, one in enumerate(operations) if one.end < FOREVER)
    tried = {(0, "")}
    todo = [(0, "")]
    while todo:
        done, value = todo.pop()
        if done & needed == needed:
            return True
        for position in _next(operations, done, value):
            if position not in tried:
                if len(tried) >= bound:
                    return None
                tried.add(position)
                todo.append(position)
    return False


def _next(operations: list[Operation], done: int, value: str) -> list[tuple[int, str]]:
    """Positions that follow from a set of operations done and a value: whoever began before all others that are left ended
    may be next."""
    left = [(place, one) for place, one in enumerate(operations) if not done >> place & 1]
    first_end = min(one.end for _, one in left)
    following = []
    for place, one in left:
        if one.begin > first_end:
            break
        if one.write:
            following.append((done | 1 << place, one.value))
        elif one.value == value:
            following.append((done | 1 << place, value))
    return following
