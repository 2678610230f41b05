"""Which of Raft's safety properties do not hold at this moment, as far as the members' roles and newest entries show."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.cluster.views import MemberView
from k8s_tutor.raft import Entry


def breaches(members: Sequence[MemberView], logs: Sequence[Sequence[Entry]]) -> tuple[str, ...]:
    """One sentence for each broken property. ``logs``: the newest entries on each member's disk, in the order of ``members``.

    Election safety and state-machine safety (Raft paper, figure 3) can be seen in one moment; the others need the past.
    """
    return (*_two_leaders(members), *_two_decisions(members, logs))


def _two_leaders(members: Sequence[MemberView]) -> list[str]:
    leaders: dict[int, list[str]] = {}
    for member in members:
        if member.up and member.role == "leader":
            leaders.setdefault(member.term, []).append(member.name)
    return [f"election safety: {' and '.join(names)} lead in term {term}" for term, names in leaders.items() if len(names) > 1]


def _two_decisions(members: Sequence[MemberView], logs: Sequence[Sequence[Entry]]) -> list[str]:
    """The first index at which two members have committed different entries."""
    decided: dict[int, tuple[str, Entry]] = {}
    clashes: dict[int, str] = {}
    for member, log in zip(members, logs, strict=True):
        for entry in log:
            if entry.index > member.commit:
                continue
            other, first = decided.setdefault(entry.index, (member.name, entry))
            if entry != first:
                clashes.setdefault(entry.index, f"{other} and {member.name} have committed different entries {entry.index}")
    return [f"state-machine safety: {clashes[min(clashes)]}"] if clashes else []
