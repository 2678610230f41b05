"""The replicated log as one node holds it, and how far it is stored, committed and applied.

A log is copied often (every checkpoint of a world copies its nodes), so copies share one list of entries and each
keeps a length of its own. Nobody ever changes the list but by appending at its very end; a log that wants to append
where another has gone on, or after it has dropped a tail, takes a slice of its own first.
"""

from __future__ import annotations

from collections.abc import Sequence

from .types import Entry

NO_TERM = -1
"""The term of an index that this log does not hold: equal to nobody's term."""


class Log:
    """Entries ``offset + 1 .. last``, with ``applied <= committed <= last`` and ``stable <= last``.

    ``stable`` is the last index that the caller has persisted. ``offset`` and ``offset_term`` name the last entry
    that has been compacted (0 and 0 without one).
    """

    __slots__ = ("applied", "committed", "entries", "last", "offset", "offset_term", "stable")

    def __init__(self, offset: int = 0, offset_term: int = 0) -> None:
        self.entries: list[Entry] = []  # may be longer than this log: see `last`
        self.offset = offset
        self.offset_term = offset_term
        self.last = offset
        self.stable = offset
        self.committed = offset
        self.applied = offset

    def copy(self) -> Log:
        """An independent log that shares the entries: O(1)."""
        twin = Log.__new__(Log)
        twin.entries = self.entries
        twin.offset = self.offset
        twin.offset_term = self.offset_term
        twin.last = self.last
        twin.stable = self.stable
        twin.committed = self.committed
        twin.applied = self.applied
        return twin

    # ---- reading

    def entry(self, index: int) -> Entry:
        """The entry at ``index``. Raises IndexError outside ``offset + 1 .. last``."""
        if not self.offset < index <= self.last:
            raise IndexError(f"no entry {index} in {self.offset + 1}..{self.last}")
        return self.entries[index - self.offset - 1]

    def term(self, index: int) -> int:
        """The term of the entry at ``index`` (0 for index 0), or `NO_TERM` where this log holds none."""
        offset = self.offset
        if offset < index <= self.last:
            return self.entries[index - offset - 1].term
        return self.offset_term if index == offset else NO_TERM

    @property
    def last_term(self) -> int:
        """The term of the last entry, 0 in an empty log."""
        return self.term(self.last)

    def between(self, after: int, upto: int) -> tuple[Entry, ...]:
        """Entries ``after + 1 .. upto``."""
        if after >= upto:
            return ()
        offset = self.offset
        if upto - after == 1:
            return (self.entries[after - offset],)
        return tuple(self.entries[after - offset : upto - offset])

    def page(self, after: int, max_size: int) -> tuple[Entry, ...]:
        """The entries after ``after``, as many as fit into ``max_size`` bytes of data, but at least one if any; with a size
        of 0, one at a time."""
        if after + 1 == self.last:
            return (self.entries[after - self.offset],)
        entries = self.between(after, self.last)
        size = 0
        for count, entry in enumerate(entries):
            size += len(entry.data)
            if count and (size > max_size or not max_size):
                return entries[:count]
        return entries

    def is_up_to_date(self, index: int, term: int) -> bool:
        """Whether a log that ends in (``index``, ``term``) is at least as up to date as this one (section 5.4.1)."""
        mine = self.last_term
        return term > mine or (term == mine and index >= self.last)

    def last_at_or_below_term(self, index: int, term: int) -> int:
        """The last index not above ``index`` whose term is not above ``term``: where two logs may still agree.

        Terms never fall along a log, so an entry of a later term cannot be in a log whose entry there, or further
        on, is of an earlier one. Both sides of a rejected append skip whole terms by this (section 5.3, end).
        """
        index = min(index, self.last)
        while index > self.offset and self.entries[index - self.offset - 1].term > term:
            index -= 1
        return index

    # ---- writing

    def append(self, entries: Sequence[Entry]) -> None:
        """Adds ``entries`` at the end."""
        length = self.last - self.offset
        if len(self.entries) != length:
            self.entries = self.entries[:length]
        self.entries.extend(entries)
        self.last += len(entries)

    def truncate(self, last: int) -> None:
        """Forgets every entry after ``last``."""
        self.last = last
        if self.stable > last:
            self.stable = last

    def merge(self, entries: tuple[Entry, ...]) -> int:
        """Adds a leader's ``entries``, whose predecessor this log holds; drops what conflicts, keeps what it has.

        Returns the first index that was replaced, or 0 when nothing was (section 5.3, AppendEntries steps 3 and 4).
        A late, shorter APPEND must not cut off what a newer one has brought: only a conflict truncates.
        """
        if entries[0].index > self.last:
            self.append(entries)
            return 0
        for count, entry in enumerate(entries):
            if self.term(entry.index) != entry.term:
                replaced = entry.index if entry.index <= self.last else 0
                self.truncate(entry.index - 1)
                self.append(entries[count:])
                return replaced
        return 0

    def compact(self, index: int) -> None:
        """Forgets every entry up to ``index``, which a snapshot covers now; ``index`` has been applied."""
        if index <= self.offset:
            return
        term = self.term(index)
        self.entries = self.entries[index - self.offset : self.last - self.offset]
        self.offset, self.offset_term = index, term

    def stable_to(self, entry: Entry) -> None:
        """The caller has persisted everything up to ``entry``, unless that has been replaced since."""
        index = entry.index
        if self.stable < index <= self.last and self.entries[index - self.offset - 1].term == entry.term:
            self.stable = index
