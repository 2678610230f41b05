"""Committees that grow and shrink while they run: from a name to the inputs, as an operator would do it. Pure.

Growing: a machine is brought, and ``etcdctl member add`` lets its etcd in. Shrinking: ``etcdctl member remove``, and when that
is done the machine is thrown away. Several at once go by Raft's joint consensus, for which etcd has no command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.views import AnswerView, ClusterView, MemberView
from k8s_tutor.ui.hands import machine_of

WAITS, DONE, REFUSED = "waits", "done", "refused"


def etcd_of(machine: str) -> str:
    """The etcd process of a manager: ``etcd-4`` of ``cp-4``."""
    return f"etcd-{machine.removeprefix('cp-')}"


def newcomers(view: ClusterView) -> tuple[str, ...]:
    """Machines that were brought and not let in yet."""
    return tuple(member.machine for member in view.raft.members if member.up and not member.id)


def add(view: ClusterView, following: str, room: str = "", client: str = "you") -> inputs.Input:
    """One manager more: who waits at the door is let in, else the machine ``following`` is brought first. Without ``room`` it
    sits where fewest do."""
    waiting = newcomers(view)
    machine = waiting[0] if waiting else following
    name = etcd_of(machine)
    line = inputs.Kubectl(f"etcdctl member add {name} --peer-urls=https://{name}:2380", (), client)
    if waiting:
        return line
    return inputs.Together((inputs.AddManager(room or _emptiest(view)), line), f"add {machine}")


def _emptiest(view: ClusterView) -> str:
    seats = {member.machine for member in view.raft.members}
    rooms = [(len(seats & set(room.machines)), room.name) for room in view.network.rooms]
    return min(rooms, default=(0, ""))[1]


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that is done as soon as a line that was typed has succeeded."""

    line: inputs.Kubectl
    at: int
    """When it was typed, µs."""
    then: inputs.Input

    def fate(self, answers: Sequence[AnswerView]) -> str:
        """How the line went: `WAITS`, `DONE` or `REFUSED`; empty when nobody knows of it (any more)."""
        mine = [one for one in answers if (one.client, one.line) == (self.line.client, self.line.line) and one.at >= self.at]
        if not mine:
            return ""
        return WAITS if mine[-1].code < 0 else REFUSED if mine[-1].code else DONE


def remove(view: ClusterView, target: str, client: str = "you") -> tuple[inputs.Input, inputs.Input | None]:
    """One manager less: (what to do now, what to do when that has succeeded). Who is no member is simply thrown away.
    Raises LookupError for what is no manager."""
    member = _member(view, machine_of(view, target))
    throw = inputs.RemoveManager(member.machine)
    raft = view.raft
    if not member.id or member.name not in (*raft.voters, *raft.outgoing, *raft.learners):
        return throw, None
    return inputs.Kubectl(f"etcdctl member remove {member.id:x}", (), client), throw


def _member(view: ClusterView, machine: str) -> MemberView:
    found = next((member for member in view.raft.members if member.machine == machine), None)
    if found is None:
        raise LookupError(f"{machine} is no manager")
    return found


def reconfigure(view: ClusterView, following: str, come: Sequence[str], leave: Sequence[str]) -> inputs.Input:
    """Several come and leave at once. Machines that are not there yet are brought with the same movement of the hand;
    ``following`` is the first of them. Raises LookupError for a machine that is neither there nor next."""
    present = {member.machine for member in view.raft.members}
    change = inputs.Reconfigure(tuple(come), tuple(leave))
    number = int(following.removeprefix("cp-"))
    brought: list[inputs.Input] = []
    for machine in sorted(set(come) - present, key=lambda name: (len(name), name)):
        if machine != f"cp-{number + len(brought)}":
            raise LookupError(f"there is no machine {machine}; the next one is cp-{number + len(brought)}")
        brought.append(inputs.AddManager(_emptiest(view)))
    return inputs.Together((*brought, change), inputs.in_words(change)) if brought else change
