"""A list whose copies share what they have in common, for what only grows: the books of the invariants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Book(Generic[T]):
    """Pages 0, 1, 2, ... A copy costs nothing: it shares the list up to its own length, and takes a list of its own
    before it writes where another copy has gone on, or anything but the next page."""

    __slots__ = ("_length", "_pages")

    def __init__(self) -> None:
        self._pages: list[T] = []
        self._length = 0

    def copy(self) -> Book[T]:
        """An independent book with the same pages."""
        twin: Book[T] = Book.__new__(Book)
        twin._pages, twin._length = self._pages, self._length
        return twin

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, page: int) -> T:
        if not 0 <= page < self._length:
            raise IndexError(f"no page {page} of {self._length}")
        return self._pages[page]

    def __iter__(self) -> Iterator[T]:
        for page in range(self._length):
            yield self._pages[page]

    def upto(self, length: int) -> list[T]:
        """The first ``length`` pages."""
        return self._pages[: min(length, self._length)]

    def append(self, value: T) -> None:
        """Writes the next page."""
        if len(self._pages) != self._length:
            self._pages = self._pages[: self._length]
        self._pages.append(value)
        self._length += 1

    def replace(self, page: int, value: T) -> None:
        """Writes a page anew: costs a copy of the whole book."""
        self._pages = self._pages[: self._length]
        self._pages[page] = value
