"""A group of nodes with disks, state machines and a network that a test can break, one step at a time.

Everything follows from the seed. The invariants are checked after every step of every node.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from k8s_tutor.raft import (
    Breach,
    Config,
    Entry,
    EntryType,
    HardState,
    Invariants,
    Message,
    MessageType,
    ProposalDropped,
    RaftNode,
    Role,
    Snapshot,
)

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Entry]).decode


class SafetyBreach(AssertionError):
    """A safety property was seen to break."""

    def __init__(self, breach: Breach) -> None:
        super().__init__(f"{breach.property.name}: {breach.text}")
        self.breach = breach


@dataclass
class Disk:
    """What survives a crash."""

    hard_state: HardState | None = None
    entries: list[Entry] = field(default_factory=list)
    snapshot: Snapshot | None = None

    @property
    def base(self) -> int:
        """The index before the first stored entry."""
        if self.entries:
            return self.entries[0].index - 1
        return self.snapshot.index if self.snapshot else 0

    def compact(self, snapshot: Snapshot, keep: int = 0) -> None:
        """Stores a snapshot of one's own and forgets what it covers, but for the last ``keep`` entries."""
        self.snapshot = snapshot
        self.entries = [entry for entry in self.entries if entry.index > snapshot.index - keep]


@dataclass
class Counts:
    """How much happened: a sweep in which nothing happens proves nothing."""

    elections: int = 0
    commits: int = 0
    truncations: int = 0
    restarts: int = 0
    reads: int = 0
    dropped: int = 0
    changes: int = 0
    compactions: int = 0
    snapshots: int = 0
    transfers: int = 0

    def add(self, other: Counts) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Group:
    """``size`` nodes of ``kind``; ids from 1. Crashed nodes are absent from ``nodes``."""

    def __init__(
        self,
        size: int = 3,
        *,
        seed: int = 0,
        kind: Callable[[Config], Any] = RaftNode,
        invariants: Invariants | None = None,
        **config: Any,
    ) -> None:
        self.kind = kind
        voters = config.pop("voters", tuple(range(1, size + 1)))
        self.configs = {
            member: Config(id=member, voters=voters, seed=seed, **config)
            for member in (*voters, *config.get("learners", ()))
        }
        self.nodes: dict[int, Any] = {member: kind(conf) for member, conf in self.configs.items()}
        self.disks = {member: Disk() for member in self.configs}
        self.applied: dict[int, list[Entry]] = {member: [] for member in self.configs}
        self.read_states: dict[int, list[Any]] = {member: [] for member in self.configs}
        self.wire: list[Message] = []
        self.log: list[Message] = []  # all messages ever sent, when `keep` is set
        self.keep = False
        self.blocked: set[tuple[int, int]] = set()
        self.invariants = invariants if invariants is not None else Invariants()
        self.counts = Counts()
        self.rng = random.Random(seed)
        self.floor = 0  # the highest index that anybody has ever applied
        self.reads: dict[bytes, int] = {}  # a read's mark -> the floor when it began
        self.pool = size + 2  # ids that a storm may add
        self._leads: dict[int, int] = {}

    # ---- one node

    def serve(self, member: int, crash_at: str = "") -> None:
        """Does for a node what its caller must, until it wants nothing more. ``crash_at`` persist or send."""
        node = self.nodes[member]
        self.check(node)
        while node.has_ready():
            ready = node.ready()
            if crash_at == "persist":
                return self.crash(member)
            self._persist(member, ready)
            if crash_at == "send":
                return self.crash(member)
            self.wire.extend(ready.messages)
            if self.keep:
                self.log.extend(ready.messages)
            self._apply(member, ready)
            node.advance(ready)
            self.check(node)
        return None

    def _persist(self, member: int, ready: Any) -> None:
        disk = self.disks[member]
        if ready.snapshot is not None:
            disk.snapshot = ready.snapshot
            disk.entries = []
            self.applied[member] = self._state(ready.snapshot)
            self.counts.snapshots += 1
        if ready.entries:
            place = ready.entries[0].index - disk.base - 1
            assert 0 <= place <= len(disk.entries), "entries must follow the stored log"
            self.counts.truncations += place < len(disk.entries)
            del disk.entries[place:]
            disk.entries.extend(ready.entries)
        if ready.hard_state is not None:
            disk.hard_state = ready.hard_state
        assert ready.must_sync or not ready.entries

    def _apply(self, member: int, ready: Any) -> None:
        applied = self.applied[member]
        for entry in ready.committed:
            assert entry.index == len(applied) + 1, "every committed index comes once, in order"
            disk = self.disks[member]
            assert disk.entries[entry.index - disk.base - 1] == entry, "what is applied has been stored"
            applied.append(entry)
            self.counts.changes += entry.type is EntryType.CONF_CHANGE
        if len(applied) > self.floor:
            self.counts.commits += len(applied) - self.floor
            self.floor = len(applied)
        for state in ready.read_states:
            self.read_states[member].append(state)
            begun = self.reads.pop(state.context, None)
            if begun is not None:
                self.counts.reads += 1
                assert state.index >= begun, (
                    f"stale read: node {member} answers at index {state.index}, but {begun} was applied before it began"
                )

    @staticmethod
    def _state(snapshot: Snapshot | None) -> list[Entry]:
        """A state machine here is all that it was ever given; an empty snapshot is an empty one."""
        return _unpack(snapshot.data) if snapshot is not None and snapshot.data else []

    def check(self, node: Any) -> None:
        breach = self.invariants.observe(node)
        if breach is not None:
            raise SafetyBreach(breach)
        if node.role is Role.LEADER and self._leads.get(node.id) != node.term:
            self._leads[node.id] = node.term
            self.counts.elections += 1

    def crash(self, member: int) -> None:
        self.nodes.pop(member, None)

    def restart(self, member: int) -> None:
        disk = self.disks[member]
        kind: Any = self.kind
        self.nodes[member] = kind.restart(
            self.configs[member], disk.hard_state, tuple(disk.entries), disk.snapshot
        )
        self.applied[member] = self._state(disk.snapshot)
        self.invariants.restarted(member)
        self.counts.restarts += 1
        self.serve(member)

    # ---- what a test does

    def campaign(self, member: int) -> None:
        self.nodes[member].campaign()
        self.serve(member)

    def propose(self, member: int, data: bytes) -> bool:
        try:
            self.nodes[member].propose(data)
        except ProposalDropped:
            self.counts.dropped += 1
            return False
        self.serve(member)
        return True

    def change(
        self, member: int, add: Iterable[int] = (), learn: Iterable[int] = (), remove: Iterable[int] = ()
    ) -> bool:
        """Proposes a change of members through ``member``; who is new is started first. Returns whether it was taken."""
        for newcomer in (*add, *learn):
            if newcomer not in self.configs:
                self.join(newcomer, self.nodes[member].voters)
        try:
            self.nodes[member].propose_conf_change(add, learn, remove)
        except ProposalDropped:
            self.counts.dropped += 1
            return False
        self.serve(member)
        return True

    def join(self, member: int, voters: Iterable[int]) -> None:
        """Starts a newcomer: an empty log, and the group's voters without itself."""
        other = next(iter(self.configs.values()))
        voters = tuple(voter for voter in voters if voter != member)
        self.configs[member] = msgspec.structs.replace(other, id=member, voters=voters, learners=())
        self.nodes[member] = self.kind(self.configs[member])
        self.disks[member] = Disk()
        self.applied[member] = []
        self.read_states[member] = []

    def compact(self, member: int, index: int = 0, keep: int = 0) -> None:
        """A member makes a snapshot of what it has applied, up to ``index`` (0: all), and drops its log up to there."""
        applied = self.applied[member]
        index = index or len(applied)
        node = self.nodes[member]
        node.compact(index, _pack(applied[:index]), keep)
        if node.snapshot is not None:
            self.disks[member].compact(node.snapshot, keep)
        self.counts.compactions += 1
        self.check(node)

    def transfer(self, member: int, to: int) -> None:
        self.nodes[member].transfer_leadership(to)
        self.counts.transfers += 1
        self.serve(member)

    def read(self, member: int, context: bytes) -> None:
        self.reads[context] = self.floor
        self.nodes[member].read_index(context)
        self.serve(member)

    def deliver(self, message: Message) -> None:
        """One message arrives, unless its link is cut or its receiver is down."""
        if (message.sender, message.to) in self.blocked or message.to not in self.nodes:
            return
        self.nodes[message.to].step(message)
        self.serve(message.to)

    def settle(
        self,
        *,
        only: tuple[MessageType, ...] = tuple(MessageType),
        until: Callable[[], bool] = lambda: False,
        limit: int = 10_000,
    ) -> None:
        """Delivers everything, in order, until the wire is empty or ``until`` holds; drops what is not of ``only``."""
        for _ in range(limit):
            if not self.wire or until():
                return
            message = self.wire.pop(0)
            if message.type in only:
                self.deliver(message)
        raise AssertionError("the group does not settle")

    def tick(self, count: int = 1, members: Iterable[int] | None = None) -> None:
        """Ticks all (or some) nodes, delivering everything after each round."""
        for _ in range(count):
            for member in list(members if members is not None else self.nodes):
                if member in self.nodes:
                    self.nodes[member].tick()
                    self.serve(member)
            self.settle()

    def elect(self, member: int) -> None:
        """Makes ``member`` the leader of a quiet group."""
        self.campaign(member)
        self.settle()
        assert self.nodes[member].role is Role.LEADER

    def cut(self, *rooms: Iterable[int]) -> None:
        """Cuts every cable between rooms."""
        sides = [tuple(room) for room in rooms]
        for side in sides:
            for other in sides:
                if side is not other:
                    self.blocked.update((a, b) for a in side for b in other)

    def isolate(self, member: int) -> None:
        self.cut((member,), tuple(other for other in self.configs if other != member))

    def heal(self) -> None:
        self.blocked.clear()

    def leaders(self) -> list[int]:
        return [member for member, node in self.nodes.items() if node.role is Role.LEADER]

    def data(self, member: int) -> list[bytes]:
        """What the member's state machine has been given, without leaders' empty entries."""
        return [entry.data for entry in self.applied[member] if entry.data]

    # ---- what chance does

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def choose(self, things: list[Any]) -> Any:
        return things[int(self.rng.random() * len(things))]

    def storm(self, rounds: int, faults: Faults) -> None:
        """``rounds`` units of time in which everything goes wrong that ``faults`` allow."""
        for number in range(rounds):
            self._break_something(faults)
            alive = list(self.nodes)
            if alive and self.chance(faults.propose):
                self.propose(self.choose(alive), b"%d" % number)
            if self.nodes and self.chance(faults.read):
                self.read(self.choose(list(self.nodes)), b"read %d" % number)
            self._manage(faults)
            for member in list(self.nodes):
                if member in self.nodes and not self.chance(faults.slow):
                    self.nodes[member].tick()
                    self.serve(member)
            self._deliver_some(faults)

    def _manage(self, faults: Faults) -> None:
        """What an operator does: changes members, hands over, makes snapshots."""
        alive = list(self.nodes)
        if alive and self.chance(faults.change):
            pool = list(range(1, self.pool + 1))
            self.rng.shuffle(pool)
            cut = sorted(int(self.rng.random() * 3) for _ in range(3))
            add, learn, remove = pool[: cut[0]], pool[cut[0] : cut[1]], pool[cut[1] : cut[2] + self.chance(0.5)]
            self.change(self.choose(alive), add, learn, remove)
        if alive and self.chance(faults.transfer):
            self.transfer(self.choose(alive), self.choose(list(self.configs)))
        if alive and self.chance(faults.compact):
            member = self.choose(alive)
            if self.applied[member]:
                index = 1 + int(self.rng.random() * len(self.applied[member]))
                if index > self.nodes[member].log.offset:
                    self.compact(member, index, self.choose([0, 0, 2]))

    def _break_something(self, faults: Faults) -> None:
        members = list(self.configs)
        if self.nodes and self.chance(faults.crash):
            member = self.choose(list(self.nodes))
            if self.chance(0.5):
                self.crash(member)
            else:
                self.nodes[member].tick()
                self.serve(member, crash_at=self.choose(["persist", "send"]))
        down = [member for member in members if member not in self.nodes]
        if down and self.chance(faults.restart):
            self.restart(self.choose(down))
        if self.chance(faults.cut):
            self.rng.shuffle(members)
            middle = 1 + int(self.rng.random() * (len(members) - 1))
            if self.chance(0.5):
                self.cut(members[:middle], members[middle:])
            else:  # one way only
                self.blocked.update((a, b) for a in members[:middle] for b in members[middle:])
        elif self.blocked and self.chance(faults.heal):
            self.heal()

    def _deliver_some(self, faults: Faults) -> None:
        arriving, self.wire = self.wire, []
        if faults.reorder:
            self.rng.shuffle(arriving)
        for message in arriving:
            if self.chance(faults.loss):
                continue
            if self.chance(faults.delay):
                self.wire.append(message)
                continue
            if self.chance(faults.double):
                self.wire.append(message)
            self.deliver(message)

    def calm(self, limit: int) -> int:
        """All faults end: returns the ticks until a leader has committed something new everywhere."""
        self.heal()
        for member in self.configs:
            if member not in self.nodes:
                self.restart(member)
        goal = b"after the storm"
        for ticks in range(limit):
            self.tick()
            for leader in sorted(self.leaders(), key=lambda member: self.nodes[member].term)[-1:]:
                if goal not in self.data(leader):
                    self.propose(leader, goal)
                    self.settle()
                if all(goal in self.data(member) for member in self.nodes[leader].membership.members):
                    return ticks
        raise AssertionError(f"no progress within {limit} ticks after all faults ended")


@dataclass(frozen=True)
class Faults:
    """Probabilities a round, but for loss, delay and double: those are a message."""

    crash: float = 0.02
    restart: float = 0.15
    cut: float = 0.03
    heal: float = 0.08
    loss: float = 0.05
    delay: float = 0.15
    double: float = 0.05
    reorder: bool = True
    slow: float = 0.05
    propose: float = 0.4
    read: float = 0.1
    change: float = 0.0
    transfer: float = 0.0
    compact: float = 0.0


def messages_of(group: Group, kind: MessageType) -> list[Message]:
    return [message for message in group.wire if message.type is kind]
