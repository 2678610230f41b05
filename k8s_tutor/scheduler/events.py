"""Events of the scheduler, as the events.k8s.io recorder writes them: one Event, and a series when it happens again
(client-go tools/events)."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.sim import SECOND, State

REPORTER = "default-scheduler"
SERIES = 360 * SECOND
"""The same event again within this time joins the series of the first."""


class Seen(NamedTuple):
    """An event that was written: its name, how often it happened, and when last (µs)."""

    name: str
    times: int
    at: int


class Write(NamedTuple):
    """A request of the recorder: POST a new Event, or PATCH one that is there."""

    method: str
    path: str
    tree: dict[str, Any]


class Recorder(State):
    """Remembers what was written, so that repetition becomes a series."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, ...], Seen] = {}
        self.last = 0
        """The last stamp used in a name, ns."""

    def record(
        self, pod: Any, kind: str, reason: str, action: str, text: str, now: int, epoch: int, host: str, related: Any = None,
    ) -> Write:  # fmt: skip
        """What to send for an event about a pod (typed struct), with another pod that has to do with it; ``now`` in µs since
        ``epoch``."""
        about = pod.metadata
        root = f"/api/v1/namespaces/{about.namespace}/events"
        # As there, the text does not count, but the pod's revision does: a refusal that was written into it is told anew.
        other = related.metadata.uid if related is not None else ""
        key = (about.uid or about.name, about.resourceVersion or "", kind, reason, action, other)
        stamp = times.micro_time(now, epoch)
        known = self.seen.get(key)
        if known is not None and now - known.at < SERIES:
            self.seen[key] = known._replace(times=known.times + 1, at=now)
            series = {"count": known.times + 1, "lastObservedTime": stamp}
            return Write("PATCH", f"{root}/{known.name}", {"series": series})
        self.last = max(self.last + 1, (epoch * SECOND + now) * 1000)
        name = f"{about.name}.{self.last:x}"
        self.seen[key] = Seen(name, 1, now)
        if len(self.seen) > 1000:
            del self.seen[next(iter(self.seen))]
        reporter = (related or pod).spec.schedulerName or REPORTER
        tree = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": about.namespace},
            "involvedObject": _reference(pod),
            "reason": reason, "message": text, "type": kind, "eventTime": stamp, "action": action,
            "reportingComponent": reporter, "reportingInstance": f"{reporter}-{host}",
            "source": {}, "firstTimestamp": None, "lastTimestamp": None,
        }  # fmt: skip
        return Write("POST", root, {**tree, "related": _reference(related)} if related is not None else tree)


def _reference(pod: Any) -> dict[str, Any]:
    about = pod.metadata
    return {
        "kind": "Pod", "namespace": about.namespace, "name": about.name, "uid": about.uid, "apiVersion": "v1",
        "resourceVersion": about.resourceVersion,
    }  # fmt: skip
