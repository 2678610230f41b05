"""The audit log: who did what, and how it ended (vendor/k8s.io/apiserver/pkg/endpoints/filters/audit.go), at the level
``Metadata``. The latest events are kept."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.sim import State

KEPT = 256


class Event(NamedTuple):
    """One answered request. Times are µs since the world began."""

    number: int
    received: int
    answered: int
    verb: str
    path: str
    user: str
    groups: tuple[str, ...]
    impersonated: str
    code: int

    def tree(self, epoch: int) -> dict[str, Any]:
        """As a line of the audit log (audit.k8s.io/v1)."""
        return {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"{self.number:08d}",
            "stage": "ResponseComplete", "requestURI": self.path, "verb": self.verb,
            "user": {"username": self.user, "groups": list(self.groups)},
            **({"impersonatedUser": {"username": self.impersonated}} if self.impersonated else {}),
            "responseStatus": {"code": self.code},
            "requestReceivedTimestamp": times.micro_time(self.received, epoch),
            "stageTimestamp": times.micro_time(self.answered, epoch),
        }  # fmt: skip


class AuditLog(State):
    """The latest events of one server."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, event: Event) -> None:
        """A request has been answered."""
        self.events.append(event)
        self.count += 1
