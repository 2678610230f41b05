"""Raft's broken twins: **deliberately wrong**, each exactly one rule away from `RaftNode`, to show why the rule is there.

The fourth of this family, which sends before it has persisted, is no class: its node is Raft's own, and its caller breaks
the rule (see `variants.sends_first`). The naive vote, which breaks more than one thing, has a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import msgspec

from .node import RaftNode
from .types import NOBODY, Config, Entry, HardState, Snapshot


class ForgottenVote(RaftNode):
    """Does not write its vote down (paper, figure 2: ``votedFor`` is persistent state): after a restart it may vote a second
    time in the same term, and so elect a second leader."""

    __slots__ = ()

    @classmethod
    def restart(
        cls,
        config: Config,
        hard_state: HardState | None = None,
        entries: Iterable[Entry] = (),
        snapshot: Snapshot | None = None,
    ) -> Self:
        """As `RaftNode.restart`, but for the vote."""
        if hard_state is not None:
            hard_state = msgspec.structs.replace(hard_state, vote=NOBODY)
        return super().restart(config, hard_state, entries, snapshot)


class OldTermCommit(RaftNode):
    """Commits an entry of an older term as soon as a majority stores it (paper, section 5.4.2 and figure 8): somebody with a
    later entry in its place can still win an election and overwrite it.

    It sends one entry a message, as any Raft may: an old entry that travels together with the first one of the new term is
    seldom counted alone.
    """

    __slots__ = ()

    def __init__(self, config: Config) -> None:
        super().__init__(msgspec.structs.replace(config, max_size_per_message=0))

    def _may_commit(self, index: int) -> bool:
        return True


class NoRandomTimeouts(RaftNode):
    """Waits the same time before each campaign as everybody else (paper, section 5.2): those who begin together split the
    votes, and begin together again. Nothing false is ever decided; nothing is decided at all."""

    __slots__ = ()

    def _draw_timeout(self) -> None:
        self.election_timeout = self.config.election_tick
