"""A list that only grows and is shared by its copies up to the length that each of them knows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Grow(Generic[T]):
    """An append-only list whose copy costs nothing.

    Copies share one underlying list and keep a length each. Whoever appends where another copy has already gone on takes
    a list of its own first, so neither sees what the other adds.
    """

    __slots__ = ("_items", "_length")

    def __init__(self, items: list[T] | None = None) -> None:
        self._items: list[T] = [] if items is None else items
        self._length = len(self._items)

    def append(self, item: T) -> None:
        """Adds one item at the end."""
        if self._length != len(self._items):
            self._items = self._items[: self._length]
        self._items.append(item)
        self._length += 1

    def extend(self, items: list[T]) -> None:
        """Adds items at the end."""
        if self._length != len(self._items):
            self._items = self._items[: self._length]
        self._items.extend(items)
        self._length += len(items)

    def first(self, value: Any, key: Callable[[T], Any]) -> int:
        """Index of the first item whose key is not below ``value``; the items are ordered by it."""
        return bisect_left(self._items, value, 0, self._length, key=key)

    def truncate(self, length: int) -> None:
        """Forgets all items from ``length`` on."""
        self._length = min(self._length, length)

    def copy(self) -> Grow[T]:
        """A list with the same items that goes its own way from here."""
        new: Grow[T] = Grow.__new__(Grow)
        new._items, new._length = self._items, self._length
        return new

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return self._items[slice(*index.indices(self._length))]
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError("list index out of range")
        return self._items[index]

    def __iter__(self) -> Iterator[T]:
        items = self._items
        for index in range(self._length):
            yield items[index]
