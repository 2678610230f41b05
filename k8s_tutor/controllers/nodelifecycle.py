"""The node lifecycle controller: notices kubelets that have fallen silent (pkg/controller/nodelifecycle).

It trusts its own clock alone: what counts is when *it* last saw a node's lease or status change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import NOTHING, STRATEGIC, Decision, Event, Write, patch, update
from k8s_tutor.sim import SECOND

MONITOR = 5 * SECOND
GRACE = 50 * SECOND
STARTUP_GRACE = 60 * SECOND
"""For nodes that have never reported."""
EVICTION_INTERVAL = 10 * SECOND
"""One node in ten seconds gets the taint that evicts, in a healthy zone (0.1 per second)."""
LARGE_ZONE = 50
SLOW_INTERVAL = 100 * SECOND
"""In a large zone that is mostly lost (0.01 per second); a small one evicts nobody then."""

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
CORDON = "node.kubernetes.io/unschedulable"
ZONE_LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
_OBSERVED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_TAINTS: dict[tuple[str, str], str] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_OWN_TAINTS = (*_TAINTS.values(), CORDON)


class Health(NamedTuple):
    """When a node was last heard of (µs, own clock), and by what."""

    heard: int
    lease: str
    """Its lease's renewTime as last seen."""
    status: str
    """Its Ready condition's heartbeat as last seen."""
    marked: bool = False
    """Whether its pods have been marked not ready since it was lost."""


def ready_status(node: Any) -> str:
    """True, False, Unknown, or empty when it has never reported."""
    found = objects.condition(node, "Ready")
    return found.status if found is not None else ""


def observe(node: Any, lease: Any, known: Health | None, clock: Clock) -> Health:
    """What this look at a node and its lease adds to what was known of it."""
    renewed = str(lease.spec.renewTime) if lease is not None and lease.spec and lease.spec.renewTime else ""
    condition = objects.condition(node, "Ready")
    beat = f"{condition.status} {condition.lastHeartbeatTime}" if condition is not None else ""
    if known is None:
        heard = clock.instant(node.metadata.creationTimestamp) if condition is None else clock.now
        return Health(heard, renewed, beat)
    if condition is not None and condition.reason in ("NodeStatusUnknown", "NodeStatusNeverUpdated"):
        beat = known.status
    if (renewed and renewed != known.lease) or beat != known.status:
        return known._replace(heard=clock.now, lease=renewed or known.lease, status=beat)
    return known


def is_silent(node: Any, health: Health, clock: Clock) -> bool:
    """Whether the node has not been heard of for longer than its grace period."""
    grace = GRACE if ready_status(node) else STARTUP_GRACE
    return clock.now - health.heard > grace


def silent_conditions(node: Any, clock: Clock) -> list[Tree] | None:
    """The conditions of a node that is silent: all Unknown; None when they say so already."""
    conditions = [objects.tree_of(found) for found in (node.status and node.status.conditions) or ()]
    changed = False
    for name in _OBSERVED:
        place = next((index for index, found in enumerate(conditions) if found["type"] == name), None)
        if place is None:
            conditions.append({
                "type": name, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status.",
                "lastHeartbeatTime": objects.stamp_of(node.metadata.creationTimestamp), "lastTransitionTime": clock.stamp,
            })  # fmt: skip
            changed = True
        elif conditions[place]["status"] != "Unknown":
            conditions[place] = {
                **conditions[place], "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.", "lastTransitionTime": clock.stamp,
            }  # fmt: skip
            changed = True
    return conditions if changed else None


def scheduling_taints(node: Any, clock: Clock) -> list[Tree] | None:
    """``spec.taints`` with the NoSchedule taints that conditions and cordon call for; None when they are right."""
    current = [objects.tree_of(taint) for taint in (node.spec and node.spec.taints) or ()]
    conditions = (node.status and node.status.conditions) or ()
    wanted = [_TAINTS[c.type, c.status] for c in conditions if (c.type, c.status) in _TAINTS]
    if node.spec and node.spec.unschedulable:
        wanted.append(CORDON)
    present = [taint["key"] for taint in current if taint["effect"] == "NoSchedule" and taint["key"] in _OWN_TAINTS]
    if sorted(present) == sorted(set(wanted)):
        return None
    surplus = [key for key in present if key not in wanted]
    kept = [taint for taint in current if taint["effect"] != "NoSchedule" or taint["key"] not in surplus]
    missing = [key for key in dict.fromkeys(wanted) if key not in present]
    return [*kept, *({"key": key, "effect": "NoSchedule", "timeAdded": clock.stamp} for key in missing)]


def eviction_taint(node: Any) -> str:
    """The key of the NoExecute taint that a node's readiness calls for, or empty."""
    return {"False": NOT_READY, "Unknown": UNREACHABLE}.get(ready_status(node), "")


def evicting_taints(node: Any, wanted: str, clock: Clock) -> list[Tree] | None:
    """``spec.taints`` with the NoExecute taint ``wanted`` (empty: none) of the two; None when they are right."""
    current = [objects.tree_of(taint) for taint in (node.spec and node.spec.taints) or ()]
    both = (NOT_READY, UNREACHABLE)
    present = [taint["key"] for taint in current if taint["effect"] == "NoExecute" and taint["key"] in both]
    if present == ([wanted] if wanted else []):
        return None
    kept = [taint for taint in current if taint["effect"] != "NoExecute" or taint["key"] not in both or taint["key"] == wanted]
    fresh = [{"key": wanted, "effect": "NoExecute", "timeAdded": clock.stamp}] if wanted and wanted not in present else []
    return [*kept, *fresh]


def _taint_patch(node: Any, taints: list[Tree]) -> Write:
    changes = {"metadata": {"resourceVersion": node.metadata.resourceVersion}, "spec": {"taints": taints}}
    return patch(node, changes, content_type=STRATEGIC)


def mark_not_ready(node: Any, pods: Iterable[Any], clock: Clock) -> tuple[list[Write], list[Event]]:
    """Condition Ready=False for all ready pods of a node that is lost."""
    writes, events = [], []
    for pod in pods:
        if not objects.is_ready(pod):
            continue
        change = {"type": "Ready", "status": "False", "lastTransitionTime": clock.stamp}
        writes.append(patch(pod, {"status": {"conditions": [change]}}, "status", STRATEGIC))
        events.append(Event(objects.reference(pod), "NodeNotReady", "Node is not ready", warning=True))
    return writes, events


def reconcile(node: Any, pods: Sequence[Any], health: Health, evict: str | None, clock: Clock) -> Decision:
    """One look at one node; each look takes the next step: conditions, then pods and the NoSchedule taint, then NoExecute.

    ``evict``: key of the NoExecute taint that the node is to have, empty for none, None: leave it as it is (not its turn).
    """
    if is_silent(node, health, clock):
        conditions = silent_conditions(node, clock)
        if conditions is not None:
            tree = objects.tree_of(node)
            write = update({**tree, "status": {**tree.get("status", {}), "conditions": conditions}}, "status")
            events: tuple[Event, ...] = ()
            notes: tuple[tuple[str, Tree], ...] = (("node.silent", {"node": node.metadata.name, "since": health.heard}),)
            if ready_status(node) != "Unknown":
                name = node.metadata.name
                text = f"Node {name} status is now: NodeNotReady"
                about = {"kind": "Node", "name": name, "uid": node.metadata.uid, "apiVersion": "v1"}
                events = (Event(about, "NodeNotReady", text),)
            return Decision(((write,),), events=events, notes=notes)
    lost = ready_status(node) in ("False", "Unknown")
    marks, events_ = mark_not_ready(node, pods, clock) if lost and not health.marked else ([], [])
    batches = [tuple(marks)] if marks else []
    taints = scheduling_taints(node, clock)
    if taints is not None:
        batches.append((_taint_patch(node, taints),))
    elif evict is not None:
        taints = evicting_taints(node, evict, clock)
        if taints is not None:
            batches.append((_taint_patch(node, taints),))
    return Decision(tuple(batches), events=tuple(events_)) if batches else NOTHING


class Zone(NamedTuple):
    """Nodes of a zone that are ready and that are not."""

    ready: int
    lost: int

    @property
    def state(self) -> str:
        """Normal, PartialDisruption or FullDisruption (ComputeZoneState)."""
        if self.lost and not self.ready:
            return "FullDisruption"
        if self.lost > 2 and 100 * self.lost >= 55 * (self.ready + self.lost):
            return "PartialDisruption"
        return "Normal"

    def interval(self, all_lost: bool) -> int | None:
        """µs between two nodes whose pods are evicted; None: no eviction at all."""
        if all_lost:
            return None
        if self.state != "PartialDisruption":
            return EVICTION_INTERVAL
        return SLOW_INTERVAL if self.ready + self.lost > LARGE_ZONE else None


def zone_of(node: Any) -> str:
    """Region and zone of a node."""
    labels = node.metadata.labels or {}
    return ":".join(labels.get(name, "") for name in ZONE_LABELS)


def zones(nodes: Iterable[Any]) -> dict[str, Zone]:
    """All zones by name."""
    found: dict[str, Zone] = {}
    for node in nodes:
        zone = found.get(zone_of(node), Zone(0, 0))
        fine = ready_status(node) == "True"
        found[zone_of(node)] = Zone(zone.ready + fine, zone.lost + (not fine))
    return found


class NodeLifecycleController(Controller):
    """Keys are nodes. Observes all of them every five seconds, and whenever a Node changes."""

    name = "node-controller"
    hears = ("Node",)
    workers = 8
    period = MONITOR

    def __init__(self) -> None:
        super().__init__()
        self.health: dict[str, Health] = {}
        self.next_eviction: dict[str, int] = {}
        """When the next node of a zone may get the taint that evicts, µs."""

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        self._observe(stores, clock)
        return self._needy(stores, clock)

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind != "Node":
            return []
        if change.new is None:
            self.health.pop(change.key, None)
            return []
        lease = stores.leases.get("kube-node-lease", change.key)
        self.health[change.key] = observe(change.new, lease, self.health.get(change.key), clock)
        if ready_status(change.new) == "True" and self.health[change.key].marked:
            self.health[change.key] = self.health[change.key]._replace(marked=False)
        return [change.key] if self._decide(stores, change.new, clock) else []

    def tick(self, stores: Stores, clock: Clock) -> list[str]:
        self._observe(stores, clock)
        return self._needy(stores, clock)

    def _observe(self, stores: Stores, clock: Clock) -> None:
        for node in stores.nodes:
            name = node.metadata.name
            lease = stores.leases.get("kube-node-lease", name)
            self.health[name] = observe(node, lease, self.health.get(name), clock)

    def _needy(self, stores: Stores, clock: Clock) -> list[str]:
        return [node.metadata.name for node in stores.nodes if self._decide(stores, node, clock)]

    def _decide(self, stores: Stores, node: Any, clock: Clock) -> Decision:
        health = self.health[node.metadata.name]
        return reconcile(node, stores.pods_on(node.metadata.name), health, self._evict(stores, node, clock), clock)

    def _evict(self, stores: Stores, node: Any, clock: Clock) -> str | None:
        """Nobody is evicted while all zones are lost: then it is more likely the controller that is cut off."""
        wanted = eviction_taint(node)
        if not wanted:
            return ""
        known = zones(stores.nodes)
        all_lost = all(zone.state == "FullDisruption" for zone in known.values())
        if all_lost:
            return ""
        present = [t.key for t in (node.spec and node.spec.taints) or () if t.effect == "NoExecute"]
        if NOT_READY in present or UNREACHABLE in present:
            return wanted
        interval = known[zone_of(node)].interval(all_lost)
        return wanted if interval is not None and clock.now >= self.next_eviction.get(zone_of(node), 0) else None

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        node = stores.nodes.objects.get(key)
        if node is None or key not in self.health:
            return NOTHING
        decision = self._decide(stores, node, clock)
        if ready_status(node) in ("False", "Unknown"):
            self.health[key] = self.health[key]._replace(marked=True)
        if self._evicts(node, decision):
            interval = zones(stores.nodes)[zone_of(node)].interval(False) or EVICTION_INTERVAL
            self.next_eviction[zone_of(node)] = clock.now + interval
        return decision

    @staticmethod
    def _evicts(node: Any, decision: Decision) -> bool:
        before = {t.key for t in (node.spec and node.spec.taints) or () if t.effect == "NoExecute"}
        for write in decision.writes:
            if write.kind == "Node" and write.method == "PATCH" and write.tree:
                after = {t["key"] for t in write.tree["spec"]["taints"] if t["effect"] == "NoExecute"}
                return bool(after - before)
        return False

    def finished(self, key: str, ok: bool) -> bool:
        if not ok and key in self.health:
            self.health[key] = self.health[key]._replace(marked=False)
        return False
