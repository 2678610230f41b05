"""From what is selected to the input that acts on it. Pure: a view and a name in, a typed input out."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.views import ClusterView

KINDS = {"deployment": "Deployment", "service": "Service", "verdict": "Pod"}
"""First word of a target → kind of the object behind it."""


def is_up(view: ClusterView, name: str) -> bool:
    """Whether a machine or process is up. Raises LookupError for one that is neither."""
    for machine in view.control_plane.machines:
        if machine.name == name:
            return machine.up
        for process in machine.processes:
            if process.name == name:
                return process.up
    for node in view.workload.nodes:
        if node.name == name:
            return node.up
        for process in node.processes:
            if process.name == name:
                return process.up
    for member in view.raft.members:
        if name in (member.name, member.machine):
            return member.up
    raise LookupError(f"{name} is no machine and no process; select one of those")


def is_paused(view: ClusterView, name: str) -> bool:
    """Whether a process, or any process of a machine, is frozen."""
    processes = [process for machine in view.control_plane.machines for process in machine.processes]
    processes += [process for node in view.workload.nodes for process in node.processes]
    if any(process.paused for process in processes if name in (process.name, process.machine)):
        return True
    return any(member.paused for member in view.raft.members if name in (member.name, member.machine))


def crash(view: ClusterView, target: str) -> Sequence[inputs.Input]:
    """Crash it, or start it again; a pod's container is killed (its kubelet starts it again)."""
    if "/" in target:
        return (inputs.Kill(pod(target)),)
    return (inputs.Crash(target) if is_up(view, target) else inputs.Restart(target),)


def freeze(view: ClusterView, target: str) -> inputs.Input:
    """Freeze it, or let it go on."""
    is_up(view, target)
    return inputs.Resume(target) if is_paused(view, target) else inputs.Pause(target)


def cut(view: ClusterView, selected: str, named: Sequence[Sequence[str]]) -> inputs.Input:
    """What is to be cut: groups that were named, the selected room, cable or machine against the rest, or all rooms.

    Where that cut is there already, the cables are mended instead.
    """
    groups = tuple(tuple(group) for group in named if group)
    if len(groups) == 1:
        groups = _against_the_rest(view, groups[0][0]) if len(groups[0]) == 1 else tuple((one,) for one in groups[0])
    if not groups:
        groups = _selected_groups(view, selected)
    return inputs.Heal(groups) if _is_cut(view, groups) else inputs.Cut(groups)


def _selected_groups(view: ClusterView, selected: str) -> tuple[tuple[str, ...], ...]:
    kind, _, rest = selected.partition(" ")
    if kind == "cable":
        return tuple((end,) for end in rest.split())
    rooms = view.network.rooms
    if kind == "room" or (not selected and len(rooms) > 1):
        if kind == "room":
            return ((rest,), tuple(room.name for room in rooms if room.name != rest))
        return tuple((room.name,) for room in rooms)
    if not selected:
        raise ValueError("select a machine or a room first: arrows, Tab or the mouse")
    return _against_the_rest(view, machine_of(view, selected))


def machine_of(view: ClusterView, name: str) -> str:
    """The machine that a process runs on; a machine is its own. Raises LookupError."""
    for machine in view.control_plane.machines:
        if name == machine.name or any(process.name == name for process in machine.processes):
            return machine.name
    for node in view.workload.nodes:
        if name == node.name or any(process.name == name for process in node.processes):
            return node.name
    for member in view.raft.members:
        if name in (member.name, member.machine):
            return member.machine
    raise LookupError(f"{name} has no cable; select a machine or a room")


def _against_the_rest(view: ClusterView, machine: str) -> tuple[tuple[str, ...], ...]:
    others = tuple(one for one in machines(view) if one != machine)
    if not others:
        raise ValueError(f"{machine} is alone: there is no cable to cut")
    return ((machine,), others)


def machines(view: ClusterView) -> tuple[str, ...]:
    """All machines with a cable between them."""
    names = [member.machine for member in view.raft.members]
    names += [machine.name for machine in view.control_plane.machines]
    names += [node.name for node in view.workload.nodes]
    return tuple(dict.fromkeys(names))


def _is_cut(view: ClusterView, groups: Sequence[Sequence[str]]) -> bool:
    """Whether the first two groups are apart already."""
    rooms = {room.name: room.machines for room in view.network.rooms}
    if len(groups) < 2:
        return False
    left = {machine for name in groups[0] for machine in rooms.get(name, (name,))}
    right = {machine for name in groups[1] for machine in rooms.get(name, (name,))}
    return any((a in left and b in right) or (a in right and b in left) for a, b in view.network.cuts)


ROOMS = "ABCDEFGHI"
"""Names of rooms that come into being when somebody is moved."""


def move(view: ClusterView, target: str, room: str = "") -> inputs.Input:
    """Carries the machine of what is selected into a room; without a name into the next one, and behind the last into a new
    one. Where there were no rooms, those who stay sit in room A from then on."""
    machine = machine_of(view, target)
    rooms = {one.name: one.machines for one in view.network.rooms}
    here = next((name for name, machines in rooms.items() if machine in machines), "")
    others: list[inputs.MoveToRoom] = []
    if not rooms:
        here = ROOMS[0]
        rooms = {here: machines_of_managers(view)}
        if room != here:
            others = [inputs.MoveToRoom(other, here) for other in rooms[here] if other != machine]
    if not room:
        names = sorted(rooms)
        if set(rooms.get(here, ())) - {machine} and len(names) < len(ROOMS):
            names.append(next(name for name in ROOMS if name not in rooms))
        room = names[(names.index(here) + 1) % len(names)] if here in names else names[0]
    if room == here and not others:
        raise ValueError(f"{machine} sits in room {room} already")
    move = inputs.MoveToRoom(machine, room)
    return inputs.Together((*others, move), inputs.in_words(move)) if others else move


def machines_of_managers(view: ClusterView) -> tuple[str, ...]:
    """The machines of the committee."""
    return tuple(member.machine for member in view.raft.members)


def message(target: str) -> int:
    """The id of a message: ``message 812`` or ``812``. Raises ValueError."""
    number = target.removeprefix("message ").strip()
    if not number.isdigit():
        raise ValueError("select a message of the wire first")
    return int(number)


def pod(target: str) -> str:
    """``namespace/name`` of a pod. Raises ValueError."""
    name = target.removeprefix("verdict ").partition(" ")[0]
    if "/" not in name or " " in name:
        raise ValueError("select a pod first: Tab to the workers, then arrows")
    return name


def named_pod(words: str) -> str:
    """A pod as it is selected, from ``pod web-1``, ``pod/web-1``, ``shop/web-1`` or ``web-1``."""
    name = words.strip().replace("pod/", "").removeprefix("pods ").removeprefix("pod ").strip()
    return name if "/" in name or not name else f"default/{name}"


def is_object(target: str) -> bool:
    """Whether the API server knows it: pods, deployments, services, nodes."""
    return "/" in target or target.startswith("node-")


def kind_and_key(target: str) -> tuple[str, str]:
    """Kind and ``namespace/name`` of a selected object. Raises ValueError."""
    kind, _, rest = target.partition(" ")
    if kind in KINDS:
        return KINDS[kind], rest.partition(" ")[0]
    if target.startswith("node-"):
        return "Node", target
    return "Pod", pod(target)


def resource(target: str) -> str:
    """An object as kubectl names it: ``pod web-x -n shop``. Raises ValueError."""
    kind, key = kind_and_key(target)
    namespace, _, name = key.rpartition("/")
    return f"{kind.lower()} {name}{_where(namespace)}"


def running(target: str) -> str:
    """What has containers, as ``logs`` and ``exec`` name it: ``web-x -n shop``, ``deployment/web``. Raises ValueError."""
    kind, key = kind_and_key(target)
    if kind == "Node":
        raise ValueError(f"{target} is a machine: select one of its pods")
    namespace, _, name = key.rpartition("/")
    return f"{'' if kind == 'Pod' else kind.lower() + '/'}{name}{_where(namespace)}"


def _where(namespace: str) -> str:
    return f" -n {namespace}" if namespace and namespace != "default" else ""
