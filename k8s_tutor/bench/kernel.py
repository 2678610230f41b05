"""B1 and B2: the event kernel and the simulated network, beside simpy."""

from __future__ import annotations

import gc
from typing import Any

from k8s_tutor.bench.measure import SAMPLES, Row, cpu, present, rates
from k8s_tutor.sim import Actor, Body, Context, World

EVENTS = 200_000
SLEEPERS = 1_000


class Wake(Body):
    """A sleeper's timer."""


class Ping(Body):
    """The ball of a ping-pong."""

    number: int


class Sleeper(Actor):
    """Sleeps a millisecond, again and again."""

    def start(self, ctx: Context) -> None:
        ctx.after(1_000 + ctx.draw("begin", 1_000), Wake())

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        ctx.after(1_000, body)


class Player(Actor):
    """Throws the ball back."""

    def start(self, ctx: Context) -> None:
        if self.config:
            ctx.send(self.config, Ping(0))

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        ctx.send(src, Ping(body.number + 1))


def _run(world: World, events: int) -> float:
    def work() -> None:
        step = world.step
        for _ in range(events):
            step()
        world.digest()

    return events / cpu(work)


def sleepers() -> float:
    """Events a second with 1,000 sleepers, log and digest on."""
    world = World(1)
    for i in range(SLEEPERS):
        world.add(Sleeper, f"sleeper-{i}")
    return _run(world, EVENTS)


def ping_pong() -> float:
    """Messages a second between two players, log and digest on."""
    world = World(1)
    world.add(Player, "bob")
    world.add(Player, "ann", "bob")
    return _run(world, EVENTS)


def _simpy_sleepers() -> float:
    import simpy

    env = simpy.Environment()

    def sleeper(first: int) -> Any:
        yield env.timeout(first)
        while True:
            yield env.timeout(1_000)

    for i in range(SLEEPERS):
        env.process(sleeper(1_000 + i))

    def work() -> None:
        for _ in range(EVENTS):
            env.step()

    return EVENTS / cpu(work)


def _simpy_ping_pong() -> float:
    """Two processes, a `Store` each, and a process a message that holds it up for the latency of the link."""
    import simpy

    env = simpy.Environment()
    boxes, count = (simpy.Store(env), simpy.Store(env)), [0]

    def travel(box: Any, ball: int) -> Any:
        yield env.timeout(1_000)
        yield box.put(ball)

    def player(own: Any, other: Any) -> Any:
        while True:
            ball = yield own.get()
            count[0] += 1
            env.process(travel(other, ball + 1))

    env.process(player(*boxes))
    env.process(player(boxes[1], boxes[0]))
    boxes[0].put(0)
    wanted = EVENTS // 5

    def work() -> None:
        while count[0] < wanted:
            env.step()

    return wanted / cpu(work)


def rows() -> list[Row]:
    """B1 and B2."""
    reason = "" if present("simpy") else "simpy is not installed: pip install k8s-tutor[bench]"
    gc.freeze()
    found = []
    for ident, what, ours, peer, goal in (
        ("B1", "event kernel, 1,000 sleepers", sleepers, _simpy_sleepers, ">= 1, then 1.5"),
        ("B2", "ping-pong through the simulated network", ping_pong, _simpy_ping_pong, ">= 4, then 8"),
    ):
        mine, theirs = rates(ours, None if reason else peer)
        found.append(Row(ident, what, "1/s", mine, theirs, mine / theirs if theirs else None, goal, SAMPLES, reason))
    gc.unfreeze()
    return found
