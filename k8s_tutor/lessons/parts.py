"""One part of a cluster's view at a time, built only when an actor that it reads has been stepped.

Conditions are looked at after every message and read one part or two; a whole view would cost many times the step itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import Cluster, netrules
from k8s_tutor.cluster.raftview import members_of, raft_view
from k8s_tutor.cluster.tails import WireTail
from k8s_tutor.cluster.views import NoteView
from k8s_tutor.cluster.why import note_view
from k8s_tutor.cluster.wireview import console_view, consoles_of
from k8s_tutor.cluster.workloadview import KINDS, Workload
from k8s_tutor.etcd.member import Member
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.sim import Note, World


class _Parts:
    """The parts of one cluster, each with the key under which it was built."""

    def __init__(self, cluster: Cluster) -> None:
        self.workload = Workload(cluster.spec)
        self.wire = WireTail()
        self.known: dict[str, tuple[Any, Any]] = {}
        self.moment: tuple[Any, int] = (None, -1)
        self.now: dict[str, Any] = {}
        """Parts that were asked for at this very moment: several conditions of a goal read the same one."""
        self.population: tuple[int, str] = (0, "")
        self.shown: tuple[Any, tuple[Any, ...]] = (None, ())
        """What the key of the workload part was made of, and that key."""
        self.members: list[str] = []
        self.servers: list[str] = []
        self.runtimes: list[str] = []

    def meet(self, world: World) -> None:
        """Finds out who is there, when somebody came or went."""
        processes = world.processes
        population = (len(processes), next(reversed(processes), ""))
        if population != self.population:
            self.population = population
            self.members, self.servers, self.runtimes = members_of(world), _named(world, ApiServer), _named(world, Runtime)

    def servers_up(self, world: World) -> list[ApiServer]:
        """The API servers that run."""
        running = world.running
        return [running[name] for name in self.servers if name in running]  # type: ignore[misc]

    def workload_key(self, world: World) -> tuple[Any, ...]:
        """Equal while nothing that the workload part shows can have changed."""
        servers = self.servers_up(world)
        rest = world, _versions(world, self.runtimes), _faults(world), tuple(world.dead_hosts)
        made_of = rest, [(server.name, server.caches.revision) for server in servers]
        if self.shown[0] != made_of:
            kinds = tuple([(server.name, *[server.caches.kinds[kind].last for kind in KINDS]) for server in servers])
            self.shown = made_of, (*rest, kinds)
        return self.shown[1]

    def get(self, name: str, key: Any, make: Callable[[], Any]) -> Any:
        known = self.known.get(name)
        if known is not None and known[0] == key:
            return known[1]
        made = make()
        self.known[name] = (key, made)
        return made


_KNOWN: WeakKeyDictionary[Cluster, _Parts] = WeakKeyDictionary()


def part(cluster: Cluster, name: str) -> Any:
    """The part of the view with that name (``raft``, ``console`` ...); the very same object while unchanged.

    ``standing`` (who is up, votes and reaches whom), ``roles`` (who leads), ``progress`` (what is committed), ``notebooks``
    (all that a member knows but its clock and its answers), ``stores`` (the API servers' caches) and ``stores:Pod`` (those of
    one kind) are keys: equal while nothing that belongs to them has changed.
    """
    parts = _KNOWN.get(cluster)
    if parts is None:
        parts = _KNOWN[cluster] = _Parts(cluster)
    world = cluster.world
    if parts.moment[1] != world.stamp or parts.moment[0] is not world:
        parts.moment = (world, world.stamp)
        parts.now = {}
        parts.meet(world)
    elif name in parts.now:
        return parts.now[name]
    found = parts.now[name] = _part(cluster, parts, world, name)
    return found


def _part(cluster: Cluster, parts: _Parts, world: World, name: str) -> Any:
    if name == "raft":
        key = (_versions(world, parts.members), _faults(world), cluster.broken())
        return parts.get(name, key, lambda: raft_view(world, cluster.lamps()))
    if name == "console":
        return parts.get(name, _versions(world, consoles_of(world)), lambda: console_view(world))
    if name == "network":
        return parts.workload.network(world, parts.get)
    if name == "workload":
        return parts.get(name, parts.workload_key(world), lambda: parts.workload.workload(world, _make))
    if name == "control_plane":
        return parts.workload.control_plane(world, parts.get)
    if name == "wire":
        return parts.wire.view(world)
    if name in _OF_MEMBERS:
        return _faults(world), tuple([_member(world, member, _OF_MEMBERS[name]) for member in parts.members])
    if name == "walks":
        return world, netrules.key(world, None), parts.workload_key(world), part(cluster, "stores")
    if name.startswith("stores:"):
        kind = name[7:]
        return tuple([(server.name, server.caches.kinds[kind].last) for server in parts.servers_up(world)])
    if name == "stores":
        return tuple([(server.name, server.caches.revision) for server in parts.servers_up(world)])
    raise LookupError(f"there is no part {name}")


def _standing(member: Member) -> tuple[Any, ...]:
    return (member.node.membership,)


def _roles(member: Member) -> tuple[Any, ...]:
    return member.node.role, member.node.term


def _progress(member: Member) -> tuple[Any, ...]:
    return member.node.role, member.node.term, member.node.log.committed


def _notebooks(member: Member) -> tuple[Any, ...]:
    node, log = member.node, member.node.log
    # The same place and term of the last entry: the same entries before it, too (log matching).
    return (
        node.role, node.term, node.vote, node.leader, log.committed, log.offset, log.last, log.last_term, node.membership,
        member.store.revision,
    )  # fmt: skip


_OF_MEMBERS: dict[str, Callable[[Member], tuple[Any, ...]]] = {
    "standing": _standing, "roles": _roles, "progress": _progress, "notebooks": _notebooks,
}  # fmt: skip
"""Part → what of each member decides it."""


def _member(world: World, name: str, of: Callable[[Member], tuple[Any, ...]]) -> tuple[Any, ...]:
    actor = world.actor(name)
    return of(actor) if isinstance(actor, Member) else ()


def _named(world: World, kind: type[Any]) -> list[str]:
    """Names of all processes of a kind, up or down."""
    return [process.name for process in world.processes.values() if process.actor is kind]


def _make(name: str, key: Any, make: Callable[[], Any]) -> Any:
    return make()


def _versions(world: World, names: list[str]) -> tuple[int, ...]:
    return tuple([found.version if (found := world.actor(name)) is not None else -1 for name in names])


def _faults(world: World) -> tuple[Any, ...]:
    return tuple(world.network.cuts), tuple(world.paused), tuple(world.down), tuple(world.network.rooms.items())


class Notes:
    """The notes of a cluster from a moment on. Reads only what is new, and notices when a rewind has taken some back."""

    def __init__(self, cluster: Cluster) -> None:
        self.first = self._next = len(cluster.world.log.records())
        self._last: Any = None
        self._notes: list[NoteView] = []

    def read(self, cluster: Cluster) -> list[NoteView]:
        """All notes since then, oldest first."""
        records = cluster.world.log.records()
        if self._next > self.first and (len(records) < self._next or records[self._next - 1] is not self._last):
            self._next, self._notes = self.first, []
        for index in range(self._next, len(records)):
            record = records[index]
            if isinstance(record, Note):
                self._notes.append(note_view(cluster.world, record))
        if len(records) > self._next:
            self._next = len(records)
            self._last = records[self._next - 1]
        return self._notes
