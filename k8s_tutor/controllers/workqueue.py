"""The work queue of a controller: each key is in it once, and never worked on twice at a time (client-go util/workqueue)."""

from __future__ import annotations

from collections import deque

from k8s_tutor.sim import MS, SECOND, State

RETRY_FIRST = 5 * MS
RETRY_MOST = 1000 * SECOND
BUCKET = 100
"""So many retries of one controller at once; then one every `REFILL`."""
REFILL = 100 * MS


class WorkQueue(State):
    """Keys in order. A key that is added while it is worked on becomes due again when that is done."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.dirty: dict[str, None] = {}
        """Keys that need work: those that wait, and those that changed while being worked on."""
        self.busy: dict[str, None] = {}
        self.failures: dict[str, int] = {}
        """Failed attempts in a row."""
        self.spent = 0
        """When the bucket of retries is full again, µs."""
        self.stalled = 0
        """How often a key had to wait because all workers were busy."""

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, key: str) -> bool:
        """This key needs work. True when it now waits and did not before."""
        if key in self.dirty:
            return False
        self.dirty[key] = None
        if key in self.busy:
            return False
        self.waiting.append(key)
        return True

    def take(self) -> str | None:
        """The next key, which is being worked on until `finish`."""
        if not self.waiting:
            return None
        key = self.waiting.popleft()
        del self.dirty[key]
        self.busy[key] = None
        return key

    def finish(self, key: str) -> bool:
        """The work on this key is done. True when it waits again."""
        self.busy.pop(key, None)
        if key not in self.dirty:
            return False
        self.waiting.append(key)
        return True

    def failed(self, key: str, now: int) -> int:
        """Counts a failure and returns how long to wait, µs: 5 ms, doubling up to 1000 s; longer when many keys fail."""
        count = self.failures.get(key, 0)
        self.failures[key] = count + 1
        self.spent = max(self.spent, now) + REFILL
        crowd = self.spent - BUCKET * REFILL - now
        return max(min(RETRY_FIRST << min(count, 20), RETRY_MOST), crowd)

    def forget(self, key: str) -> None:
        """It went well: the next failure is the first one again."""
        self.failures.pop(key, None)
