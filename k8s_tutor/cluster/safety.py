"""What consensus promises: which of it does not hold at this moment, and what has ever been broken in this run."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.cluster.views import LampView, MemberView
from k8s_tutor.etcd.member import Member
from k8s_tutor.raft import Entry, Invariants, Property, Role
from k8s_tutor.sim import MS, SECOND, Message, World

PROGRESS = "progress"
PATIENCE = 30 * SECOND
"""How long there may be no leader although nothing is broken: some twenty election timeouts."""
SLOW = 100 * MS
"""A cable slower than this is too slow for the election timeout of one second (Raft paper, section 5.6)."""

PROMISES: dict[str, str] = {
    **{known.title: known.value for known in Property},
    PROGRESS: f"while all members are up and reach each other, there is no time of {PATIENCE // SECOND} s without a leader",
}
"""Property → what it says: the five of Raft's safety (paper, figure 3), and one of its liveness."""


class Safety:
    """Watches the members of a run, message by message, and remembers the first breach of each promise."""

    def __init__(self, world: World) -> None:
        self._invariants = Invariants()
        self._leading: dict[str, None] = {}
        self._group = 0
        """Id of the cluster that is watched."""
        self._calm = False
        self._since = world.now
        self.broken: dict[str, LampView] = {}
        """Property → how and when it broke."""
        self.took(world)

    def copy(self) -> Safety:
        """An independent witness that has seen the same."""
        twin = object.__new__(Safety)
        twin.__dict__.update(self.__dict__)
        twin._invariants, twin._leading, twin.broken = self._invariants.copy(), self._leading.copy(), self.broken.copy()
        return twin

    def lamps(self) -> tuple[LampView, ...]:
        """One for each promise, as it stands."""
        return tuple(self.broken.get(name) or LampView(property=name, promise=text, ok=True) for name, text in PROMISES.items())

    def saw(self, world: World, message: Message) -> None:
        """A message was delivered: if to a member, it may have broken something."""
        name = message[3]
        actor = world.running.get(name)
        if type(actor) is Member:
            self._observe(world, name, actor, message[1])

    def took(self, world: World) -> None:
        """An input was taken: members may have gone or come back, cables may have been cut or mended."""
        members = [name for name, process in world.processes.items() if process.actor is Member]
        disks = {name: actor.disk if (actor := world.actor(name)) is not None else world.disks[name] for name in members}
        group = next((disk.backend.cluster_id for disk in disks.values()), 0)
        if group != self._group:  # restored from a backup: another group, whose log begins anew
            self._group, self._invariants = group, Invariants()
            self._leading.clear()
        self._calm = not (
            world.network.cuts or world.paused or world.down or world.slow_disks or world.skew or _is_slow(world, members)
        )  # fmt: skip
        for name in [name for name in self._leading if name not in world.running]:
            del self._leading[name]
        self._since = world.now
        for name, disk in disks.items():
            actor = world.actor(name)
            ident = disk.identity or world.processes[name].config.id
            if isinstance(actor, Member):
                self._invariants.names[ident] = name
                self._observe(world, name, actor, 0)
            else:
                self._invariants.restarted(ident)
                self._leading.pop(name, None)

    def _observe(self, world: World, name: str, actor: Member, message: int) -> None:
        node = actor.node
        self._invariants.names.setdefault(node.id, name)  # a newcomer learns its id when it is let in
        for breach in self._invariants.breaches(node):
            self._break(world, breach.property.title, breach.text, message)
        if node.role is Role.LEADER:
            self._leading[name] = None
            return
        if name in self._leading:
            del self._leading[name]
            self._since = world.now
        if self._calm and not self._leading and world.now - self._since > PATIENCE and _is_whole(world, actor):
            self._break(world, PROGRESS, f"no leader for {PATIENCE // SECOND} s although all members are up", message)

    def _break(self, world: World, property: str, text: str, message: int) -> None:
        if property not in self.broken:
            self.broken[property] = LampView(
                property=property, promise=PROMISES[property], ok=False, broken_at_event=world.events,
                broken_at=world.now, message=message, sentence=text,
            )  # fmt: skip


def _is_whole(world: World, member: Member) -> bool:
    """Whether all voters of whom a member knows run: who was thrown away without having been voted out is missed for ever."""
    members = member.backend.members
    return all(ident in members and members[ident].name in world.running for ident in member.node.voters)


def _is_slow(world: World, members: Sequence[str]) -> bool:
    """Whether a cable between two members is too slow for elections, or loses what it carries."""
    network = world.network
    hosts = [network.hosts[name] for name in members]
    links = [network.links.get((one, other), network.default) for one in hosts for other in hosts if one != other]
    return any(link.latency + link.jitter > SLOW or link.loss for link in links)


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
