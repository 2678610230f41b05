"""What to do about one DaemonSet (pkg/controller/daemon/daemon_controller.go, update.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.daemonset import placement
from k8s_tutor.controllers.daemonset.placement import Fit
from k8s_tutor.controllers.history import UNIQUE, History
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.podowner import create_pod, delete_pod, slow_start
from k8s_tutor.controllers.requests import Decision, Event, Write, update
from k8s_tutor.sim import SECOND

BURST = 250


class Orders(NamedTuple):
    """Nodes that get a pod, and pods that go."""

    nodes: list[str]
    pods: list[Any]
    events: list[Event]
    again: int | None = None


class Scene:
    """A DaemonSet and its pods, by node. Made and dropped within one look."""

    def __init__(self, ds: Any, pods: Iterable[Any], nodes: Sequence[Any], digest: str, clock: Clock) -> None:
        self.ds, self.digest, self.clock = ds, digest, clock
        self.wait = ds.spec.minReadySeconds or 0
        self.fits: dict[str, Fit] = {node.metadata.name: placement.fit(ds, node) for node in nodes}
        self.pods: dict[str, list[Any]] = {}
        for pod in sorted(pods, key=_age):
            self.pods.setdefault(placement.target(pod), []).append(pod)
        wanted = sum(1 for fit in self.fits.values() if fit.run)
        strategy = ds.spec.updateStrategy
        self.rolls = strategy is None or strategy.type != "OnDelete"
        rolling = strategy.rollingUpdate if strategy is not None else None
        self.surge = share(rolling.maxSurge if rolling is not None else None, wanted, 0)
        unavailable = share(rolling.maxUnavailable if rolling is not None else None, wanted, 1)
        self.unavailable = max(unavailable, 0 if self.surge else 1)

    def is_new(self, pod: Any) -> bool:
        """Whether a pod is made from the present template."""
        labels = pod.metadata.labels or {}
        generation = placement.template_generation(self.ds)
        return labels.get(UNIQUE) == self.digest or bool(generation and labels.get(placement.GENERATION) == generation)

    def is_available(self, pod: Any) -> bool:
        """Ready for long enough."""
        return objects.is_available(pod, self.wait, self.clock)


def _age(pod: Any) -> tuple[bool, Any, str]:
    """Sort key: bound ones first, then the oldest."""
    return (not pod.spec.nodeName, pod.metadata.creationTimestamp, pod.metadata.name)


def share(value: Any, total: int, default: int) -> int:
    """A number, or a share of ``total`` that is rounded up."""
    if value is None:
        return default
    if isinstance(value, str):
        return -(-int(value.removesuffix("%")) * total // 100)
    return int(value)


def manage(scene: Scene, retry_at: Mapping[str, int]) -> Orders:
    """Pods that are missing, and pods that are too many or have ended. ``retry_at``: when the next failed pod of a node may
    be replaced (µs)."""
    orders = Orders([], [], [])
    again: list[int] = []
    for name, fit in scene.fits.items():
        present = scene.pods.get(name, [])
        staying = [pod for pod in present if not pod.metadata.deletionTimestamp]
        if fit.run and not present:
            orders.nodes.append(name)
        elif not fit.stay:
            orders.pods.extend(staying)
        else:
            for pod in staying:
                if objects.has_ended(pod):
                    left = retry_at.get(name, 0) - scene.clock.now
                    if pod.status.phase == "Failed" and left > 0:
                        again.append(left)
                        continue
                    orders.events.append(_ended(scene.ds, pod, name))
                    orders.pods.append(pod)
            _prune(scene, [pod for pod in staying if not objects.has_ended(pod)], orders)
    return orders._replace(again=min(again)) if again else orders


def _prune(scene: Scene, running: list[Any], orders: Orders) -> None:
    """One pod a node is enough; while surging, one of the old template and one of the new."""
    if not scene.surge or not scene.rolls:
        orders.pods.extend(running[1:])
        return
    fresh = [pod for pod in running if scene.is_new(pod)]
    old = [pod for pod in running if not scene.is_new(pod)]
    orders.pods.extend(fresh[1:] + old[1:])


def _ended(ds: Any, pod: Any, node: str) -> Event:
    key = objects.key_of(pod)
    if pod.status.phase == "Failed":
        text = f"Found failed daemon pod {key} on node {node}, will try to kill it"
        return Event(objects.reference(ds), "FailedDaemonPod", text, warning=True)
    text = f"Found succeeded daemon pod {key} on node {node}, will try to delete it"
    return Event(objects.reference(ds), "SucceededDaemonPod", text)


def roll(scene: Scene) -> Orders:
    """Replaces pods of older templates: without surge by deleting, with surge by making the new one first."""
    return _roll_surge(scene) if scene.surge else _roll_delete(scene)


def _pair(scene: Scene, pods: Sequence[Any]) -> tuple[Any, Any, bool]:
    """(new pod, old pod, whether there is at most one of each) of a node."""
    staying = [pod for pod in pods if not pod.metadata.deletionTimestamp]
    fresh = [pod for pod in staying if scene.is_new(pod)]
    old = [pod for pod in staying if not scene.is_new(pod)]
    return (fresh or [None])[0], (old or [None])[0], len(fresh) < 2 and len(old) < 2


def _roll_delete(scene: Scene) -> Orders:
    missing = 0
    replace: list[Any] = []
    candidates: list[Any] = []
    for pods in scene.pods.values():
        fresh, old, clear = _pair(scene, pods)
        if not clear or (fresh is None) == (old is None) or (fresh is not None and not scene.is_available(fresh)):
            missing += 1
        elif old is not None:
            (candidates if scene.is_available(old) else replace).append(old)
    return Orders([], [*replace, *candidates[: max(scene.unavailable - missing, 0)]], [])


def _roll_surge(scene: Scene) -> Orders:
    surging = 0
    allowed: list[str] = []
    candidates: list[str] = []
    done: list[Any] = []
    for name, pods in scene.pods.items():
        fresh, old, clear = _pair(scene, pods)
        if not clear:
            surging += 1
        elif old is not None and fresh is None:
            (candidates if scene.is_available(old) else allowed).append(name)
        elif old is not None and scene.is_available(fresh):
            done.append(old)
        elif old is not None:
            surging += 1
    return Orders([*allowed, *candidates[: max(scene.surge - surging, 0)]], done, [])


def status(scene: Scene) -> Tree:
    """The status that these pods give."""
    desired = current = misplaced = ready = available = updated = 0
    for name, fit in scene.fits.items():
        pods = scene.pods.get(name, [])
        desired += fit.run
        misplaced += bool(pods) and not fit.run
        if fit.run and pods:
            current += 1
            ready += objects.is_ready(pods[0])
            available += scene.is_available(pods[0])
            updated += scene.is_new(pods[0])
    counts = {
        "updatedNumberScheduled": updated, "numberAvailable": available, "numberUnavailable": desired - available,
        "observedGeneration": scene.ds.metadata.generation or 0,
    }  # fmt: skip
    collisions = scene.ds.status.collisionCount if scene.ds.status else None
    return {
        "currentNumberScheduled": current, "numberMisscheduled": misplaced, "desiredNumberScheduled": desired,
        "numberReady": ready, **{name: count for name, count in counts.items() if count},
        **({"collisionCount": collisions} if collisions is not None else {}),
    }  # fmt: skip


def reconcile(
    ds: Any, pods: Iterable[Any], nodes: Sequence[Any], history: History, settled: bool, retry_at: Mapping[str, int],
    clock: Clock,
) -> Decision:  # fmt: skip
    """``pods``: those that it owns. ``nodes``: all. ``settled``: whether all pods ordered earlier have shown up.
    ``retry_at``: node → when the next failed pod there may be replaced (µs)."""
    scene = Scene(ds, pods, nodes, history.update.hash, clock)
    orders = Orders([], [], [])
    if settled and not ds.metadata.deletionTimestamp:
        orders = manage(scene, retry_at)
        if not orders.nodes and not orders.pods and scene.rolls:
            orders = roll(scene)._replace(again=orders.again)
    creates = [create_pod(ds, placement.pod_tree(ds, name, history.update.hash)) for name in orders.nodes[:BURST]]
    deletes = tuple(delete_pod(ds, pod) for pod in orders.pods[:BURST])
    batches: list[tuple[Write, ...]] = [tuple(history.writes)] if history.writes else []
    batches += slow_start(creates)
    batches += [deletes] if deletes else []
    fresh = status(scene)
    shown = {key: value for key, value in (objects.tree_of(ds.status) if ds.status else {}).items() if value or key in _ZEROS}
    last = () if shown == fresh else (update({**objects.tree_of(ds), "status": fresh}, "status"),)
    again = orders.again
    if scene.wait and fresh["numberReady"] > fresh.get("numberAvailable", 0):
        again = min(again or scene.wait * SECOND, scene.wait * SECOND)
    return Decision(tuple(batches), last, tuple(orders.events), again)


_ZEROS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "collisionCount")
