"""Which consensus a cluster runs: the real one, or a broken twin that is one rule away from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from .naive import NaiveNode
from .node import RaftNode
from .types import Config, Entry, HardState, Snapshot

Node: TypeAlias = RaftNode | NaiveNode

BROKEN_RULES: dict[str, str] = {
    "raft": "",
    "naive": "A majority of those I can see, instead of a majority of all.",
}
"""Variant → the rule that it breaks, in one sentence; empty for Raft itself. Broken ones are marked wherever they
show."""

_KINDS: dict[str, type[RaftNode] | type[NaiveNode]] = {"raft": RaftNode, "naive": NaiveNode}


def make_node(
    variant: str,
    config: Config,
    hard_state: HardState | None = None,
    entries: Iterable[Entry] = (),
    snapshot: Snapshot | None = None,
) -> Node:
    """A new or restarted node of ``variant``. Raises ValueError for a variant that does not exist."""
    kind = _KINDS.get(variant)
    if kind is None:
        raise ValueError(f"consensus variant {variant!r} does not exist; choose one of {', '.join(_KINDS)}")
    return kind.restart(config, hard_state, entries, snapshot)
