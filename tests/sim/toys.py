"""Small actors for tests of the world."""

from __future__ import annotations

from typing import Any

from k8s_tutor.sim import SECOND, Actor, Body, Call, CallFailed, Calling, Context, Link, Reply, State, World


class Ball(Body):
    number: int


class Beat(Body):
    pass


class Player(Actor):
    """Throws a ball back and counts; keeps the count of this life, and all counts on disk."""

    class Disk(State):
        def __init__(self) -> None:
            self.total = 0

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk or Player.Disk())
        self.count = 0
        self.seen: list[int] = []
        self.closed: list[str] = []

    def start(self, ctx: Context) -> None:
        if self.config:
            ctx.after(ctx.draw("serve", 1000) + 1, Beat(), work=True)

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Beat):
            ctx.send(self.config, Ball(0))
            return
        self.count += 1
        self.disk.total += 1
        self.seen.append(body.number)
        ctx.note("player.caught", number=body.number)
        ctx.send(src, Ball(body.number + 1))

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        self.closed.append(f"{peer} {reason}")


class Streamer(Player):
    """Sends a number every second over a connection, and remembers what it got."""

    def start(self, ctx: Context) -> None:
        if self.config:
            ctx.after(SECOND, Beat(), work=False)

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Beat):
            ctx.after(SECOND, body)
            self.count += 1
            ctx.stream(self.config, Ball(self.count))
        else:
            self.seen.append(body.number)


class Asker(Calling):
    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.answers: list[Any] = []

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        self.ask(ctx, self.config, Ball(body.number), "answered", (body.number,), timeout=5 * SECOND)

    def answered(self, ctx: Context, answer: Any, number: int) -> None:
        self.answers.append((number, answer.reason if isinstance(answer, CallFailed) else answer.number))


class Server(Actor):
    def receive(self, ctx: Context, src: str, body: Any) -> None:
        assert isinstance(body, Call)
        ctx.reply(src, Reply(body.id, Ball(body.body.number * 2)))


def pair(seed: int = 1, link: Link | None = None) -> World:
    """Two players on two hosts."""
    world = World(seed, link or Link(latency=1000))
    world.add(Player, "bob")
    world.add(Player, "ann", "bob")
    return world


def streams(seed: int = 1, link: Link | None = None) -> World:
    """A sender and a receiver on two hosts."""
    world = World(seed, link or Link(latency=1000))
    world.add(Streamer, "sink")
    world.add(Streamer, "source", "sink")
    return world
