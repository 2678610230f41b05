"""A member and its group: changes of it, joining it, leaving it (etcd server/etcdserver: membership, bootstrap, removal).

The leader alone checks and proposes a change, since it alone knows with whom it is in touch; the others pass requests on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from k8s_tutor.etcd import errors, membership
from k8s_tutor.etcd.admin import (
    MemberAdd,
    MemberChanged,
    MemberInfo,
    MemberList,
    MemberListResult,
    MemberPromote,
    MemberPublish,
    MemberRemove,
    MembersChange,
)
from k8s_tutor.etcd.backend import Backend, Exchange, Reconfigure
from k8s_tutor.etcd.base import MemberBase, Proposal, client_url, encode
from k8s_tutor.etcd.config import HEALTH, JOIN_RETRY, Knock
from k8s_tutor.raft import ProposalDropped, RaftNode
from k8s_tutor.sim import Context

NOT_CAPABLE = "etcdserver: not capable"
"""What a group answers whose (broken) consensus cannot do what is asked."""

GroupChange = MemberAdd | MemberRemove | MemberPromote


class Group(MemberBase):
    """The part of a member that knows who else there is."""

    # ------------------------------------------------------------------ being in touch

    def hear(self, ctx: Context, sender: int) -> None:
        """Another member lives. Whoever answers a new leader at once has been there before: real members are in touch with
        each other all the time, ours with their leader only."""
        now = ctx.now
        last = self.heard.get(sender)
        if last is None:
            at_once = now - self.leads_since <= self.config.election_timeout
            self.in_touch[sender] = now - HEALTH if at_once else now
        elif now - last > self.config.election_timeout:
            self.in_touch[sender] = now
        self.heard[sender] = now

    def _active(self, ctx: Context) -> dict[int, bool]:
        """Voters that are in touch now → whether they have been for some time."""
        found: dict[int, bool] = {}
        for member in self.backend.members.values():
            if member.learner:
                continue
            if member.id == self.id:
                found[member.id] = True
            elif ctx.now - self.heard.get(member.id, -HEALTH) <= self.config.election_timeout:
                found[member.id] = ctx.now - self.in_touch[member.id] >= HEALTH
        return found

    # ------------------------------------------------------------------ changing the group

    def refusal(self, ctx: Context, ask: GroupChange) -> str:
        """Why the leader does not propose a change, or an empty text."""
        members, active = self.backend.members, self._active(ctx)
        if not isinstance(self.node, RaftNode):
            return NOT_CAPABLE
        if isinstance(ask, MemberAdd):
            voters = [member for member in members.values() if not member.learner]
            connected = all(active.get(member.id, False) for member in voters)
            return membership.addresses(ask.peer_urls) or membership.may_add(members, ask.peer_urls, ask.learner, connected)
        if ask.id not in members:
            return errors.ERR_MEMBER_NOT_FOUND
        if isinstance(ask, MemberRemove):
            return membership.may_remove(members, ask.id, self.id, active)
        progress = self.node.status().progress
        learner = progress.get(ask.id)
        return membership.may_promote(members, ask.id, learner.match if learner else None, progress[self.id].match)

    def propose_change(self, ctx: Context, request: int, ask: GroupChange) -> None:
        """Proposes a change that was found to be good. Raises ProposalDropped while it must wait."""
        node = self.node
        if not isinstance(node, RaftNode):
            return
        if isinstance(ask, MemberAdd):
            change = Reconfigure("add", MemberInfo(self.backend.next_id(), "", ask.peer_urls, (), ask.learner))
        else:
            action = "remove" if isinstance(ask, MemberRemove) else "promote"
            change = Reconfigure(action, self.backend.members[ask.id])
        context, ident = encode(Proposal(self.id, request, change)), (change.member.id,)
        if change.action == "remove":
            node.propose_conf_change(remove=ident, context=context)
        elif change.action == "add" and change.member.learner:
            node.propose_conf_change(add_learners=ident, context=context)
        else:
            node.propose_conf_change(add_voters=ident, context=context)

    def reconfigured(self, ctx: Context, change: Reconfigure) -> MemberChanged:
        """A change is committed: it holds from now on."""
        member = self.backend.reconfigure(change)
        ctx.note("etcd.member", action=change.action, member=member.id, url=member.peer_urls[0], learner=member.learner)
        return MemberChanged(self.backend.cluster_id, member, self.backend.ordered())

    def exchange(self, ctx: Context, ask: MembersChange) -> None:
        """Somebody has told the leader to change several members at once. What it cannot take is lost, and noted."""
        try:
            propose_exchange(self.node, self.backend, ask, self.id)
        except (ProposalDropped, ValueError) as error:
            ctx.note("etcd.refused", text=str(error))

    def exchanging(self, ctx: Context, change: Exchange) -> None:
        """The joint configuration begins: the old and the new group must both agree from now on."""
        self.backend.exchange(change)
        if self.leads:
            come, leave = (tuple(self.peer(member.id) for member in group) for group in (change.come, change.leave))
            ctx.note("raft.joint", come=come, leave=leave)

    def exchanged(self, ctx: Context) -> None:
        """The joint configuration ends: the new group alone decides."""
        left = tuple(self.peer(ident) for ident in self.backend.leaving)
        self.backend.settle()
        if self.leads:
            ctx.note("raft.joint.left", leave=left)

    def listed(self) -> MemberListResult:
        """The members as this one knows them."""
        backend = self.backend
        return MemberListResult(backend.cluster_id, backend.ordered(), tuple(backend.removed), backend.founders)

    # ------------------------------------------------------------------ coming and going

    def knock(self, ctx: Context, turn: int = 0) -> None:
        """A newcomer asks the founders, one after the other, whether it is a member by now. (The real process ends with an
        error when it is not, and is started again.)"""
        names = [name for _, name in self.config.peers]
        self.ask(ctx, names[turn % len(names)], MemberList(linearizable=False), "heard_members", (turn,), JOIN_RETRY)

    def heard_members(self, ctx: Context, answer: Any, turn: int) -> None:
        """Comes in under the id that the group has given to its address, or waits."""
        if isinstance(answer, MemberListResult):
            for member in answer.members:
                if not member.started and membership.process_at(member.peer_urls[0]) == self.name:
                    self._join(ctx, member.id, answer)
                    return
        ctx.after(JOIN_RETRY, Knock(turn + 1), work=False)

    def _join(self, ctx: Context, ident: int, group: MemberListResult) -> None:
        ctx.decide()
        ctx.note("etcd.join", member=ident)
        self.disk.identity = ident
        self.disk.backend = Backend(group.cluster_id, group.members, group.founders)
        self.begin()
        self.joined(ctx)

    def joined(self, ctx: Context) -> None:
        """Called when a newcomer has become part of the group: its clock runs."""

    def publish(self, ctx: Context) -> None:
        """Tells the group its name and where clients reach it, until it knows."""
        self.next_publish = ctx.now + JOIN_RETRY
        member = self.backend.members.get(self.id)
        if member is not None and not member.started:
            with suppress(ProposalDropped):
                self.node.propose(encode(Proposal(self.id, 0, MemberPublish(self.id, self.name, (client_url(self.name),)))))

    def leave(self, ctx: Context) -> None:
        """It is no member any more: its process ends, and cannot be started from this disk again."""
        ctx.decide()
        ctx.note("etcd.removed", member=self.id)
        self.disk.removed = True
        ctx.exit()


def propose_exchange(node: Any, backend: Backend, ask: MembersChange, proposer: int) -> None:
    """Proposes a change of several members to a leader's Raft node. Raises ProposalDropped or ValueError with the reason why it
    is not taken (so asking a copy of the node tells beforehand)."""
    if not isinstance(node, RaftNode):
        raise ProposalDropped(NOT_CAPABLE)
    first = backend.next_id()
    come = tuple(MemberInfo(first + offset, "", (url,)) for offset, url in enumerate(ask.add))
    for member in come:
        if membership.taken(backend.members, member.peer_urls):
            raise ProposalDropped(errors.ERR_PEER_URL_EXISTS)
    for ident in ask.remove:
        if ident not in backend.members:
            raise ProposalDropped(errors.ERR_MEMBER_NOT_FOUND)
    new = tuple(member.id for member in come)
    change: Exchange | Reconfigure = Exchange(come, tuple(backend.members[ident] for ident in ask.remove))
    if len(new) + len(ask.remove) == 1:  # one member needs no joint configuration
        change = Reconfigure("add", come[0]) if come else Reconfigure("remove", backend.members[ask.remove[0]])
    node.propose_conf_change(add_voters=new, remove=ask.remove, context=encode(Proposal(proposer, 0, change)))
