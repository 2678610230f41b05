"""A group of nodes, each with a disk and a state machine, on a wire. Whatever a node does, all five properties are checked."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..invariants import Invariants
from ..node import RaftNode
from ..types import Config, Entry, EntryType, Message, ProposalDropped, ReadOnly, Ready, Role
from ..variants import Node, make_node, sends_first
from .history import FOREVER, Operation
from .machine import Command, Disk, Machine


class Broken(Exception):
    """Something that must hold does not; the text says what, and where."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """How all nodes of a group are set up; see `Config`."""

    variant: str = "raft"
    seed: int = 0
    size: int = 3
    election_tick: int = 8
    pre_vote: bool = True
    check_quorum: bool = True
    max_size_per_message: int = 1 << 20
    max_inflight: int = 64
    read_only: ReadOnly = ReadOnly.SAFE


class Figures(msgspec.Struct):
    """How much happened: a sweep in which nothing happens proves nothing."""

    steps: int = 0
    elections: int = 0
    crashes: int = 0
    torn: int = 0
    cuts: int = 0
    lost: int = 0
    doubled: int = 0
    changes: int = 0
    compactions: int = 0
    snapshots: int = 0
    transfers: int = 0
    commits: int = 0
    writes: int = 0
    reads: int = 0

    def add(self, other: Figures) -> None:
        """Adds what happened elsewhere."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Asked(NamedTuple):
    """An operation that a client waits for at a member; ``since``: from which applied index on a read may be answered."""

    operation: Operation
    member: int
    since: int = FOREVER


class Group:
    """``nodes`` are those that are up. Whoever steps a node calls `serve` for it next."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.nodes: dict[int, Node] = {}
        self.disks: dict[int, Disk] = {}
        self.machines: dict[int, Machine] = {}
        self.configs: dict[int, Config] = {}
        self.wire: list[Message] = []
        self.blocked: set[tuple[int, int]] = set()
        self.invariants = Invariants()
        self.figures = Figures()
        self.history: list[Operation] = []
        self.asked: dict[bytes, Asked] = {}
        self.torn: dict[int, int] = {}
        """Who crashes while it writes the next thing that must be durable: after so many entries, or after all of it if that
        is more than there are, but before it has sent anything."""
        self.told: list[str] | None = None
        """What happened, in words, when somebody wants to know."""
        self._terms: dict[int, int] = {}
        self._highest = 0
        for member in range(1, setup.size + 1):
            self.create(member, tuple(range(1, setup.size + 1)))

    # ------------------------------------------------------------------ nodes

    def create(self, member: int, voters: tuple[int, ...]) -> None:
        """A new node with an empty disk, which takes ``voters`` for the group."""
        setup = self.setup
        self.configs[member] = Config(
            id=member, voters=voters, election_tick=setup.election_tick, pre_vote=setup.pre_vote,
            check_quorum=setup.check_quorum, seed=setup.seed, max_size_per_message=setup.max_size_per_message,
            max_inflight=setup.max_inflight, read_only=setup.read_only,
        )  # fmt: skip
        self.disks[member] = Disk()
        self._boot(member)

    def _boot(self, member: int) -> None:
        disk = self.disks[member]
        self.nodes[member] = make_node(
            self.setup.variant, self.configs[member], disk.hard_state, disk.entries, disk.snapshot
        )
        self.machines[member] = Machine(disk.snapshot)

    def crash(self, member: int) -> None:
        """Only the disk is left."""
        del self.nodes[member]
        self.figures.crashes += 1
        self.tell("node {} crashes", member)

    def restart(self, member: int) -> None:
        """Comes back from its disk."""
        self._boot(member)
        self.invariants.restarted(member)
        self.tell("node {} restarts", member)
        self.serve(member)

    def leader(self) -> Node | None:
        """The leader of the highest term."""
        leaders = [node for node in self.nodes.values() if node.role is Role.LEADER]
        return max(leaders, key=lambda node: node.term, default=None)

    def tell(self, words: str, *values: object) -> None:
        """Notes what happens, if anybody wants to know."""
        if self.told is not None:
            self.told.append(f"{self.figures.steps:6d}  {words.format(*values)}")

    # ------------------------------------------------------------------ one step

    def serve(self, member: int) -> None:
        """Does for a node what its caller must, until it wants nothing more."""
        node = self.nodes[member]
        self.figures.steps += 1
        self._check(node)
        while node.has_ready():
            ready = node.ready()
            careless = sends_first(self.setup.variant)
            if careless:
                self.wire.extend(ready.messages)
            if ready.must_sync and member in self.torn:
                return self._tear(member, ready, self.torn.pop(member))
            self.disks[member].save(ready)
            if not careless:
                self.wire.extend(ready.messages)
            self._carry_out(member, ready)
            node.advance(ready)
            self._check(node)
        return None

    def _tear(self, member: int, ready: Ready, entries: int) -> None:
        disk = self.disks[member]
        if entries > len(ready.entries):
            disk.save(ready)
        else:
            disk.save_some(ready, entries)
        self.figures.torn += 1
        self.tell("node {} crashes while it writes: {} of {} entries are on disk", member, entries, len(ready.entries))
        self.crash(member)

    def _check(self, node: Node) -> None:
        breach = self.invariants.observe(node)
        if breach is not None:
            raise Broken(f"{breach.property.title}: {breach.text}")
        if node.role is Role.LEADER and self._terms.get(node.id) != node.term:
            self._terms[node.id] = node.term
            self.figures.elections += 1
            self.tell("node {} leads term {}", node.id, node.term)

    def _carry_out(self, member: int, ready: Ready) -> None:
        machine = self.machines[member]
        if ready.snapshot is not None:
            machine = self.machines[member] = Machine(ready.snapshot)
            machine.applied = ready.snapshot.index
            self.figures.snapshots += 1
            self.tell("node {} takes a snapshot of index {}", member, ready.snapshot.index)
        for entry in ready.committed:
            self._apply(member, machine, entry)
        for state in ready.read_states:
            asked = self.asked.get(state.context)
            if asked is not None and asked.member == member:
                self.asked[state.context] = asked._replace(since=state.index)
        if self.asked and (ready.committed or ready.read_states):
            self._answer_reads(member, machine)

    def _apply(self, member: int, machine: Machine, entry: Entry) -> None:
        if entry.index != machine.applied + 1:
            raise Broken(f"node {member} applies index {entry.index} after {machine.applied}")
        if not sends_first(self.setup.variant) and not self.disks[member].holds(entry):
            raise Broken(f"node {member} applies entry {entry.index}, which is not on its disk")
        machine.applied = entry.index
        if entry.index > self._highest:
            self._highest = entry.index
            self.figures.commits += 1
            self.figures.changes += entry.type is EntryType.CONF_CHANGE
        if entry.type is not EntryType.NORMAL or not entry.data:
            return
        command = Command.decode(entry.data)
        machine.apply(command)
        asked = self.asked.get(entry.data)
        if asked is not None and asked.member == member:
            del self.asked[entry.data]
            self._answer(asked.operation._replace(end=self.figures.steps))

    # ------------------------------------------------------------------ clients

    def write(self, member: int, command: Command) -> bool:
        """A client asks a member to write. False when that one does not take it."""
        data = command.encode()
        operation = Operation(command.client, command.key, True, command.value, self.figures.steps)
        self.asked[data] = Asked(operation, member)
        try:
            self.nodes[member].propose(data)
        except ProposalDropped:
            del self.asked[data]
            return False
        self.serve(member)
        return True

    def read(self, member: int, client: str, key: str, mark: bytes) -> None:
        """A client asks a member to read; ``mark`` is the read's own."""
        self.asked[mark] = Asked(Operation(client, key, False, "", self.figures.steps), member)
        self.nodes[member].read_index(mark)
        self.serve(member)

    def give_up(self, mark: bytes) -> None:
        """A client waits no longer: a write may still happen at any time."""
        asked = self.asked.pop(mark, None)
        if asked is not None and asked.operation.write:
            self.history.append(asked.operation)

    def _answer_reads(self, member: int, machine: Machine) -> None:
        ready = [mark for mark, asked in self.asked.items() if asked.member == member and asked.since <= machine.applied]
        for mark in ready:
            operation = self.asked.pop(mark).operation
            value = machine.registers.get(operation.key, "")
            self._answer(operation._replace(value=value, end=self.figures.steps))

    def _answer(self, operation: Operation) -> None:
        self.history.append(operation)
        if operation.write:
            self.figures.writes += 1
        else:
            self.figures.reads += 1

    # ------------------------------------------------------------------ the wire

    def deliver(self, message: Message) -> None:
        """One message arrives, unless its way is cut or its receiver is down."""
        to = message.to
        if to not in self.nodes or (message.sender, to) in self.blocked:
            self.figures.lost += 1
            return
        self.nodes[to].step(message)
        self.serve(to)

    def compact(self, member: int, keep: int) -> None:
        """A member makes a snapshot of what it has applied and drops its log up to ``keep`` entries before that."""
        node, machine = self.nodes[member], self.machines[member]
        if not isinstance(node, RaftNode) or machine.applied <= (node.snapshot.index if node.snapshot else 0):
            return
        node.compact(machine.applied, machine.dump(), keep)
        if node.snapshot is not None:
            self.disks[member].compact(node.snapshot, node.log.offset)
        self.figures.compactions += 1
