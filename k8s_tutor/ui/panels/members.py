"""What there is to say about one committee member: timer, notebook, what it waits for. Pieces of rows, no layout."""

from __future__ import annotations

from k8s_tutor.cluster.views import MemberView, RaftView
from k8s_tutor.ui.draw import gauge
from k8s_tutor.ui.glyphs import is_stale
from k8s_tutor.ui.panels.panel import member_name
from k8s_tutor.ui.rows import Row, Span
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
    if not member.up:
        words = f"silent for {age(scene.view.now - member.down_since)}" if member.down_since else "silent"
        return ((words if len(words) <= cells else words.replace("silent for", "off"), "fail"),)
    if member.paused:
        return (("paused", "warn"),)
    if member.role == "leader":
        if not member.has_majority:
            return (("no majority"[:cells], "warn"),)
        return (("♥ heartbeats" if cells >= 12 else "♥", "dim"),)
    left = f"{member.ticks_left * TICK_MS} ms"
    bar = min(7, cells - len(left) - 1)
    role = "other" if "candidate" in member.role else "peer"
    if bar < 3:
        return ((left, role),) if len(left) <= cells else ()
    return ((gauge(member.ticks_left, member.timeout_ticks, bar), role), (f" {left}", "dim"))


def notebook(member: MemberView, cells: int, compact: bool = False) -> Row:
    """The newest lines of its notebook that fit: ``✓`` committed, ``?`` written down but not yet decided."""
    chips: list[tuple[Span, ...]] = []
    left = cells
    for entry in reversed(member.entries):
        mark, role = ("✓", "ok") if entry.committed else ("?", "warn")
        if not member.up:
            role = "dim"
        chip: tuple[Span, ...]
        if compact:
            chip = ((f"{entry.index}{mark} ", role),)
        else:
            ground = "on-dim" if role == "dim" else f"on-{role}"
            chip = ((f" {entry.index} ", ground), (f"{mark} ", role))
        size = sum(len(text) for text, _ in chip)
        more = 2 if len(chips) + 1 < len(member.entries) or entry.index > 1 else 0
        if size + more > left + 1:
            break
        chips.append(chip)
        left -= size
    if not chips:
        return (("empty", "dim"),) if not member.entries else ((f"{member.last_index} entries"[:cells], "dim"),)
    older: Row = (("… ", "dim"),) if member.entries[-len(chips)].index > 1 and left >= 1 else ()
    return (*older, *(span for chip in reversed(chips) for span in chip))


def undecided(member: MemberView) -> int:
    """Index of the oldest entry that is written down here but not committed; 0: there is none."""
    return next((entry.index for entry in member.entries if not entry.committed), 0)


def agreeing(member: MemberView, index: int) -> list[str]:
    """Names of those who, as this leader knows, have written down ``index``; itself first."""
    return [member.name, *(peer.name for peer in member.peers if peer.match >= index)]


def waits(scene: Scene, member: MemberView) -> Row:
    """What it does or waits for, in one short line."""
    raft = scene.view.raft
    if member.lost:
        return ((f"✗ {member.lost} committed lost", "fail"),)
    if not member.up:
        return (("its notebook is on disk", "dim"),)
    if member.role == "leader":
        return _leader_waits(scene, member, raft)
    if "candidate" in member.role:
        yes = len(member.granted)
        ask = "may I stand?" if member.role.startswith("pre") else "votes:"
        return ((f"{ask} {yes} yes, needs {raft.quorum}", "other"),)
    if member.leader:
        behind = raft.commit - member.commit
        row: Row = ((f"follows {called(scene, member.leader)}", "dim"),)
        return (*row, (f", {behind} behind", "warn")) if behind > 0 else row
    if member.vote:
        return ((f"voted for {called(scene, member.vote)}", "dim"),)
    return ((f"knows no {scene.lens.word('leader')}", "warn"),)


def _leader_waits(scene: Scene, member: MemberView, raft: RaftView) -> Row:
    open_entry = undecided(member)
    if is_stale(member, raft) and not member.has_majority:
        return (("cannot decide alone", "warn"),)
    if not open_entry:
        return (("all is decided", "dim"),)
    yes = agreeing(member, open_entry)
    missing = raft.quorum - len(yes)
    others = [called(scene, peer.name) for peer in member.peers if peer.name not in yes and _up(raft, peer.name)]
    if missing == 1 and len(others) == 1:
        return ((f"waits for {others[0]}'s yes", "warn"),)
    return ((f"entry {open_entry}: {len(yes)} yes, needs {raft.quorum}", "warn"),)


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
    """What must not happen: a broken rule, thrown away decisions, breaches of safety, stale leaders."""
    raft = scene.view.raft
    lines = [f"WRONG RULE: {raft.wrong}"] if raft.wrong else []
    lines += list(raft.breaches[-2:])
    if raft.lost:
        lines.append(f"{raft.lost} decided {'entry was' if raft.lost == 1 else 'entries were'} thrown away")
    if len(raft.leaders) > 1:
        names = [called(scene, name) for name in raft.leaders]
        lines.append(f"{len(names)} take themselves for the {scene.lens.word('leader')}: {listed(names)}")
    return lines
