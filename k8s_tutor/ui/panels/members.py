"""What there is to say about one committee member: timer, what it does or waits for, how far it is. No layout."""

from __future__ import annotations

from k8s_tutor.cluster.views import MemberView, RaftView
from k8s_tutor.ui.draw import gauge, shorten
from k8s_tutor.ui.glyphs import flight_role, is_stale, member_key
from k8s_tutor.ui.panels.panel import member_name, progress
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Scene
from k8s_tutor.ui.words import age, listed

TICK_MS = 100


def called(scene: Scene, name: str) -> str:
    """What the member with that name is called."""
    for member in scene.view.raft.members:
        if member.name == name:
            return member_name(scene.lens, member)
    return scene.lens.name(name)


def timer(scene: Scene, member: MemberView, cells: int) -> Row:
    """How long until it would call an election; a leader's heartbeat; since when it is silent."""
    if not member.up and member_key(member, scene.view.raft) == "removed":
        return (("struck off" if cells >= 10 else "", "dim"),)
    if not member.up:
        words = f"silent for {age(scene.view.now - member.down_since)}" if member.down_since else "silent"
        short = words.replace("silent for", "off")
        return ((words if len(words) <= cells else short if len(short) <= cells else "off", "fail"),)
    if member.paused:
        return (("paused", "warn"),)
    if member_key(member, scene.view.raft) == "removed":
        return (("not let in" if cells >= 10 else "", "dim"),)
    if member.learner:
        return (("no vote", "dim"),)
    if member.role == "leader":
        if not member.has_majority:
            return (("no majority" if cells >= 11 else "alone"[:cells], "warn"),)
        return (("♥ heartbeats" if cells >= 12 else "♥", "dim"),)
    left = f"{member.ticks_left * TICK_MS} ms"
    bar = min(7, cells - len(left) - 1)
    role = "other" if "candidate" in member.role else "peer"
    if bar < 3:
        return ((left, role),) if len(left) <= cells else ()
    return ((gauge(member.ticks_left, member.timeout_ticks, bar), role), (f" {left}", "dim"))


def undecided(member: MemberView) -> int:
    """Index of the oldest entry that is written down here but not committed; 0: there is none."""
    return next((entry.index for entry in member.entries if not entry.committed), 0)


def agreeing(member: MemberView, index: int) -> list[str]:
    """Names of those who, as this leader knows, have written down ``index``; itself first."""
    return [member.name, *(peer.name for peer in member.peers if peer.match >= index)]


def waits(scene: Scene, member: MemberView, cells: int) -> Row:
    """What it does or waits for: the longest of its ways to say it that fits into ``cells``. While the leader's books are open
    (``Scene.advanced``), how far it is by these."""
    raft = scene.view.raft
    role, ways = (scene.advanced and _booked(raft, member)) or _doing(scene, member, raft)
    return ((next((words for words in ways if len(words) <= cells), shorten(ways[-1], cells)), role),)


def _booked(raft: RaftView, member: MemberView) -> tuple[str, tuple[str, ...]] | None:
    """``next 58, match 57, replicate, 2 in flight``: what the leader of the latest term has in its books about this member;
    about itself, how far it has decided and applied. None: nobody keeps books about it."""
    leader = max((one for one in raft.members if one.role == "leader" and one.up), key=lambda one: one.term, default=None)
    if leader is None:
        return None
    if leader is member:
        said = f"commit {member.commit}, applied {member.applied}"
        return "leader", (said, f"commit {member.commit}")
    peer = next((one for one in leader.peers if one.name == member.name), None)
    if peer is None:
        return None
    role = {"probe": "warn", "snapshot": "other"}.get(peer.state, "peer")
    short = f"next {peer.next} match {peer.match}"
    told = f"{short} {peer.state}"
    flying = f"next {peer.next}, match {peer.match}, {peer.state}"
    if peer.inflight:
        flying, told = f"{flying}, {peer.inflight} in flight", f"{told} +{peer.inflight}"
    return role, (flying, told, f"{short} {peer.state}", short, f"→{peer.next} ={peer.match}", f"={peer.match}")


def _doing(scene: Scene, member: MemberView, raft: RaftView) -> tuple[str, tuple[str, ...]]:
    """(role, ways to say it, the longest first)."""
    if member.lost:
        return "fail", (f"✗ {member.lost} decided and lost", f"✗ {member.lost} lost")
    if not member.up and member_key(member, raft) == "removed":
        return "dim", ("has left the group", "left the group", "left")
    if not member.up:
        return "dim", ("its notes are on disk", "notes on disk", "on disk")
    if member.role == "leader":
        return _leader_doing(scene, member, raft)
    if "candidate" in member.role:
        ask = "may I stand?" if member.role.startswith("pre") else "asks for votes:"
        counted = f"{len(member.granted)} of {raft.quorum} yes"
        return "other", (f"{ask} {len(member.granted)} yes, needs {raft.quorum}", f"{ask} {counted}", counted)
    if member_key(member, raft) == "removed":
        return "dim", ("has no part in the group", "no part in it", "outside")
    if member.leader and member.learner:
        return "dim", ("learns, has no vote yet", "learns, no vote", "learns")
    if member.leader:
        behind = raft.commit - member.commit
        name = called(scene, member.leader)
        if behind > 0:
            return "warn", (f"follows {name}, {behind} behind", f"{behind} behind")
        return "dim", (f"follows {name}", name)
    if member.vote:
        name = called(scene, member.vote)
        return "dim", (f"voted for {name}", f"vote: {name}")
    return "warn", ("knows no leader", "no leader")


def _leader_doing(scene: Scene, member: MemberView, raft: RaftView) -> tuple[str, tuple[str, ...]]:
    index = undecided(member)
    if raft.outgoing:
        return "warn", ("two majorities must agree", "old and new group", "joint")
    if is_stale(member, raft):
        if member.has_majority:
            return "warn", (f"term {raft.term} is on without it", "it is replaced")
        return "warn", ("cannot decide alone", "stuck alone")
    if not index:
        return "dim", ("all is decided", "all decided")
    yes = agreeing(member, index)
    missing = raft.quorum - len(yes)
    others = [called(scene, peer.name) for peer in member.peers if peer.name not in yes and _up(raft, peer.name)]
    if missing == 1 and len(others) == 1:
        return "warn", (f"waits for {others[0]}'s yes", f"waits for {others[0]}", f"{len(yes)} yes")
    counted = f"{len(yes)} of {raft.quorum} yes"
    return "warn", (f"entry {index}: {len(yes)} yes, needs {raft.quorum}", f"{index}: {counted}", counted, f"{len(yes)} yes")


def incoming(scene: Scene, member: MemberView, cells: int) -> Row:
    """The newest message of somebody's work on its way to this member, ``━━●──▶ write down 5``; empty: there is none."""
    coming = [one for one in scene.view.wire.flying if one.dst == member.name and one.work and one.outcome == "flying"]
    if not coming or cells < 9:
        return ()
    flight = max(coming, key=lambda one: (one.sent_at, one.id))
    at = progress(flight, scene.view.now, 6)
    role = flight_role(flight)
    way: Row = (("━" * at + "●", role), ("─" * (5 - at) + "▶", "line"))
    said = shorten(scene.lens.message(flight), cells - 8) if cells >= 16 else ""
    return (*way, (f" {said}", role)) if said else way


def _up(raft: RaftView, name: str) -> bool:
    return any(member.name == name and member.up for member in raft.members)


def refusals(scene: Scene) -> list[str]:
    """While somebody is a candidate: who refuses, and why."""
    lines = []
    for member in scene.view.raft.members:
        if member.up and "candidate" in member.role:
            for name, reason in member.refused:
                lines.append(f"{called(scene, name)} says no to {member_name(scene.lens, member)}: {reason}")
    return lines


def alarms(scene: Scene) -> list[str]:
    """What must not happen: a broken rule, thrown away decisions, breaches of safety, two who decide."""
    raft = scene.view.raft
    lines = [f"WRONG RULE: {raft.wrong}"] if raft.wrong else []
    lines += list(raft.breaches[-2:])
    if raft.lost:
        lines.append(f"{raft.lost} decided {'entry was' if raft.lost == 1 else 'entries were'} thrown away")
    deciding = brains(raft)
    if len(deciding) > 1:
        names = listed([called(scene, one.name) for one in deciding])
        lines.append(f"{names} {'both' if len(deciding) == 2 else 'all'} decide")
    return lines


def brains(raft: RaftView) -> list[MemberView]:
    """Leaders that can decide by their own rule: never two in Raft."""
    return [member for member in raft.members if member.role == "leader" and member.up and not is_stale(member, raft)]


def stale(scene: Scene) -> list[str]:
    """Leaders that others have left behind, each as a sentence; Raft lets them be, for they cannot commit anything."""
    raft = scene.view.raft
    found = [member for member in raft.members if is_stale(member, raft)]
    return [f"{member_name(scene.lens, member)} still takes itself for the leader, and can decide nothing" for member in found]
