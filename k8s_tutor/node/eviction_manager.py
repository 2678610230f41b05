"""The kubelet looks every 10 s at what its machine has left. When that is too little it says so, first makes room without
hurting anybody (images that nobody uses), and then ends one pod, until there is enough.

Sources: pkg/kubelet/eviction/eviction_manager.go, pkg/kubelet/images/image_gc_manager.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import quantity
from k8s_tutor.node import cri, eviction, volumes
from k8s_tutor.node.eviction import DISK, MEMORY, Threshold, Used
from k8s_tutor.node.pod_base import CRI_TIMEOUT
from k8s_tutor.node.prober import Prober
from k8s_tutor.node.recorder import Subject
from k8s_tutor.node.sync import is_ending
from k8s_tutor.node.tasks import Pressure, ReadPressure
from k8s_tutor.sim import SECOND, Body, Context

EVERY = 10 * SECOND
TRANSITION = 300 * SECOND
"""A condition stays for so long after the threshold was last met (evictionPressureTransitionPeriod)."""
GC_HIGH, GC_LOW = 85, 80
"""Images are removed when so many percent of the disk are used, until no more than so many are."""
SYSTEM_DISK = 4 * eviction.GI
"""What the operating system takes of the disk."""

replace = msgspec.structs.replace


class LookAround(Body):
    """The kubelet's own timer: look at what the machine has left."""


class EvictionManager(Prober):
    """The part of a kubelet that watches over the machine."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.met_since: dict[str, int] = {}
        """Resource → since when its threshold is met, µs."""

    def look_around(self, ctx: Context) -> None:
        """Asks the machine what is used."""
        ctx.after(EVERY, LookAround(), work=False)
        if self.runtime_up:
            self.ask(ctx, self.config.shim, ReadPressure(), "_seen", (), 10 * SECOND)

    def _seen(self, ctx: Context, answer: Any) -> None:
        if not isinstance(answer, Pressure):
            return
        self.read_manifests(ctx, answer.manifests)
        if not self.synced:
            return
        self.keep_mirrors(ctx)
        images = sum(dict(self.images.values()).values())
        capacity = {MEMORY: quantity.value(self.config.memory), DISK: self.config.disk}
        used = min(SYSTEM_DISK, self.config.disk // 20) + images + sum(size for _, size in answer.disk)
        available = {MEMORY: capacity[MEMORY] - answer.stats.memory, DISK: capacity[DISK] - used}
        freed = self._collect_images(ctx, used)
        available[DISK] += freed
        low = [
            one for one in (*eviction.HARD, *self.config.eviction_soft)
            if available[one.resource] < one.bytes(capacity[one.resource])
        ]  # fmt: skip
        self._say(ctx, [one.resource for one in low])
        pods = self._used(answer)
        if self._local_storage(ctx, pods, answer):
            return
        for threshold in low:
            if ctx.now - self.met_since[threshold.resource] >= threshold.grace * SECOND:
                self._make_room(ctx, threshold, capacity[threshold.resource], available[threshold.resource], pods)
                return

    def _say(self, ctx: Context, low: list[str]) -> None:
        """Conditions come at once, and go when all has been well for a while."""
        before = self.pressures
        for resource, (condition, _, _) in eviction.CONDITIONS.items():
            if resource in low:
                self.met_since.setdefault(resource, ctx.now)
                self.pressures = {**self.pressures, condition: ctx.now}
            else:
                self.met_since.pop(resource, None)
        self.pressures = {name: at for name, at in self.pressures.items() if ctx.now - at < TRANSITION}
        if list(before) == list(self.pressures):
            return
        ctx.decide()
        for condition, words in eviction.NODE_EVENTS.items():
            if (condition in before) != (condition in self.pressures):
                reason = words[condition in self.pressures]
                self._tell_node(ctx, "Normal", reason, f"Node {self.config.node} status is now: {reason}")
        self.report_node(ctx)

    def _tell_node(self, ctx: Context, kind: str, reason: str, text: str) -> None:
        self.record(ctx, Subject("Node", "", self.config.node, self.config.node), kind, reason, text)

    # ------------------------------------------------------------------ pods

    def _used(self, answer: Pressure) -> list[Used]:
        """What each pod uses that still runs."""
        memory = {row.container: row.memory for row in answer.stats.containers}
        disk = dict(answer.disk)
        found = []
        for state in self.states.values():
            pod = self.pod_of(state)
            if pod is None or is_ending(pod, state) or state.sandbox is None:
                continue
            mine = [known for known in state.containers if known.id]
            written = {known.name: disk.get(known.id, 0) for known in mine}
            written[""] = sum(size for place, size in answer.disk if place.startswith(f"pods/{state.uid}/"))
            found.append(Used(pod, {known.name: memory.get(known.id, 0) for known in mine}, written))
        return found

    def _local_storage(self, ctx: Context, pods: list[Used], answer: Pressure) -> bool:
        """Ends pods that have filled more of the disk than they may."""
        disk, evicted = dict(answer.disk), False
        for used in pods:
            uid = used.pod.metadata.uid
            sizes = {volume.name: disk.get(volumes.place(uid, volume), 0) for volume in used.pod.spec.volumes or ()}
            why = eviction.over_limit(used, sizes)
            if why:
                self._evict(ctx, uid, why)
                evicted = True
        return evicted

    def _make_room(self, ctx: Context, threshold: Threshold, capacity: int, available: int, pods: list[Used]) -> None:
        """Ends the pod that comes first in the ranking."""
        ctx.decide()
        resource = threshold.resource
        self._tell_node(ctx, "Warning", "EvictionThresholdMet", f"Attempting to reclaim {resource}")
        if resource == DISK and self._free_images(ctx, threshold.bytes(capacity) - available):
            return
        if any(state.evicted[0] and state.sandbox is not None for state in self.states.values()):
            return  # one has been told to go and has not gone yet
        order = eviction.ranked(pods, resource)
        if order:
            first = order[0]
            ctx.note("kubelet.evict", node=self.config.node, resource=resource, order=[one.pod.metadata.name for one in order])
            text = eviction.message(first, threshold, capacity, available)
            own = first.pod.spec.terminationGracePeriodSeconds
            self._evict(ctx, first.pod.metadata.uid, text, (own if own is not None else 30) if threshold.grace else 1)

    def _evict(self, ctx: Context, uid: str, text: str, grace: int = 1) -> None:
        ctx.decide()
        state = self.states[uid]
        self.tell(ctx, state, "Warning", "Evicted", text)
        self.states[uid] = replace(state, evicted=("Evicted", text), grace=grace)
        self.again(ctx, uid)

    # ------------------------------------------------------------------ images

    def _collect_images(self, ctx: Context, used: int) -> int:
        """Removes images that nobody uses when the disk is rather full. Returns the bytes that become free."""
        if used * 100 < GC_HIGH * self.config.disk:
            return 0
        goal = used - self.config.disk * GC_LOW // 100
        freed = self._free_images(ctx, goal)
        if freed < goal:
            text = f"Attempted to free {goal} bytes, but only found {freed} bytes eligible to free."
            failed = "Failed to garbage collect required amount of images."
            self._tell_node(ctx, "Warning", "FreeDiskSpaceFailed", f"{failed} {text}")
        return freed

    def _free_images(self, ctx: Context, goal: int) -> int:
        """Removes images that no container of this node has, in the order in which they came, until ``goal`` bytes are free."""
        needed = {known.image for state in self.states.values() for known in state.containers}
        pulled = {one.container for one in (*self.pulling, *self.pull_queue)}
        freed = 0
        for name, (ref, size) in list(self.images.items()):
            if freed >= goal or pulled:
                break
            if name in needed or "/pause:" in name:
                continue
            ctx.decide()
            del self.images[name]
            if not any(other == ref for other, _ in self.images.values()):
                freed += size
            ctx.note("kubelet.image.removed", node=self.config.node, image=name, bytes=size)
            self.ask(ctx, self.config.runtime, cri.RemoveImage(name), "done", (), CRI_TIMEOUT)
        return freed
