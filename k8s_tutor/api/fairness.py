"""Priority and fairness: who gets a seat in the server, who waits, and who is told to come again
(vendor/k8s.io/apiserver/pkg/util/flowcontrol; apis/flowcontrol/bootstrap/default.go).

Each request belongs to a flow (its user) of a priority level. A level has seats; a request holds one until it is answered.
When all are taken, requests wait in a queue for each flow, and the flows take turns.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from k8s_tutor.api.authn import MASTERS
from k8s_tutor.api.base import Op
from k8s_tutor.api.rbac import SERVICE_ACCOUNT
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.sim import SECOND, State

EXEMPT = "exempt"
SEATS = {
    "leader-election": 25, "node-high": 98, "system": 74, "workload-high": 98, "workload-low": 245, "global-default": 49,
    "catch-all": 13,
}  # fmt: skip
"""Priority level → seats: its share of 600 (max-requests-inflight and max-mutating-requests-inflight together)."""
LONGEST_QUEUE = 50
"""Requests of one flow that may wait (queueLengthLimit)."""
PATIENCE = 15 * SECOND
"""How long a request waits for a seat: a quarter of its time."""
_SYSTEM_USERS = ("system:kube-controller-manager", "system:kube-scheduler")
_KUBE_SYSTEM = f"{SERVICE_ACCOUNT}kube-system:"


class Flow(NamedTuple):
    """Where a request belongs: the flow schema that takes it, its priority level, and whose it is."""

    schema: str
    level: str
    owner: str


@lru_cache(maxsize=4096)
def flow_of(name: str, groups: tuple[str, ...], group: str, resource: str, path: str) -> Flow:
    """The first flow schema, by precedence, that takes a request."""
    if MASTERS in groups:
        return Flow("exempt", EXEMPT, name)
    if path in ("/healthz", "/livez", "/readyz"):
        return Flow("probes", EXEMPT, name)
    electing = resource == "leases" and (name in _SYSTEM_USERS or name.startswith(_KUBE_SYSTEM))
    if electing:
        return Flow("system-leader-election", "leader-election", name)
    if "system:nodes" in groups:
        high = resource in ("nodes", "leases")
        return Flow("system-node-high", "node-high", name) if high else Flow("system-nodes", "system", name)
    if name in _SYSTEM_USERS:
        return Flow(name.removeprefix("system:"), "workload-high", name)
    if name.startswith(_KUBE_SYSTEM):
        return Flow("kube-system-service-accounts", "workload-high", name)
    if "system:serviceaccounts" in groups:
        return Flow("service-accounts", "workload-low", name)
    return Flow("global-default", "global-default", name)


class Waiting(NamedTuple):
    """A request that waits for a seat."""

    flow: Flow
    op: Op
    since: int


class Fairness(State):
    """The seats of one server."""

    def __init__(self) -> None:
        self.seats: dict[Hop, str] = {}
        """Request → level in which it holds a seat."""
        self.taken: dict[str, int] = {}
        self.queues: dict[str, tuple[Waiting, ...]] = {}
        """Level → who waits, in order of arrival."""
        self.served: dict[str, str] = {}
        """Level → whose request got the last free seat."""
        self.rejected: dict[str, int] = {}

    def take(self, flow: Flow, hop: Hop) -> bool:
        """Takes a seat, if there is one and nobody waits for it."""
        level = flow.level
        if level == EXEMPT:
            return True
        if self.taken.get(level, 0) >= SEATS[level] or self.queues.get(level):
            return False
        self._sit(level, hop)
        return True

    def _sit(self, level: str, hop: Hop) -> None:
        self.seats[hop] = level
        self.taken[level] = self.taken.get(level, 0) + 1

    def wait(self, waiting: Waiting) -> bool:
        """Puts a request into its queue; False when that is full."""
        level = waiting.flow.level
        queue = self.queues.get(level, ())
        if sum(other.flow.owner == waiting.flow.owner for other in queue) >= LONGEST_QUEUE:
            self.rejected[level] = self.rejected.get(level, 0) + 1
            return False
        self.queues[level] = (*queue, waiting)
        return True

    def leave(self, hop: Hop) -> str:
        """A request is answered. Returns the level in which somebody waits for its seat, or nothing."""
        level = self.seats.pop(hop, "")
        if not level:
            return ""
        self.taken[level] -= 1
        return level if self.queues.get(level) else ""

    def next(self, level: str) -> Waiting | None:
        """Gives a free seat of a level to the next flow: not twice to the same one while others wait."""
        queue = self.queues.get(level, ())
        if not queue or self.taken.get(level, 0) >= SEATS[level]:
            return None
        last = self.served.get(level, "")
        chosen = next((waiting for waiting in queue if waiting.flow.owner != last), queue[0])
        self.served[level] = chosen.flow.owner
        self.queues[level] = tuple(waiting for waiting in queue if waiting is not chosen)
        self._sit(level, chosen.op.hop)
        return chosen

    def give_up(self, hop: Hop) -> Waiting | None:
        """Takes a request out of its queue: it has waited too long."""
        for level, queue in self.queues.items():
            for waiting in queue:
                if waiting.op.hop == hop:
                    self.queues[level] = tuple(other for other in queue if other is not waiting)
                    self.rejected[level] = self.rejected.get(level, 0) + 1
                    return waiting
        return None
