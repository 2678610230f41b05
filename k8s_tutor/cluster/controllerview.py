"""The controllers' part of a view: work queues from the processes that work, leases and workloads from an API server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8s_tutor.api import times
from k8s_tutor.api.election import Elected
from k8s_tutor.cluster.controllerviews import LeaseView, QueueView, SetView, WaitingView
from k8s_tutor.controllers.base import Controller
from k8s_tutor.controllers.runner import Runner
from k8s_tutor.sim import SECOND, World

SETS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")


def queue_views(world: World) -> tuple[QueueView, ...]:
    """The queues of all controllers that work."""
    working = [actor for actor in world.running.values() if isinstance(actor, Runner) and actor.working]
    return tuple([_queue(runner, controller) for runner in working for controller in runner.controllers()])


def _queue(runner: Runner, controller: Controller) -> QueueView:
    name, queue = controller.name, controller.queue
    due = sorted((at, key) for (of, key), (at, _) in runner.waits.items() if of == name)
    delayed = tuple([WaitingView(key=key, due=at, failures=queue.failures.get(key, 0)) for at, key in due])
    look, deed, failure = runner.looks.get(name), runner.deeds.get(name), runner.failures.get(name)
    return QueueView(
        process=runner.name, controller=name, waiting=tuple(queue.waiting), busy=tuple(queue.busy), delayed=delayed,
        at=look.at if look else 0, key=look.key if look else "", looks=look.number if look else 0,
        acted_at=deed.at if deed else 0, acted_on=deed.key if deed else "",
        requests=deed.requests if deed else (), total=deed.total if deed else 0,
        failed_at=failure.at if failure else 0, failed=f"{failure.request} of {failure.key}" if failure else "",
        error=failure.text if failure else "",
    )  # fmt: skip


def lease_views(world: World, trees: Mapping[str, Any], epoch: int) -> tuple[LeaseView, ...]:
    """The leases for which processes stand, as ``trees`` (all Leases of an API server) have them."""
    candidates: dict[str, list[str]] = {}
    for name, process in world.processes.items():
        actor = world.actor(name)
        if isinstance(actor, Elected):
            candidates.setdefault(actor.election.lease, []).append(process.name)
    found = []
    for lease, names in candidates.items():
        spec = trees.get(f"kube-system/{lease}", {}).get("spec", {})
        found.append(LeaseView(
            name=lease, holder=spec.get("holderIdentity", ""), acquired=_instant(spec.get("acquireTime"), epoch),
            renewed=_instant(spec.get("renewTime"), epoch), duration=spec.get("leaseDurationSeconds", 0) * SECOND,
            transitions=spec.get("leaseTransitions", 0), candidates=tuple(names),
        ))  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.name))


def _instant(stamp: str | None, epoch: int) -> int:
    return times.parse(stamp, epoch) if stamp else 0


def set_views(trees: Iterable[Any], epoch: int) -> tuple[SetView, ...]:
    """The workloads, each owner right before what it owns, the newest of those first."""
    views = [_set(tree, epoch) for tree in trees]
    mine: dict[tuple[str, str], list[SetView]] = {}
    for view in views:
        mine.setdefault((view.namespace, view.owner), []).append(view)
    known = {(view.namespace, f"{view.kind}/{view.name}") for view in views}
    ordered: list[SetView] = []
    for view in sorted(views, key=lambda one: (one.namespace, SETS.index(one.kind), one.name)):
        if view.owner and (view.namespace, view.owner) in known:
            continue
        children = mine.get((view.namespace, f"{view.kind}/{view.name}"), [])
        ordered += [view, *sorted(children, key=lambda one: (-int(one.revision or 0), one.name))]
    return tuple(ordered)


def _set(tree: Any, epoch: int) -> SetView:
    metadata, spec, status = tree["metadata"], tree["spec"], tree.get("status", {})
    kind = tree["kind"]
    ref = next((one for one in metadata.get("ownerReferences", ()) if one.get("controller")), None)
    containers = spec["template"]["spec"].get("containers", ())
    desired, actual, ready = spec.get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0)
    if kind == "DaemonSet":
        desired, actual = status.get("desiredNumberScheduled", 0), status.get("currentNumberScheduled", 0)
        ready = status.get("numberReady", 0)
    elif kind == "Job":
        ready = status.get("succeeded", 0)
        desired, actual = spec.get("completions") or spec.get("parallelism", 1), status.get("active", 0) + ready
    return SetView(
        kind=kind, namespace=metadata["namespace"], name=metadata["name"], owner=f"{ref['kind']}/{ref['name']}" if ref else "",
        desired=desired, actual=actual, ready=ready, image=containers[0].get("image", "") if containers else "",
        revision=metadata.get("annotations", {}).get("deployment.kubernetes.io/revision", "") if kind == "ReplicaSet" else "",
        created=times.parse(metadata["creationTimestamp"], epoch),
    )  # fmt: skip
