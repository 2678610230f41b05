"""Verdicts: what every plugin said of every node in one scheduling cycle, kept in columns and shown node by node."""

from __future__ import annotations

from typing import NamedTuple


class Rejection(NamedTuple):
    """Why a plugin refuses a node; ``resolvable``: removing pods from it could help (Unschedulable, as against
    UnschedulableAndUnresolvable)."""

    reasons: tuple[str, ...]
    resolvable: bool = False


class FilterAnswer(NamedTuple):
    """What one filter said of one node: no reasons mean that it lets the node pass."""

    plugin: str
    reasons: tuple[str, ...] = ()


class PluginScore(NamedTuple):
    """What one plugin gave one node: raw, from 0 to 100, and times its weight."""

    plugin: str
    raw: int
    normalised: int
    weighted: int


class NodeVerdict(NamedTuple):
    """What the plugins said of one node. Filters end with the first that refuses; scores are empty when scoring was skipped."""

    node: str
    filters: tuple[FilterAnswer, ...]
    resolvable: bool = False
    scores: tuple[PluginScore, ...] = ()
    total: int = 0

    @property
    def feasible(self) -> bool:
        """Whether all filters let the node pass."""
        return not self.filters or not self.filters[-1].reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the node was refused."""
        return self.filters[-1].reasons if self.filters else ()


class Column(NamedTuple):
    """What one plugin gave each feasible node, in the order of `Verdict.feasible`."""

    plugin: str
    weight: int
    raw: tuple[int, ...]
    normalised: tuple[int, ...]


class Refusal(NamedTuple):
    """One node, the plugin that refused it, and why."""

    node: str
    plugin: str
    rejection: Rejection


class Preemption(NamedTuple):
    """The node that a pod will get when its ``victims`` (keys, the most important first) have gone; ``violations``: how many
    of them a disruption budget protects."""

    node: str
    victims: tuple[str, ...]
    violations: int = 0


class Attempt(NamedTuple):
    """An earlier cycle of the same pod, in short: when (µs), which attempt, the node that was chosen or nominated (or nothing),
    and why no node was chosen."""

    at: int
    number: int
    node: str
    message: str


class Verdict(NamedTuple):
    """One scheduling cycle of one pod. ``chosen`` is the node's name, or empty; ``at`` in µs; ``attempt`` from 1. Kept in
    columns, because a cycle over a hundred nodes must stay cheap; `nodes` and `of` show it node by node."""

    pod: str
    at: int
    attempt: int
    filters: tuple[str, ...]
    """The plugins that filtered, in order."""
    feasible: tuple[str, ...]
    """The nodes that all of them let pass, in the order in which they were looked at."""
    refused: tuple[Refusal, ...]
    """The others, likewise."""
    columns: tuple[Column, ...] = ()
    """Scores; none when only one node was feasible."""
    totals: tuple[int, ...] = ()
    chosen: str = ""
    message: str = ""
    """Why no node was chosen, as the pod's condition says it."""
    skipped: int = 0
    """Nodes that were not looked at because enough feasible ones had been found."""
    blocked: str = ""
    """Why no node at all can do, when a plugin said so before any node was looked at."""
    preemption: Preemption | None = None
    """Who must go so that it fits; without a node when it may push others away, but that would not help."""
    before: tuple[Attempt, ...] = ()
    """The attempts before this one, oldest first, as far as they are kept."""

    @property
    def short(self) -> Attempt:
        """This cycle as a later one remembers it."""
        return Attempt(self.at, self.attempt, self.chosen or (self.preemption.node if self.preemption else ""), self.message)

    @property
    def plugins(self) -> tuple[str, ...]:
        """The plugins that refused, each once."""
        return tuple(dict.fromkeys(refusal.plugin for refusal in self.refused))

    @property
    def nodes(self) -> tuple[NodeVerdict, ...]:
        """What was said of each node that was looked at, by name."""
        found = [self._refused(refusal) for refusal in self.refused]
        found += [self._feasible(index) for index in range(len(self.feasible))]
        return tuple(sorted(found))

    def of(self, node: str) -> NodeVerdict | None:
        """The verdict about one node, or None."""
        if node in self.feasible:
            return self._feasible(self.feasible.index(node))
        return next((self._refused(refusal) for refusal in self.refused if refusal.node == node), None)

    def _feasible(self, index: int) -> NodeVerdict:
        scores = tuple(
            PluginScore(c.plugin, c.raw[index], c.normalised[index], c.normalised[index] * c.weight) for c in self.columns
        )
        answers = tuple(FilterAnswer(plugin) for plugin in self.filters)
        return NodeVerdict(self.feasible[index], answers, False, scores, self.totals[index] if self.totals else 0)

    def _refused(self, refusal: Refusal) -> NodeVerdict:
        asked = self.filters[: self.filters.index(refusal.plugin)] if refusal.plugin in self.filters else ()
        last = FilterAnswer(refusal.plugin, refusal.rejection.reasons)
        return NodeVerdict(refusal.node, (*(FilterAnswer(plugin) for plugin in asked), last), refusal.rejection.resolvable)

    @property
    def score(self) -> int:
        """Total score of the chosen node; 0 when scoring was skipped because only one was feasible."""
        return self.totals[self.feasible.index(self.chosen)] if self.chosen and self.totals else 0
