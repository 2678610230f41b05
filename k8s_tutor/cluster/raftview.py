"""The committee's part of a view: what each etcd member is, and what follows for all of them."""

from __future__ import annotations

from k8s_tutor.cluster.book import Book
from k8s_tutor.cluster.safety import breaches
from k8s_tutor.cluster.views import LampView, MemberView, PeerView, RaftView
from k8s_tutor.etcd.member import Disk, Member, MemberConfig
from k8s_tutor.raft import BROKEN_RULES, NOBODY, Entry, Role
from k8s_tutor.sim import Grow, World

SHOWN = 24
"""Entries of a member's log that a view holds."""


def members_of(world: World) -> list[str]:
    """Names of the etcd members, in order of their ids."""
    return [process.name for process in world.processes.values() if process.actor is Member]


def raft_view(world: World, lamps: tuple[LampView, ...]) -> RaftView:
    """The committee as somebody who sees all of it would put it; ``lamps``: what has been broken in this run."""
    names = members_of(world)
    members = tuple(_member(world, name) for name in names)
    voters, outgoing, learners = _configuration(world, members)
    size = len(voters)
    quorum = size // 2 + 1
    running = [member for member in members if member.up]
    counting = [member.name for member in running if not member.paused and member.name in {*voters, *outgoing}]
    group = _largest_group(world, counting)
    reach = sum(name in voters for name in group)
    both = not outgoing or sum(name in outgoing for name in group) >= len(outgoing) // 2 + 1
    first = world.processes[names[0]].config if names else None
    variant = first.variant if isinstance(first, MemberConfig) else "raft"
    return RaftView(
        variant=variant, wrong=BROKEN_RULES[variant], members=members, size=size, quorum=quorum, up=len(running),
        reach=reach, tolerates=size - quorum, may_lose=max(0, reach - quorum), has_quorum=reach >= quorum and both,
        leaders=tuple(member.name for member in running if member.role == "leader"),
        term=max((member.term for member in running), default=0),
        commit=max((member.commit for member in running), default=0),
        lost=sum(member.lost for member in members), voters=voters, outgoing=outgoing, learners=learners,
        breaches=breaches(members, [_newest(world, name) for name in names]), invariants=lamps,
    )  # fmt: skip


def _configuration(world: World, members: tuple[MemberView, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(voters, voters of before in a joint configuration, learners): as the leader of the latest term knows it, else whoever
    has come furthest; without anybody up, everybody votes."""
    running = [member for member in members if member.up]
    if not running:
        return tuple(member.name for member in members), (), ()
    knows = max(running, key=lambda member: (member.role == "leader", member.term, member.applied, member.last_index))
    actor = world.actor(knows.name)
    assert isinstance(actor, Member)
    status = actor.node.status()
    voters, outgoing, learners = (
        tuple([name for ident in ids if (name := actor.peer(ident))])
        for ids in (status.voters, status.voters_outgoing, (*status.learners, *status.learners_next))
    )
    return voters, outgoing, learners


def _newest(world: World, name: str) -> list[Entry]:
    """The newest entries on a member's disk."""
    actor = world.actor(name)
    disk = actor.disk if isinstance(actor, Member) else world.disks[name]
    return list(disk.entries[-SHOWN:]) if disk is not None else []


def _largest_group(world: World, names: list[str]) -> list[str]:
    """The largest set of members that all reach each other directly (both ways), grown greedily from each."""
    network = world.network
    best: list[str] = []
    for first in names:
        group = [first]
        for other in names:
            if other != first and not any(network.is_cut(other, one) or network.is_cut(one, other) for one in group):
                group.append(other)
        best = max(best, group, key=len)
    return best


def _member(world: World, name: str) -> MemberView:
    actor = world.actor(name)
    machine = world.network.hosts[name]
    room = world.network.rooms.get(machine, "")
    if not isinstance(actor, Member):
        return _down(world, name, machine, room)
    node = actor.node
    status = node.status()
    leading = node.role is Role.LEADER
    entries = actor.disk.entries
    peers = tuple(
        PeerView(
            name=actor.peer(ident), match=peer.match, next=peer.next, state=peer.state.name.lower(), inflight=peer.inflight
        )
        for ident, peer in (status.progress.items() if leading else ())
        if ident != actor.id
    )
    ballots = status.ballots if node.role in (Role.CANDIDATE, Role.PRE_CANDIDATE) else ()
    return MemberView(
        name=name, machine=machine, room=room, up=True, paused=name in world.paused,
        role=node.role.name.lower().replace("_", "-"), term=status.term, vote=actor.peer(status.vote),
        leader=actor.peer(status.leader) if status.leader != NOBODY else "", commit=status.commit, applied=status.applied,
        last_index=status.last, entries=(book := Book(entries, status.commit))[-SHOWN:],
        granted=tuple(actor.peer(ballot.voter) for ballot in ballots if ballot.granted),
        refused=tuple((actor.peer(ballot.voter), ballot.reason) for ballot in ballots if not ballot.granted),
        ticks_left=0 if leading else max(0, status.election_timeout - status.election_elapsed),
        timeout_ticks=status.election_timeout, peers=peers, has_majority=leading and _has_majority(world, actor),
        revision=actor.store.revision, lost=status.lost, down_since=0,
        learner=status.id in status.learners, snapshot=_compacted(actor.disk), book=book, id=actor.id,
    )  # fmt: skip


def _has_majority(world: World, leader: Member) -> bool:
    """Whether a leader reaches enough members to commit, by the rule of its variant."""
    if leader.config.variant == "naive":
        return True
    network, status = world.network, leader.node.status()
    for voters in (status.voters, status.voters_outgoing):
        names = [leader.peer(ident) for ident in voters]
        reached = [name for name in names if name in world.running and not network.is_cut(leader.name, name)
                   and not network.is_cut(name, leader.name)]  # fmt: skip
        if voters and len(reached) <= len(voters) // 2:
            return False
    return True


def _down(world: World, name: str, machine: str, room: str) -> MemberView:
    """A member that is not running, as its disk stands."""
    disk = world.disks[name]
    state = disk.hard_state if disk else None
    entries: Grow[Entry] = disk.entries if disk else Grow()
    commit = state.commit if state else 0
    book = Book(entries, commit)
    return MemberView(
        name=name, machine=machine, room=room, up=False, paused=False, role="down", term=state.term if state else 0, vote="",
        leader="", commit=commit, applied=0, last_index=entries[-1].index if len(entries) else 0, entries=book[-SHOWN:],
        granted=(), refused=(), ticks_left=0, timeout_ticks=0, peers=(), has_majority=False, revision=0, lost=0,
        down_since=world.down.get(name, 0), snapshot=_compacted(disk), book=book,
        id=disk.identity if disk else 0,
    )  # fmt: skip


def _compacted(disk: Disk | None) -> int:
    """The index up to which a member's log has given way to a snapshot."""
    return disk.offset if disk is not None else 0
