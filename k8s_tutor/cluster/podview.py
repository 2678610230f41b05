"""Pods, nodes, Deployments and Services: the reported object joined with what really runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_tutor.api import podstatus, quantity, times
from k8s_tutor.cluster.views import (
    ContainerView,
    DeploymentView,
    EndpointView,
    NodeView,
    PodView,
    ProcessView,
    ServiceView,
)
from k8s_tutor.node import cri
from k8s_tutor.node.image_service import RuntimeDisk
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.node.shim import Shim
from k8s_tutor.node.tasks import Task
from k8s_tutor.sim import World

_Held = dict[str, dict[str, tuple[int, str]]]
"""``namespace/pod`` → container → (attempt, what its runtime says of it)."""
_WORDS = {cri.RUNNING: "running", cri.EXITED: "exited", cri.CREATED: "created"}


def runtimes(world: World) -> list[Runtime]:
    """The container runtimes that run."""
    return [actor for actor in (*world.running.values(), *world.paused.values()) if isinstance(actor, Runtime)]


class Actual:
    """What really runs, as the runtimes have it (while one is away: as its shims have it); one that has not been stepped is not
    asked again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, _Held, int]] = {}
        self.running: dict[str, int] = {}
        """Machine → containers that run on it."""

    def look(self, world: World) -> dict[str, tuple[tuple[str, str], ...]]:
        """``namespace/pod`` → ((container, what its runtime says of it), ...), the newest of each name."""
        found: _Held = {}
        self.running = {}
        for runtime in runtimes(world):
            known = self._known.get(runtime.name)
            if known is None or known[0] != runtime.version:
                running = sum(one.state == cri.RUNNING for one in runtime.disk.containers.values())
                known = self._known[runtime.name] = runtime.version, _held(runtime), running
            machine = world.network.hosts[runtime.name]
            self.running[machine] = self.running.get(machine, 0) + known[2]
            for pod, names in known[1].items():
                found[pod] = _newest(found[pod], names) if pod in found else names
        for disk, shim in _left_alone(world):
            names_of = _written(disk, shim.tasks)
            machine = world.network.hosts[shim.name]
            self.running[machine] = sum(word == "running" for names in names_of.values() for _, word in names.values())
            found = {**names_of, **found}
        return {pod: tuple([(name, word) for name, (_, word) in names.items()]) for pod, names in found.items()}


def _newest(one: dict[str, tuple[int, str]], other: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Of two runtimes that both know a pod, for each container the later attempt."""
    return {**one, **{name: pair for name, pair in other.items() if one.get(name, (-1, ""))[0] <= pair[0]}}


def _left_alone(world: World) -> list[tuple[RuntimeDisk, Shim]]:
    """What runtimes that are down have written down, and the shims beside them, whose containers go on."""
    shims = {world.network.hosts[one.name]: one for one in world.running.values() if isinstance(one, Shim)}
    left = [(world.network.hosts[name], disk) for name, disk in world.disks.items() if isinstance(disk, RuntimeDisk)]
    return [(disk, shims[machine]) for machine, disk in left if machine in shims]


def _held(runtime: Runtime) -> _Held:
    """What one runtime knows."""
    found = _written(runtime.disk)
    for pull in runtime.pulls.values():
        _add_pull(runtime, pull, found)
    return found


def _written(disk: RuntimeDisk, tasks: Mapping[str, Task] | None = None) -> _Held:
    """What a runtime has written down. ``tasks``: what runs in fact, if it has not seen that for a while."""
    found: _Held = {}
    for container in disk.containers.values():
        sandbox = disk.sandboxes.get(container.sandbox)
        if sandbox is None:
            continue
        names = found.setdefault(f"{sandbox.namespace}/{sandbox.name}", {})
        if names.get(container.name, (-1, ""))[0] <= container.attempt:
            task = tasks.get(container.id) if tasks is not None else None
            ended = tasks is not None and container.state == cri.RUNNING and (task is None or task.exited)
            names[container.name] = (container.attempt, _WORDS.get(cri.EXITED if ended else container.state, ""))
    return found


def _add_pull(runtime: Runtime, pull: Any, found: _Held) -> None:
    """An image on its way shows at every sandbox that has no container yet."""
    percent = f"pulling {pull.done * 100 // pull.total}%" if pull.total else "pulling"
    busy = {container.sandbox for container in runtime.disk.containers.values()}
    for sandbox in runtime.disk.sandboxes.values():
        if sandbox.id not in busy and sandbox.state == cri.READY:
            found.setdefault(f"{sandbox.namespace}/{sandbox.name}", {})[f"image {pull.image}"] = (0, percent)


def pod_view(tree: Any, actual: Mapping[str, str], epoch: int) -> PodView:
    """One pod."""
    metadata, spec, status = tree["metadata"], tree["spec"], tree.get("status", {})
    summary = podstatus.summary(tree)
    statuses = {one["name"]: one for one in status.get("containerStatuses", ())}
    pulling = next((word for name, word in actual.items() if name.startswith("image ")), "")
    containers = tuple(
        _container(one, statuses.get(one["name"], {}), actual.get(one["name"], pulling)) for one in spec.get("containers", ())
    )
    owner = next((one for one in metadata.get("ownerReferences", ()) if one.get("controller")), None)
    return PodView(
        namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"], node=spec.get("nodeName", ""),
        phase=status.get("phase", ""), status=summary.status, ready=_is_ready(status),
        ip=status.get("podIP", ""), labels=metadata.get("labels", {}),
        owner=f"{owner['kind']}/{owner['name']}" if owner else "", restarts=summary.restarts,
        deleting="deletionTimestamp" in metadata, created=times.parse(metadata["creationTimestamp"], epoch),
        containers=containers, differs=any(_differs(one) for one in containers),
        cpu=sum(_request(one, "cpu", quantity.milli) for one in spec.get("containers", ())),
        memory=sum(_request(one, "memory", quantity.value) for one in spec.get("containers", ())),
    )  # fmt: skip


def _is_ready(status: Any) -> bool:
    """Whether the pod's own condition says so: what Services go by."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))


def _request(container: Any, resource: str, read: Any) -> int:
    text = container.get("resources", {}).get("requests", {}).get(resource)
    return read(text) if text else 0


def _container(spec: Any, status: Any, actual: str) -> ContainerView:
    state = status.get("state", {})
    name = next(iter(state), "waiting")
    reason = state.get(name, {}).get("reason", "") if state else ""
    return ContainerView(
        name=spec["name"], image=spec.get("image", ""), state=name, reason=reason, ready=status.get("ready", False),
        restarts=status.get("restartCount", 0), actual=actual,
    )  # fmt: skip


def _differs(container: ContainerView) -> bool:
    """Whether what is reported is not what is: running here and not there."""
    return (container.state == "running") != (container.actual == "running")


class NodeFacts(NamedTuple):
    """All that a node's view is made of; equal facts give the same view. ``tree`` is None before it registers."""

    name: str
    room: str
    up: bool
    running: int
    tree: Any
    pods: tuple[PodView, ...]
    processes: tuple[ProcessView, ...]


def node_view(facts: NodeFacts) -> NodeView:
    """One worker."""
    tree, mine = facts.tree, facts.pods
    spec, status = (tree or {}).get("spec", {}), (tree or {}).get("status", {})
    allocatable = status.get("allocatable", {})
    conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
    live = [pod for pod in mine if pod.phase not in ("Succeeded", "Failed")]
    return NodeView(
        name=facts.name, room=facts.room, registered=tree is not None, ready=conditions.get("Ready", ""),
        unschedulable=bool(spec.get("unschedulable")),
        taints=tuple(f"{one['key']}:{one['effect']}" for one in spec.get("taints", ())),
        up=facts.up, processes=facts.processes, cpu=quantity.milli(allocatable.get("cpu", "0")),
        memory=quantity.value(allocatable.get("memory", "0")), cpu_requested=sum(pod.cpu for pod in live),
        memory_requested=sum(pod.memory for pod in live), pods=tuple([f"{pod.namespace}/{pod.name}" for pod in mine]),
        pod_limit=quantity.value(allocatable.get("pods", "0")), actual_containers=facts.running,
    )  # fmt: skip


def deployment_view(tree: Any, epoch: int) -> DeploymentView:
    """Desired beside actual."""
    metadata, spec, status = tree["metadata"], tree["spec"], tree.get("status", {})
    containers = spec["template"]["spec"].get("containers", ())
    return DeploymentView(
        namespace=metadata["namespace"], name=metadata["name"], desired=spec.get("replicas", 1),
        current=status.get("replicas", 0), ready=status.get("readyReplicas", 0), updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0), image=containers[0].get("image", "") if containers else "",
        created=times.parse(metadata["creationTimestamp"], epoch),
    )  # fmt: skip


def endpoint_views(tree: Any) -> tuple[EndpointView, ...]:
    """The backends in one EndpointSlice."""
    return tuple([
        EndpointView(
            address=next(iter(one.get("addresses", ())), ""), pod=one.get("targetRef", {}).get("name", ""),
            node=one.get("nodeName", ""), ready=one.get("conditions", {}).get("ready", False),
        )
        for one in tree.get("endpoints") or ()
    ])  # fmt: skip


def service_of(tree: Any) -> str:
    """``namespace/name`` of the Service that an EndpointSlice belongs to."""
    metadata = tree["metadata"]
    return f"{metadata['namespace']}/{metadata.get('labels', {}).get('kubernetes.io/service-name', '')}"


def service_view(tree: Any, endpoints: tuple[EndpointView, ...]) -> ServiceView:
    """A Service with its backends."""
    metadata, spec = tree["metadata"], tree["spec"]
    ports = tuple(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports", ())
    )
    return ServiceView(
        namespace=metadata["namespace"], name=metadata["name"], type=spec.get("type", "ClusterIP"),
        cluster_ip=spec.get("clusterIP", ""), ports=ports, selector=spec.get("selector", {}), endpoints=endpoints,
    )  # fmt: skip
