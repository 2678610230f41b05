"""Marks of states: a glyph, a word and a role for each, so that no state is told by colour alone.

A lens may have its own word and glyph; roles stay, for they mean the same in every picture.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.cluster.views import FlightView, MemberView, NodeView, PodView, ProcessView, RaftView
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Lens


class Mark(NamedTuple):
    """How a state is drawn."""

    glyph: str
    word: str
    role: str

    def row(self) -> Row:
        """``● follower``."""
        return ((f"{self.glyph} {self.word}", self.role),)


_MEMBER: dict[str, Mark] = {
    "leader": Mark("★", "leader", "leader"),
    "stale": Mark("☆", "stale leader", "warn"),
    "follower": Mark("●", "follower", "peer"),
    "candidate": Mark("◆", "candidate", "other"),
    "pre-candidate": Mark("◇", "pre-candidate", "other"),
    "learner": Mark("○", "learner", "peer"),
    "removed": Mark("⊘", "no member", "dim"),
    "down": Mark("☾", "down", "fail"),
    "paused": Mark("‖", "paused", "warn"),
}

_POD_BAD = (
    "CrashLoopBackOff",
    "Error",
    "ImagePullBackOff",
    "ErrImagePull",
    "Failed",
    "OOMKilled",
    "Evicted",
    "CreateContainerError",
    "Unknown",
)


def told(lens: Lens, key: str, mark: Mark) -> Mark:
    """The mark in a lens's own word and glyph."""
    glyph = lens.glyph(key, mark.glyph)
    return Mark(glyph[:1] or mark.glyph, lens.word(key, mark.word), mark.role)


_TERMS = "▲■◆▼◢"


def term_mark(term: int) -> Mark:
    """A term: a shape and a colour that differ from those of the terms around it; twenty pairs until one comes again."""
    return Mark(_TERMS[term % len(_TERMS)], str(term), f"term-{term % 4}") if term else Mark("·", "0", "dim")


def is_stale(member: MemberView, raft: RaftView) -> bool:
    """It still takes itself for the leader, but too few are with it to commit anything, or others have gone on to a later term
    (by the naive rule that hinders nobody: there both decide)."""
    if member.role != "leader" or not member.up:
        return False
    return not member.has_majority or (raft.variant != "naive" and member.term < raft.term)


def member_key(member: MemberView, raft: RaftView) -> str:
    """What a member is just now: key of its mark and of a lens's word."""
    if not member.up:
        inside = member.name in (*raft.voters, *raft.outgoing, *raft.learners)
        return "removed" if member.id and raft.voters and not inside else "down"
    if member.paused:
        return "paused"
    if is_stale(member, raft):
        return "stale"
    if member.role == "follower" and raft.voters and member.name not in (*raft.voters, *raft.outgoing):
        return "learner" if member.name in raft.learners else "removed"
    return member.role


def member_mark(member: MemberView, raft: RaftView, lens: Lens) -> Mark:
    """How a member is drawn. A stale leader keeps the lens's word for a leader, with what is wrong about it."""
    key = member_key(member, raft)
    mark = _MEMBER.get(key, Mark("●", member.role, "text"))
    if key == "stale":
        return Mark(mark.glyph, lens.word("stale", f"stale {lens.word('leader')}"), mark.role)
    return told(lens, key, mark)


def pod_mark(pod: PodView, lens: Lens) -> Mark:
    """How a pod is drawn; the word is kubectl's STATUS, or the lens's for it."""
    status = pod.status
    if pod.deleting or status == "Terminating":
        mark = Mark("▿", "Terminating", "dim")
    elif status in ("Succeeded", "Completed"):
        mark = Mark("✓", "Completed", "dim")
    elif any(status.endswith(bad) for bad in _POD_BAD) or pod.phase == "Failed":
        mark = Mark("✗", status, "fail")
    elif status == "Running" and pod.ready:
        mark = Mark("▣", "Running", "ok")
    elif status == "Running":
        mark = Mark("▢", "not ready", "warn")
    else:
        mark = Mark("◌", _pulling(pod) or status or pod.phase or "Pending", "warn")
    return Mark(mark.glyph, lens.word(mark.word), mark.role)


def _pulling(pod: PodView) -> str:
    """``pulling 62%`` while the runtime fetches an image."""
    return next((box.actual for box in pod.containers if box.actual.startswith("pulling")), "")


def process_mark(process: ProcessView) -> Mark:
    """How a process is drawn."""
    if not process.up:
        return Mark("✗", "down", "fail")
    if process.paused:
        return Mark("‖", "paused", "warn")
    if process.leading:
        return Mark("★", "leads", "leader")
    return Mark("●", "up", "ok")


def node_mark(node: NodeView, lens: Lens) -> Mark:
    """How a node stands: what its Node object says; a machine without power is told by its processes."""
    if not node.registered:
        return Mark("◌", "not registered", "warn")
    if node.ready == "True":
        if node.unschedulable:
            return Mark("⊘", lens.word("cordoned", "Ready, cordoned"), "warn")
        return Mark("●", lens.word("ready", "Ready"), "ok")
    return Mark("✗", lens.word("notready", "NotReady"), "fail")


_OUTCOMES: dict[str, Mark] = {
    "flying": Mark("●", "on its way", "warn"),
    "held": Mark("‖", "held: cable is cut", "warn"),
    "arrived": Mark("✓", "arrived", "dim"),
    "down": Mark("╳", "nobody there", "fail"),
    "cut": Mark("╳", "cable is cut", "fail"),
    "lost": Mark("╳", "lost", "fail"),
    "dropped": Mark("╳", "dropped", "fail"),
}


def flight_mark(flight: FlightView) -> Mark:
    """How a message fares."""
    return _OUTCOMES.get(flight.outcome, Mark("?", flight.outcome or "unknown", "dim"))


_RAFT_KINDS = ("Append", "Vote", "Heartbeat", "InstallSnapshot", "ReadIndex", "TimeoutNow", "Propose", "Transfer")


def flight_role(flight: FlightView) -> str:
    """Whose colour a message wears: yours, the committee's, or everybody's."""
    if not flight.work:
        return "dim"
    if flight.outcome in ("down", "cut", "lost", "dropped"):
        return "fail"
    if "Vote" in flight.kind:
        return "other"
    if any(flight.kind.startswith(kind) for kind in _RAFT_KINDS):
        return "leader" if not flight.kind.endswith(("Response", "Reply", "Resp")) else "peer"
    return "you"
