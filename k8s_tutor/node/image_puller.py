"""How a kubelet gets the image of a container: is it here, may it be pulled, whose turn is it, and what when that fails.

Source: pkg/kubelet/images/image_manager.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.node import cri
from k8s_tutor.node.images import parse_reference
from k8s_tutor.node.pod_base import RESYNC, PodBase
from k8s_tutor.node.podstate import BACKOFF_FIRST, BACKOFF_MOST, PodState
from k8s_tutor.node.sync import is_ending
from k8s_tutor.node.volumes import logins, pull_secrets_of
from k8s_tutor.sim import MS, SECOND, Body, Context

PULL_TIMEOUT = 1800 * SECOND
SHOW_ERROR = 2 * SECOND
"""How long ErrImagePull stands before it becomes ImagePullBackOff."""

replace = msgspec.structs.replace


class QueuedPull(Body):
    """A container that waits for its image while another image is being pulled (serializeImagePulls)."""

    uid: str
    container: str
    since: int


class PullBackOff(Body):
    """The kubelet's own timer: say that a failed pull has to wait."""

    uid: str
    container: str
    message: str


class ImagePuller(PodBase):
    """The part of a kubelet that sees to images."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.pulling: tuple[QueuedPull, ...] = ()
        self.pull_queue: list[QueuedPull] = []

    def create(self, ctx: Context, state: PodState, name: str) -> None:
        """The image is here: the container can be made."""
        raise NotImplementedError

    def give_up(self, ctx: Context, state: PodState, name: str, reason: str = "", error: Any = None) -> None:
        """The runtime has refused, or is away: later again."""
        raise NotImplementedError

    def image_known(self, ctx: Context, answer: Any, uid: str, name: str) -> None:
        """The runtime has told whether a container's image is on the machine."""
        state = self.still(uid, f"start:{name}")
        if state is None:
            return
        spec = self.spec_of(state, name)
        if not isinstance(answer, cri.ImageStatusResult) or spec is None:
            self.give_up(ctx, state, name)
            return
        policy = spec.imagePullPolicy or "IfNotPresent"
        if answer.image_ref and policy != "Always":
            text = f'Container image "{spec.image}" already present on machine and can be accessed by the pod'
            self.tell(ctx, state, "Normal", "Pulled", text, name)
            self.create(ctx, state, name)
        elif policy == "Never":
            text = f'Container image "{spec.image}" is not present with pull policy of Never'
            state = state.end(f"start:{name}")
            self.tell(ctx, state, "Warning", "ErrImageNeverPull", text, name)
            self.cannot_start(ctx, state, name, "ErrImageNeverPull", text, RESYNC)
        else:
            self.tell(ctx, state, "Normal", "Pulling", f'Pulling image "{spec.image}"', name)
            self.states[uid] = state.end(f"start:{name}").begin(f"pull:{name}")
            self.pull_queue.append(QueuedPull(uid, name, ctx.now))
            self.next_pull(ctx)

    def next_pull(self, ctx: Context) -> None:
        """One image at a time, if nothing else is configured; pods that no longer want theirs are passed over."""
        while len(self.pulling) < self.config.parallel_pulls and self.pull_queue:
            wanted = self.pull_queue.pop(0)
            state = self.still(wanted.uid, f"pull:{wanted.container}")
            pod = self.pod_of(state) if state is not None else None
            if state is not None and not is_ending(pod, state):
                self.pulling = (*self.pulling, wanted)
                self.fetch(ctx, pull_secrets_of(pod), "_pull", (wanted,))

    def _pull(self, ctx: Context, wanted: QueuedPull) -> None:
        """The logins are known: the runtime is told to pull."""
        state = self.still(wanted.uid, f"pull:{wanted.container}")
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None:
            self._has_pulled(ctx, wanted)
            return
        known: tuple[tuple[str, str], ...] = ()
        missing = []
        for ref in pull_secrets_of(pod):
            tree = self.objects[ref][1] if ref in self.objects else None
            known = (*known, *logins(tree)) if tree is not None else known
            if tree is None:
                missing.append(ref[2])
        if missing:
            text = f"Unable to retrieve some image pull secrets ({', '.join(missing)})"
            text += "; attempting to pull the image may not succeed."
            self.tell(ctx, state, "Warning", "FailedToRetrieveImagePullSecret", text)
        image = self.spec_of(state, wanted.container).image
        self.ask(ctx, self.config.runtime, cri.PullImage(image, known), "_pulled", (wanted, ctx.now, image), PULL_TIMEOUT)

    def _has_pulled(self, ctx: Context, wanted: QueuedPull) -> None:
        self.pulling = tuple(one for one in self.pulling if one != wanted)
        self.next_pull(ctx)

    def _pulled(self, ctx: Context, answer: Any, wanted: QueuedPull, began: int, image: str) -> None:
        if isinstance(answer, cri.PullImageResult):
            self.images[parse_reference(image).full] = (answer.image_ref, answer.size)
        uid, name = wanted.uid, wanted.container
        state = self.still(uid, f"pull:{name}")
        if state is not None:
            state = state.end(f"pull:{name}")
            self.states[uid] = state
            if isinstance(answer, cri.PullImageResult) and not is_ending(self.pod_of(state), state):
                took, waited = go_duration(ctx.now - began), go_duration(ctx.now - wanted.since)
                text = f'Successfully pulled image "{image}" in {took} ({waited} including waiting).'
                self.tell(ctx, state, "Normal", "Pulled", f"{text} Image size: {answer.size} bytes.", name)
                self.create(ctx, state.begin(f"start:{name}"), name)
            elif isinstance(answer, cri.RpcError):
                self._pull_failed(ctx, state, name, image, answer)
            else:
                self.again(ctx, uid)
        self._has_pulled(ctx, wanted)

    def _pull_failed(self, ctx: Context, state: PodState, name: str, image: str, error: cri.RpcError) -> None:
        """ErrImagePull now, ImagePullBackOff a little later, another try after 10 s, 20 s ... 300 s."""
        self.tell(ctx, state, "Warning", "Failed", f'Failed to pull image "{image}": {error}', name)
        self.tell(ctx, state, "Warning", "Failed", "Error: ErrImagePull", name)
        known = state.container(name)
        wait = min(2 * known.image_backoff, BACKOFF_MOST) if known.image_backoff else BACKOFF_FIRST
        state = state.put(replace(known, image_backoff=wait))
        self.cannot_start(ctx, state, name, "ErrImagePull", str(error), wait)
        ctx.after(SHOW_ERROR, PullBackOff(state.uid, name, f'Back-off pulling image "{image}": ErrImagePull: {error}'))

    def pull_back_off(self, ctx: Context, body: PullBackOff) -> None:
        """A pull has failed some time ago: say that the next try has to wait."""
        state = self.states.get(body.uid)
        if state is None or state.container(body.container).reason != "ErrImagePull":
            return
        known = replace(state.container(body.container), reason="ImagePullBackOff", message=body.message)
        self.states[body.uid] = state = state.put(known)
        self.tell(ctx, state, "Normal", "BackOff", body.message, body.container)
        self.tell(ctx, state, "Warning", "Failed", "Error: ImagePullBackOff", body.container)
        self.report(ctx, body.uid)


def go_duration(micros: int) -> str:
    """A duration as Go prints it after ``Truncate(time.Millisecond)``: ``512ms``, ``2.31s``, ``1m2.5s``."""
    millis = micros // MS
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    seconds = f"{rest // 1000}.{rest % 1000:03d}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return seconds
    return f"{minutes}m{seconds}" if minutes < 60 else f"{minutes // 60}h{minutes % 60}m{seconds}"
