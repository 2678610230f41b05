"""Frozen views: all that a screen, a lesson or a narration may know of a cluster.

A view holds instants (µs since the world began), never ages; whoever draws computes ages from ``ClusterView.now``. A part
is built again only when an actor that it reads has been stepped, so an unchanged part is the very same object: compare with
``is``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all views."""


# ---------------------------------------------------------------------------------------------------- raft


class EntryView(View, frozen=True):
    """One line of a member's log ("notebook"). ``text``: what it asks for, e.g. ``put /registry/configmaps/default/topping``;
    empty for a leader's empty entry."""

    index: int
    term: int
    text: str
    committed: bool


class PeerView(View, frozen=True):
    """What a leader knows of a follower."""

    name: str
    match: int
    """The highest entry that it is known to have written down (``matchIndex``)."""
    next: int
    """The next entry that is to be sent to it (``nextIndex``)."""
    state: str
    """``probe``: one message at a time, until it is known where the logs agree; ``replicate``; ``snapshot``."""
    inflight: int = 0
    """Messages with entries that it has not answered yet."""


class MemberView(View, frozen=True):
    """One etcd member, as it sees itself (while it is down: as its disk stands)."""

    name: str
    """``etcd-1``."""
    machine: str
    """``cp-1``."""
    room: str
    up: bool
    paused: bool
    role: str
    """``leader``, ``follower``, ``candidate``, ``pre-candidate``; ``down`` while it is not running."""
    term: int
    vote: str
    """Name of the member it voted for in this term, or empty."""
    leader: str
    """Name of whom it takes for the leader, or empty."""
    commit: int
    applied: int
    last_index: int
    entries: tuple[EntryView, ...]
    """The newest 24 entries, oldest first."""
    granted: tuple[str, ...]
    """While a candidate: who said yes (itself included)."""
    refused: tuple[tuple[str, str], ...]
    """While a candidate: (who said no, why)."""
    ticks_left: int
    """Ticks of 100 ms until it would call an election; 0 for leaders."""
    timeout_ticks: int
    """Its current election timeout in ticks."""
    peers: tuple[PeerView, ...]
    """A leader's knowledge of the others; empty for the rest."""
    has_majority: bool
    """A leader that can commit: by its own rule it has enough members with it."""
    revision: int
    """etcd's store revision at this member."""
    lost: int
    """Committed entries that this member has thrown away (only the naive vote does that)."""
    down_since: int
    """When it went down, µs; 0 while it is up."""
    learner: bool = False
    """It is sent everything but has no vote, as far as it knows itself."""
    snapshot: int = 0
    """The index up to which its log has given way to a snapshot; 0: nothing is compacted."""
    book: Sequence[EntryView] = ()
    """All entries above the snapshot, oldest first, put into words as they are looked at."""
    id: int = 0
    """Its number in the group, as ``etcdctl member list`` shows it (there in hexadecimal); 0: it was never let in."""


class LampView(View, frozen=True):
    """One property that consensus promises, and whether it has held in this run so far: it never comes back once broken."""

    property: str
    """``election safety``, ``leader append-only``, ``log matching``, ``leader completeness``, ``state-machine safety`` (Raft
    paper, figure 3), or ``progress``."""
    promise: str
    """What it says, in one sentence."""
    ok: bool
    broken_at_event: int = 0
    """The event number (see ``ClusterView.events``) at which it was seen to break."""
    broken_at: int = 0
    """The same as an instant, µs."""
    message: int = 0
    """Id of the message whose delivery broke it, for `Cluster.why`; 0 when an input did."""
    sentence: str = ""
    """How it broke, naming members, terms and indices; empty while it holds."""


class RaftView(View, frozen=True):
    """The committee as a whole. The truth as somebody who sees all members would put it."""

    variant: str
    """``raft``, ``naive``, or another broken twin (see `raft.variants`)."""
    wrong: str
    """For a broken variant: the rule that it breaks; empty for Raft."""
    members: tuple[MemberView, ...]
    size: int
    quorum: int
    """``size // 2 + 1``."""
    up: int
    reach: int
    """The most members that are up and can talk to each other."""
    tolerates: int
    """``size - quorum``."""
    may_lose: int
    """How many more may go before nothing can be decided: ``max(0, reach - quorum)``."""
    has_quorum: bool
    """``reach >= quorum``."""
    leaders: tuple[str, ...]
    """Names of all members that are up and take themselves for the leader."""
    term: int
    """The highest term of any member that is up."""
    commit: int
    """The highest commit index of any member that is up."""
    lost: int
    """Committed entries that were thrown away, all members together."""
    breaches: tuple[str, ...]
    """Safety properties that do not hold right now, each as one sentence; see `cluster.safety`."""
    invariants: tuple[LampView, ...] = ()
    """The promises of consensus over the whole run so far, safety first; as they stood then in a moment of the past."""
    voters: tuple[str, ...] = ()
    """Who has a vote, as the newest leader (else whoever has come furthest) knows it; empty: everybody."""
    outgoing: tuple[str, ...] = ()
    """While the group changes in two steps (joint consensus): the voters of before, of whom a majority must agree as well."""
    learners: tuple[str, ...] = ()
    """Who is sent everything but has no vote."""


# ---------------------------------------------------------------------------------------------------- control plane


class ProcessView(View, frozen=True):
    """One process of a machine."""

    name: str
    machine: str
    kind: str
    """``etcd``, ``api``, ``scheduler``, ``controller-manager``, ``kubelet``, ``runtime``, ``cni``, ``proxy``."""
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
    """E.g. ``("authn ✓", "authz ✓", "admit ✓", "validate ✓", "store …")``."""
    code: int
    """HTTP status once answered, else 0."""
    work: bool
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


class ConsoleView(View, frozen=True):
    """The latest 50 lines typed by all clients, oldest first."""

    answers: tuple[AnswerView, ...]
    busy: bool


class VerdictView(View, frozen=True):
    """Why the scheduler put a pod where it is: per node the first filter that refused it, or its weighted scores."""

    pod: str
    at: int
    chosen: str
    message: str
    rows: tuple[tuple[str, str, tuple[tuple[str, int], ...], int], ...]
    """(node, reason of refusal or empty, ((plugin, weighted score), ...), total)."""
    attempt: int = 1
    filters: tuple[str, ...] = ()
    """The plugins that filtered, in the order in which they were asked; each node up to the one that refused it."""
    refused_by: tuple[tuple[str, str], ...] = ()
    """(node, plugin that refused it)."""
    feasible: tuple[str, ...] = ()
    """The nodes that were scored."""
    columns: tuple[tuple[str, int, tuple[int, ...], tuple[int, ...]], ...] = ()
    """(plugin, weight, raw scores, scores from 0 to 100), each in the order of ``feasible``."""
    skipped: int = 0
    """Nodes that nobody looked at, because enough had been found."""
    nominated: str = ""
    """The node that is being emptied for the pod."""
    victims: tuple[str, ...] = ()
    """Keys of the pods that must go for it, the most important first."""


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
