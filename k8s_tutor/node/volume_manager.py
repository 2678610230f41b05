"""The kubelet's volumes: what pods need of ConfigMaps, Secrets and tokens is read before their sandbox is made, and again each
minute, so that changes reach the files of pods that run.

Sources: pkg/kubelet/volumemanager, pkg/volume/util/operationexecutor, pkg/kubelet/util/manager (the real kubelet watches the
objects, but looks at what it has heard in the same rhythm).
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.wire import Response
from k8s_tutor.node import volumes
from k8s_tutor.node.environment import downward
from k8s_tutor.node.handlers import Handlers
from k8s_tutor.node.podstate import PodState
from k8s_tutor.node.tasks import CheckPaths, CopyVolume, PathsChecked, RemoveVolumes, WriteVolume
from k8s_tutor.node.volumes import MountError, Ref
from k8s_tutor.sim import MS, SECOND, Body, CallFailed, Context

REFRESH_EVERY = 60 * SECOND
"""How often the kubelet looks at pods of which nothing new is heard (syncFrequency)."""
MOUNT_RETRY = 500 * MS
MOUNT_RETRY_MOST = 122 * SECOND
ROOT_CA = "kube-root-ca.crt"
"""Every pod has it, and it does not change: it is read once."""
TOKEN_AGE = 80
"""A token is asked for anew when so many percent of its time are over."""

replace = msgspec.structs.replace
Tree = dict[str, Any]


class Refresh(Body):
    """The kubelet's own timer: read again what volumes are made of."""


class Fetch(Body):
    """Requests under way: what is still to come, and what is done then."""

    left: int
    then: str
    args: tuple[Any, ...]


class VolumeManager(Handlers):
    """The part of a kubelet that fills volumes."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.states: dict[str, PodState] = {}
        """Uid → what is known of the pod."""
        self.objects: dict[Ref, tuple[int, Tree | None]] = {}
        """What was read: since when (µs), and what; None for what does not exist."""
        self.fetches: dict[int, Fetch] = {}
        self.written: dict[str, volumes.Files] = {}
        """Place of a volume → what was last written there."""
        self.refreshing = False

    def pod_of(self, state: PodState) -> Any:
        """The pod as it was last watched, or None when it is gone."""
        raise NotImplementedError

    # ------------------------------------------------------------------ reading

    def look(self, ref: Ref) -> Tree | None:
        """What was read. Raises MountError when it could not be read."""
        if ref not in self.objects:
            what = "token" if ref[0] == "Token" else ref[0].lower()
            raise MountError(f"failed to sync {what} cache: timed out waiting for the condition")
        return self.objects[ref][1]

    def fetch(self, ctx: Context, refs: tuple[Ref, ...], then: str, args: tuple[Any, ...]) -> None:
        """Reads objects; ``then(ctx, *args)`` is called when every answer is here."""
        refs = tuple(ref for ref in refs if not self._is_fresh(ctx, ref))
        if not refs:
            getattr(self, then)(ctx, *args)
            return
        ident = ctx.draw("fetch", 1 << 40)
        self.fetches[ident] = Fetch(len(refs), then, args)
        for ref in refs:
            kind, space, name, *more = ref
            if kind == "Token":
                uid, pod, audience, seconds = more
                spec = {"expirationSeconds": int(seconds), "audiences": [audience] if audience else [],
                        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}}  # fmt: skip
                tree = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
                path = f"/api/v1/namespaces/{space}/serviceaccounts/{name}/token"
                self.request(ctx, "POST", path, tree, "_fetched", (ident, ref))
            else:
                self.request(ctx, "GET", scheme.resource(kind).path(space, name), None, "_fetched", (ident, ref))

    def _is_fresh(self, ctx: Context, ref: Ref) -> bool:
        known = self.objects.get(ref)
        if known is None or known[1] is None or (ref[0] != "Token" and ref[2] != ROOT_CA):
            return False
        if ref[2] == ROOT_CA:
            return True
        return ctx.now - known[0] < int(ref[6]) * SECOND * TOKEN_AGE // 100

    def _fetched(self, ctx: Context, answer: Response | CallFailed, ident: int, ref: Ref) -> None:
        if isinstance(answer, Response) and answer.code in (200, 201):
            self.objects[ref] = (ctx.now, msgspec.json.decode(answer.body))
        elif isinstance(answer, Response) and answer.code == 404:
            self.objects[ref] = (ctx.now, None)
        fetch = self.fetches.pop(ident)
        if fetch.left > 1:
            self.fetches[ident] = replace(fetch, left=fetch.left - 1)
        else:
            getattr(self, fetch.then)(ctx, *fetch.args)

    # ------------------------------------------------------------------ mounting

    def mount(self, ctx: Context, state: PodState, pod: Any, then: str) -> None:
        """Makes a pod's volumes; ``then(ctx, uid, error)`` is called with an empty text when they are there."""
        self.fetch(ctx, volumes.references(pod), "_fill", (state.uid, then))

    def _fill(self, ctx: Context, uid: str, then: str) -> None:
        state = self.states.get(uid)
        pod = self.pod_of(state) if state is not None else None
        if state is None or pod is None:
            return
        name = ""
        try:
            for volume in pod.spec.volumes or ():
                name = volume.name
                if volumes.filled(volume):
                    self._write(ctx, volumes.place(uid, volume), self._content(volume, pod, state))
        except MountError as error:
            getattr(self, then)(ctx, uid, f'MountVolume.SetUp failed for volume "{name}" : {error}')
            return
        if volumes.references(pod) and not self.refreshing:
            self.refreshing = True
            ctx.after(REFRESH_EVERY, Refresh(), work=False)
        paths = tuple(
            (volume.name, volume.hostPath.path, volume.hostPath.type)
            for volume in pod.spec.volumes or () if volume.hostPath is not None and volume.hostPath.type
        )  # fmt: skip
        if paths:
            self.ask(ctx, self.config.shim, CheckPaths(paths), "_checked", (uid, then), 10 * SECOND)
        else:
            getattr(self, then)(ctx, uid, "")

    def _checked(self, ctx: Context, answer: Any, uid: str, then: str) -> None:
        error = answer.error if isinstance(answer, PathsChecked) else "the machine does not answer"
        getattr(self, then)(ctx, uid, error)

    def _content(self, volume: Any, pod: Any, state: PodState) -> volumes.Files:
        return volumes.content(volume, pod, self.look, lambda item: downward(item, pod, None, state, self.config))

    def _write(self, ctx: Context, place: str, files: volumes.Files) -> None:
        if self.written.get(place) != files:
            self.written[place] = files
            ctx.stream(self.config.shim, WriteVolume(place, files))

    def copy_volumes(self, ctx: Context, copies: tuple[tuple[str, str, str], ...]) -> None:
        """Makes the copies that subPaths of filled volumes show."""
        for source, path, target in copies:
            ctx.stream(self.config.shim, CopyVolume(source, path, target))

    def unmount(self, ctx: Context, uid: str) -> None:
        """A pod is gone, and its volumes with it."""
        for place in [place for place in self.written if f"/{uid}/" in place]:
            del self.written[place]
        for ref in [ref for ref in self.objects if ref[0] == "Token" and ref[3] == uid]:
            del self.objects[ref]
        ctx.stream(self.config.shim, RemoveVolumes(uid))

    # ------------------------------------------------------------------ keeping them up to date

    def refresh(self, ctx: Context) -> None:
        """Reads again what the volumes of running pods are made of."""
        refs: dict[Ref, None] = {}
        for state in self.states.values():
            pod = self.pod_of(state)
            if pod is not None and state.sandbox is not None:
                refs.update(dict.fromkeys(volumes.references(pod)))
        self.refreshing = bool(refs)
        if refs:
            ctx.after(REFRESH_EVERY, Refresh(), work=False)
            self.fetch(ctx, tuple(refs), "refill", ())

    def refill(self, ctx: Context, only: str = "") -> None:
        """Writes what has changed into the volumes of running pods. What cannot be made stays as it is."""
        for state in list(self.states.values()):
            pod = self.pod_of(state)
            if pod is None or state.sandbox is None or only not in ("", state.uid):
                continue
            for volume in pod.spec.volumes or ():
                if volumes.filled(volume):
                    try:
                        self._write(ctx, volumes.place(state.uid, volume), self._content(volume, pod, state))
                    except MountError:
                        continue
