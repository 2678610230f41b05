"""The tree of everything that has happened: go back, go forward, and open another future without losing the first.

A *moment* is (events delivered, inputs taken). Any moment is reached by copying the nearest checkpoint before it and
replaying; inputs are applied again at the event number and instant at which they were given.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from k8s_tutor.sim.message import Message
from k8s_tutor.sim.world import FOREVER, World

EVERY = 250
"""Events between two checkpoints."""
MOST = 400
"""Checkpoints of one branch beyond which every second one of its older half is given up."""


class Stamped(NamedTuple):
    """An input and when it was taken."""

    events: int
    at: int
    input: Any


class Witness(Protocol):
    """Somebody who watches a run from outside and remembers; what it knows goes back and forth in time with the world."""

    def saw(self, world: World, message: Message) -> None:
        """A message was delivered."""

    def took(self, world: World) -> None:
        """An input was taken."""

    def copy(self) -> Witness:
        """An independent witness that has seen the same."""


class Checkpoint(NamedTuple):
    """A copy of the world that is only ever copied again, and of its witness."""

    events: int
    inputs: int
    world: World
    witness: Witness | None = None


class Branch:
    """One future. ``fork`` is the moment (events, inputs) at which it left its parent; ``head`` is how far it has run."""

    def __init__(self, name: str, parent: Branch | None, fork: tuple[int, int], inputs: list[Stamped]) -> None:
        self.name = name
        self.parent = parent
        self.fork = fork
        self.inputs = inputs
        """All inputs since the world began, those of the ancestors included."""
        self.checkpoints: list[Checkpoint] = []
        self.head = fork[0]
        self.head_at = 0


class Timeline:
    """A world with its past and its other futures. ``apply(world, input)`` carries out one input."""

    def __init__(
        self, world: World, apply: Callable[[World, Any], None], every: int = EVERY, witness: Witness | None = None
    ) -> None:
        self.world = world
        self.witness = witness
        self._apply = apply
        self._every = every
        self._stamp = 0
        self.taken = 0
        """Inputs taken up to the present moment."""
        self.branch = Branch("main", None, (world.events, 0), [])
        self.branches = [self.branch]
        self._checkpoint()

    # ------------------------------------------------------------------ going on

    @property
    def at_head(self) -> bool:
        """Whether nothing is known about what comes after the present moment."""
        return self.world.events >= self.branch.head and self.taken == len(self.branch.inputs)

    def step(self, until: int = FOREVER) -> bool:
        """Delivers one message, or, in the past, takes the input that was given at this point. False when nothing is left
        up to an instant (µs)."""
        if self.taken < len(self.branch.inputs):
            due = self.branch.inputs[self.taken]
            if due.events == self.world.events:
                if due.at <= until:
                    self._take(due)
                return due.at <= until
        if self._deliver(until) is None:
            return False
        if self.world.events % self._every == 0:
            self._checkpoint()
        return True

    def _deliver(self, until: int = FOREVER) -> Message | None:
        message = self.world.step(until)
        if message is not None and self.witness is not None:
            self.witness.saw(self.world, message)
        return message

    def advance(self, to: int, budget: int = 5_000) -> bool:
        """Runs what is due up to an instant (µs), at most ``budget`` steps. True when the instant was reached."""
        for _ in range(budget):
            if not self.step(to):
                self._move_clock(to)
                return True
        return False

    def _move_clock(self, to: int) -> None:
        self.world.now = max(self.world.now, to)
        self._grow_head()

    def _grow_head(self) -> None:
        branch, world = self.branch, self.world
        branch.head = max(branch.head, world.events)
        branch.head_at = max(branch.head_at, world.now)

    def give(self, given: Any, name: str) -> None:
        """Takes a new input now. In the past this opens a branch of that name; the old future is kept."""
        self._grow_head()
        if not self.at_head:
            inputs = self.branch.inputs[: self.taken]
            moment = (self.world.events, self.taken)
            self.branch = Branch(self._free_name(name), self.branch, moment, inputs)
            self.branch.head, self.branch.head_at = self.world.events, self.world.now
            self.branches.append(self.branch)
        stamped = Stamped(self.world.events, self.world.now, given)
        self.branch.inputs.append(stamped)
        self._take(stamped)

    def _free_name(self, name: str) -> str:
        names = {branch.name for branch in self.branches}
        if name not in names:
            return name
        count = 2
        while f"{name} ({count})" in names:
            count += 1
        return f"{name} ({count})"

    def _take(self, stamped: Stamped) -> None:
        self.world.shed(stamped.at)
        self.world.now = max(self.world.now, stamped.at)
        self.taken += 1
        self.world.take(stamped.input, self._apply)
        if self.witness is not None:
            self.witness.took(self.world)
        self._grow_head()

    # ------------------------------------------------------------------ checkpoints

    def _checkpoint(self) -> None:
        self._grow_head()
        points = self.branch.checkpoints
        if points and points[-1].events >= self.world.events:
            return
        last = points[-1].world if points else None
        witness = self.witness.copy() if self.witness is not None else None
        points.append(Checkpoint(self.world.events, self.taken, self.world.copy(last), witness))
        if len(points) > MOST:
            half = len(points) // 2
            self.branch.checkpoints = points[:half:2] + points[half:]

    def _nearest(self, events: int, inputs: int) -> Checkpoint:
        """The latest checkpoint of the current branch or its ancestors that is not after a moment."""
        branch: Branch | None = self.branch
        while branch is not None:
            points = branch.checkpoints
            index = bisect_right(points, (events, inputs), key=lambda point: (point.events, point.inputs))
            if index:
                return points[index - 1]
            events, inputs = min((events, inputs), branch.fork)
            branch = branch.parent
        raise LookupError(f"nothing is known of event {events}")

    # ------------------------------------------------------------------ going elsewhere

    def goto(self, events: int, inputs: int | None = None, at: int | None = None) -> None:
        """Goes to the moment after ``events`` deliveries of the current branch, with ``inputs`` inputs taken (by default
        all that were taken by then), and the clock at ``at`` (µs) if that is later."""
        self._grow_head()
        events = max(0, min(events, self.branch.head))
        if inputs is None:
            inputs = sum(1 for given in self.branch.inputs if given.events < events or (events and given.events == events))
            if at is not None:
                inputs = sum(1 for g in self.branch.inputs if g.events < events or (g.events == events and g.at <= at))
        point = self._nearest(events, inputs)
        self._stamp = max(self._stamp, self.world.stamp) + 1
        self.world = point.world.copy()
        self.witness = point.witness.copy() if point.witness is not None else None
        self.world.stamp = self._stamp
        for actor in (*self.world.running.values(), *self.world.paused.values()):
            self.world.stamp = actor.version = self.world.stamp + 1
        self.taken = point.inputs
        while self.world.events < events or self.taken < inputs:
            due = self.branch.inputs[self.taken] if self.taken < inputs else None
            if due is not None and due.events == self.world.events:
                self._take(due)
            elif self._deliver() is None:
                break
        if at is not None:
            self.world.now = max(self.world.now, at)

    def goto_time(self, at: int) -> None:
        """Goes to an instant (µs) of the current branch; beyond its head, to its head."""
        self._grow_head()
        at = max(0, min(at, self.branch.head_at))
        events, taken = 0, 0
        branch: Branch | None = self.branch
        limit = (self.branch.head, len(self.branch.inputs))
        point: Checkpoint | None = None
        while branch is not None and point is None:
            for candidate in branch.checkpoints:
                if candidate.world.now <= at and (candidate.events, candidate.inputs) <= limit:
                    point = candidate
            limit, branch = min(limit, branch.fork), branch.parent
        if point is not None:
            events, taken = point.events, point.inputs
        self.goto(events, taken)
        self.advance(at, budget=10_000_000)

    def back(self) -> bool:
        """Undoes the last thing that happened, a delivery or an input. False at the beginning."""
        world = self.world
        if self.taken and self.branch.inputs[self.taken - 1].events == world.events:
            given = self.branch.inputs[self.taken - 1]
            self.goto(given.events, self.taken - 1)
            return True
        if world.events <= self.branch_start:
            return False
        events = world.events - 1
        self.goto(events, sum(1 for given in self.branch.inputs[: self.taken] if given.events <= events))
        return True

    @property
    def branch_start(self) -> int:
        """The event number at which the world's story begins."""
        return self.branches[0].checkpoints[0].events

    def checkout(self, name: str) -> None:
        """Goes to the head of a branch. Raises LookupError for an unknown name."""
        self._grow_head()
        found = next((branch for branch in self.branches if branch.name == name), None)
        if found is None:
            raise LookupError(f"there is no branch named {name}")
        self.branch = found
        self.goto(found.head, len(found.inputs), found.head_at)

    def rename(self, name: str, new: str) -> None:
        """Gives a branch another name. Raises LookupError for an unknown one, ValueError for one that is taken."""
        if any(branch.name == new for branch in self.branches):
            raise ValueError(f"a branch named {new} exists already")
        next_branch = next((branch for branch in self.branches if branch.name == name), None)
        if next_branch is None:
            raise LookupError(f"there is no branch named {name}")
        next_branch.name = new

    def fork(self, every: int = 0) -> Timeline:
        """An independent timeline that begins at the present moment. ``every``: events between two of its checkpoints; by
        default as many as here."""
        witness = self.witness.copy() if self.witness is not None else None
        return Timeline(self.world.fork(), self._apply, every or self._every, witness)
