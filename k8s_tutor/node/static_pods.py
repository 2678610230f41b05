"""Static pods: a kubelet runs what it finds in the folder of manifests on its machine, whether an API server is there or not.
For each it keeps a mirror pod there, which shows what runs, and which nobody can delete for long.

Sources: pkg/kubelet/config (file.go, common.go), pkg/kubelet/pod/mirror_client.go, pkg/kubelet/kubelet.go (syncPod).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from k8s_tutor.api import defaults, scheme, strict, times
from k8s_tutor.api.informer import Change
from k8s_tutor.api.wire import Response
from k8s_tutor.node.podstate import PodState, initial
from k8s_tutor.node.status_manager import StatusManager
from k8s_tutor.sim import CallFailed, Context

FOLDER = "/etc/kubernetes/manifests"
HASH, MIRROR = "kubernetes.io/config.hash", "kubernetes.io/config.mirror"
SOURCE, SEEN = "kubernetes.io/config.source", "kubernetes.io/config.seen"

replace = msgspec.structs.replace
Files = tuple[tuple[str, str], ...]


class StaticPods(StatusManager):
    """The part of a kubelet that runs the pods of its own machine."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.manifests: Files | None = None
        """The folder as it was last read; None: not yet."""
        self.static: dict[str, bytes] = {}
        """Uid → the pod as JSON."""
        self.refused: dict[str, None] = {}
        """Uids of what is no pod."""
        self.mirroring: dict[str, None] = {}
        """Uids whose mirror pod is being made."""

    def pod_of(self, state: PodState) -> Any:
        data = self.static.get(state.uid)
        return scheme.typed(data) if data is not None else super().pod_of(state)

    def read_manifests(self, ctx: Context, files: Files) -> None:
        """What is in the folder now. A pod whose manifest has changed is another pod, which waits until the old one is gone."""
        wanted = {self.static_uid(path, text): text for path, text in files}
        if files == self.manifests and all(uid in self.static or uid in self.refused for uid in wanted):
            return
        if self.manifests is not None:
            ctx.decide()
        self.manifests = files
        for uid in [uid for uid in self.static if uid not in wanted]:
            del self.static[uid]
            self.states[uid] = replace(self.states[uid], gone=True)
            self._remove_mirror(ctx, self.states[uid])
            self.again(ctx, uid)
        for uid, text in wanted.items():
            if uid not in self.static and uid not in self.refused:
                self._add(ctx, uid, text)

    def static_uid(self, path: str, text: str) -> str:
        """The uid of a static pod: a hash of its manifest, its file and its node."""
        return sha256(f"{self.config.node} {path} {text}".encode()).hexdigest()[:32]

    def _add(self, ctx: Context, uid: str, text: str) -> None:
        try:
            tree, _ = strict.decode(text.encode(), scheme.resource("Pod").type_name)
            name, space = f"{tree['metadata']['name']}-{self.config.node}", tree["metadata"].get("namespace") or "default"
            if tree["kind"] != "Pod" or not tree["spec"]["containers"]:
                raise ValueError("it is no Pod")
        except (ValueError, KeyError, TypeError) as error:
            self.refused[uid] = None
            ctx.note("kubelet.manifest.refused", node=self.config.node, why=str(error))
            return
        if any(state.key == f"{space}/{name}" for state in self.states.values()):
            return
        seen = times.rfc3339(ctx.now, self.config.epoch)
        notes = {**(tree["metadata"].get("annotations") or {}), HASH: uid, SEEN: seen, SOURCE: "file"}
        tree["metadata"] |= {"name": name, "namespace": space, "uid": uid, "annotations": notes}
        tolerations = [{"operator": "Exists", "effect": "NoExecute"}]
        tree["spec"] = {"tolerations": tolerations, **tree["spec"], "nodeName": self.config.node}
        defaults.apply(scheme.resource("Pod"), tree)
        self.static[uid] = msgspec.json.encode(tree)
        self.states[uid] = initial(scheme.typed(self.static[uid]), ctx.now)
        ctx.note("kubelet.static", pod=f"{space}/{name}", node=self.config.node)
        self.again(ctx, uid)

    # ------------------------------------------------------------------ mirror pods

    def is_mirror(self, pod: Any) -> bool:
        """Whether a pod of the API server only shows what a machine runs by itself."""
        return MIRROR in (pod.metadata.annotations or {})

    def mirror_changed(self, ctx: Context, change: Change) -> None:
        """A mirror pod has come, was changed, or is gone."""
        mirror = change.new
        uid = ((mirror or change.old).metadata.annotations or {}).get(MIRROR, "")
        state = self.states.get(uid)
        if mirror is not None and (state is None or uid not in self.static or mirror.metadata.deletionTimestamp is not None):
            self._delete(ctx, mirror.metadata.namespace, mirror.metadata.name, mirror.metadata.uid)
        elif state is not None and uid in self.static:
            if mirror is None:
                self.states[uid] = state = replace(state, status=None, reported=(), sending=False)
                self.keep_mirror(ctx, state)
            else:
                self.report(ctx, uid)

    def keep_mirror(self, ctx: Context, state: PodState) -> None:
        """Sees to it that a static pod has its mirror."""
        data = self.static.get(state.uid)
        known = self.pods.get(state.namespace, state.name)
        if data is None or known is not None or state.uid in self.mirroring or not self.synced:
            return
        self.mirroring[state.uid] = None
        tree = msgspec.json.decode(data)
        metadata = {key: value for key, value in tree["metadata"].items() if key != "uid"}
        metadata["annotations"] = {**metadata["annotations"], MIRROR: state.uid}
        tree = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": tree["spec"]}
        path = scheme.resource("Pod").path(state.namespace)
        self.request(ctx, "POST", path, tree, "_mirrored", (state.uid,))

    def _mirrored(self, ctx: Context, answer: Response | CallFailed, uid: str) -> None:
        self.mirroring.pop(uid, None)

    def keep_mirrors(self, ctx: Context) -> None:
        """Mirrors that could not be made are tried again with each heartbeat."""
        for uid in self.static:
            if uid in self.states:
                self.keep_mirror(ctx, self.states[uid])

    def _remove_mirror(self, ctx: Context, state: PodState) -> None:
        mirror = self.pods.get(state.namespace, state.name)
        if mirror is not None and self.is_mirror(mirror):
            self._delete(ctx, state.namespace, state.name, mirror.metadata.uid)

    def _delete(self, ctx: Context, namespace: str, name: str, uid: str) -> None:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        self.request(ctx, "DELETE", scheme.resource("Pod").path(namespace, name), options)
