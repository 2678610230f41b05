"""What may be known of controllers: their work queues, who of several works, and what is wanted beside what is. See
`cluster.views`."""

from __future__ import annotations

from k8s_tutor.cluster.consensusviews import View


class WaitingView(View, frozen=True):
    """A key that waits for its next try, or for a time."""

    key: str
    due: int
    """When it comes into the queue, µs."""
    failures: int
    """Failed tries in a row; 0: it waits for a time, not because something went wrong."""


class QueueView(View, frozen=True):
    """The work queue of one controller that works, and what it did last."""

    process: str
    """``controller-manager-2``."""
    controller: str
    """``replicaset-controller``."""
    waiting: tuple[str, ...]
    """Keys in the queue, the next one first."""
    busy: tuple[str, ...]
    """Keys whose requests have not all been answered."""
    delayed: tuple[WaitingView, ...]
    """Keys that come back later, the first one first."""
    at: int = 0
    """Its latest look, µs; 0: it has not looked at anything yet."""
    key: str = ""
    """The key at which it looked last."""
    looks: int = 0
    """How many looks it has taken since its process leads."""
    acted_at: int = 0
    """Its latest look that led to requests, µs; 0: none has."""
    acted_on: str = ""
    """The key of that look."""
    requests: tuple[str, ...] = ()
    """What it led to: ``POST Pod``, the first 10."""
    total: int = 0
    """How many requests there were."""
    failed_at: int = 0
    """When a request of it failed last, µs; 0: never."""
    failed: str = ""
    """That request, and of which key: ``POST Pod of default/web-5d9``."""
    error: str = ""
    """What the API server answered to it."""


class LeaseView(View, frozen=True):
    """A Lease by which replicas elect the one that works, as an API server knows it."""

    name: str
    holder: str
    acquired: int
    """Since when it has this holder, µs."""
    renewed: int
    duration: int
    """µs without renewal after which others may take it."""
    transitions: int
    """How often it has changed hands."""
    candidates: tuple[str, ...]
    """The processes that want it."""


class SetView(View, frozen=True):
    """A workload: how many pods there shall be, and how many there are."""

    kind: str
    """``Deployment``, ``ReplicaSet``, ``StatefulSet``, ``DaemonSet``, ``Job``."""
    namespace: str
    name: str
    owner: str
    """``Deployment/web``, or empty."""
    desired: int
    """By its spec; of a DaemonSet by its nodes."""
    actual: int
    ready: int
    """Of a Job: how many have succeeded."""
    image: str
    revision: str
    """Of a Deployment's ReplicaSets, or empty."""
    created: int


class ControllersView(View, frozen=True):
    """Everything about controllers."""

    queues: tuple[QueueView, ...] = ()
    """Of all controllers that work, in the order in which they hear of changes."""
    leases: tuple[LeaseView, ...] = ()
    sets: tuple[SetView, ...] = ()
    """Each owner before what it owns."""
