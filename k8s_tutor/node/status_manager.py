"""The kubelet's status manager: what it knows of its pods becomes the status that the API server has.

Source: pkg/kubelet/status/status_manager.go. One write per pod is under way at a time; what failed is tried again with the
next heartbeat; what somebody else overwrote is put right.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node import podstatus
from k8s_tutor.node.node_status import STRATEGIC
from k8s_tutor.node.pod_worker import PodWorker
from k8s_tutor.node.podstate import Known, PodState
from k8s_tutor.sim import CallFailed, Context

replace = msgspec.structs.replace


class _Metadata(msgspec.Struct, frozen=True):
    resourceVersion: str = "0"


class _Meta(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


_META = msgspec.json.Decoder(_Meta)


class StatusManager(PodWorker):
    """The part of a kubelet that watches its pods and reports on them."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.pods = Informer("Pod", field_selector=f"spec.nodeName={config.node}")

    def pod_of(self, state: PodState) -> Any:
        pod = self.pods.get(state.namespace, state.name)
        return pod if pod is not None and pod.metadata.uid == state.uid else None

    def report(self, ctx: Context, uid: str) -> None:
        state = self.states[uid]
        pod = self.pod_of(state)
        if pod is None or state.sending or state.removing:
            return
        basis = state.basis(pod.metadata.generation)
        if state.reported == basis:
            return
        data = self.pods.data.get(state.key)
        if data is None:
            return  # a static pod whose mirror is not there yet
        tree = scheme.tree(data)
        facts = podstatus.Facts(self.config.address, ctx.now, self.config.epoch, self.config.runtime_kind)
        status = podstatus.build(tree, pod, state, facts)
        before = state.status if state.status is not None else tree.get("status") or {}
        if status == before:
            self.states[uid] = replace(state, reported=basis)
            return
        self.states[uid] = replace(state, status=status, reported=basis, sending=True)
        path = scheme.resource("Pod").path(state.namespace, state.name, "status")
        patch = podstatus.patch_of(status, before, tree["metadata"]["uid"])
        self.request(ctx, "PATCH", path, patch, "_status_written", (uid, before), content_type=STRATEGIC)

    def _status_written(self, ctx: Context, answer: Response | CallFailed, uid: str, before: Any) -> None:
        state = self.states.get(uid)
        if state is None:
            return
        if isinstance(answer, Response) and answer.code < 500:
            revision = int(_META.decode(answer.body).metadata.resourceVersion) if answer.code == 200 else state.revision
            self.states[uid] = replace(state, sending=False, revision=revision)
            self.again(ctx, uid)
        else:
            self.states[uid] = replace(state, sending=False, status=before, reported=())

    def note_ready(self, ctx: Context, state: PodState, before: Known, after: Known) -> None:
        """Notes that a pod has become ready with one of its containers."""
        if after.ready and not before.ready and all(known.ready for known in state.lasting):
            ctx.note("pod.ready", pod=state.key, ip=state.ip, node=self.config.node)

    def send_again(self, ctx: Context) -> None:
        """Statuses that could not be written are tried again with each heartbeat."""
        for uid in list(self.states):
            self.report(ctx, uid)

    def forget_report(self, uid: str) -> None:
        """What was reported is lost: the next report starts from what the API server has."""
        state = self.states[uid]
        tree = scheme.tree(self.pods.data[state.key])
        revision = int(tree["metadata"].get("resourceVersion") or 0)
        self.states[uid] = replace(state, status=tree.get("status", {}), reported=(), revision=revision)

    def overwritten(self, uid: str) -> bool:
        """Whether somebody else has written conditions that are the kubelet's (the node lifecycle controller does, while it
        cannot hear of the node). Then what the API server has is what the next report starts from."""
        state = self.states[uid]
        tree = scheme.tree(self.pods.data[state.key])
        revision = int(tree["metadata"].get("resourceVersion") or 0)
        if state.status is None or state.sending or revision <= state.revision:
            return False
        reported = tree.get("status", {})
        if _conditions(reported) == _conditions(state.status):
            return False
        self.states[uid] = replace(state, status=reported, reported=())
        return True


def _conditions(status: Any) -> dict[str, str]:
    """The conditions of a status that are the kubelet's."""
    return {row["type"]: row["status"] for row in status.get("conditions", ()) if row["type"] in ("Ready", "ContainersReady")}
