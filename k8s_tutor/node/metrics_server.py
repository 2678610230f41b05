"""metrics-server: every 15 s it asks all kubelets what their containers have used, and serves the latest rates as the API
``metrics.k8s.io/v1beta1``, behind the API servers.

It keeps two looks at each node: CPU is what was used between them, memory what is in use now. A restart forgets both. Source:
kubernetes-sigs/metrics-server (pkg/scraper, pkg/storage, pkg/api).
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import selectors, status, times
from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Informer
from k8s_tutor.api.status import Refusal, Subject
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.node import exposition
from k8s_tutor.sim import MS, SECOND, Body, Call, CallFailed, Context, Reply

NAME = "metrics-server"
GROUP, VERSION = "metrics.k8s.io", "v1beta1"
ROOT = f"/apis/{GROUP}/{VERSION}"
USER = "system:serviceaccount:kube-system:metrics-server"
EVERY = 15 * SECOND
"""--metric-resolution."""
TIMEOUT = 10 * SECOND
FRESH = 10 * SECOND
"""A container that has run that long has a rate after one look (freshContainerMinMetricsResolution)."""
_VERBS = ["get", "list"]

Tree = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Scrape(Body):
    """The metrics server's own timer: ask all kubelets."""


class Point(Body):
    """What one container, or a whole node, had used at an instant (µs): CPU ns since ``started_at``, bytes."""

    at: int
    started_at: int
    cpu: int
    memory: int


class Look(Body):
    """All that one node has told: itself, and (namespace, pod, container) → point, in order."""

    node: Point
    containers: tuple[tuple[tuple[str, str, str], Point], ...]


class Rate(Body):
    """CPU ns a second, bytes, and over how many µs that was measured; when."""

    cpu: int
    memory: int
    window: int
    at: int

    @property
    def usage(self) -> Tree:
        """As a resource list."""
        return {"cpu": f"{self.cpu}n", "memory": f"{-(-self.memory // 1024)}Ki"}


class MetricsServer(Component):
    """The process ``metrics-server``. Config: `Access`."""

    config: Access

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.nodes, self.pods = Informer("Node"), Informer("Pod")
        self.looks: dict[str, tuple[Look, ...]] = {}
        """Node → its latest look, and the one before."""

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        ctx.after(EVERY // 2, Scrape(), work=False)

    @property
    def agent(self) -> str:
        return NAME

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Scrape):
            self._scrape(ctx)
        elif isinstance(body, Call):
            ctx.reply(src, Reply(body.id, self._served(ctx, body.body)))

    # ------------------------------------------------------------------ asking kubelets

    def _scrape(self, ctx: Context) -> None:
        ctx.after(EVERY, Scrape(), work=False)
        for node in self.nodes:
            name = node.metadata.name
            request = Request("GET", exposition.PATH, user=USER, agent=NAME)
            self.ask(ctx, f"kubelet-{name.rpartition('-')[2]}", request, "scraped", (name,), TIMEOUT)
        for name in [name for name in self.looks if name not in self.nodes.objects]:
            del self.looks[name]

    def scraped(self, ctx: Context, answer: Response | CallFailed, node: str) -> None:
        """A kubelet has answered. A look that failed leaves a gap, and rates over it are older or missing."""
        if not isinstance(answer, Response) or answer.code != 200:
            self.looks.pop(node, None)
            return
        look = _look(answer.body, self.config.epoch)
        self.looks[node] = (look, *self.looks.get(node, ())[:1])

    # ------------------------------------------------------------------ answering

    def _served(self, ctx: Context, request: Request) -> Response:
        try:
            tree = self._tree(ctx, request)
        except Refusal as refusal:
            return Response(refusal.code, _encode(refusal.tree))
        return Response(200, _encode(tree))

    def _tree(self, ctx: Context, request: Request) -> Tree:
        """The answer to a GET. Raises a Refusal."""
        parts = [part for part in request.path.removeprefix(ROOT).split("/") if part]
        if not request.path.startswith(ROOT):
            raise status.unknown_path()
        if not parts:
            return discovery()
        if request.method != "GET":
            raise status.method_not_allowed()
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            namespace, parts = parts[1], parts[2:]
        if parts[0] not in ("nodes", "pods") or len(parts) > 2:
            raise status.unknown_path()
        items = self._nodes(ctx) if parts[0] == "nodes" else self._pods(ctx, namespace)
        kind = "NodeMetrics" if parts[0] == "nodes" else "PodMetrics"
        if len(parts) == 2:
            return self._one(items, kind, namespace, parts[1], "as=Table" in request.accept)
        items = [item for item in items if _selected(item, request)]
        if "as=Table" in request.accept:
            return _table(items)
        return {"kind": f"{kind}List", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {},
                "items": [{name: item[name] for name in item if name not in ("kind", "apiVersion")} for item in items]}

    def _one(self, items: list[Tree], kind: str, namespace: str, name: str, table: bool) -> Tree:
        for item in items:
            if item["metadata"]["name"] == name:
                return _table([item]) if table else item
        where = f"{namespace}/{name}" if namespace else name
        raise status.not_found(Subject(GROUP, kind.lower(), where))

    def _nodes(self, ctx: Context) -> list[Tree]:
        found = []
        for node in self.nodes:
            rate = self.node_rate(node.metadata.name)
            if rate is not None:
                tree = self._item(ctx, "NodeMetrics", node.metadata, rate)
                found.append({**tree, "usage": rate.usage})
        return found

    def _pods(self, ctx: Context, namespace: str) -> list[Tree]:
        found: list[Tree] = []
        rates = self.pod_rates()
        for pod in self.pods:
            metadata = pod.metadata
            mine = rates.get((metadata.namespace, metadata.name), {})
            if not mine or (namespace and metadata.namespace != namespace):
                continue
            tree = self._item(ctx, "PodMetrics", metadata, min(mine.values(), key=lambda rate: rate.at))
            parts = [{"name": name, "usage": rate.usage} for name, rate in sorted(mine.items())]
            found.append({**tree, "containers": parts})
        return found

    def node_rate(self, name: str) -> Rate | None:
        """What a node uses; None before there were two looks at it."""
        looks = self.looks.get(name, ())
        return _rate(looks[0].node, looks[1].node) if len(looks) == 2 else None

    def pod_rates(self) -> dict[tuple[str, str], dict[str, Rate]]:
        """(namespace, pod) → container → rate; a pod of which a container has none yet is left out."""
        found: dict[tuple[str, str], dict[str, Rate]] = {}
        incomplete: list[tuple[str, str]] = []
        for looks in self.looks.values():
            before = dict(looks[1].containers) if len(looks) == 2 else {}
            for key, point in looks[0].containers:
                old = before.get(key)
                if old is None or old.started_at != point.started_at:
                    fresh = point.at - point.started_at
                    old = Point(point.started_at, point.started_at, 0, 0) if fresh >= FRESH and fresh < EVERY + FRESH else None
                if old is None:
                    incomplete.append(key[:2])
                else:
                    found.setdefault(key[:2], {})[key[2]] = _rate(point, old)
        for pod in incomplete:
            found.pop(pod, None)
        return found

    def _item(self, ctx: Context, kind: str, metadata: Any, rate: Rate) -> Tree:
        about: Tree = {"name": metadata.name}
        if metadata.namespace:
            about["namespace"] = metadata.namespace
        about["creationTimestamp"] = times.rfc3339(ctx.now, self.config.epoch)
        if metadata.labels:
            about["labels"] = dict(metadata.labels)
        return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": about,
                "timestamp": times.rfc3339(rate.at, self.config.epoch), "window": _duration(rate.window)}


def _duration(micros: int) -> str:
    """A window as Go prints it, without what is less than a millisecond: ``15.012s``, ``1m0s``."""
    minutes, millis = divmod(micros // MS, 60_000)
    text = f"{millis // 1000}.{millis % 1000:03d}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{text}" if minutes else text


def discovery() -> Tree:
    """What it serves."""
    rows = [("nodes", False, "NodeMetrics"), ("pods", True, "PodMetrics")]
    found = [{"name": name, "singularName": "", "namespaced": scoped, "kind": kind, "verbs": _VERBS}
             for name, scoped, kind in rows]  # fmt: skip
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}", "resources": found}


def _look(text: bytes, epoch: int) -> Look:
    cpu: dict[tuple[str, str, str], tuple[int, int]] = {}
    memory: dict[tuple[str, str, str], int] = {}
    started: dict[tuple[str, str, str], int] = {}
    node = [0, 0, 0]
    for sample in exposition.read(text):
        labels = dict(sample.labels)
        key = (labels.get("namespace", ""), labels.get("pod", ""), labels.get("container", ""))
        match sample.name:
            case "container_cpu_usage_seconds_total":
                cpu[key] = (exposition.micros(sample.at, epoch), sample.value)
            case "container_memory_working_set_bytes":
                memory[key] = sample.value // 1_000_000_000
            case "container_start_time_seconds":
                started[key] = sample.value // 1000 - epoch * SECOND
            case "node_cpu_usage_seconds_total":
                node[0], node[1] = exposition.micros(sample.at, epoch), sample.value
            case "node_memory_working_set_bytes":
                node[2] = sample.value // 1_000_000_000
    rows = tuple((key, Point(at, started.get(key, 0), used, memory.get(key, 0))) for key, (at, used) in cpu.items())
    return Look(Point(node[0], 0, node[1], node[2]), rows)


def _rate(now: Point, before: Point) -> Rate:
    window = max(1, now.at - before.at)
    return Rate((now.cpu - before.cpu) * SECOND // window, now.memory, window, now.at)


def _selected(item: Tree, request: Request) -> bool:
    """Raises a Refusal (400) for a selector that cannot be read."""
    try:
        labels = selectors.parse(request.parameter("labelSelector"))
        fields = selectors.parse_fields(request.parameter("fieldSelector"))
    except ValueError as error:
        raise status.bad_request(str(error)) from None
    return labels.matches(item["metadata"].get("labels") or {}) and selectors.fields_match(fields, item)


def _table(items: list[Tree]) -> Tree:
    """As ``kubectl get pods.metrics.k8s.io`` shows it."""
    rows = []
    for item in items:
        parts = item.get("containers") or [{"usage": item.get("usage") or {}}]
        cpu = sum(int(part["usage"]["cpu"].removesuffix("n")) for part in parts)
        memory = sum(int(part["usage"]["memory"].removesuffix("Ki")) for part in parts)
        cells = [item["metadata"]["name"], f"{cpu}n", f"{memory}Ki", item["window"]]
        about = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
        rows.append({"cells": cells, "object": about})
    columns = [("Name", "name", "Name of the resource"), ("cpu", "quantity", ""), ("memory", "quantity", ""),
               ("Window", "duration", "")]  # fmt: skip
    heads = [{"name": name, "type": "string", "format": form, "description": text, "priority": 0}
             for name, form, text in columns]  # fmt: skip
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": heads, "rows": rows}



