"""pysyncobj with an in-memory transport: the peer of B3."""

from __future__ import annotations

from typing import Any, ClassVar

from pysyncobj import SyncObj, SyncObjConf, replicated
from pysyncobj.node import Node
from pysyncobj.transport import Transport


class Memory(Transport):  # type: ignore[misc]
    """Hands messages from one object to the other, in the same process."""

    everyone: ClassVar[dict[str, Memory]] = {}

    def __init__(self, owner: Any, own: Any, others: Any) -> None:
        super().__init__(owner, own, others)
        self.own, self.others = own, list(others)
        Memory.everyone[own.id] = self

    @property
    def ready(self) -> bool:
        """There is nothing to connect."""
        return True

    def waitReady(self) -> None:
        """There is nothing to wait for."""

    def connect(self) -> None:
        """Tells the owner that everybody is there."""
        for other in self.others:
            self._onNodeConnected(other)

    def send(self, node: Any, message: Any) -> bool:
        """Delivers at once."""
        target = Memory.everyone[node.id]
        sender = next(other for other in target.others if other.id == self.own.id)
        target._onMessageReceived(sender, message)
        return True

    def addNode(self, node: Any) -> None:
        """The group is fixed."""

    def dropNode(self, node: Any) -> None:
        """The group is fixed."""

    def destroy(self) -> None:
        """Nothing is open."""


class Counter(SyncObj):  # type: ignore[misc]
    """A replicated number."""

    def __init__(self, own: Any, others: list[Any]) -> None:
        conf = SyncObjConf(autoTick=False, dynamicMembershipChange=False, appendEntriesUseBatch=False,
                           commandsQueueSize=1_000_000, connectionTimeout=1e9)  # fmt: skip
        super().__init__(own, others, conf, transportClass=Memory)
        self.value = 0

    @replicated  # type: ignore[untyped-decorator]
    def add(self) -> None:
        """One more."""
        self.value += 1


class Trio:
    """Three of them, with a leader."""

    def __init__(self) -> None:
        Memory.everyone.clear()
        nodes = [Node(f"member-{i}") for i in range(3)]
        self.members = [Counter(node, [other for other in nodes if other is not node]) for node in nodes]
        for member in self.members:
            member.doTick()
        for transport in Memory.everyone.values():
            transport.connect()
        while self.leader() is None:
            self.tick()

    def tick(self) -> None:
        """One turn of each."""
        for member in self.members:
            member.doTick(0.0)

    def leader(self) -> Any:
        """The member that leads, or None."""
        return next((member for member in self.members if member._isLeader()), None)

    def commit(self, count: int) -> None:
        """Commits that many entries, one after the other, on all three."""
        leader = self.leader()
        for _ in range(count):
            wanted = leader.value + 1
            leader.add()
            while leader.value < wanted:
                leader.doTick(0.0)
        while min(member.value for member in self.members) < leader.value:
            self.tick()
