"""Handing over leadership (thesis, section 3.10): the leader lets a chosen member campaign before its time."""

from __future__ import annotations

from .core import FOLLOWER, LEADER
from .reconfiguration import Reconfiguration
from .types import BY_TRANSFER, NOBODY, Message, MessageType


class Transfer(Reconfiguration):
    """The leader stops taking proposals, brings its successor up to date and sends it TIMEOUT_NOW.

    The successor asks for real votes at once, without pre-votes and against the voters' lease. If it does not lead
    within an election timeout, the old leader takes proposals again.
    """

    __slots__ = ()

    def transfer_leadership(self, to: int) -> None:
        """Hands over to the voter ``to``; a follower passes the wish on to its leader.

        Nothing happens without a leader, and for learners, strangers and the leader itself. Another wish replaces
        the one before.
        """
        if self.role is LEADER:
            self._begin_transfer(to)
        elif self.role is FOLLOWER and self.leader != NOBODY:
            self._messages.append(Message(MessageType.TRANSFER_LEADER, self.leader, self.id, self.term, to))

    def _on_transfer_leader(self, m: Message) -> None:
        if self.role is LEADER:
            self._begin_transfer(m.index)

    def _begin_transfer(self, to: int) -> None:
        if to not in self.membership.all_voters or to == self.transferee:
            return
        if to == self.id:
            self._end_transfer()
            return
        self.transferee = to
        self.election_elapsed = 0
        self._end_lease()
        peer = self.peers[to]
        if peer.match == self.log.last:
            self._send_timeout_now()
        else:
            self._send_append(to, peer)

    def _end_transfer(self) -> None:
        """The leader stays; what waited for the transfer goes on. The lease does not come back in this leadership."""
        if self.transferee != NOBODY:
            self.transferee = NOBODY
            if self.membership.joint:
                self._leave_joint()

    def _on_timeout_now(self, m: Message) -> None:
        """The leader wishes that this node campaigns now."""
        if self.role is FOLLOWER and self._may_campaign():
            self._begin_vote(BY_TRANSFER)
