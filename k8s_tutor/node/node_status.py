"""The Node object of a kubelet: registering it, its conditions every 10 s, and the Lease that says "I am alive".

Sources: pkg/kubelet/kubelet_node_status.go, nodestatus/setters.go, component-helpers/apimachinery/lease.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from k8s_tutor.api import times
from k8s_tutor.api.component import Access
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.node.eviction import CONDITIONS, Threshold
from k8s_tutor.node.recorder import Recorder, Subject
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

STATUS_EVERY = 10 * SECOND
REPORT_EVERY = 300 * SECOND
"""The status is written when it has changed, else this often."""
LEASE_EVERY = 10 * SECOND
LEASE_SECONDS = 40
REGISTER_RETRY = 1 * SECOND
RUNTIME_MISSED = 30 * SECOND
"""How long the runtime may be silent before the node says so (kubelet.go, baseRuntimeSyncThreshold)."""
STRATEGIC = "application/strategic-merge-patch+json"
VERSION = "v1.36.2"
NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error:"
    " cni plugin not initialized"
)

Tree = dict[str, Any]


class KubeletConfig(Access, kw_only=True):
    """A kubelet: its node, the runtime beside it, and what the machine has."""

    node: str
    runtime: str
    shim: str
    """The process that stands for the machine's kernel: the way to its pods' ports."""
    address: str
    pod_cidr: str
    cluster_dns: str = "10.96.0.10"
    """Address of the cluster's name server (``clusterDNS``)."""
    cpu: str = "4"
    memory: str = "8Gi"
    pods: int = 110
    disk: int = 62_725_623_808
    """Bytes of the disk on which images, logs and volumes are."""
    eviction_soft: tuple[Threshold, ...] = ()
    """Thresholds with a grace period, beside the hard ones."""
    parallel_pulls: int = 1
    """How many images are pulled at once (serializeImagePulls, maxParallelImagePulls)."""
    labels: tuple[tuple[str, str], ...] = ()
    roles: tuple[str, ...] = ()
    """Roles that the administrator gives the node when it has joined, as kubeadm does; a kubelet may not do so itself."""
    taints: tuple[tuple[str, str, str], ...] = ()
    """(key, value, effect) with which the node registers."""
    drivers: tuple[tuple[str, str], ...] = ()
    """(storage driver, the process that is its node service)."""
    runtime_kind: str = "containerd"
    """Which runtime that is, one of `FLAVOURS`."""
    os_image: str = "Debian GNU/Linux 12 (bookworm)"
    kernel: str = "6.1.0-30-amd64"


class Beat(Body):
    """The kubelet's own timer: ``lease``, ``status`` or ``register``."""

    what: str


class NodeReporter(Recorder):
    """The part of a kubelet that speaks for the machine."""

    config: KubeletConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.registered = False
        self.registering = False
        self.pressures: dict[str, int] = {}
        """Condition of the machine that runs short → when that was last so, µs."""
        self.runtime_up = False
        """Whether the runtime answers and has told what it runs."""
        self.runtime_left: int | None = None
        """When it was last there (µs), or None if it never was."""
        self.network_up = True
        """Whether the runtime has found a network plugin."""
        self.runtime_version = ""
        self.images: dict[str, tuple[str, int]] = {}
        """Full name of an image on this machine → (name with digest, bytes)."""
        self.node_status: Tree | None = None
        """As it was last written."""
        self.reported_at = 0
        self.lease: Tree | None = None
        """The lease as it was last read or written."""

    @property
    def host(self) -> str:
        return self.config.node

    @property
    def agent(self) -> str:
        return "kubelet"

    def begin_beats(self, ctx: Context) -> None:
        """Starts the heartbeats, each node at its own moment."""
        first = ctx.draw("beat", LEASE_EVERY)
        ctx.after(0, Beat("lease"), work=False)
        ctx.after(first, Beat("lease-again"), work=False)
        ctx.after(first, Beat("status"), work=False)

    def beat(self, ctx: Context, what: str) -> None:
        """A heartbeat is due."""
        if what == "register":
            self.register(ctx)
        elif what == "status":
            ctx.after(STATUS_EVERY, Beat("status"), work=False)
            self.report_node(ctx)
        else:
            if what == "lease-again":
                ctx.after(LEASE_EVERY, Beat(what), work=False)
            self._renew(ctx)

    # ------------------------------------------------------------------ the Node object

    def register(self, ctx: Context) -> None:
        """Creates the Node; if it is there already, only its status is written."""
        if self.registering or self.registered:
            return
        self.registering = True
        config = self.config
        labels = {
            "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": config.node, "kubernetes.io/os": "linux", **dict(config.labels),
        }  # fmt: skip
        spec: Tree = {"podCIDR": config.pod_cidr, "podCIDRs": [config.pod_cidr]}
        if config.taints:
            spec["taints"] = [
                {"key": key, "effect": effect, **({"value": value} if value else {})} for key, value, effect in config.taints
            ]
        annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
        metadata = {"name": config.node, "labels": labels, "annotations": annotations}
        status = self.status_tree(ctx)
        tree = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}
        self.request(ctx, "POST", "/api/v1/nodes", tree, "_registered", (status,))

    def _registered(self, ctx: Context, answer: Response | CallFailed, status: Tree) -> None:
        self.registering = False
        if not isinstance(answer, Response) or answer.code not in (201, 409):
            ctx.after(REGISTER_RETRY, Beat("register"), work=False)
            return
        self.registered = True
        if answer.code == 201:
            ctx.decide()
            self.node_status, self.reported_at = status, ctx.now
            ctx.note("node.registered", node=self.config.node)
            if self.config.roles:
                self._mark(ctx)
            self.report_node(ctx)
        else:
            self.node_status = None
            self.report_node(ctx)
        about = Subject("Node", "", self.config.node, self.config.node)
        self.record(ctx, about, "Normal", "Starting", "Starting kubelet.")

    def _mark(self, ctx: Context) -> None:
        """Labels the node with its roles, with the administrator's credentials."""
        tree = {"metadata": {"labels": {f"node-role.kubernetes.io/{role}": "" for role in self.config.roles}}}
        body, path = msgspec.json.encode(tree), f"/api/v1/nodes/{self.config.node}"
        request = Request("PATCH", path, body=body, content_type="application/merge-patch+json", agent="kubeadm")
        self.ask(ctx, self.config.api, request, "done", (), 32 * SECOND)

    def status_tree(self, ctx: Context) -> Tree:
        """The status of the node as it is now."""
        config, before = self.config, self.node_status or {}
        amounts = {
            "cpu": config.cpu, "ephemeral-storage": f"{config.disk >> 10}Ki", "memory": config.memory, "pods": str(config.pods),
        }  # fmt: skip
        info = {
            "machineID": machine_id(config.node), "systemUUID": machine_id(config.node), "bootID": machine_id(config.node),
            "kernelVersion": config.kernel, "osImage": config.os_image,
            "containerRuntimeVersion": self.runtime_version or f"{config.runtime_kind}://Unknown", "kubeletVersion": VERSION,
            "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
        }  # fmt: skip
        return {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": self._conditions(ctx, before.get("conditions", [])),
            "addresses": [{"type": "InternalIP", "address": config.address}, {"type": "Hostname", "address": config.node}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": info,
            "images": [{"names": [ref, name], "sizeBytes": size} for name, (ref, size) in sorted(self.images.items())],
        }

    def _conditions(self, ctx: Context, before: list[Tree]) -> list[Tree]:
        ready = ("Ready", "True", "KubeletReady", "kubelet is posting ready status")
        if not self.runtime_up and (self.runtime_left is None or ctx.now - self.runtime_left >= RUNTIME_MISSED):
            ready = ("Ready", "False", "KubeletNotReady", "container runtime is down")
        elif not self.network_up:
            ready = ("Ready", "False", "KubeletNotReady", NO_NETWORK)
        memory = ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available")
        disk = ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure")
        low = {kind: (kind, "True", reason, message) for kind, reason, message in CONDITIONS.values() if kind in self.pressures}
        rows = (
            low.get("MemoryPressure", memory), low.get("DiskPressure", disk),
            ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"), ready,
        )  # fmt: skip
        now = times.rfc3339(ctx.now, self.config.epoch)
        known = {item["type"]: item for item in before}
        found = []
        for kind, value, reason, message in rows:
            old = known.get(kind)
            since = old["lastTransitionTime"] if old and old["status"] == value else now
            found.append(
                {"type": kind, "status": value, "lastHeartbeatTime": now, "lastTransitionTime": since, "reason": reason,
                 "message": message}
            )  # fmt: skip
        return found

    def report_node(self, ctx: Context) -> None:
        """Writes the node's status if it has changed or was not written for long."""
        if not self.registered:
            self.register(ctx)
            return
        status, before = self.status_tree(ctx), self.node_status
        if before is not None:
            same = _without_heartbeat(status) == _without_heartbeat(before)
            if same and ctx.now - self.reported_at < REPORT_EVERY:
                return
            if not same:
                ctx.decide()
        path = f"/api/v1/nodes/{self.config.node}/status"
        self.request(ctx, "PATCH", path, {"status": status}, "_reported", (status, ctx.now), content_type=STRATEGIC)

    def _reported(self, ctx: Context, answer: Response | CallFailed, status: Tree, at: int) -> None:
        if isinstance(answer, Response) and answer.code == 200:
            self.node_status, self.reported_at = status, at
        elif isinstance(answer, Response) and answer.code == 404:
            self.registered = False
            ctx.after(REGISTER_RETRY, Beat("register"), work=False)

    # ------------------------------------------------------------------ the Lease

    @property
    def _leases(self) -> str:
        return "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

    def _renew(self, ctx: Context) -> None:
        """Writes a new renew time on the lease that it knows, or reads the lease first."""
        if self.lease is None:
            self.request(ctx, "GET", f"{self._leases}/{self.config.node}", None, "_lease_read")
            return
        spec = {
            "holderIdentity": self.config.node, "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": times.micro_time(ctx.now, self.config.epoch),
        }  # fmt: skip
        tree = {**self.lease, "spec": spec}
        self.request(ctx, "PUT", f"{self._leases}/{self.config.node}", tree, "_lease_written")

    def _lease_read(self, ctx: Context, answer: Response | CallFailed) -> None:
        if not isinstance(answer, Response):
            return
        if answer.code == 200:
            self.lease = msgspec.json.decode(answer.body)
        elif answer.code == 404:
            metadata = {"name": self.config.node, "namespace": "kube-node-lease"}
            self.lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        else:
            return
        self._renew(ctx)

    def _lease_written(self, ctx: Context, answer: Response | CallFailed) -> None:
        good = isinstance(answer, Response) and answer.code in (200, 201)
        self.lease = msgspec.json.decode(answer.body) if isinstance(answer, Response) and good else None


def _without_heartbeat(status: Tree) -> Tree:
    rows = [{key: value for key, value in row.items() if key != "lastHeartbeatTime"} for row in status["conditions"]]
    return {**status, "conditions": rows}


def machine_id(node: str) -> str:
    """A name-based stand-in for /etc/machine-id."""


    return sha256(node.encode()).hexdigest()[:32]
