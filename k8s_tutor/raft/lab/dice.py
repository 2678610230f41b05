"""Chance for a lab: one stream of integers from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..chance import mix

T = TypeVar("T")
_MASK = (1 << 64) - 1


class Dice:
    """The same seed throws the same numbers."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = mix(seed & _MASK)

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound`` - 1."""
        self._state = mix(self._state)
        return self._state % bound

    def percent(self, chance: int) -> bool:
        """True in ``chance`` of a hundred cases."""
        return self.below(100) < chance

    def one_of(self, things: Sequence[T]) -> T:
        """One of the things."""
        return things[self.below(len(things))]

    def shuffle(self, things: list[T]) -> None:
        """Puts a list into any order (Fisher and Yates)."""
        for last in range(len(things) - 1, 0, -1):
            other = self.below(last + 1)
            things[last], things[other] = things[other], things[last]
