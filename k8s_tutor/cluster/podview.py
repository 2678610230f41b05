"""Pods, nodes, Deployments and Services: the reported object joined with what really runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.sim import World

_WORDS = {cri.RUNNING: "running", cri.EXITED: "exited", cri.CREATED: "created"}


def runtimes(world: World) -> list[Runtime]:
    """The container runtimes that run."""
    return [actor for actor in (*world.running.values(), *world.paused.values()) if isinstance(actor, Runtime)]


def actual_containers(world: World) -> dict[str, tuple[tuple[str, str], ...]]:
    """``namespace/pod`` → ((container, what the runtime says of it), ...), the newest of each name."""
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for runtime in runtimes(world):
        for container in runtime.disk.containers.values():
            sandbox = runtime.disk.sandboxes.get(container.sandbox)
            if sandbox is None:
                continue
            names = found.setdefault(f"{sandbox.namespace}/{sandbox.name}", {})
            if names.get(container.name, (-1, ""))[0] <= container.attempt:
                names[container.name] = (container.attempt, _WORDS.get(container.state, ""))
        for pull in runtime.pulls.values():
            _add_pull(runtime, pull, found)
    return {pod: tuple((name, word) for name, (_, word) in names.items()) for pod, names in found.items()}


def _add_pull(runtime: Runtime, pull: Any, found: dict[str, dict[str, tuple[int, str]]]) -> None:
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


def node_view(world: World, name: str, tree: Any, pods: Sequence[PodView], processes: tuple[ProcessView, ...]) -> NodeView:
    """One worker; ``tree`` is None before it registers."""
    mine = [pod for pod in pods if pod.node == name]
    spec, status = (tree or {}).get("spec", {}), (tree or {}).get("status", {})
    allocatable = status.get("allocatable", {})
    conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
    live = [pod for pod in mine if pod.phase not in ("Succeeded", "Failed")]
    running = sum(
        1
        for runtime in runtimes(world)
        if world.network.hosts[runtime.name] == name
        for container in runtime.disk.containers.values()
        if container.state == cri.RUNNING
    )
    return NodeView(
        name=name, room=world.network.rooms.get(name, ""), registered=tree is not None, ready=conditions.get("Ready", ""),
        unschedulable=bool(spec.get("unschedulable")),
        taints=tuple(f"{one['key']}:{one['effect']}" for one in spec.get("taints", ())),
        up=name not in world.dead_hosts, processes=processes, cpu=quantity.milli(allocatable.get("cpu", "0")),
        memory=quantity.value(allocatable.get("memory", "0")), cpu_requested=sum(pod.cpu for pod in live),
        memory_requested=sum(pod.memory for pod in live), pods=tuple(f"{pod.namespace}/{pod.name}" for pod in mine),
        pod_limit=quantity.value(allocatable.get("pods", "0")), actual_containers=running,
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


def service_view(tree: Any, slices: Sequence[Any]) -> ServiceView:
    """A Service with its backends."""
    metadata, spec = tree["metadata"], tree["spec"]
    mine = [
        one for one in slices
        if one["metadata"]["namespace"] == metadata["namespace"]
        and one["metadata"].get("labels", {}).get("kubernetes.io/service-name") == metadata["name"]
    ]  # fmt: skip
    endpoints = tuple(
        EndpointView(
            address=next(iter(one.get("addresses", ())), ""), pod=one.get("targetRef", {}).get("name", ""),
            node=one.get("nodeName", ""), ready=one.get("conditions", {}).get("ready", False),
        )
        for slice_ in mine
        for one in slice_.get("endpoints") or ()
    )  # fmt: skip
    ports = tuple(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports", ())
    )
    return ServiceView(
        namespace=metadata["namespace"], name=metadata["name"], type=spec.get("type", "ClusterIP"),
        cluster_ip=spec.get("clusterIP", ""), ports=ports, selector=spec.get("selector", {}), endpoints=endpoints,
    )  # fmt: skip
