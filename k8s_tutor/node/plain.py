"""A kubelet without a machine: it says of its pods what their images' programs would do, and runs nothing.

It serves recorded cases, whose nodes were like that, and clusters that are too large for real ones: a node is one process
instead of six, and a pod's life a few timers. It pulls nothing, restarts nothing, and records no events.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import times
from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.images import ANY, Image, parse_reference
from k8s_tutor.node.programs import PREFIX, Program, of_tag
from k8s_tutor.sim import MS, SECOND, Body, Call, CallFailed, Context, Reply

Tree = dict[str, Any]

STRATEGIC = "application/strategic-merge-patch+json"
BEAT = 10 * SECOND
"""Between two renewals of the node's Lease; up to 4 % more, so that nodes do not beat in step (component-helpers lease)."""
REPORT = 30
"""Heartbeats between two reports of the node's status."""
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class PlainConfig(Access, kw_only=True):
    """The node, what it offers, and what images do: those that are not described serve."""

    node: str
    number: int
    cpu: str = "4"
    memory: str = "8Gi"
    pods: int = 110
    labels: tuple[tuple[str, str], ...] = ()
    images: tuple[Image, ...] = ()

    @property
    def address(self) -> str:
        """The node's own address."""
        return f"192.168.50.{10 + self.number}"


class Beat(Body):
    """The kubelet's own timer."""

    count: int


class Due(Body):
    """Something is due in a pod's life: ``start``, ``exit`` or ``gone``."""

    uid: str
    what: str


class Life(NamedTuple):
    """Where a pod is: ``new``, ``absent`` (its image is), ``running``, ``over`` or ``ending``."""

    key: str
    stage: str
    since: str
    ready: bool = False
    address: str = ""


class PlainKubelet(Component):
    """One node. Config: `PlainConfig`."""

    config: PlainConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.pods = Informer("Pod", field_selector=f"spec.nodeName={self.config.node}")
        self.lives: dict[str, Life] = {}
        """By the pod's uid."""
        self.addresses = 0

    @property
    def agent(self) -> str:
        return "kubelet"

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        self._register(ctx)
        ctx.after(0, Beat(0), work=False)

    def _stamp(self, ctx: Context) -> str:
        return times.rfc3339(ctx.now, self.config.epoch)

    # ------------------------------------------------------------------ the node

    def _register(self, ctx: Context) -> None:
        name = self.config.node
        labels = {f"{prefix}kubernetes.io/{key}": value for prefix in ("", "beta.") for key, value in _MACHINE}
        metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **labels, **dict(self.config.labels)}}
        tree = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": self._node_status(ctx)}
        self.request(ctx, "POST", "/api/v1/nodes", tree, "_registered")

    def _registered(self, ctx: Context, answer: Response | CallFailed) -> None:
        if not isinstance(answer, Response) or answer.code not in (201, 409):
            ctx.after(SECOND, Due("", "register"), work=False)

    def _node_status(self, ctx: Context) -> Tree:
        config, now = self.config, self._stamp(ctx)
        size = {"cpu": config.cpu, "memory": config.memory, "pods": str(config.pods), "ephemeral-storage": "100Gi"}
        conditions = [
            {"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now,
             "lastTransitionTime": now} for kind, status, reason, message in _CONDITIONS
        ]  # fmt: skip
        info = {
            "machineID": f"m{config.number}", "systemUUID": f"s{config.number}", "bootID": f"b{config.number}",
            "kernelVersion": "6.1.0", "osImage": "Debian GNU/Linux 12 (bookworm)",
            "containerRuntimeVersion": "containerd://2.1.0", "kubeletVersion": "v1.36.2", "kubeProxyVersion": "",
            "operatingSystem": "linux", "architecture": "amd64",
        }  # fmt: skip
        addresses = [{"type": "InternalIP", "address": config.address}, {"type": "Hostname", "address": config.node}]
        return {
            "capacity": size, "allocatable": size, "addresses": addresses, "conditions": conditions, "nodeInfo": info,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        }  # fmt: skip

    def _beat(self, ctx: Context, count: int) -> None:
        ctx.after(BEAT + ctx.draw("beat", BEAT * 4 // 100), Beat(count + 1), work=False)
        node, now = self.config.node, times.micro_time(ctx.now, self.config.epoch)
        spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": now}
        tree = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": node}, "spec": spec}
        form = "application/merge-patch+json"
        self.request(ctx, "PATCH", f"{_LEASES}/{node}", {"spec": spec}, "_renewed", (tree,), content_type=form)
        if count % REPORT == REPORT - 1:
            status = {"status": self._node_status(ctx)}
            self.request(ctx, "PATCH", f"/api/v1/nodes/{node}/status", status, content_type=STRATEGIC)

    def _renewed(self, ctx: Context, answer: Response | CallFailed, tree: Tree) -> None:
        if isinstance(answer, Response) and answer.code == 404:
            self.request(ctx, "POST", _LEASES, tree)

    # ------------------------------------------------------------------ pods

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Beat):
            self._beat(ctx, body.count)
        elif isinstance(body, Due):
            self._due(ctx, body)
        elif isinstance(body, Call):
            text = b"the pods of this node run nothing: they have no logs and no processes"
            ctx.reply(src, Reply(body.id, Response(500, text, content_type="text/plain")))

    def changed(self, ctx: Context, change: Change) -> None:
        pod = change.new
        if pod is None:
            self.lives.pop(change.old.metadata.uid, None)
            return
        uid = pod.metadata.uid
        life = self.lives.get(uid)
        if life is None:
            life = self.lives[uid] = Life(change.key, "new", self._stamp(ctx))
            if pod.status is None or pod.status.phase not in ("Succeeded", "Failed"):
                self._admit(ctx, pod, life)
        if pod.metadata.deletionTimestamp:
            if life.stage != "ending":
                self.lives[uid] = life._replace(stage="ending")
                delay = _seconds(_steered(pod, "stop-delay"))
                ctx.after(self._program(pod)[0].stop_ms * MS if delay is None else delay, Due(uid, "gone"))
        elif self.lives[uid].stage == "running":
            self._steer(ctx, pod)

    def _program(self, pod: Any) -> tuple[Program, bool]:
        """(what the first container runs, whether its image is there)."""
        name = pod.spec.containers[0].image or ""
        try:
            reference = parse_reference(name.rpartition("/")[2] or name)
        except ValueError:
            return Program(), False
        named = [image for image in self.config.images if image.name == reference.name]
        for image in named:
            if reference.tag in image.tags or ANY in image.tags:
                return of_tag(image.program, reference.tag), True
        return Program(), not named

    def _admit(self, ctx: Context, pod: Any, life: Life) -> None:
        program, there = self._program(pod)
        if there:
            ctx.after(program.start_ms * MS, Due(pod.metadata.uid, "start"))
            return
        self.lives[pod.metadata.uid] = life._replace(stage="absent")
        self._post(ctx, pod, "Pending", {"waiting": {"reason": "ErrImagePull", "message": "not found"}})

    def _due(self, ctx: Context, due: Due) -> None:
        if due.what == "register":
            self._register(ctx)
            return
        life = self.lives.get(due.uid)
        pod = self.pods.objects.get(life.key) if life is not None else None
        if life is None or pod is None or pod.metadata.uid != due.uid:
            return
        if due.what == "gone":
            self._remove(ctx, pod)
        elif due.what == "start" and life.stage == "new":
            self._run(ctx, pod, life)
        elif due.what == "exit" and life.stage == "running":
            self._end(ctx, pod, self._program(pod)[0].exit_code)

    def _run(self, ctx: Context, pod: Any, life: Life) -> None:
        program, _ = self._program(pod)
        self.addresses += 1
        address = self.config.address if pod.spec.hostNetwork else f"10.244.{self.config.number - 1}.{1 + self.addresses}"
        ready = program.readiness == "program" or (program.readiness == "annotation" and _steered(pod, "ready") == "true")
        self.lives[pod.metadata.uid] = life._replace(stage="running", ready=ready, address=address)
        self._post(ctx, pod, "Running", {"running": {"startedAt": self._stamp(ctx)}})
        if program.kind == "exit":
            delay = _seconds(_steered(pod, "run-for"))
            ctx.after(program.exit_after_ms * MS if delay is None else delay, Due(pod.metadata.uid, "exit"))
        self._steer(ctx, pod)

    def _steer(self, ctx: Context, pod: Any) -> None:
        """Does what the annotations of a running pod say."""
        life, (program, _) = self.lives[pod.metadata.uid], self._program(pod)
        wish = _steered(pod, "ready")
        if program.readiness == "annotation" and wish and (wish == "true") != life.ready:
            self.lives[pod.metadata.uid] = life._replace(ready=wish == "true")
            self._post(ctx, pod, "Running", {"running": {"startedAt": self._stamp(ctx)}})
        code = _steered(pod, "exit")
        if program.kind == "serve" and code.isdigit():
            self._end(ctx, pod, int(code), last=True)

    def _end(self, ctx: Context, pod: Any, code: int, last: bool = False) -> None:
        """The program has ended; ``last``: it is not started again, whatever the restart policy says."""
        uid, now = pod.metadata.uid, self._stamp(ctx)
        self.lives[uid] = self.lives[uid]._replace(stage="over", ready=False)
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}
        policy = pod.spec.restartPolicy or "Always"
        if last or policy == "Never" or (policy == "OnFailure" and not code):
            self._post(ctx, pod, "Failed" if code else "Succeeded", {"terminated": ended})
            return
        about = f"{pod.metadata.name}_{pod.metadata.namespace}({uid})"
        text = f"back-off 10s restarting failed container={pod.spec.containers[0].name} pod={about}"
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
        self._post(ctx, pod, "Running", waiting, {"terminated": ended}, 1)

    def _remove(self, ctx: Context, pod: Any) -> None:
        """The pod has ended: a Job hears how, and the object goes."""
        now, phase = self._stamp(ctx), pod.status.phase if pod.status is not None else "Pending"
        counted = any(finalizer.startswith("batch") for finalizer in pod.metadata.finalizers or ())
        if counted and phase in ("Pending", "Running"):
            ended = {"exitCode": 143, "reason": "Error", "startedAt": now, "finishedAt": now}
            self.lives[pod.metadata.uid] = self.lives[pod.metadata.uid]._replace(ready=False)
            self._post(ctx, pod, "Failed", {"terminated": ended})
        options = {
            "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": {"uid": pod.metadata.uid},
        }  # fmt: skip
        self.request(ctx, "DELETE", _path(pod), options)

    # ------------------------------------------------------------------ status

    def _post(self, ctx: Context, pod: Any, phase: str, state: Tree, last: Tree | None = None, restarts: int = 0) -> None:
        ctx.decide()
        life, now = self.lives[pod.metadata.uid], self._stamp(ctx)
        over = phase in ("Succeeded", "Failed")
        why: Tree = {}
        if over:
            why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        elif not life.ready:
            names = " ".join(container.name for container in pod.spec.containers)
            why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
        conditions: tuple[tuple[str, bool, Tree], ...] = (
            ("PodReadyToStartContainers", not over, {}),
            ("Initialized", True, {"reason": "PodCompleted"} if phase == "Succeeded" else {}),
            ("Ready", life.ready, why), ("ContainersReady", life.ready, why),
        )  # fmt: skip
        status: Tree = {
            "phase": phase, "hostIP": self.config.address, "hostIPs": [{"ip": self.config.address}], "startTime": life.since,
            "conditions": [
                {"type": kind, "status": str(truth), "lastProbeTime": None, "lastTransitionTime": now, **extra}
                for kind, truth, extra in conditions
            ],
            "containerStatuses": _rows(pod.spec.containers, state, life.ready, "running" in state, restarts, last),
        }  # fmt: skip
        if life.address:
            status |= {"podIP": life.address, "podIPs": [{"ip": life.address}]}
        if pod.spec.initContainers:
            done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
            status["initContainerStatuses"] = _rows(pod.spec.initContainers, done, True, False, 0, None)
        tree = {"metadata": {"uid": pod.metadata.uid}, "status": status}
        self.request(ctx, "PATCH", f"{_path(pod)}/status", tree, content_type=STRATEGIC)


_MACHINE = (("os", "linux"), ("arch", "amd64"))


def _path(pod: Any) -> str:
    return f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"


def _rows(containers: Any, state: Tree, ready: bool, started: bool, restarts: int, last: Tree | None) -> list[Tree]:
    return [
        {"name": one.name, "image": one.image, "imageID": f"docker.io/library/{one.image}",
         "containerID": f"containerd://{one.name}", "ready": ready, "started": started, "restartCount": restarts,
         "state": state, "lastState": last or {}} for one in containers
    ]  # fmt: skip


def _steered(pod: Any, name: str) -> str:
    """The value of a steering annotation, or an empty text."""
    return str((pod.metadata.annotations or {}).get(PREFIX + name, ""))


def _seconds(text: str) -> int | None:
    """A number of seconds with up to three decimals as µs, or None."""
    whole, _, fraction = text.partition(".")
    if not whole.isdigit() or (fraction and not fraction.isdigit()):
        return None
    return (int(whole) * 1_000 + int((fraction + "000")[:3])) * MS
