"""The five safety properties of Raft (paper, Figure 3), checked while a group runs.

An `Invariants` object is shown each node after each of its steps and looks only at what is new, so that it can run
after every step of a sweep and live beside the screen. It trusts no bookkeeping but one: a log's list of entries is
never changed but by appending (see `log`), so a list that is still the same object begins as it did.

It keeps three books of the whole group: who led each term, every (index, term) that was ever written with its
content and the term before it, and what was committed at each index. A copy shares them, so that the checkpoints of a
timeline can keep one each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from .book import Book
from .core import LEADER, Core
from .log import Log
from .types import Entry


class Property(Enum):
    """The five properties, in the words of Figure 3."""

    ELECTION_SAFETY = "at most one leader can be elected in a given term"
    LEADER_APPEND_ONLY = "a leader never overwrites or deletes entries in its log; it only appends new entries"
    LOG_MATCHING = (
        "if two logs contain an entry with the same index and term, "
        "then the logs are identical in all entries up through the given index"
    )
    LEADER_COMPLETENESS = (
        "if a log entry is committed in a given term, "
        "then that entry will be present in the logs of the leaders for all higher-numbered terms"
    )
    STATE_MACHINE_SAFETY = (
        "if a server has applied a log entry at a given index to its state machine, "
        "no other server will ever apply a different log entry for the same index"
    )

    @property
    def title(self) -> str:
        """Its name as the paper writes it: ``state-machine safety``."""
        words = self.name.lower().replace("_", " ")
        return words.replace("state machine", "state-machine").replace("append only", "append-only")


class Breach(msgspec.Struct, frozen=True):
    """A property that does not hold, and where: ``text`` names nodes, terms and indices."""

    property: Property
    text: str


class _Seen(msgspec.Struct, gc=False):
    """What was last seen of one node. ``entries`` is the log's list itself, of which the first ``last`` count; ``reign``
    is the term in which the node leads, 0 while it does not."""

    entries: list[Entry] = []
    offset: int = 0
    last: int = 0
    committed: int = 0
    reign: int = 0


class _Commit(msgspec.Struct, frozen=True, gc=False):
    """An entry that some node called committed; ``term`` is that node's, ``node`` its id."""

    entry: Entry
    term: int
    node: int


_Versions = tuple[tuple[Entry, int], ...]
"""All that was ever written at one index: (entry, term of the entry before it), one for each term."""


class Invariants:
    """Watches one group. ``properties`` limits what is looked for; ``names`` are what breaches call the nodes."""

    def __init__(self, properties: Iterable[Property] = tuple(Property)) -> None:
        self.names: dict[int, str] = {}
        self._wanted = frozenset(properties)
        self._seen: dict[int, _Seen] = {}
        self._leaders: dict[int, int] = {}  # term -> node
        self._reigns: dict[int, Log] = {}  # term -> the leader's log at its election
        self._written: Book[_Versions] = Book()  # by index - 1
        self._entries: Book[Entry | None] = Book()  # committed, by index - 1; None where nobody was seen to commit
        self._commits: Book[_Commit | None] = Book()  # the same with who committed it, and when
        self._highest_commit_term = 0
        self._highest_leader_term = 0

    def copy(self) -> Invariants:
        """An independent watcher that has seen the same; costs a few small dicts, whatever the length of the run."""
        twin = object.__new__(Invariants)
        twin.__dict__.update(self.__dict__)
        twin.names = self.names.copy()
        twin._seen = {node: msgspec.structs.replace(seen) for node, seen in self._seen.items()}
        twin._leaders, twin._reigns = self._leaders.copy(), self._reigns.copy()
        twin._written, twin._entries, twin._commits = self._written.copy(), self._entries.copy(), self._commits.copy()
        return twin

    def restarted(self, node: int) -> None:
        """The node with this id came back from its disk: what was seen of it before is no promise any more."""
        self._seen.pop(node, None)

    def observe(self, node: Core) -> Breach | None:
        """Looks at a node that has just done something. Returns the first property that it breaks, or None."""
        found = self.breaches(node)
        return found[0] if found else None

    def breaches(self, node: Core) -> tuple[Breach, ...]:
        """Like `observe`; everything that the node breaks by its latest step, one breach a property."""
        seen = self._seen.get(node.id)
        if seen is None:
            seen = self._seen[node.id] = _Seen()
        log = node.log
        reign = node.term if node.role is LEADER else 0
        if (
            log.last == seen.last
            and log.entries is seen.entries
            and log.committed == seen.committed
            and seen.reign == reign
        ):
            return ()
        found: dict[Property, Breach] = {}
        for breach in self._look(node, seen):
            if breach.property in self._wanted:
                found.setdefault(breach.property, breach)
        self._seen[node.id] = _Seen(log.entries, log.offset, log.last, log.committed, reign)
        return tuple(found.values())

    def _look(self, node: Core, seen: _Seen) -> Iterator[Breach]:
        """Every check, the cheapest first."""
        log = node.log
        if node.role is LEADER:
            if seen.reign != node.term:
                yield from self._elected(node)
            else:
                yield from self._only_appended(node, seen)
        yield from self._matches(node, seen)
        if log.offset != seen.offset:
            yield from self._compacted(node)
        yield from self._committed(node, seen)

    def _name(self, node: int) -> str:
        return self.names.get(node) or f"node {node}"

    def _elected(self, node: Core) -> Iterator[Breach]:
        """A new leader: it must be the only one of its term and hold all that was committed in earlier terms."""
        term = node.term
        other = self._leaders.setdefault(term, node.id)
        if other != node.id:
            text = f"{self._name(other)} and {self._name(node.id)} both lead term {term}"
            yield Breach(Property.ELECTION_SAFETY, text)
        self._reigns.setdefault(term, node.log.copy())
        self._highest_leader_term = max(self._highest_leader_term, term)
        if self._highest_commit_term < term and self._holds_all(node.log):
            return
        for commit in self._commits:
            if commit is not None and commit.term < term and (breach := self._missing(commit, node.id, term, node.log)):
                yield breach
                return

    def _holds_all(self, log: Log) -> bool:
        """Whether a log begins with everything committed: the common case, compared at C speed."""
        count = min(log.last, len(self._entries))
        return count == len(self._entries) and log.entries[: count - log.offset] == self._entries.upto(count)[log.offset :]

    def _only_appended(self, node: Core, seen: _Seen) -> Iterator[Breach]:
        log = node.log
        if log.last < seen.last:
            text = f"{self._name(node.id)}, leader of term {node.term}, deleted entries {log.last + 1}..{seen.last}"
            yield Breach(Property.LEADER_APPEND_ONLY, text)
            return
        if log.entries is seen.entries:
            return
        for index in range(max(log.offset, seen.offset) + 1, seen.last + 1):
            if log.entry(index) != seen.entries[index - seen.offset - 1]:
                text = f"{self._name(node.id)}, leader of term {node.term}, overwrote its entry {index}"
                yield Breach(Property.LEADER_APPEND_ONLY, text)
                return

    def _matches(self, node: Core, seen: _Seen) -> Iterator[Breach]:
        """Same index and term must mean same content and same term before it; the rest follows by induction."""
        log = node.log
        start = seen.last if log.entries is seen.entries else log.offset
        before = log.term(start)
        for entry in log.between(start, log.last):
            known = self._version(entry, before)
            if known is not None and (known[0] != entry or (known[1] != before and -1 not in (known[1], before))):
                text = (
                    f"{self._name(node.id)} holds another log up to index {entry.index}, term {entry.term} "
                    f"than somebody before it (the entry before has term {before}, there {known[1]})"
                )
                yield Breach(Property.LOG_MATCHING, text)
            before = entry.term

    def _version(self, entry: Entry, before: int) -> tuple[Entry, int] | None:
        """What was first written at this index in this term; None, after a note of it, when this is the first."""
        written, page = self._written, entry.index - 1
        while len(written) < page:
            written.append(())
        if len(written) == page:
            written.append(((entry, before),))
            return None
        for known in written[page]:
            if known[0].term == entry.term:
                return known
        written.replace(page, (*written[page], (entry, before)))
        return None

    def _committed(self, node: Core, seen: _Seen) -> Iterator[Breach]:
        """What is committed is applied: it must be what everybody else has committed there, in leaders' logs too."""
        log = node.log
        rewritten = log.entries is not seen.entries
        start = log.offset if rewritten else min(seen.committed, log.committed)
        for entry in log.between(max(start, log.offset), log.committed):
            known = self._first_commit(entry, node)
            if known is None:
                continue
            if known.entry != entry:
                text = (
                    f"index {entry.index}: {self._name(node.id)} applies the entry of term {entry.term}, "
                    f"{self._name(known.node)} applied one of term {known.entry.term}"
                )
                yield Breach(Property.STATE_MACHINE_SAFETY, text)
            elif known.node == node.id and node.term < self._highest_leader_term:
                yield from self._later_leader_misses(known)

    def _compacted(self, node: Core) -> Iterator[Breach]:
        """A log that begins after a snapshot stands on what was committed there: its end says it for all before."""
        index, term = node.log.offset, node.log.offset_term
        known = self._commits[index - 1] if 0 < index <= len(self._commits) else None
        if known is not None and known.entry.term != term:
            text = (
                f"index {index}: {self._name(node.id)} stands on a snapshot that ends in an entry of term {term}, "
                f"{self._name(known.node)} applied one of term {known.entry.term}"
            )
            yield Breach(Property.STATE_MACHINE_SAFETY, text)

    def _first_commit(self, entry: Entry, node: Core) -> _Commit | None:
        """Who first committed something at this index; it may be this node, now."""
        commits, page = self._commits, entry.index - 1
        while len(commits) < page:
            commits.append(None)
            self._entries.append(None)
        if len(commits) > page:
            return commits[page]
        commit = _Commit(entry, node.term, node.id)
        commits.append(commit)
        self._entries.append(entry)
        self._highest_commit_term = max(self._highest_commit_term, node.term)
        return commit

    def _later_leader_misses(self, commit: _Commit) -> Iterator[Breach]:
        """A leader of a later term, elected before this commit was seen, must have held the entry already."""
        for term, log in self._reigns.items():
            if term > commit.term and (breach := self._missing(commit, self._leaders[term], term, log)):
                yield breach
                return

    def _missing(self, commit: _Commit, leader: int, term: int, log: Log) -> Breach | None:
        """The breach of leader completeness if the log of ``leader`` of ``term`` lacks a committed entry."""
        entry = commit.entry
        if entry.index < log.offset:
            held = entry.term <= log.offset_term  # the end of the compacted part speaks for what is before it
        elif entry.index == log.offset:
            held = entry.term == log.offset_term
        else:
            held = entry.index <= log.last and log.entry(entry.index) == entry
        if held:
            return None
        text = (
            f"{self._name(leader)} leads term {term} without entry {entry.index} of term {entry.term}, "
            f"which {self._name(commit.node)} committed in term {commit.term}"
        )
        return Breach(Property.LEADER_COMPLETENESS, text)
