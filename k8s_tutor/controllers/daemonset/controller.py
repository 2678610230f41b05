"""Feeds the DaemonSet's `reconcile`."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers import history, objects
from k8s_tutor.controllers.base import Stores
from k8s_tutor.controllers.daemonset import placement
from k8s_tutor.controllers.daemonset.reconcile import reconcile
from k8s_tutor.controllers.history import UNIQUE
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.podowner import PodOwner, claim
from k8s_tutor.controllers.requests import Decision, adopting
from k8s_tutor.sim import SECOND

RETRY_FIRST = SECOND
RETRY_MOST = 15 * 60 * SECOND


class Retry(NamedTuple):
    """A node on which daemon pods fail: when the next one may be replaced (µs), and the pause after that."""

    at: int
    pause: int


class DaemonSetController(PodOwner):
    """Keys are DaemonSets; it listens to them, to pods, and to the labels and taints of nodes."""

    name = "daemonset-controller"
    hears = ("DaemonSet", "Pod", "Node")
    kind = "DaemonSet"

    def __init__(self) -> None:
        super().__init__()
        self.retries: dict[tuple[str, str], Retry] = {}
        """(key, node) → pause of failing pods."""

    def gone(self, key: str) -> None:
        super().gone(key)
        for place in [place for place in self.retries if place[0] == key]:
            del self.retries[place]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind != "Node":
            return super().keys(stores, change, clock)
        if _about(change.old) == _about(change.new):
            return []
        return [objects.key_of(ds) for ds in stores.daemon_sets if _fit(ds, change.old) != _fit(ds, change.new)]

    def look(self, stores: Stores, owner: Any, pods: list[Any], settled: bool, clock: Clock) -> Decision:
        key = objects.key_of(owner)
        mine, patches = claim(owner, self.selector(owner), pods)
        revisions = history.owned_revisions(stores.owned.of(owner.metadata.uid), stores.revisions, owner)
        known = history.look(owner, revisions, unique_label=True)
        retry_at = {node: found.at for (place, node), found in self.retries.items() if place == key}
        decision = reconcile(owner, mine, list(stores.nodes), known, settled, retry_at, clock)
        doomed = {write.name for write in decision.writes if write.method == "DELETE"}
        for pod in mine:
            if pod.metadata.name in doomed and pod.status and pod.status.phase == "Failed":
                self._failed(key, placement.target(pod), clock)
        used = {(pod.metadata.labels or {}).get(UNIQUE, "") for pod in mine}
        live = {f"{owner.metadata.name}-{digest}" for digest in used} | {known.update.name}
        spare = history.surplus(owner, revisions, live)
        first = adopting(owner, patches)
        return decision._replace(batches=(*first, *decision.batches), last=(*decision.last, *spare))

    def _failed(self, key: str, node: str, clock: Clock) -> None:
        before = self.retries.get((key, node))
        pause = RETRY_FIRST if before is None else min(before.pause * 2, RETRY_MOST)
        self.retries[key, node] = Retry(clock.now + pause, pause)


def _fit(ds: Any, node: Any) -> placement.Fit | None:
    return None if node is None else placement.fit(ds, node)


def _about(node: Any) -> tuple[Any, ...]:
    """All of a node that decides about daemon pods."""
    return () if node is None else (node.metadata.labels, node.spec and node.spec.taints)
