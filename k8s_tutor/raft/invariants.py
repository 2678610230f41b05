"""The five safety properties of Raft (paper, Figure 3), checked while a group runs.

An `Invariants` object is shown each node after each of its steps and looks only at what is new, so that it can run
after every step of a sweep and live beside the screen. It trusts no bookkeeping but one: a log's list of entries is
never changed but by appending (see `log`), so a list that is still the same object begins as it did.

It keeps three books of the whole group: who led each term, every (index, term) that was ever written with its
content and the term before it, and what was committed at each index.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import msgspec

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


class Breach(msgspec.Struct, frozen=True):
    """A property that does not hold, and where: ``text`` names nodes, terms and indices."""

    property: Property
    text: str


class _Seen:
    """What was last seen of one node. ``entries`` is the log's list itself, of which the first ``last`` count."""

    __slots__ = ("committed", "entries", "last", "offset", "reign")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.offset = 0
        self.last = 0
        self.committed = 0
        self.reign = 0  # the term in which the node leads, 0 while it does not


class _Commit(msgspec.Struct, frozen=True, gc=False):
    """An entry that some node called committed; ``term`` is that node's, ``node`` its id."""

    entry: Entry
    term: int
    node: int


class Invariants:
    """Watches one group. ``properties`` limits what is looked for."""

    def __init__(self, properties: Iterable[Property] = tuple(Property)) -> None:
        self._wanted = frozenset(properties)
        self._seen: dict[int, _Seen] = {}
        self._leaders: dict[int, int] = {}  # term -> node
        self._reigns: dict[int, Log] = {}  # term -> the leader's log at its election
        self._written: dict[tuple[int, int], tuple[Entry, int]] = {}  # (index, term) -> entry, term before it
        self._commits: list[_Commit] = []  # by index - 1
        self._highest_commit_term = 0
        self._highest_leader_term = 0

    def restarted(self, node: int) -> None:
        """The node with this id came back from its disk: what was seen of it before is no promise any more."""
        self._seen.pop(node, None)

    def observe(self, node: Core) -> Breach | None:
        """Looks at a node that has just done something. Returns the first property that it breaks, or None."""
        seen = self._seen.get(node.id)
        if seen is None:
            seen = self._seen[node.id] = _Seen()
        log = node.log
        leads = node.role is LEADER
        if (
            log.last == seen.last
            and log.entries is seen.entries
            and log.committed == seen.committed
            and seen.reign == (node.term if leads else 0)
        ):
            return None
        breach = self._look(node, seen)
        seen.entries, seen.last, seen.offset = log.entries, log.last, log.offset
        seen.committed = log.committed
        seen.reign = node.term if leads else 0
        return breach if breach is not None and breach.property in self._wanted else None

    def _look(self, node: Core, seen: _Seen) -> Breach | None:
        """Every check that is wanted, the cheapest first."""
        wanted = self._wanted
        breach: Breach | None = None
        if node.role is LEADER:
            if seen.reign != node.term:
                breach = self._elected(node)
            elif Property.LEADER_APPEND_ONLY in wanted:
                breach = self._only_appended(node, seen)
        if breach is None and Property.LOG_MATCHING in wanted:
            breach = self._matches(node, seen)
        return breach or self._committed(node, seen)

    def _elected(self, node: Core) -> Breach | None:
        """A new leader: it must be the only one of its term and hold all that was committed in earlier terms."""
        term = node.term
        other = self._leaders.setdefault(term, node.id)
        if other != node.id and Property.ELECTION_SAFETY in self._wanted:
            return Breach(Property.ELECTION_SAFETY, f"nodes {other} and {node.id} both lead term {term}")
        self._reigns.setdefault(term, node.log.copy())
        self._highest_leader_term = max(self._highest_leader_term, term)
        if Property.LEADER_COMPLETENESS not in self._wanted:
            return None
        if self._highest_commit_term < term and self._holds_all(node.log):
            return None
        for commit in self._commits:
            if commit.term < term and (breach := _missing(commit, node.id, term, node.log)):
                return breach
        return None

    def _holds_all(self, log: Log) -> bool:
        """Whether a log begins with everything committed: the common case, compared at C speed."""
        if log.offset:
            return False
        return log.entries[: min(log.last, len(self._commits))] == [commit.entry for commit in self._commits]

    def _only_appended(self, node: Core, seen: _Seen) -> Breach | None:
        log = node.log
        if log.last < seen.last:
            text = f"node {node.id}, leader of term {node.term}, deleted entries {log.last + 1}..{seen.last}"
            return Breach(Property.LEADER_APPEND_ONLY, text)
        if log.entries is seen.entries:
            return None
        for index in range(max(log.offset, seen.offset) + 1, seen.last + 1):
            if log.entry(index) != seen.entries[index - seen.offset - 1]:
                text = f"node {node.id}, leader of term {node.term}, overwrote its entry {index}"
                return Breach(Property.LEADER_APPEND_ONLY, text)
        return None

    def _matches(self, node: Core, seen: _Seen) -> Breach | None:
        """Same index and term must mean same content and same term before it; the rest follows by induction."""
        log = node.log
        start = seen.last if log.entries is seen.entries else log.offset
        before = log.term(start)
        for entry in log.between(start, log.last):
            known, known_before = self._written.setdefault((entry.index, entry.term), (entry, before))
            if known != entry or (known_before != before and -1 not in (known_before, before)):
                text = (
                    f"node {node.id} holds another log up to index {entry.index}, term {entry.term} "
                    f"than somebody before it (the entry before has term {before}, there {known_before})"
                )
                return Breach(Property.LOG_MATCHING, text)
            before = entry.term
        return None

    def _committed(self, node: Core, seen: _Seen) -> Breach | None:
        """What is committed is applied: it must be what everybody else has committed there, in leaders' logs too."""
        log = node.log
        rewritten = log.entries is not seen.entries
        start = log.offset if rewritten else min(seen.committed, log.committed)
        for entry in log.between(start, log.committed):
            if entry.index <= len(self._commits):
                known = self._commits[entry.index - 1]
                if known.entry != entry and Property.STATE_MACHINE_SAFETY in self._wanted:
                    text = (
                        f"index {entry.index}: node {node.id} applies the entry of term {entry.term}, "
                        f"node {known.node} applied one of term {known.entry.term}"
                    )
                    return Breach(Property.STATE_MACHINE_SAFETY, text)
            elif entry.index == len(self._commits) + 1:
                commit = _Commit(entry, node.term, node.id)
                self._commits.append(commit)
                self._highest_commit_term = max(self._highest_commit_term, node.term)
                if node.term < self._highest_leader_term and (breach := self._later_leader_misses(commit)):
                    return breach
        return None

    def _later_leader_misses(self, commit: _Commit) -> Breach | None:
        """A leader of a later term, elected before this commit was seen, must have held the entry already."""
        if Property.LEADER_COMPLETENESS not in self._wanted:
            return None
        for term, log in self._reigns.items():
            if term > commit.term and (breach := _missing(commit, self._leaders[term], term, log)):
                return breach
        return None


def _missing(commit: _Commit, leader: int, term: int, log: Log) -> Breach | None:
    """The breach of leader completeness if the log of ``leader`` of ``term`` lacks a committed entry."""
    entry = commit.entry
    if entry.index <= log.offset or (entry.index <= log.last and log.entry(entry.index) == entry):
        return None
    text = (
        f"node {leader} leads term {term} without entry {entry.index} of term {entry.term}, "
        f"which node {commit.node} committed in term {commit.term}"
    )
    return Breach(Property.LEADER_COMPLETENESS, text)
