"""The scheduling queue: active, back-off and unschedulable pods (pkg/scheduler/backend/queue)."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from k8s_tutor.sim import SECOND, State

BACKOFF_FIRST = 1 * SECOND
BACKOFF_MOST = 10 * SECOND
WINDOW = 1 * SECOND
"""Back-offs that end within the same second count as ending together: then priority decides."""
IDLE, TIMED = ("unschedulable", "gated"), ("backoff", "error")
UNSCHEDULABLE_MOST = 300 * SECOND
"""After this long a pod is tried again even though nothing has happened."""


class Queued(NamedTuple):
    """A pod that waits. Times in µs; ``place`` is ``active``, ``backoff``, ``error`` (back-off after a failed request),
    ``unschedulable``, ``gated`` (a plugin does not let it queue up) or ``flying`` (taken for a cycle, or being bound)."""

    priority: int
    place: str
    since: int
    attempts: int = 0
    until: int = 0
    """End of the back-off."""
    plugins: tuple[str, ...] = ()
    """Who refused it last; nobody in particular when empty."""


class SchedulingQueue(State):
    """Who is next: the highest priority, then who came first. Pods are known by their key."""

    def __init__(self) -> None:
        self.pods: dict[str, Queued] = {}
        self.heap: list[tuple[int, int, int, str]] = []
        """(-priority, since, arrival, key); may hold places that were given up."""
        self.arrivals = 0
        self.idle: dict[str, bool] = {}
        """Those of the pods that are unschedulable or gated."""
        self.timed: dict[str, bool] = {}
        """Those whose back-off is not over."""

    def __contains__(self, key: str) -> bool:
        return key in self.pods

    def keys(self, place: str) -> list[str]:
        """The pods in one place, the next one first."""
        pods = self.pods
        among = self.idle if place in IDLE else self.timed if place in TIMED else pods
        found = [(-pods[key].priority, pods[key].since, key) for key in among if pods[key].place == place]
        return [key for *_, key in sorted(found)]

    def _put(self, key: str, pod: Queued) -> None:
        self.pods[key] = pod
        for places, among in ((IDLE, self.idle), (TIMED, self.timed)):
            if pod.place in places:
                among[key] = True
            elif key in among:
                del among[key]

    def add(self, key: str, priority: int, now: int) -> bool:
        """A pod wants a node. False when it waits already."""
        if key in self.pods:
            return False
        self._activate(key, Queued(priority, "active", now), now)
        return True

    def _activate(self, key: str, pod: Queued, now: int) -> None:
        self._put(key, pod._replace(place="active", since=now))
        self.arrivals += 1
        heappush(self.heap, (-pod.priority, now, self.arrivals, key))

    def pop(self) -> str | None:
        """Takes the next pod for a cycle; when no pod is active, one that waits in back-off (SchedulerPopFromBackoffQ)."""
        while self.heap:
            _, since, _, key = heappop(self.heap)
            pod = self.pods.get(key)
            if pod is not None and pod.place == "active" and pod.since == since:
                return self._take(key, pod)
        waiting = [(key, self.pods[key]) for key in self.timed if self.pods[key].place == "backoff"]
        if not waiting:
            return None
        key = min((pod.until // WINDOW, -pod.priority, pod.since, key) for key, pod in waiting)[3]
        return self._take(key, self.pods[key])

    def _take(self, key: str, pod: Queued) -> str:
        self._put(key, pod._replace(place="flying", attempts=pod.attempts + 1))
        return key

    def attempts(self, key: str) -> int:
        """How often this pod was tried."""
        return self.pods[key].attempts if key in self.pods else 0

    def fail(self, key: str, now: int, plugins: tuple[str, ...] = ()) -> None:
        """No node fits: wait until something changes that may help against these plugins."""
        pod = self.pods[key]
        until = now + backoff(pod.attempts)
        self._put(key, pod._replace(place="unschedulable", since=now, until=until, plugins=plugins))

    def hold(self, key: str, priority: int, now: int, plugin: str) -> None:
        """A plugin does not let this pod queue up."""
        pod = self.pods.get(key, Queued(priority, "gated", now))
        self._put(key, pod._replace(place="gated", plugins=(plugin,)))

    def retry(self, key: str, now: int) -> int:
        """A request went wrong: try again later. Returns when (µs)."""
        pod = self.pods[key]
        until = now + backoff(pod.attempts)
        self._put(key, pod._replace(place="error", since=now, until=until))
        return until

    def move(self, keys: list[str], now: int) -> list[str]:
        """Something has happened that may help these unschedulable or gated pods. Those that have served their back-off become
        active, the others finish it first. Returns the keys that moved."""
        moved = []
        for key in keys:
            pod = self.pods.get(key)
            if pod is None or pod.place not in IDLE:
                continue
            if pod.until > now:
                self._put(key, pod._replace(place="backoff"))
            else:
                self._activate(key, pod, now)
            moved.append(key)
        return moved

    def flush(self, now: int) -> int:
        """Moves pods whose back-off has ended to the active ones; returns how many."""
        due = [key for key in sorted(self.timed) if self.pods[key].until <= now]
        for key in due:
            self._activate(key, self.pods[key], now)
        return len(due)

    def leftover(self, now: int) -> list[str]:
        """Unschedulable pods that have waited for five minutes."""
        pods = self.pods
        return sorted(k for k in self.idle if pods[k].place == "unschedulable" and now - pods[k].since >= UNSCHEDULABLE_MOST)

    def forget(self, key: str) -> None:
        """The pod needs no node any more."""
        for among in (self.pods, self.idle, self.timed):
            among.pop(key, None)


def backoff(attempts: int) -> int:
    """How long a pod waits after so many attempts, µs: 1 s, 2 s, 4 s, 8 s, 10 s."""
    return min(BACKOFF_FIRST << min(max(attempts - 1, 0), 10), BACKOFF_MOST)
