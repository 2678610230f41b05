"""Log replication (paper, section 5.3), commitment (5.4.2) and the leader's heartbeats."""

from __future__ import annotations

from .core import FOLLOWER, LEADER, Core
from .progress import Peer, ProgressState
from .quorum import quorum, reached_by_quorum
from .types import NOBODY, Entry, EntryType, Message, MessageType

APPEND, APPEND_RESPONSE = MessageType.APPEND, MessageType.APPEND_RESPONSE
HEARTBEAT, HEARTBEAT_RESPONSE = MessageType.HEARTBEAT, MessageType.HEARTBEAT_RESPONSE
SNAPSHOT, TIMEOUT_NOW = MessageType.SNAPSHOT, MessageType.TIMEOUT_NOW
PROBE = ProgressState.PROBE


class Replication(Core):
    """How a leader spreads its log and learns what is committed, and how the others follow it."""

    __slots__ = ()

    # ---- leader

    def _append(self, data: bytes, kind: EntryType = EntryType.NORMAL) -> None:
        """Writes a new entry of this term at the end of the leader's own log; `advance` counts it as stored."""
        log = self.log
        log.append((Entry(log.last + 1, self.term, data, kind),))

    def _broadcast_append(self) -> None:
        me = self.id
        for member, peer in self.peers.items():
            if member != me:
                self._send_append(member, peer)

    def _send_append(self, to: int, peer: Peer, even_empty: bool = True) -> bool:
        """One APPEND to a member, or what it needs before, unless flow control holds it back. Returns whether it was sent.

        An empty one still carries the commit index, and shows by its answer where the logs agree.
        """
        if peer.paused:
            return False
        log = self.log
        previous = peer.next - 1
        if previous < log.offset:
            return self._send_snapshot(to, peer)
        config = self.config
        if previous == log.last or len(peer.inflight) >= config.max_inflight:
            if not even_empty:
                return False
            entries: tuple[Entry, ...] = ()
        else:
            entries = log.page(previous, config.max_size_per_message)
        commit = log.committed
        self._messages.append(
            Message(APPEND, to, self.id, self.term, previous, log.term(previous), entries, commit)
        )
        peer.sent(previous, len(entries), commit, config.max_inflight)
        return True

    def _send_snapshot(self, to: int, peer: Peer) -> bool:
        """The snapshot, to a member that lacks what is compacted here, if it has shown that it is there (section 7)."""
        snapshot = self.snapshot
        if snapshot is None or not peer.active:
            return False
        self._messages.append(Message(SNAPSHOT, to, self.id, self.term, snapshot=snapshot))
        peer.sent_snapshot(snapshot.index)
        return True

    def _on_append_response(self, m: Message) -> None:
        if self.role is not LEADER:
            return
        peer = self.peers[m.sender]
        peer.active = True
        if m.reject:
            hint = self.log.last_at_or_below_term(m.reject_hint, m.log_term)
            if peer.refused(m.index, hint):
                self._send_append(m.sender, peer)
            return
        log = self.log
        index = m.index
        if index > log.last or not peer.acknowledged(index, log.offset):
            return
        if index > log.committed and self._maybe_commit():
            self._broadcast_append()
        elif peer.sent_commit < log.committed and peer.sent_commit < peer.next - 1:
            self._send_append(m.sender, peer)
        if peer.next <= log.last:
            while self._send_append(m.sender, peer, even_empty=False):
                pass
        elif self.transferee and m.sender == self.transferee and peer.match == log.last:
            self._send_timeout_now()

    def _send_timeout_now(self) -> None:
        """The member that is to take over has the whole log: it may campaign at once (thesis, section 3.10)."""
        self._messages.append(Message(TIMEOUT_NOW, self.transferee, self.id, self.term))

    def _quorum_index(self) -> int:
        """The highest index that a majority of all voters stores, of each electorate."""
        peers = self.peers
        members = self.membership
        index = reached_by_quorum([peers[voter].match for voter in members.voters])
        if members.voters_outgoing:
            index = min(index, reached_by_quorum([peers[voter].match for voter in members.voters_outgoing]))
        return index

    def _may_commit(self, index: int) -> bool:
        """Only an entry of the leader's own term is committed by counting; older ones follow it (section 5.4.2)."""
        return self.log.term(index) == self.term

    def _maybe_commit(self) -> bool:
        """Moves the commit index up if a majority has come far enough. Returns whether it moved."""
        index = self._quorum_index()
        log = self.log
        if index <= log.committed or not self._may_commit(index):
            return False
        log.committed = index
        self._committed()
        return True

    def _committed(self) -> None:
        """The leader's commit index has moved."""
        raise NotImplementedError

    def _broadcast_heartbeat(self, context: bytes) -> None:
        """A sign of life to all; a member is told only of commits that it is known to hold."""
        committed = self.log.committed
        for member, peer in self.peers.items():
            if member != self.id:
                commit = min(peer.match, committed)
                self._messages.append(
                    Message(HEARTBEAT, member, self.id, self.term, commit=commit, context=context)
                )

    def _on_heartbeat_response(self, m: Message) -> None:
        if self.role is not LEADER:
            return
        peer = self.peers[m.sender]
        peer.alive(-(-self.config.election_tick // self.config.heartbeat_tick))
        if peer.match < self.log.last or peer.state is PROBE:
            self._send_append(m.sender, peer)
        if m.context:
            self._on_read_ack(peer, m.context)

    def _on_read_ack(self, peer: Peer, context: bytes) -> None:
        """A member has answered the heartbeat round that ``context`` numbers."""
        raise NotImplementedError

    def _check_quorum(self) -> None:
        """A leader that has not heard from a majority for an election timeout steps down (thesis, section 6.2)."""
        active = {member for member, peer in self.peers.items() if peer.active or member == self.id}
        for peer in self.peers.values():
            peer.active = False
        if any(len(active.intersection(voters)) < quorum(len(voters)) for voters in self.membership.electorates):
            self._become_follower(self.term, NOBODY)

    # ---- everybody else

    def _become_follower(self, term: int, leader: int) -> None:
        """Follows ``leader``, or nobody yet, in ``term``."""
        raise NotImplementedError

    def _follow(self, m: Message) -> bool:
        """``m`` comes from the leader of this very term: whoever was campaigning gives way. False on a leader."""
        if self.role is LEADER:
            return False
        if self.role is not FOLLOWER:
            self._become_follower(m.term, m.sender)
        self.election_elapsed = 0
        self.leader = m.sender
        return True

    def _on_append(self, m: Message) -> None:
        if self.role is FOLLOWER:
            self.election_elapsed = 0
            self.leader = m.sender
        elif not self._follow(m):
            return
        log = self.log
        upto = m.index
        if upto < log.committed:
            upto = log.committed
        elif self._matches(m):
            entries = m.entries
            if entries:
                replaced = log.merge(entries)
                assert not 0 < replaced <= log.committed, f"node {self.id}: committed entry {replaced} overwritten"
                upto += len(entries)
            if m.commit > log.committed < upto:
                log.committed = min(m.commit, upto)
        else:
            self._refuse_append(m)
            return
        self._messages.append(Message(APPEND_RESPONSE, m.sender, self.id, self.term, upto))

    def _refuse_append(self, m: Message) -> None:
        """Says how far back the logs may still agree, so that the leader need not try every index."""
        log = self.log
        hint = log.last_at_or_below_term(m.index, m.log_term)
        self._messages.append(
            Message(
                APPEND_RESPONSE, m.sender, self.id, self.term, m.index, max(log.term(hint), 0),
                reject=True, reject_hint=hint,
            )
        )  # fmt: skip

    def _matches(self, m: Message) -> bool:
        """Whether this log holds the entry before the new ones (section 5.3, the consistency check)."""
        return self.log.term(m.index) == m.log_term

    def _on_heartbeat(self, m: Message) -> None:
        if not self._follow(m):
            return
        log = self.log
        if m.commit > log.committed:
            assert m.commit <= log.last, f"node {self.id}: told of commit {m.commit} beyond its last entry {log.last}"
            log.committed = m.commit
        self._messages.append(
            Message(HEARTBEAT_RESPONSE, m.sender, self.id, self.term, context=m.context)
        )
