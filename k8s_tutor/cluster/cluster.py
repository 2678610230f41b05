"""The door of the engine: a specification in, typed inputs in, frozen views out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from k8s_tutor import __version__
from k8s_tutor.cluster import addons, inputs, netrules, networking, walking, walks
from k8s_tutor.cluster.apply import InputError, apply, check
from k8s_tutor.cluster.boot import Boot, storage_is_up
from k8s_tutor.cluster.build import INSTALLER, build
from k8s_tutor.cluster.managers import next_manager
from k8s_tutor.cluster.operators.install import operators_lead, permissions, rules_of, start
from k8s_tutor.cluster.raftview import members_of, raft_view
from k8s_tutor.cluster.safety import Safety
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.tails import LogTail, WireTail
from k8s_tutor.cluster.timelineview import timeline_view
from k8s_tutor.cluster.trace import Tracer, typed_lines
from k8s_tutor.cluster.views import CauseView, ClusterView, LampView, TimelineView, TraceView
from k8s_tutor.cluster.walkviews import RuleView, WalkView
from k8s_tutor.cluster.why import chain
from k8s_tutor.cluster.wireview import console_view, consoles_of
from k8s_tutor.cluster.workloadview import Workload
from k8s_tutor.sim import SECOND, Timeline, World
from k8s_tutor.sim.timeline import EVERY
from k8s_tutor.sim.world import FOREVER

FORMAT = 1
T = TypeVar("T")
BOOT_LIMIT = 120 * SECOND
"""Virtual time that a cluster may take to come up."""


class SessionError(Exception):
    """A saved session that cannot be opened or, with ``parted``, does not replay as it was saved."""

    parted = False


class RunsPart(SessionError):
    """The replay of a session is not the run that was saved."""

    parted = True


class Cluster:
    """A cluster with its past and its futures. Nobody outside touches the world behind it."""

    def __init__(self, spec: ClusterSpec, seed: int | None = None, *, timeline: Timeline | None = None) -> None:
        self.spec = spec if seed is None else spec.model_copy(update={"seed": seed})
        self.timeline = timeline or watched(booted(self.spec))
        self._parts: dict[str, tuple[Any, Any]] = {}
        self._workload = Workload(self.spec)
        self._rules = netrules.Rules()
        self._log, self._wire = LogTail(), WireTail()
        self._tracer: tuple[Any, Tracer] | None = None

    # ------------------------------------------------------------------ the present

    @property
    def world(self) -> World:
        """The engine; for the floors of the engine and its tests."""
        return self.timeline.world

    @property
    def now(self) -> int:
        """µs since the world began."""
        return self.world.now

    @property
    def events(self) -> int:
        """Messages delivered so far."""
        return self.world.events

    @property
    def seed(self) -> int:
        """The seed of this run."""
        return self.spec.seed

    @property
    def quiet(self) -> bool:
        """No work in flight, and none due within 10 s."""
        return self.world.is_quiet()

    def next_work(self) -> int | None:
        """When the next piece of work is due (µs), or None."""
        return self.world.next_work()

    def digest(self) -> str:
        """32 hex digits over everything that happened."""
        return self.world.digest()

    # ------------------------------------------------------------------ going on

    def step(self) -> bool:
        """Delivers one message. False when nothing is left."""
        return self.timeline.step()

    def advance(self, to: int, budget: int = 5_000) -> bool:
        """Runs what is due up to an instant (µs), at most ``budget`` messages. True when the instant was reached."""
        return self.timeline.advance(to, budget)

    def run_until(self, until: int | Callable[[Cluster], bool], limit: int = 600 * SECOND) -> bool:
        """Runs to an instant (µs), or until a condition holds, at most ``limit`` µs of virtual time. Says whether it did."""
        if isinstance(until, int):
            while not self.advance(until):
                pass
            return True
        end = self.now + limit
        while not until(self):
            if not self.timeline.step(end):
                self.advance(end)
                return until(self)
        return True

    def settle(self, limit: int = 600 * SECOND) -> bool:
        """Runs until the cluster is quiet, at most ``limit`` µs of virtual time. Says whether it is."""
        return self.run_until(lambda cluster: cluster.quiet, limit)

    def give(self, given: inputs.Input) -> None:
        """Takes an input now; in the past this opens a branch. Raises `InputError` for one that means nothing here."""
        check(self.world, given)
        self.timeline.give(given, inputs.in_words(given))

    # ------------------------------------------------------------------ time travel

    def back(self) -> bool:
        """Undoes the last delivery or input. False at the beginning."""
        return self.timeline.back()

    def goto(self, events: int) -> None:
        """Goes to the moment after that many deliveries."""
        self.timeline.goto(events)

    def goto_time(self, at: int) -> None:
        """Goes to an instant (µs) of this branch."""
        self.timeline.goto_time(at)

    def branches(self) -> tuple[str, ...]:
        """Names of all branches, oldest first."""
        return tuple(branch.name for branch in self.timeline.branches)

    def checkout(self, branch: str) -> None:
        """Goes to the head of a branch. Raises LookupError for an unknown name."""
        self.timeline.checkout(branch)

    def rename(self, branch: str, name: str) -> None:
        """Gives a branch another name. Raises LookupError or ValueError."""
        self.timeline.rename(branch, name)

    def fork(self, *, onwards: bool = False) -> Cluster:
        """An independent cluster that begins at the present moment. ``onwards``: for one that runs on and is thrown away; it
        keeps no checkpoints, so going back in it takes long."""
        return Cluster(self.spec, timeline=self.timeline.fork(FOREVER if onwards else 0))

    # ------------------------------------------------------------------ views

    def _part(self, name: str, key: Any, make: Callable[[], T]) -> T:
        """A part of the view; the same object as before while what it reads has not changed."""
        known = self._parts.get(name)
        if known is not None and known[0] == key:
            return known[1]  # type: ignore[no-any-return]
        part = make()
        self._parts[name] = (key, part)
        return part

    def _rooms(self) -> tuple[str, ...]:
        """Names of all rooms that there have been, also of those in which nobody sits any more."""
        timeline = self.timeline

        def make() -> tuple[str, ...]:
            moved = [room for given in timeline.branch.inputs[: timeline.taken] for room in inputs.rooms_of(given.input)]
            return tuple(dict.fromkeys((*self.spec.rooms, *moved)))

        return self._part("rooms", (timeline.branch.name, timeline.taken), make)

    def _versions(self, names: list[str]) -> tuple[int, ...]:
        actor = self.world.actor
        return tuple([found.version if (found := actor(name)) is not None else -1 for name in names])

    def view(self) -> ClusterView:
        """Everything, at this moment."""
        world = self.world
        moment = (world.stamp, world.events, world.now)
        return self._part("view", moment, self._view)

    def _view(self) -> ClusterView:
        world = self.world
        faults = (tuple(world.network.cuts), tuple(world.paused), tuple(world.down), tuple(world.network.rooms.items()))
        members, consoles = members_of(world), consoles_of(world)
        broken = self.broken()
        return ClusterView(
            now=world.now, events=world.events, epoch=self.spec.epoch, seed=self.spec.seed, quiet=world.is_quiet(),
            raft=self._part("raft", (self._versions(members), faults, broken), lambda: raft_view(world, self.lamps())),
            wire=self._part("wire", (world.stamp, world.events), lambda: self._wire.view(world)),
            log=self._part("log", (world.stamp, world.events), lambda: self._log.view(world)),
            network=self._workload.network(world, self._part, self._rooms()),
            console=self._part("console", self._versions(consoles), lambda: console_view(world)),
            control_plane=self._workload.control_plane(world, self._part),
            workload=self._workload.workload(world, self._part),
            verdicts=self._workload.verdicts(world, self._part), queue=self._workload.queue(world, self._part),
            controllers=self._workload.controllers(world, self._part), usage=self._workload.usage(world, self._part),
            storage=self._workload.storage(world, self._part),
        )  # fmt: skip

    @property
    def _safety(self) -> Safety:
        witness = self.timeline.witness
        assert isinstance(witness, Safety)
        return witness

    def broken(self) -> tuple[LampView, ...]:
        """What consensus has broken so far in this run, first come first; much cheaper than a view."""
        return tuple(self._safety.broken.values())

    def lamps(self) -> tuple[LampView, ...]:
        """All promises of consensus, kept or broken."""
        return self._safety.lamps()

    def timeline_view(self) -> TimelineView:
        """Where we stand among all pasts and futures."""
        timeline, world = self.timeline, self.world
        names = tuple(branch.name for branch in timeline.branches)
        moment = (world.stamp, world.events, world.now, timeline.branch.name, timeline.taken, names)
        return self._part("timeline", moment, lambda: timeline_view(timeline))

    def why(self, message: int) -> tuple[CauseView, ...]:
        """The chain of causes of a delivered message, oldest first; empty for one that is not known."""
        return chain(self.world, message)

    def trace(self, number: int = 0) -> TraceView | None:
        """What a typed line (in this branch, be it in the future of the present moment) has led to. ``number``: from 1; 0 and
        numbers beyond the last mean the last. None: nobody typed anything."""
        branch, world = self.timeline.branch, self.world
        lines = typed_lines(branch.inputs)
        if not lines:
            return None
        number = number if 0 < number <= len(lines) else len(lines)
        line = lines[number - 1]
        key = (branch.name, line, number, len(lines))
        if self._tracer is None or self._tracer[0] != key:
            self._tracer = (key, Tracer(line.input, line.at, number, len(lines)))
            points = branch.checkpoints
            if points and points[-1].world.now > world.now:
                world = points[-1].world
        return self._tracer[1].view(world)

    def walk(self, origin: str, target: str, port: int = 0, lots: int = 0) -> WalkView:
        """The way of a packet from a pod (``web-1``, ``shop/web-1``), a node or ``outside`` to a pod, Service, node, address,
        name (``shop.default.svc.cluster.local``) or Ingress (``shop.example/cart``), and of its answer; nothing is sent.
        ``lots``: which backend of a Service is drawn, from 0."""
        world = self.world

        def make() -> WalkView:
            return walks.look(world, {kind: self.objects(kind) for kind in walking.KINDS}, origin, target, port, lots)

        return self._part(f"walk {origin} {target}:{port} {lots}", (world.stamp, world.events, world.now), make)

    def rules(self) -> tuple[RuleView, ...]:
        """The three rules of the network of Kubernetes, as they are kept now."""
        world = self.world
        objects = {kind: self.objects(kind) for kind in walking.KINDS}
        return self._part("rules", netrules.key(world, objects["Pod"]), lambda: self._rules.look(world, objects))

    def next_manager(self) -> str:
        """The name of the machine that the next `inputs.AddManager` brings."""
        return next_manager(self.world)

    def objects(self, kind: str, server: str = "") -> Mapping[str, Any]:
        """What an API server answers for a kind: ``namespace/name`` → JSON tree, never to be changed."""
        return self._workload.objects(self.world, kind, server)

    # ------------------------------------------------------------------ sessions

    def save(self) -> dict[str, Any]:
        """The session so far as plain data: specification, seed and inputs; small enough to paste."""
        timeline = self.timeline
        return {
            "format": FORMAT,
            "engine": __version__,
            "spec": self.spec.model_dump(mode="json", exclude_defaults=True),
            "seed": self.spec.seed,
            "inputs": [
                [given.events, given.at, msgspec.to_builtins(given.input)] for given in timeline.branch.inputs[: timeline.taken]
            ],
            "events": self.events,
            "now": self.now,
            "marks": [[point.events, point.world.digest()] for point in timeline.branch.checkpoints[-40:]],
            "digest": self.digest(),
        }

    @staticmethod
    def load(session: Mapping[str, Any]) -> Cluster:
        """Replays a saved session. Raises `SessionError` when it is not one, or when the runs part."""
        try:
            if session["format"] != FORMAT:
                raise SessionError(
                    f"session format {session['format']} is not {FORMAT}; open it with the version that saved it"
                )
            spec = ClusterSpec.model_validate({**session["spec"], "seed": session["seed"]})
            given = [(events, at, msgspec.convert(value, inputs.Input)) for events, at, value in session["inputs"]]
            events, now, digest, marks = session["events"], session["now"], session["digest"], dict(session.get("marks", []))
        except (KeyError, TypeError, ValueError) as error:
            raise SessionError(f"this is no session: {error}") from error
        cluster = Cluster(spec)
        for at_event, at, value in given:
            cluster._replay_to(at_event, marks, session)
            cluster.world.shed(at)
            cluster.world.now = max(cluster.world.now, at)
            cluster.give(value)
        cluster._replay_to(events, marks, session)
        cluster.advance(now)
        if cluster.digest() != digest:
            raise RunsPart(cluster._parting(session, cluster.events))
        return cluster

    def _replay_to(self, events: int, marks: Mapping[int, str], session: Mapping[str, Any]) -> None:
        while self.events < events:
            if not self.step():
                raise RunsPart(self._parting(session, self.events))
            expected = marks.get(self.events)
            if expected is not None and self.digest() != expected:
                raise RunsPart(self._parting(session, self.events))

    def _parting(self, session: Mapping[str, Any], events: int) -> str:
        return (
            f"the run parts from the saved one at event {events} or shortly before; "
            f"it was saved by version {session.get('engine')}, this is {__version__}"
        )


def watched(world: World, every: int = EVERY) -> Timeline:
    """A world with its timeline (a checkpoint ``every`` so many events), and a witness of what consensus breaks."""
    return Timeline(world, apply, every, Safety(world))


def booted(spec: ClusterSpec) -> World:
    """A world that has been switched on and, if the specification says so, has come up and to rest."""
    world, network = build(spec), networking.objects(spec)
    if spec.settle:
        if network:
            first = Boot(world, network=False)
            world.run_until(lambda world: first.is_up(world) or world.now > BOOT_LIMIT)
            _install(world, network)
            network = []
        boot = Boot(world)
        while world.now < BOOT_LIMIT:
            world.run_until(lambda world: boot.is_up(world) or world.now > BOOT_LIMIT)
            world.settle(within=BOOT_LIMIT)
            if boot.is_up(world):
                break
    rights = [one for operator in spec.operators for one in permissions(rules_of(operator))]
    if spec.storage != "none":
        _install(world, [*network, *addons.objects(spec)])
        world.run_until(lambda world: storage_is_up(world) or world.now > BOOT_LIMIT)
        world.settle(within=BOOT_LIMIT)
        objects = [*addons.late_objects(spec), *spec.manifests, *rights]
    else:
        objects = [*network, *addons.objects(spec), *spec.manifests, *rights]
    if objects:
        _install(world, objects)
    for operator in spec.operators:
        start(world, operator)
    if spec.operators:
        world.run_until(lambda world: operators_lead(world) or world.now > BOOT_LIMIT)
        world.settle(within=BOOT_LIMIT)
    return world


def _install(world: World, objects: list[Any]) -> None:
    """Applies objects, and lets the cluster come to rest."""
    text = msgspec.json.encode(objects).decode()
    apply(world, inputs.Kubectl("apply -f manifests.yaml", (("manifests.yaml", text),), INSTALLER))
    world.settle(within=BOOT_LIMIT)


__all__ = ["Cluster", "InputError", "SessionError", "booted"]
