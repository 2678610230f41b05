"""A client that does one thing at a time, and worlds of members."""

from __future__ import annotations

from typing import Any

from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.etcd.wire import Event, WatchCanceled, WatchEvents
from k8s_tutor.raft import Role
from k8s_tutor.sim import MS, SECOND, Body, Calling, Context, Link, Note, World


class Do(Body):
    """Ask a member something. ``label`` names the answer."""

    label: str
    member: str
    body: Any


class Client(Calling):
    """Sends what it is told to, and remembers answers (with the instant) and events."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.asked: dict[str, int] = {}
        self.answers: dict[str, Any] = {}
        self.answered_at: dict[str, int] = {}
        self.frames: list[WatchEvents] = []
        self.canceled: list[WatchCanceled] = []

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Do):
            self.asked[body.label] = ctx.now
            self.ask(ctx, body.member, body.body, "answered", (body.label,))
        elif isinstance(body, WatchEvents):
            self.frames.append(body)
        elif isinstance(body, WatchCanceled):
            self.canceled.append(body)

    def answered(self, ctx: Context, answer: Any, label: str) -> None:
        self.answers[label] = answer
        self.answered_at[label] = ctx.now

    def events(self, watch: int = 0) -> list[Event]:
        """Of one watch, or all."""
        return [event for frame in self.frames if watch in (0, frame.watch) for event in frame.events]


class Group:
    """A world with members and clients."""

    def __init__(
        self, size: int, seed: int = 1, variant: str = "raft", clients: int = 1, link: Link | None = None, **config: int
    ) -> None:
        self.world = World(seed, link or Link(latency=2 * MS))
        self.names = [f"etcd-{i}" for i in range(1, size + 1)]
        peers = tuple(enumerate(self.names, 1))
        for ident, name in peers:
            self.world.add(Member, name, MemberConfig(ident, peers, variant, seed, **config))
        for i in range(clients):
            self.world.add(Client, f"client-{i}")
        self._count = 0

    def member(self, name: str) -> Member:
        found = self.world.actor(name)
        assert isinstance(found, Member)
        return found

    def client(self, name: str = "client-0") -> Client:
        found = self.world.actor(name)
        assert isinstance(found, Client)
        return found

    def up(self) -> list[Member]:
        return [actor for name in self.names if isinstance(actor := self.world.actor(name), Member)]

    def leaders(self) -> list[str]:
        return [member.name for member in self.up() if member.node.role is Role.LEADER]

    def run(self, time: int) -> None:
        self.world.run_until(self.world.now + time)

    def elect(self) -> str:
        """Waits until there is one leader whom all obey. Returns its name."""
        def settled(_: World) -> bool:
            return len({member.node.leader for member in self.up()} - {0}) == 1 and len(self.leaders()) == 1

        assert self.world.run_until(settled, 200_000)
        return self.leaders()[0]

    def send(self, member: str, body: Any, client: str = "client-0") -> str:
        """Begins a request. Returns its label."""
        self._count += 1
        label = f"{self._count}"
        self.world.take(Do(label, member, body), lambda world, given: world.inject(client, given))
        return label

    def ask(self, member: str, body: Any, client: str = "client-0", limit: int = 20 * SECOND) -> Any:
        """A request and its answer."""
        label, end = self.send(member, body, client), self.world.now + limit
        self.world.run_until(lambda w: label in self.client(client).answers or w.now > end)
        return self.client(client).answers[label]

    def notes(self, kind: str) -> list[Note]:
        return [note for note in self.world.log.records() if isinstance(note, Note) and note.kind == kind]

    def assert_same_stores(self) -> None:
        first, *others = self.up()
        for other in others:
            assert (other.store.revision, other.store.compacted) == (first.store.revision, first.store.compacted)
            assert other.store.latest == first.store.latest
            assert other.store.keys == first.store.keys
            assert list(other.store.history) == list(first.store.history)
