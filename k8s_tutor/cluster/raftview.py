"""The committee's part of a view: what each etcd member is, and what follows for all of them."""

from __future__ import annotations

from functools import lru_cache

from k8s_tutor.cluster import words
from k8s_tutor.cluster.safety import breaches
from k8s_tutor.cluster.views import EntryView, MemberView, PeerView, RaftView
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.raft import BROKEN_RULES, NOBODY, Entry, Role
from k8s_tutor.sim import World

SHOWN = 24
"""Entries of a member's log that a view holds."""


def members_of(world: World) -> list[str]:
    """Names of the etcd members, in order of their ids."""
    return [process.name for process in world.processes.values() if process.actor is Member]


def raft_view(world: World) -> RaftView:
    """The committee as somebody who sees all of it would put it."""
    names = members_of(world)
    members = tuple(_member(world, name) for name in names)
    size = len(members)
    quorum = size // 2 + 1
    running = [member for member in members if member.up]
    reach = _largest_group(world, [member.name for member in running if not member.paused])
    first = world.processes[names[0]].config if names else None
    variant = first.variant if isinstance(first, MemberConfig) else "raft"
    return RaftView(
        variant=variant, wrong=BROKEN_RULES[variant], members=members, size=size, quorum=quorum, up=len(running),
        reach=reach, tolerates=size - quorum, may_lose=max(0, reach - quorum), has_quorum=reach >= quorum,
        leaders=tuple(member.name for member in running if member.role == "leader"),
        term=max((member.term for member in running), default=0),
        commit=max((member.commit for member in running), default=0),
        lost=sum(member.lost for member in members),
        breaches=breaches(members, [_newest(world, name) for name in names]),
    )  # fmt: skip


def _newest(world: World, name: str) -> list[Entry]:
    """The newest entries on a member's disk."""
    actor = world.actor(name)
    disk = actor.disk if isinstance(actor, Member) else world.disks[name]
    return list(disk.entries[-SHOWN:]) if disk is not None else []


def _largest_group(world: World, names: list[str]) -> int:
    """The size of the largest set of members that all reach each other directly (both ways), grown greedily from each."""
    network, best = world.network, 0
    for first in names:
        group = [first]
        for other in names:
            if other != first and not any(network.is_cut(other, one) or network.is_cut(one, other) for one in group):
                group.append(other)
        best = max(best, len(group))
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
            name=actor.peer(ident), match=peer.match, next=peer.next, state=str(getattr(peer.state, "name", peer.state)).lower()
        )
        for ident, peer in (status.progress.items() if leading else ())
        if ident != actor.config.id
    )
    ballots = status.ballots if node.role in (Role.CANDIDATE, Role.PRE_CANDIDATE) else ()
    return MemberView(
        name=name, machine=machine, room=room, up=True, paused=name in world.paused,
        role=node.role.name.lower().replace("_", "-"), term=status.term, vote=actor.peer(status.vote),
        leader=actor.peer(status.leader) if status.leader != NOBODY else "", commit=status.commit, applied=status.applied,
        last_index=entries[-1].index if len(entries) else 0, entries=_entries(entries[-SHOWN:], status.commit),
        granted=tuple(actor.peer(ballot.voter) for ballot in ballots if ballot.granted),
        refused=tuple((actor.peer(ballot.voter), ballot.reason) for ballot in ballots if not ballot.granted),
        ticks_left=0 if leading else max(0, status.election_timeout - status.election_elapsed),
        timeout_ticks=status.election_timeout, peers=peers, has_majority=leading and _has_majority(world, actor),
        revision=actor.store.revision, lost=status.lost, down_since=0,
    )  # fmt: skip


def _has_majority(world: World, leader: Member) -> bool:
    """Whether a leader reaches enough members to commit, by the rule of its variant."""
    if leader.config.variant != "raft":
        return True
    reached = [name for _, name in leader.config.peers if name in world.running and not world.network.is_cut(leader.name, name)
               and not world.network.is_cut(name, leader.name)]  # fmt: skip
    return len(reached) >= len(leader.config.peers) // 2 + 1


def _down(world: World, name: str, machine: str, room: str) -> MemberView:
    """A member that is not running, as its disk stands."""
    disk = world.disks[name]
    state = disk.hard_state if disk else None
    entries = disk.entries[-SHOWN:] if disk else []
    commit = state.commit if state else 0
    return MemberView(
        name=name, machine=machine, room=room, up=False, paused=False, role="down", term=state.term if state else 0, vote="",
        leader="", commit=commit, applied=0, last_index=entries[-1].index if entries else 0, entries=_entries(entries, commit),
        granted=(), refused=(), ticks_left=0, timeout_ticks=0, peers=(), has_majority=False, revision=0, lost=0,
        down_since=world.down.get(name, 0),
    )  # fmt: skip


def _entries(entries: list[Entry], commit: int) -> tuple[EntryView, ...]:
    return tuple([_entry(entry, entry.index <= commit) for entry in entries])


@lru_cache(maxsize=1024)
def _entry(entry: Entry, committed: bool) -> EntryView:
    return EntryView(index=entry.index, term=entry.term, text=words.entry_text(entry), committed=committed)
