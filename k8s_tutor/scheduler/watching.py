"""What a scheduler watches, and how a change reaches the pods that wait (pkg/scheduler/eventhandlers.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.election import Election
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.throttle import Throttled
from k8s_tutor.api.wire import WatchCancel
from k8s_tutor.scheduler import changes
from k8s_tutor.scheduler.changes import ASSIGNED, OWN, Event
from k8s_tutor.scheduler.framework import Cluster
from k8s_tutor.scheduler.nodeinfo import Cache
from k8s_tutor.scheduler.profiles import DEFAULT_NAME, Line, lines_of
from k8s_tutor.scheduler.queue import SchedulingQueue
from k8s_tutor.scheduler.resources import PodInfo, key_of, pod_info
from k8s_tutor.sim import SECOND, Body, Context

SWEEP = 30 * SECOND
"""How often pods are looked for that have waited too long (flushUnschedulablePodsLeftover)."""


class Cycle(Body):
    """The scheduler's message to itself: decide about one pod."""


class Flush(Body):
    """A back-off ends."""


class Sweep(Body):
    """Look for pods that have waited too long."""


class Watching(Throttled):
    """The half of a scheduler that listens: it keeps its picture of the cluster, and its queue."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.election = Election("kube-scheduler")
        self.pods = Informer("Pod")
        self.nodes = Informer("Node")
        self.services = Informer("Service")
        self.replica_sets = Informer("ReplicaSet")
        self.stateful_sets = Informer("StatefulSet")
        self.replication_controllers = Informer("ReplicationController")
        self.namespaces = Informer("Namespace")
        self.budgets = Informer("PodDisruptionBudget")
        self.claims = Informer("PersistentVolumeClaim")
        self.volumes = Informer("PersistentVolume")
        self.classes = Informer("StorageClass")
        self.csi_nodes = Informer("CSINode")
        self.cache = Cache()
        self.queue = SchedulingQueue()
        self.nominated: dict[str, tuple[str, PodInfo]] = {}
        """Pod key → (the node that is being emptied for it, the pod)."""
        self.preempting: dict[str, int] = {}
        """Pod key → how many of its victims still have to be sent away before the last one."""
        self.working = False
        """Whether it holds the lease and knows the cluster."""

    # ------------------------------------------------------------------ beginning and ending

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        ctx.after(SWEEP, Sweep(), work=False)

    def ready(self, ctx: Context) -> None:
        self._begin(ctx)

    def leading(self, ctx: Context) -> None:
        self._begin(ctx)

    def _begin(self, ctx: Context) -> None:
        if self.working or not self.election.leading or not self.synced:
            return
        self.working = True
        self.reign += 1
        for pod in self.pods:
            if self.wants_node(pod):
                self._enqueue(ctx, pod)

    def lost(self, ctx: Context) -> None:
        self.working = False
        self.reign += 1
        self.queue = SchedulingQueue()
        self.nominated.clear()
        self.preempting.clear()
        for key in list(self.cache.assumed):
            self.cache.remove(key)
        self._list_again(ctx)

    def _list_again(self, ctx: Context) -> None:
        """As the real process, which ends when it loses its lease, it begins with fresh lists when it wins again."""
        for informer in self.informers():
            informer.synced = False
            if informer.watch:
                ctx.stream(self.config.api, WatchCancel(informer.watch))
                self._list(ctx, informer)

    # ------------------------------------------------------------------ what it knows

    def line(self, pod: Any) -> Line | None:
        """The profile that a pod (typed struct) asks for; None when that is another scheduler's."""
        return lines_of(self.config).get(pod.spec.schedulerName or DEFAULT_NAME)

    def wants_node(self, pod: Any) -> bool:
        """Whether it is this scheduler's job to find a node for the pod."""
        return (
            not pod.spec.nodeName and not pod.metadata.deletionTimestamp and not _ended(pod) and self.line(pod) is not None
        )

    def cluster(self) -> Cluster:
        """All that plugins may look at, as of now."""
        cache = self.cache
        objects = {informer.kind: informer.objects for informer in self.informers()}
        affine = [info for name in cache.affine if (info := cache.nodes[name]).node is not None]
        return Cluster(cache.snapshot(), cache.nodes, cache.groups, affine, objects, bool(cache.tainted))

    # ------------------------------------------------------------------ what it hears

    def changed(self, ctx: Context, change: Change) -> None:
        kind, key, old, new = change
        if kind == "Pod":
            self._pod_changed(ctx, key, old, new)
            return
        if kind == "Node":
            self.cache.set_node(key, new)
            event = changes.of_node(old, new)
        else:
            event = changes.of_other(kind, old, new)
        if event is not None:
            self.react(ctx, event)

    def _pod_changed(self, ctx: Context, key: str, old: Any, new: Any) -> None:
        pod = new if new is not None and not _ended(new) else None
        if pod is not None and pod.spec.nodeName:
            self.forget(key)
            known = key in self.cache.placed and key not in self.cache.assumed
            if old is not None and self.cache.assumed.get(key) == pod.spec.nodeName and _is_as_assumed(old, pod):
                del self.cache.assumed[key]
                self.react(ctx, Event(ASSIGNED, (changes.ADD,), None, pod))
            elif old is None or not known or _differs(old, pod):
                self.cache.put(pod_info(pod), pod.spec.nodeName)
                before = old if known and old is not None and old.spec.nodeName else None
                event = changes.of_pod(ASSIGNED, before, pod)
                if event is not None:
                    self.react(ctx, event)
        elif pod is None:
            self.forget(key)
            if key in self.cache.placed:
                self.cache.remove(key)
                self.react(ctx, Event(ASSIGNED, (changes.DELETE,), old, None))
        elif self.working and self.wants_node(pod):
            if key not in self.queue:
                self._enqueue(ctx, pod)
            elif old is not None:
                event = changes.of_pod(OWN, old, pod)
                if event is not None:
                    self.react(ctx, event, (key,))
        else:
            self.forget(key)

    def forget(self, key: str) -> None:
        """The pod needs no node any more."""
        self.queue.forget(key)
        self.nominated.pop(key, None)
        self.preempting.pop(key, None)

    def _enqueue(self, ctx: Context, pod: Any) -> None:
        key, priority = key_of(pod), pod.spec.priority or 0
        promised = pod.status.nominatedNodeName if pod.status else None
        if promised:
            self.nominated[key] = promised, pod_info(pod)
        gate = self._gate(key, pod)
        if gate:
            self.queue.hold(key, priority, ctx.now, gate)
        elif self.queue.add(key, priority, ctx.now):
            ctx.after(0, Cycle())

    def _gate(self, key: str, pod: Any) -> str:
        """The plugin that does not let a pod queue up, or nothing."""
        line = self.line(pod)
        if line is None or key in self.preempting:
            return "DefaultPreemption"
        return next((plugin.name for plugin in line.gates if plugin.pre_enqueue(pod)), "")

    # ------------------------------------------------------------------ who gets another try

    def react(self, ctx: Context, event: Event, only: tuple[str, ...] = ()) -> None:
        """Something has happened: the waiting pods whose refusers say that it may help get another try."""
        if not self.working:
            return
        keys = only or (*self.queue.keys("unschedulable"), *self.queue.keys("gated"))
        self.wake(ctx, [key for key in keys if self._may_help(key, event)])

    def _may_help(self, key: str, event: Event) -> bool:
        waiting, pod = self.queue.pods[key], self.pods.objects.get(key)
        line = self.line(pod) if pod is not None else None
        if pod is None or line is None or self._gate(key, pod):
            return False
        if not waiting.plugins:
            return True
        info = None
        for name in waiting.plugins:
            plugin = line.by_name.get(name)
            wanted = plugin.events.get(event.kind, ()) if plugin is not None else ()
            if plugin is not None and any(action in wanted for action in event.actions):
                info = info or pod_info(pod)
                if plugin.hint(info, event):
                    return True
        return False

    def wake(self, ctx: Context, keys: list[str]) -> None:
        """Gives waiting pods another try: at once, or when their back-off ends."""
        for key in self.queue.move(keys, ctx.now):
            pod = self.queue.pods[key]
            ctx.after(0, Cycle())
            if pod.place == "backoff":
                ctx.after(pod.until - ctx.now, Flush(), work=False)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Flush):
            for _ in range(self.queue.flush(ctx.now)):
                ctx.after(0, Cycle())
        elif isinstance(body, Sweep):
            ctx.after(SWEEP, Sweep(), work=False)
            if self.working:
                self.wake(ctx, self.queue.leftover(ctx.now))
        else:
            super().event(ctx, src, body)


def _ended(pod: Any) -> bool:
    return bool(pod.status and pod.status.phase in ("Succeeded", "Failed"))


def _is_as_assumed(old: Any, new: Any) -> bool:
    """Whether the pod that comes back bound is the one that was assumed to be there."""
    was, now = old.metadata, new.metadata
    return bool(was.labels == now.labels and not now.deletionTimestamp and old.spec.containers == new.spec.containers)


def _differs(old: Any, new: Any) -> bool:
    """Whether a placed pod changed in a way that the scheduler looks at: not by its status alone, but for when it started."""
    was, now = old.metadata, new.metadata
    if was.generation != now.generation or was.labels != now.labels or was.deletionTimestamp != now.deletionTimestamp:
        return True
    return bool((old.status and old.status.startTime) != (new.status and new.status.startTime))
