"""A fake of all kubelets: it does to pods what their image's name says (see the recorded cases), and renews node leases."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import times
from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.sim import MS, SECOND, Body, Context

STRATEGIC = "application/strategic-merge-patch+json"


class Kubelets(Access):
    """Configuration: which nodes there are, and what each can give."""

    nodes: tuple[str, ...] = ("node-1", "node-2", "node-3")
    cpu: str = "4"
    memory: str = "8Gi"


class Beat(Body):
    """Renew the leases."""


class Report(Body):
    """Say what has become of a pod."""

    key: str
    what: str


class Silence(Body):
    """From now on this node is not heard of."""

    node: str


class Return(Body):
    """The node is there again."""

    node: str


class FakeKubelets(Component):
    """Runs the pods of all nodes."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.pods = Informer("Pod")
        self.silent: dict[str, None] = {}
        self.addresses = 0

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        for node in self.config.nodes:
            self._register(ctx, node)
        ctx.after(5 * SECOND, Beat(), work=False)

    def _stamp(self, ctx: Context) -> str:
        return times.rfc3339(ctx.now, self.config.epoch)

    def _ready(self, ctx: Context) -> list[dict[str, str]]:
        stamp = self._stamp(ctx)
        common = {"lastHeartbeatTime": stamp, "lastTransitionTime": stamp}
        fine = [
            {"type": name, "status": "False", "reason": f"KubeletHas{reason}", "message": "", **common}
            for name, reason in (("MemoryPressure", "SufficientMemory"), ("DiskPressure", "NoDiskPressure"),
                                 ("PIDPressure", "SufficientPID"))
        ]  # fmt: skip
        text = "kubelet is posting ready status"
        return [*fine, {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": text, **common}]

    def _register(self, ctx: Context, node: str) -> None:
        room = {"cpu": self.config.cpu, "memory": self.config.memory, "pods": "110"}
        tree = {
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": {"kubernetes.io/hostname": node}},
            "status": {"capacity": room, "allocatable": room, "conditions": self._ready(ctx)},
        }  # fmt: skip
        self.request(ctx, "POST", "/api/v1/nodes", tree, "registered", (node,))
        self._renew(ctx, node, create=True)

    def registered(self, ctx: Context, answer: Any, node: str) -> None:
        assert getattr(answer, "code", 0) == 201, answer

    def _renew(self, ctx: Context, node: str, create: bool = False) -> None:
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        stamp = times.micro_time(ctx.now, self.config.epoch)
        tree = {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": node, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": stamp},
        }  # fmt: skip
        if create:
            self.request(ctx, "POST", path, tree)
        else:
            self.request(ctx, "PATCH", f"{path}/{node}", {"spec": tree["spec"]}, content_type="application/merge-patch+json")

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Beat):
            ctx.after(5 * SECOND, Beat(), work=False)
            for node in self.config.nodes:
                if node not in self.silent:
                    self._renew(ctx, node)
        elif isinstance(body, Report):
            self._report(ctx, body)
        elif isinstance(body, Silence):
            self.silent[body.node] = None
        elif isinstance(body, Return):
            self.silent.pop(body.node, None)
            self._renew(ctx, body.node)
            tree = {"status": {"conditions": self._ready(ctx)}}
            self.request(ctx, "PATCH", f"/api/v1/nodes/{body.node}/status", tree, content_type=STRATEGIC)

    def changed(self, ctx: Context, change: Change) -> None:
        old, pod = change.old, change.new
        if pod is None or pod.spec.nodeName not in self.config.nodes or pod.spec.nodeName in self.silent:
            return
        if pod.metadata.deletionTimestamp:
            if old is None or not old.metadata.deletionTimestamp:
                ctx.after(400 * MS, Report(change.key, "gone"))
        elif old is None or old.spec.nodeName != pod.spec.nodeName:
            ctx.after(500 * MS, Report(change.key, "started"))
        elif _wish(old) != _wish(pod):
            ctx.after(1 * MS, Report(change.key, "started"))

    def _report(self, ctx: Context, report: Report) -> None:
        pod = self.pods.objects.get(report.key)
        if pod is None or pod.spec.nodeName in self.silent:
            return
        path = f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"
        if report.what == "gone":
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod.metadata.uid}}
            self.request(ctx, "DELETE", path, options)
            return
        status = {"conditions": [self._condition(ctx, pod)], **self._phase(pod)}
        self.request(ctx, "PATCH", f"{path}/status", {"status": status}, content_type=STRATEGIC)

    def _condition(self, ctx: Context, pod: Any) -> dict[str, str]:
        ready = _is_ready(pod)
        return {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": self._stamp(ctx)}

    def _phase(self, pod: Any) -> dict[str, Any]:
        image = pod.spec.containers[0].image
        if image.startswith("nopull:"):
            return {"phase": "Pending"}
        if image.startswith("ok:"):
            return {"phase": "Succeeded"}
        if pod.status.podIP:
            return {"phase": "Running"}
        self.addresses += 1
        address = f"10.244.{self.addresses // 250}.{self.addresses % 250 + 1}"
        return {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}


def _wish(pod: Any) -> str:
    return str((pod.metadata.annotations or {}).get("golden.k8s-tutor/ready", ""))


def _is_ready(pod: Any) -> bool:
    image = pod.spec.containers[0].image
    if image.startswith(("neverready:", "nopull:", "ok:")):
        return False
    return _wish(pod) == "true" if image.startswith("manual:") else True
