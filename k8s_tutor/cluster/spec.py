"""What a cluster is made of, as a lesson or a file writes it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from k8s_tutor.cluster.operators.spec import OperatorSpec
from k8s_tutor.cluster.scheduling.spec import SchedulerSpec

_DURATION = re.compile(r"(\d+)(us|µs|ms|s|m|h)")
_UNITS = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}


def duration(value: Any) -> int:
    """µs of ``500ms``, ``1m30s`` or a whole number of µs. Raises ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        parts = _DURATION.findall(value)
        if parts and "".join(number + unit for number, unit in parts) == value:
            return sum(int(number) * _UNITS[unit] for number, unit in parts)
    raise ValueError(f"{value!r} is no duration; write one as 500ms, 2s or 1m30s")


Duration = Annotated[int, BeforeValidator(duration, json_schema_input_type=int | str)]
"""µs; written as ``500ms``, ``2s``, ``1m30s``."""


class Part(BaseModel):
    """Base of all parts of a specification: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


RuntimeName = Literal["containerd", "cri-o", "docker"]


class DiskSpec(Part):
    """One disk of a worker beside the one that the machine itself is on."""

    name: str = Field(pattern=r"^(sd[b-z]|nvme[1-9]n1)$")
    size: Size


class WorkerSpec(Part):
    """One worker machine. ``cpu`` and ``memory`` are quantities, as in a manifest."""

    cpu: str = "4"
    memory: str = "8Gi"
    pods: int = Field(default=110, ge=1)
    labels: dict[str, str] = {}
    disk: Size = 62_725_623_808
    """Of the disk on which images and volumes are."""
    disks: list[DiskSpec] = []
    """Further disks, empty at first."""
    parallel_pulls: int = Field(default=1, ge=1)
    """How many images its kubelet pulls at once."""
    static_pods: list[dict[str, Any]] = []
    """Pods whose manifests lie in ``/etc/kubernetes/manifests`` of the machine."""
    runtime: RuntimeName | None = None
    """Its container runtime; that of the cluster without it."""
    subnet: str = ""
    """The subnet of the machines' network that it is in; machines of different ones reach each other by a router."""
    instance_type: str = ""
    """What it is in a VPC (``t3.medium``): how many addresses it may have there, and how many pods its kubelet takes."""

    @field_validator("labels")
    @classmethod
    def _own_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        if labels:
            from k8s_tutor.api.admission.noderestriction import is_reserved

            reserved = [label for label in labels if is_reserved(label)]
            if reserved:
                raise ValueError(f"a kubelet may not give its node {', '.join(reserved)}: use `kubectl label node`")
        return labels


class NetworkSpec(Part):
    """How the network plugin is set up, and the machines' own network."""

    mode: str = ""
    """flannel: vxlan, host-gw; calico: ipip, ipip-cross-subnet, vxlan, vxlan-cross-subnet, none; weave: fastdp, sleeve;
    cilium: vxlan, native. The first is the default."""
    mtu: int = Field(default=0, ge=0)
    """Of pods' devices; 0: what the plugin works out from that of the machines."""
    cable_mtu: int = Field(default=0, ge=0)
    """Of the machines' network; 0: 1500, in a VPC 9001."""


class RegistrySpec(Part):
    """The registry of images."""

    bandwidth: Size = 30_000_000
    """Bytes a second that one machine gets."""
    pull_limit: int = Field(default=0, ge=0)
    """Pulls in six hours of a machine that does not log in; 0: as many as it likes."""


class ClientSpec(Part):
    """Somebody with a console. In a ``room`` they talk to the managers of that room; else to the load balancer."""

    room: str = ""


class TokenSpec(Part):
    """A bearer token that the API servers know, and who holds it (a line of ``--token-auth-file``)."""

    token: str = Field(min_length=1)
    user: str = Field(min_length=1)
    groups: list[str] = []


_SIZE = re.compile(r"(\d+)(Ki|Mi|Gi)?")
_BYTES = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def size(value: Any) -> int:
    """Bytes of ``512Ki``, ``2Mi``, ``1Gi`` or a whole number. Raises ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no size; write one as 512Ki, 2Mi or 1Gi")
    return int(found[1]) * _BYTES[found[2] or ""]


Size = Annotated[int, BeforeValidator(size, json_schema_input_type=int | str)]
"""Bytes; written as ``512Ki``, ``2Mi``, ``1Gi``."""


class EtcdSpec(Part):
    """How all etcd members are set up. The defaults are etcd's own."""

    snapshot_count: int = Field(default=10_000, ge=1)
    """Applied entries after which a member compacts its log."""
    catch_up: int = Field(default=5_000, ge=0)
    """Entries that it keeps then, for those that are a little behind."""
    quota: Size = 2 << 30
    """Size of the database beyond which nothing more is taken."""
    heartbeat: Duration = 100_000
    """How often a leader shows that it lives: the unit of a member's clock."""
    election: Duration = 1_000_000
    """How long a follower waits for that at least, before it stands for election."""

    @model_validator(mode="after")
    def _election_takes_longer(self) -> EtcdSpec:
        if self.heartbeat < 1_000 or self.election < 5 * self.heartbeat:
            raise ValueError("the heartbeat must be at least 1ms, and the election timeout five times as long as it")
        return self


class ControllersSpec(Part):
    """How all controller managers are set up. The defaults are Kubernetes' own."""

    endpoint_updates_batch_period: Duration = 0
    """How long a change of a pod waits for others before its Services' Endpoints are looked at."""
    endpointslice_updates_batch_period: Duration = 0
    """The same for EndpointSlices."""


class ClusterSpec(Part):
    """A whole cluster. The same specification, seed and inputs give the same run."""

    managers: int = Field(default=3, ge=1, le=9)
    """Control-plane machines ``cp-1`` ...; each runs an etcd member."""
    workers: int | list[WorkerSpec] = 3
    """Worker machines ``node-1`` ...: how many, or what each is like."""
    components: Literal["all", "etcd"] = "all"
    """``etcd``: the managers run nothing but etcd, and the consoles speak etcdctl."""
    consensus: Literal[
        "raft", "naive", "forgotten-vote", "old-term-commit", "no-random-timeouts", "send-before-persist"
    ] = "raft"
    """``raft``, or one of its broken twins (`raft.BROKEN_RULES` says what each does wrong)."""
    etcd: EtcdSpec = EtcdSpec()
    """How its etcd members are set up."""
    pre_vote: bool = True
    """Whether a member asks around before it stands for election (etcd's ``--pre-vote``)."""
    rooms: dict[str, list[str]] = {}
    """Room → machines in it. Machines in no room are reached from all rooms."""
    clients: dict[str, ClientSpec] = {}
    """Consoles beside your own, which is named ``you``."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    epoch: int = 1_767_225_600
    """Unix seconds at which the world begins: 2026-01-01T00:00:00Z."""
    latency: Duration = 1_000
    """Of a cable between two machines, one way."""
    jitter: Duration = 0
    loss: float = Field(default=0.0, ge=0.0, le=1.0)
    """Chance that a datagram on a cable is lost."""
    kubelets: Literal["full", "plain"] = "full"
    """``plain``: workers are kubelets that only say what their pods would do, without runtime, network and events."""
    control_plane: Literal["processes", "static-pods"] = "processes"
    """``static-pods``: on each manager a kubelet runs etcd, API server, scheduler and controller manager as static pods."""
    controllers: ControllersSpec = ControllersSpec()
    """Flags of its controller managers."""
    scheduler: SchedulerSpec = SchedulerSpec()
    """Its profiles, with weights and plugins of your own."""
    cni: Literal["bridge", "flannel", "calico", "weave", "cilium", "aws-vpc-cni"] = "bridge"
    """The network plugin. With all but ``bridge`` an agent on each node makes the network."""
    network: NetworkSpec = NetworkSpec()
    """How that plugin is set up."""
    proxy: Literal["iptables", "ipvs", "nftables"] = "iptables"
    """How kube-proxy writes Services into the kernels of the nodes."""
    ingress: bool = False
    """Whether an ingress controller (ingress-nginx) is installed, reached at ports of the nodes (30080 and 30443)."""
    dns: bool = False
    """Whether CoreDNS is installed, as a Deployment with the Service ``kube-dns``."""
    load_balancer: bool = False
    """Whether a cloud gives addresses to Services of type LoadBalancer; without it they stay ``<pending>``."""
    runtime: RuntimeName = "containerd"
    """The container runtime of machines that name none of their own. ``docker`` is Docker Engine behind cri-dockerd."""
    storage: Literal["none", "lvm", "lvm-thin"] = "none"
    """``lvm``: TopoLVM is installed, with a volume group ``myvg1`` on the first further disk of each worker (workers without
    one get ``sdb`` and ``sdc`` of 10Gi) and a StorageClass ``topolvm-provisioner``. ``lvm-thin``: with a thin pool of 4Gi,
    another class, and snapshots too."""
    tokens: list[TokenSpec] = []
    """Users beside the admin who may come with a bearer token."""
    signing_key: str = "k8s-tutor"
    """Signs the tokens of service accounts."""
    certificate: str = ""
    """PEM of the CA that pods find in ``kube-root-ca.crt``; a placeholder without it."""
    metrics: bool = False
    """Whether metrics-server is installed: for ``kubectl top``, and for autoscalers."""
    custom_metrics: bool = False
    """Whether prometheus-adapter is installed: autoscalers can go by what programs tell of themselves."""
    images: list[dict[str, Any]] = []
    """Images that the registry has, described as in ``k8s_tutor/node/images.py``."""
    registry: RegistrySpec = RegistrySpec()
    other_images: Literal["built-in", "serve"] = "built-in"
    """What the registry has beside ``images``: the built-in ones, or every name that anybody asks for, as one that serves."""
    manifests: list[dict[str, Any]] = []
    """Objects that are applied before anybody looks."""
    operators: list[OperatorSpec] = []
    """Operators of your own, installed after ``manifests``."""
    settle: bool = True
    """Whether the world runs until it is quiet before anybody looks."""

    @model_validator(mode="after")
    def _known_network(self) -> ClusterSpec:
        from k8s_tutor.node.cni.aws_vpc import INSTANCES
        from k8s_tutor.node.cni.options import MODES

        if self.network.mode not in ("", *MODES[self.cni]):
            known = ", ".join(one for one in MODES[self.cni] if one) or "none"
            raise ValueError(f"network: {self.cni} has no mode {self.network.mode}; it has {known}")
        for shape in self.worker_shapes:
            if shape.instance_type and shape.instance_type not in INSTANCES:
                raise ValueError(f"workers: there is no instance type {shape.instance_type}; there are {', '.join(INSTANCES)}")
        if len({shape.subnet for shape in self.worker_shapes}) > 15:
            raise ValueError("workers: there can be 15 subnets")
        return self

    @model_validator(mode="after")
    def _known_machines(self) -> ClusterSpec:
        if self.operators and self.components == "etcd":
            raise ValueError("operators: a cluster that is etcd alone has no API server; leave `components: etcd` out")
        for name in [one.name for one in self.operators]:
            if [one.name for one in self.operators].count(name) > 1:
                raise ValueError(f"operators: there are two with the name {name}")
        machines = {f"cp-{i}" for i in range(1, self.managers + 1)} | {f"node-{i}" for i in range(1, self.worker_count + 1)}
        placed: set[str] = set()
        for room, members in self.rooms.items():
            for member in members:
                if member not in machines:
                    raise ValueError(f"room {room}: there is no machine {member}; there are {', '.join(sorted(machines))}")
                if member in placed:
                    raise ValueError(f"room {room}: {member} sits in another room already")
                placed.add(member)
        for name, client in self.clients.items():
            if client.room and client.room not in self.rooms:
                raise ValueError(f"client {name}: there is no room {client.room}")
            if client.room and not any(member.startswith("cp-") for member in self.rooms[client.room]):
                raise ValueError(f"client {name}: room {client.room} has no manager to talk to")
        return self

    @property
    def worker_count(self) -> int:
        """How many workers there are."""
        return self.workers if isinstance(self.workers, int) else len(self.workers)

    @property
    def worker_shapes(self) -> list[WorkerSpec]:
        """One shape for each worker."""
        found = [WorkerSpec()] * self.workers if isinstance(self.workers, int) else self.workers
        if self.storage == "none":
            return found
        disks = [DiskSpec(name=name, size=10 << 30) for name in ("sdb", "sdc")]
        return [one if one.disks else one.model_copy(update={"disks": disks}) for one in found]
