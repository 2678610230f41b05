"""A member's log of any length, as a view: entries are put into words only when somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import overload

from k8s_tutor.cluster import words
from k8s_tutor.cluster.views import EntryView
from k8s_tutor.raft import Entry
from k8s_tutor.sim import Grow


class Book(Sequence[EntryView]):
    """The entries that a member holds above its snapshot, as they stood at one moment, oldest first.

    It shares the member's own list up to the length that it had then, so a book of any length costs nothing.
    """

    __slots__ = ("_commit", "_entries")

    def __init__(self, entries: Grow[Entry], commit: int) -> None:
        self._entries = entries.copy()
        self._commit = commit

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> EntryView: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[EntryView, ...]: ...
    def __getitem__(self, index: int | slice) -> EntryView | tuple[EntryView, ...]:
        commit = self._commit
        if isinstance(index, slice):
            return tuple([entry_view(entry, entry.index <= commit) for entry in self._entries[index]])
        entry = self._entries[index]
        return entry_view(entry, entry.index <= commit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Book) and self._commit == other._commit and self._entries[:] == other._entries[:]

    def __hash__(self) -> int:
        return hash((self._commit, len(self._entries)))

    def __iter__(self) -> Iterator[EntryView]:
        return (entry_view(entry, entry.index <= self._commit) for entry in self._entries)


@lru_cache(maxsize=4096)
def entry_view(entry: Entry, committed: bool) -> EntryView:
    """One entry in words."""
    return EntryView(index=entry.index, term=entry.term, text=words.entry_text(entry), committed=committed)
