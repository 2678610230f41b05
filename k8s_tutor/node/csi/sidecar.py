"""What the helpers of a storage driver share: they watch objects, ask the driver, and try again with growing pauses."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import quantity, scheme
from k8s_tutor.api.component import Access
from k8s_tutor.api.wire import Response
from k8s_tutor.node.cri import RpcError
from k8s_tutor.node.csi.messages import DRIVER
from k8s_tutor.node.recorder import Recorder, Subject
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

RETRY_FIRST, RETRY_MOST = 1 * SECOND, 300 * SECOND
PATIENCE = 3
"""From so many failures in a row on, trying again is housekeeping."""
CSI_TIMEOUT = 15 * SECOND
"""How long a sidecar waits for its driver (``--timeout``)."""
MERGE = "application/merge-patch+json"
Tree = dict[str, Any]


class SidecarConfig(Access):
    """``csi``: the process of the driver that it speaks to."""

    csi: str = ""


class Again(Body):
    """A sidecar's own timer: look at this key again."""

    key: str


class Sidecar(Recorder):
    """Base of the sidecars. One look at a key is `look`; while something is under way the key is in ``busy``."""

    config: Any

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.busy: dict[str, None] = {}
        self.failures: dict[str, int] = {}
        self.resting: dict[str, None] = {}
        """Keys that have failed and are tried again later: till then, changes of them do not count."""
        self.dirty: dict[str, None] = {}
        """Keys that have changed while they were busy."""

    @property
    def agent(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        return ""

    def look(self, ctx: Context, key: str) -> None:
        """Does what this key needs now."""
        raise NotImplementedError

    def consider(self, ctx: Context, key: str) -> None:
        """Looks at a key, or later, if something is under way for it."""
        if not self.synced or key in self.resting:
            return
        if key in self.busy:
            self.dirty[key] = None
        else:
            self.look(ctx, key)

    def begin(self, ctx: Context, key: str) -> None:
        """Something is under way for a key."""
        self.busy[key] = None
        if self.failures.get(key, 0) < PATIENCE:
            ctx.decide()

    def finish(self, ctx: Context, key: str, ok: bool = True) -> None:
        """It has ended; after a failure it is tried again."""
        self.busy.pop(key, None)
        again = key in self.dirty
        self.dirty.pop(key, None)
        if not ok:
            count = self.failures[key] = self.failures.get(key, 0) + 1
            wait = min(RETRY_FIRST << min(count - 1, 9), RETRY_MOST)
            self.resting[key] = None
            ctx.after(wait, Again(key), work=False if count >= PATIENCE else None)
            return
        self.failures.pop(key, None)
        if again:
            self.look(ctx, key)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Again):
            self.resting.pop(body.key, None)
            self.consider(ctx, body.key)
        else:
            super().event(ctx, src, body)

    def csi(self, ctx: Context, body: Body, then: str, args: tuple[Any, ...]) -> None:
        """Asks the driver."""
        self.ask(ctx, self.config.csi, body, then, args, CSI_TIMEOUT)

    def tell(self, ctx: Context, about: Any, kind: str, reason: str, message: str) -> None:
        """Records an event about an object (typed)."""
        metadata = about.metadata
        subject = Subject(about.kind, metadata.namespace or "", metadata.name, metadata.uid, metadata.resourceVersion or "")
        self.record(ctx, subject, kind, reason, message)


def why(answer: Any) -> str:
    """The words of a driver's refusal."""
    if isinstance(answer, RpcError):
        return str(answer)
    if isinstance(answer, CallFailed):
        text = "context deadline exceeded" if answer.reason == "timeout" else "connection error: the driver does not answer"
        return str(RpcError("DeadlineExceeded" if answer.reason == "timeout" else "Unavailable", text))
    return str(scheme.tree(answer.body).get("message", "")) if isinstance(answer, Response) else ""


def ok(answer: Any) -> bool:
    """Whether the API server has carried out a request."""
    return isinstance(answer, Response) and answer.code < 300


def decoded(data: bytes) -> Tree:
    """An object of a custom kind, of which informers know the metadata only."""
    found: Tree = msgspec.json.decode(data)
    return found


def wanted(claim: Any) -> int:
    """Bytes that a claim asks for."""
    requests = claim.spec.resources.requests if claim.spec.resources is not None else None
    return quantity.value((requests or {}).get("storage", "0"))


def capacity_of(volume: Any) -> int:
    """Bytes of a PersistentVolume."""
    return quantity.value((volume.spec.capacity or {}).get("storage", "0"))


def written(size: int) -> str:
    """``2Gi``: bytes as a quantity."""
    for power, unit in ((30, "Gi"), (20, "Mi"), (10, "Ki")):
        if size % (1 << power) == 0 and size:
            return f"{size >> power}{unit}"
    return str(size)


def is_ours(volume: Any) -> bool:
    """Whether a PersistentVolume belongs to the driver."""
    return volume.spec.csi is not None and volume.spec.csi.driver == DRIVER
