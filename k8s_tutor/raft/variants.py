"""Which consensus a cluster runs: the real one, or a broken twin that is one rule away from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from .naive import NaiveNode
from .node import RaftNode
from .twins import ForgottenVote, NoRandomTimeouts, OldTermCommit
from .types import Config, Entry, HardState, Snapshot

Node: TypeAlias = RaftNode | NaiveNode

BROKEN_RULES: dict[str, str] = {
    "raft": "",
    "naive": "A majority of those I can see, instead of a majority of all.",
    "forgotten-vote": "A vote is not written down: after a restart it may be cast again in the same term.",
    "old-term-commit": "An entry of an older term is committed by counting who stores it.",
    "no-random-timeouts": "Everybody waits the same time before standing for election.",
    "send-before-persist": "Answers are sent first, and what they promise is written down after that.",
}
"""Variant → the rule that it breaks, in one sentence; empty for Raft itself. Broken ones are marked wherever they
show."""

_KINDS: dict[str, type[RaftNode] | type[NaiveNode]] = {
    "raft": RaftNode,
    "naive": NaiveNode,
    "forgotten-vote": ForgottenVote,
    "old-term-commit": OldTermCommit,
    "no-random-timeouts": NoRandomTimeouts,
    "send-before-persist": RaftNode,
}


def sends_first(variant: str) -> bool:
    """Whether whoever serves a node of ``variant`` sends a `Ready`'s messages before it has persisted its state."""
    return variant == "send-before-persist"


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
