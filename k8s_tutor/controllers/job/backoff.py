"""How long a Job waits after failures before it makes new pods (pkg/controller/job/backoff_utils.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8s_tutor.controllers.objects import Clock
from k8s_tutor.sim import SECOND

FIRST = 10 * SECOND
MOST = 600 * SECOND


class Backoff(NamedTuple):
    """Failures since the last success, and when the last one was (µs). The controller's memory: lost with it."""

    failures: int = 0
    last: int = 0

    def after(self, succeeded: Iterable[Any], failed: Iterable[Any], clock: Clock) -> Backoff:
        """What these newly finished pods add."""
        good = [finish_time(pod, clock) for pod in succeeded]
        bad = sorted(finish_time(pod, clock) for pod in failed)
        if not good and not bad:
            return self
        if not good:
            return Backoff(self.failures + len(bad), bad[-1])
        later = [at for at in bad if at > max(good)]
        return Backoff(len(later), later[-1] if later else 0)

    def remaining(self, clock: Clock) -> int:
        """µs until pods may be made again."""
        return remaining(self.failures, self.last, clock)


def remaining(failures: int, last: int, clock: Clock) -> int:
    """µs to wait after so many failures in a row, the last at ``last``: 10 s, doubling up to 10 min."""
    if not failures:
        return 0
    return max(last + min(FIRST << min(failures - 1, 20), MOST) - clock.now, 0)


def finish_time(pod: Any, clock: Clock) -> int:
    """When a pod ended, µs: when its last container did; else when it became not ready, or now."""
    status = pod.status
    ends = [
        clock.instant(found.state.terminated.finishedAt) for found in (status and status.containerStatuses) or ()
        if found.state is not None and found.state.terminated is not None and found.state.terminated.finishedAt
    ]  # fmt: skip
    if ends:
        return max(ends)
    if pod.metadata.deletionTimestamp:
        return clock.instant(pod.metadata.deletionTimestamp)
    ready = next((found for found in (status and status.conditions) or () if found.type == "Ready"), None)
    if ready is not None and ready.lastTransitionTime:
        return clock.instant(ready.lastTransitionTime)
    return clock.now
