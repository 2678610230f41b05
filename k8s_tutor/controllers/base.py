"""What all controllers share: a queue, what they listen to, and one look at one key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.throttle import Throttle
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers.catalogue import Catalogue
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, Write
from k8s_tutor.controllers.workqueue import WorkQueue
from k8s_tutor.sim import CallFailed, State


class Bucket(State):
    """The keys that an index files under one value, in order of arrival."""

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}


class Index(State):
    """Keys of objects by some property: the uid of their owner, their namespace, their node.

    A copy shares a bucket until one of the two changes it: there may be very many keys, and few of them move between two
    checkpoints.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.shared: dict[str, None] = {}
        """Values whose bucket a copy of this index holds too."""

    def copy(self) -> Self:
        new = object.__new__(type(self))
        new.buckets = self.buckets.copy()
        self.shared = dict.fromkeys(self.buckets)
        new.shared = self.shared.copy()
        return new

    def of(self, value: str) -> tuple[str, ...]:
        """The keys filed under this value, in order of arrival."""
        found = self.buckets.get(value)
        return tuple(found.keys) if found is not None else ()

    def move(self, key: str, old: Iterable[str], new: Iterable[str]) -> None:
        """Files an object under ``new`` that was filed under ``old``."""
        before, after = tuple(old), tuple(new)
        for value in before:
            if value not in after and value in self.buckets:
                bucket = self._mine(value)
                bucket.keys.pop(key, None)
                if not bucket.keys:
                    del self.buckets[value]
        for value in after:
            found = self.buckets.get(value)
            if found is None or key not in found.keys:
                self._mine(value).keys[key] = None

    def _mine(self, value: str) -> Bucket:
        """The bucket of a value, to be changed."""
        found = self.buckets.get(value)
        if found is None:
            self.shared.pop(value, None)
            found = self.buckets[value] = Bucket()
        elif value in self.shared:
            del self.shared[value]
            found = self.buckets[value] = found.copy()
        return found


class Stores(NamedTuple):
    """What the controller manager has listed and watched, and indexes over it."""

    pods: Informer
    nodes: Informer
    leases: Informer
    deployments: Informer
    replica_sets: Informer
    services: Informer
    slices: Informer
    namespaces: Informer
    config_maps: Informer
    service_accounts: Informer
    quotas: Informer
    cluster_roles: Informer
    claims: Informer
    volumes: Informer
    classes: Informer
    replication_controllers: Informer
    stateful_sets: Informer
    daemon_sets: Informer
    revisions: Informer
    jobs: Informer
    cron_jobs: Informer
    budgets: Informer
    autoscalers: Informer
    endpoints: Informer
    definitions: Informer
    catalogue: Catalogue
    """All other kinds."""
    owned: Index
    """``Kind/key`` of the objects that name a uid as their owner."""
    local: Index
    """Keys of pods by namespace."""
    orphans: Index
    """Keys of the pods without a controller, by namespace."""
    placed: Index
    """Keys of pods by node."""

    def of(self, kind: str) -> Informer | None:
        """The informer of a kind, if there is one."""
        field = FIELDS.get(kind)
        return getattr(self, field) if field else self.catalogue.shelf.get(kind)

    def informer(self, kind: str) -> Informer:
        """The informer of a kind."""
        found: Informer = getattr(self, FIELDS[kind])
        return found

    def find(self, kind: str, key: str) -> Any:
        """The object of that kind and key, or None."""
        informer = self.of(kind)
        return informer.objects.get(key) if informer else None

    def all(self) -> list[Informer]:
        """All informers."""
        return [*(getattr(self, field) for field in FIELDS.values()), *self.catalogue.shelf.all()]

    def pods_in(self, namespace: str) -> list[Any]:
        """The pods of a namespace, by name."""
        return [self.pods.objects[key] for key in sorted(self.local.of(namespace))]

    def orphans_in(self, namespace: str) -> list[Any]:
        """The pods of a namespace that no controller owns, by name."""
        return [self.pods.objects[key] for key in sorted(self.orphans.of(namespace))]

    def pods_on(self, node: str) -> list[Any]:
        """The pods bound to a node, by key."""
        return [self.pods.objects[key] for key in sorted(self.placed.of(node))]


FIELDS = {
    "Pod": "pods", "Node": "nodes", "Lease": "leases", "Deployment": "deployments", "ReplicaSet": "replica_sets",
    "Service": "services", "EndpointSlice": "slices", "Namespace": "namespaces", "ConfigMap": "config_maps",
    "ServiceAccount": "service_accounts", "ResourceQuota": "quotas", "ClusterRole": "cluster_roles",
    "PersistentVolumeClaim": "claims", "PersistentVolume": "volumes", "StorageClass": "classes",
    "ReplicationController": "replication_controllers", "StatefulSet": "stateful_sets", "DaemonSet": "daemon_sets",
    "ControllerRevision": "revisions", "Job": "jobs", "CronJob": "cron_jobs", "PodDisruptionBudget": "budgets",
    "HorizontalPodAutoscaler": "autoscalers", "Endpoints": "endpoints",
    "CustomResourceDefinition": "definitions",
}  # fmt: skip
"""The field of `Stores`, and the attribute of the manager, that holds the informer of a kind."""


class Controller(State):
    """One control loop. Its memory is volatile; a new leader starts with an empty one."""

    name = ""
    """``replicaset-controller``."""
    source = ""
    """How its events are signed, if not by its name."""
    hears: tuple[str, ...] = ()
    """The kinds of which it is told; none: all."""
    workers = 5
    """How many keys are worked on at a time."""
    batch = 0
    """How long a change of a pod waits for others before its key comes into the queue, µs."""
    period = 0
    """µs between calls of `tick`; 0: never."""

    qps, burst = 20, 30
    """Requests a second of its client, and at once after a quiet time (``--kube-api-qps``, ``--kube-api-burst``)."""

    def __init__(self) -> None:
        self.queue = WorkQueue()
        self.throttle = Throttle(self.qps, self.burst)

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        """The keys to look at when the lease is won."""
        return []

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        """The keys that a change touches."""
        return []

    def tick(self, stores: Stores, clock: Clock) -> list[str]:
        """The keys that need work because time has passed."""
        return []

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        """One look at one key."""
        return NOTHING

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        """A request of this key was answered."""

    def finished(self, key: str, ok: bool) -> bool:
        """All requests of this key were answered. True: look at it again at once."""
        return False
