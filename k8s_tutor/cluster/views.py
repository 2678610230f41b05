"""Frozen views: all that a screen, a lesson or a narration may know of a cluster.

A view holds instants (µs since the world began), never ages; whoever draws computes ages from ``ClusterView.now``. A part
is built again only when an actor that it reads has been stepped, so an unchanged part is the very same object: compare with
``is``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.cluster.consensusviews import EntryView as EntryView
from k8s_tutor.cluster.consensusviews import LampView as LampView
from k8s_tutor.cluster.consensusviews import MemberView as MemberView
from k8s_tutor.cluster.consensusviews import PeerView as PeerView
from k8s_tutor.cluster.consensusviews import RaftView as RaftView
from k8s_tutor.cluster.consensusviews import View as View
from k8s_tutor.cluster.controllerviews import ControllersView as ControllersView
from k8s_tutor.cluster.controllerviews import LeaseView as LeaseView
from k8s_tutor.cluster.controllerviews import QueueView as QueueView
from k8s_tutor.cluster.controllerviews import SetView as SetView
from k8s_tutor.cluster.controllerviews import WaitingView as WaitingView
from k8s_tutor.cluster.storageviews import StorageView as StorageView
from k8s_tutor.cluster.verdictviews import AttemptView as AttemptView
from k8s_tutor.cluster.verdictviews import QueuedView as QueuedView
from k8s_tutor.cluster.verdictviews import VerdictView as VerdictView

# ---------------------------------------------------------------------------------------------------- control plane

AGENTS = ("flanneld", "calico-node", "weave-net", "cilium-agent", "aws-node")
"""What the agents of network plugins are called."""


class ProcessView(View, frozen=True):
    """One process of a machine."""

    name: str
    machine: str
    kind: str
    """``etcd``, ``api``, ``scheduler``, ``controller-manager``, ``kubelet``, ``cri``, ``docker``, ``runtime``, ``cni``,
    ``proxy``, ``network`` (the agent of the network plugin)."""
    up: bool
    paused: bool
    leading: bool
    """Holds its Lease (schedulers and controller managers), or leads (etcd)."""
    queue: tuple[str, ...]
    """Keys that wait in its work queues, at most 12."""
    doing: str
    """The key that it works on right now, or empty."""


class MachineView(View, frozen=True):
    """One manager machine."""

    name: str
    room: str
    up: bool
    processes: tuple[ProcessView, ...]


class RequestView(View, frozen=True):
    """One request at an API server, with how far it has come."""

    id: int
    server: str
    at: int
    user: str
    verb: str
    path: str
    stages: tuple[str, ...]
    """E.g. ``("authn ✓", "authz ✓", "mutate ✓", "validate ✓", "admit ✓", "store …")``."""
    code: int
    """HTTP status once answered, else 0."""
    message: str = ""
    """Why it was refused."""


class ControlPlaneView(View, frozen=True):
    """The managers and what goes through their API servers."""

    machines: tuple[MachineView, ...]
    requests: tuple[RequestView, ...]
    """The latest 20 requests that are somebody's work (no heartbeats), oldest first."""


# ---------------------------------------------------------------------------------------------------- workers


class ContainerView(View, frozen=True):
    """One container: ``state`` as the kubelet reported it, ``actual`` as the runtime has it."""

    name: str
    image: str
    state: str
    reason: str
    ready: bool
    restarts: int
    actual: str
    """``running``, ``exited``, ``created``, ``pulling 62%`` or empty (the runtime does not know it)."""


class PodView(View, frozen=True):
    """One pod: what the named API server answers, joined with what really runs."""

    namespace: str
    name: str
    uid: str
    node: str
    phase: str
    status: str
    """What kubectl prints under STATUS: ``Running``, ``ContainerCreating``, ``CrashLoopBackOff``, ``Terminating`` ..."""
    ready: bool
    """The pod's Ready condition."""
    ip: str
    labels: Mapping[str, str]
    owner: str
    """``ReplicaSet/web-5d9``, or empty."""
    restarts: int
    deleting: bool
    created: int
    containers: tuple[ContainerView, ...]
    differs: bool
    """Reported and actual state are not the same right now."""
    cpu: int
    """Requested CPU, thousandths of a core."""
    memory: int
    """Requested memory, bytes."""


class NodeView(View, frozen=True):
    """One worker: reported (Node object) and actual (machine and processes)."""

    name: str
    room: str
    registered: bool
    ready: str
    """``True``, ``False`` or ``Unknown``: the Ready condition; empty before the node registers."""
    unschedulable: bool
    taints: tuple[str, ...]
    up: bool
    processes: tuple[ProcessView, ...]
    cpu: int
    memory: int
    """Allocatable, thousandths of a core and bytes."""
    cpu_requested: int
    memory_requested: int
    pods: tuple[str, ...]
    """``namespace/name`` of its pods, in order of name."""
    pod_limit: int
    actual_containers: int
    """How many containers run on it in fact, whatever anybody reports."""


class EndpointView(View, frozen=True):
    """One backend of a Service."""

    address: str
    pod: str
    node: str
    ready: bool


class ServiceView(View, frozen=True):
    """One Service with its backends and, for each node, whether kube-proxy has rules for it."""

    namespace: str
    name: str
    type: str
    cluster_ip: str
    ports: tuple[str, ...]
    selector: Mapping[str, str]
    endpoints: tuple[EndpointView, ...]


class DeploymentView(View, frozen=True):
    """Desired beside actual."""

    namespace: str
    name: str
    desired: int
    current: int
    ready: int
    updated: int
    available: int
    image: str
    created: int


class WorkloadView(View, frozen=True):
    """What runs on the cluster, as one API server tells it."""

    server: str
    """The API server that was read: it may be behind, or cut off."""
    nodes: tuple[NodeView, ...]
    pods: tuple[PodView, ...]
    deployments: tuple[DeploymentView, ...]
    services: tuple[ServiceView, ...]


# ---------------------------------------------------------------------------------------------------- wire and log


class FlightView(View, frozen=True):
    """One message on its way, or one that has just arrived or been lost."""

    id: int
    src: str
    dst: str
    src_machine: str
    dst_machine: str
    kind: str
    """Type of the message: ``AppendEntries``, ``RequestVote``, ``POST``, ``put``, ``WatchEvent`` ..."""
    text: str
    """What it says, in a few words."""
    sent_at: int
    due: int
    cause: int
    work: bool
    outcome: str
    """``flying``, ``arrived``, ``down``, ``cut``, ``lost`` or ``dropped``; ``held`` while a connection waits for its cable."""


class WireView(View, frozen=True):
    """Messages in flight, in order of arrival, and the latest that arrived or were lost, newest last."""

    flying: tuple[FlightView, ...]
    recent: tuple[FlightView, ...]


class NoteView(View, frozen=True):
    """One note of the event log."""

    at: int
    actor: str
    machine: str
    kind: str
    fields: Mapping[str, Any]
    cause: int


class LogView(View, frozen=True):
    """The latest 200 notes, oldest first."""

    notes: tuple[NoteView, ...]


class RoomView(View, frozen=True):
    """A room and who sits in it."""

    name: str
    machines: tuple[str, ...]
    server: str = ""
    """The API server of this room that was asked, or empty."""
    orders: tuple[DeploymentView, ...] = ()
    """What that server says should run."""
    holders: tuple[tuple[str, str], ...] = ()
    """(Lease, holder) of the controller manager and the scheduler, as that server says."""


class NetworkView(View, frozen=True):
    """Rooms, and which pairs of machines cannot reach each other."""

    rooms: tuple[RoomView, ...]
    cuts: tuple[tuple[str, str], ...]
    """(from, to) endpoints of each cut cable, one way."""


class AnswerView(View, frozen=True):
    """One line that was typed, and what came back. ``code`` is -1 while it still runs."""

    id: int
    client: str
    at: int
    line: str
    stdout: str
    stderr: str
    code: int
    done_at: int


class EditorView(View, frozen=True):
    """An editor that ``kubectl edit`` has opened for a client; `inputs.Saved` closes it. ``name``: what is edited."""

    session: int
    client: str
    name: str
    text: str


class ConsoleView(View, frozen=True):
    """The latest 50 lines typed by all clients, oldest first. ``busy``: one still runs and waits for no person."""

    answers: tuple[AnswerView, ...]
    busy: bool
    editors: tuple[EditorView, ...] = ()


class BranchView(View, frozen=True):
    """One future. ``parent`` is empty for the first; ``fork`` is the event number at which it left its parent."""

    name: str
    parent: str
    fork: int
    head: int
    head_at: int
    current: bool


class TimelineView(View, frozen=True):
    """Where we stand. ``heat``: work deliveries in each of 60 equal slices from the beginning to the head."""

    branches: tuple[BranchView, ...]
    events: int
    head: int
    head_at: int
    heat: tuple[int, ...]
    marks: tuple[tuple[int, str], ...]
    """(instant, words) of the inputs of this branch."""


class UseView(View, frozen=True):
    """What somebody uses: thousandths of a core, and bytes."""

    cpu: int
    memory: int


class UsageView(View, frozen=True):
    """What nodes (by name) and pods (``namespace/name``) use, as metrics-server has it."""

    nodes: Mapping[str, UseView] = {}
    pods: Mapping[str, UseView] = {}


class ClusterView(View, frozen=True):
    """Everything, at one moment."""

    now: int
    """µs since the world began."""
    events: int
    epoch: int
    """Unix seconds of instant 0."""
    seed: int
    quiet: bool
    raft: RaftView
    control_plane: ControlPlaneView
    workload: WorkloadView
    wire: WireView
    log: LogView
    network: NetworkView
    console: ConsoleView
    verdicts: tuple[VerdictView, ...]
    queue: tuple[QueuedView, ...] = ()
    """The pods that wait for a node, the next one first."""
    controllers: ControllersView = ControllersView()
    """Work queues, elections, and what is wanted beside what is."""
    storage: StorageView = StorageView()
    """Disks, volume groups, logical volumes and claims."""
    usage: UsageView = UsageView()
    """What metrics-server has measured."""


class CauseView(View, frozen=True):
    """One link of a chain of causes: a message that was delivered, or the input with which it all began."""

    id: int
    at: int
    src: str
    dst: str
    kind: str
    text: str
    timer: bool
    input: bool
    notes: tuple[NoteView, ...]
    """What the receiver noted while it handled this message."""


class TraceStepView(View, frozen=True):
    """One step on the way of an input: a message that has arrived, with what its receiver noted, or a timer with its notes."""

    at: int
    actor: str
    """In whose hands it is: the receiver."""
    text: str
    """What the message says; what was typed, for the first step; ``authz ✓`` for a stage of a request at an API server (all
    stages are steps of one delivery); empty for a timer."""
    message: int
    """Id of the delivery; 0 for the first step."""
    flight: FlightView | None
    """The message; None for the first step and for timers."""
    notes: tuple[NoteView, ...]


class TraceView(View, frozen=True):
    """What an input has led to so far, step by step."""

    line: str
    client: str
    at: int
    steps: tuple[TraceStepView, ...]
    number: int = 1
    """Which of all typed lines it is, from 1."""
    of: int = 1
