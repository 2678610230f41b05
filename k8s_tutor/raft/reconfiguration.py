"""Changing the members of a running group (paper, section 6; etcd-io/raft).

A change is an entry of the log. It takes effect on each node when that node has *applied* it, and no other change is
taken while one may be unapplied. A leader that is in a joint configuration leaves it by a second, empty change.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from .core import FOLLOWER, LEADER
from .election import Election
from .membership import ConfChange, Membership
from .progress import Peer
from .types import NOBODY, Config, Entry, EntryType

CONF_CHANGE = EntryType.CONF_CHANGE


class Reconfiguration(Election):
    """The leader's rules for a change, and everybody's application of it."""

    __slots__ = ("_last_change",)

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._last_change = 0  # on leaders: no change of members that is not applied lies after this index

    def propose_conf_change(
        self,
        add_voters: Iterable[int] = (),
        add_learners: Iterable[int] = (),
        remove: Iterable[int] = (),
        context: bytes = b"",
    ) -> None:
        """Asks the group to change its members; more than one at once go through a joint configuration.

        ``add_voters`` also promotes learners, ``add_learners`` also demotes voters; ``context`` is the caller's own
        and comes back in the entry (see `ConfChange.decode`). A follower passes the change on; a leader that cannot
        take one that was passed on writes an empty entry in its place. Raises ProposalDropped when this node cannot
        take it, and ValueError for ids that cannot be.
        """
        change = ConfChange.of(add_voters, add_learners, remove, context)
        if self.role is LEADER:
            self._take(change.encode(), CONF_CHANGE)
        else:
            self._forward(change.encode(), CONF_CHANGE)

    def _take(self, data: bytes, kind: EntryType) -> None:
        """The leader takes a proposal or drops it."""
        raise NotImplementedError

    def _forward(self, data: bytes, kind: EntryType) -> None:
        """Anybody else passes a proposal on or drops it."""
        raise NotImplementedError

    def _objection_to_change(self, data: bytes) -> str:
        """Why a leader does not take this change now, "" if it does."""
        applied = self.log.applied
        if self._last_change > applied:
            return f"a change of members may be unapplied at index {self._last_change} (applied: {applied})"
        try:
            self.membership.after(ConfChange.decode(data))
        except ValueError as error:
            return str(error)
        return ""

    def _append_change(self, data: bytes) -> None:
        self._last_change = self.log.last + 1
        self._append(data, CONF_CHANGE)

    def _begin_leadership(self) -> None:
        """Whatever the log already holds may be an unapplied change: looking would cost more than waiting."""
        super()._begin_leadership()
        self._last_change = self.log.last

    # ---- applying

    def _apply_change(self, entry: Entry) -> None:
        """The group changes with this entry (with a log that is replayed, perhaps to what it already is)."""
        membership = self.membership
        with suppress(ValueError):  # it may not follow from the configuration that this node was told to begin with
            membership = membership.after(ConfChange.decode(entry.data))
        self._configurations.append((entry.index, membership))
        if membership != self.membership:
            self._switch_to(membership)

    def _switch_to(self, membership: Membership) -> None:
        """Whoever stays keeps its progress. A newcomer counts as active, until check-quorum has looked once."""
        self.membership = membership
        known = self.peers
        self.peers = {member: known.get(member) or _newcomer(self.log.last) for member in membership.members}
        if self.role is not FOLLOWER and self.id not in membership.all_voters:
            self._become_follower(self.term, NOBODY)  # a leader has led the group to do without it (section 6)
        if self.role is not LEADER:
            return
        if self.transferee not in membership.all_voters:
            self.transferee = NOBODY
        if self._maybe_commit():  # a smaller quorum may have reached further
            self._broadcast_append()
            return
        for member in self._others():
            self._send_append(member, self.peers[member], even_empty=False)

    def _leave_joint(self) -> None:
        """The leader ends a joint configuration as soon as it has been applied."""
        if self.role is LEADER and self._last_change <= self.log.applied and self.transferee == NOBODY:
            self._append_change(b"")
            self._broadcast_append()


def _newcomer(last: int) -> Peer:
    """The progress of a member that has just joined: probed with the last entry (etcd-io/raft, confchange)."""
    peer = Peer(max(last, 1))
    peer.active = True
    return peer
