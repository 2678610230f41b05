"""prometheus-adapter: what programs tell of themselves, as the APIs ``custom.metrics.k8s.io`` and ``external.metrics.k8s.io``.

Every 15 s it asks each pod with the annotation ``prometheus.io/scrape: "true"`` at ``/metrics`` (port ``prometheus.io/port``,
else the first of its container ports). A counter ``http_requests_total`` becomes the rate ``http_requests_per_second``; gauges
stay what they are. Of a Service the values of its pods are added up. Prometheus, which keeps the past, is a part of it here.
Source: kubernetes-sigs/prometheus-adapter, custom-metrics-apiserver (pkg/provider/errors.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from k8s_tutor.api import quantity, selectors, status, times
from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Informer
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.node import exposition
from k8s_tutor.node.addresses import machine_of, shim_of
from k8s_tutor.node.naming import Connect
from k8s_tutor.node.sockets import Connected
from k8s_tutor.sim import SECOND, Body, Call, CallFailed, Context, Reply

NAME, NAMESPACE = "prometheus-adapter", "monitoring"
CUSTOM, EXTERNAL, VERSION = "custom.metrics.k8s.io", "external.metrics.k8s.io", "v1beta1"
USER = "system:serviceaccount:monitoring:prometheus-adapter"
EVERY = 15 * SECOND
TIMEOUT = 10 * SECOND
OUTSIDE = "10.0.0.2"
"""From where it asks."""
_SCRAPE, _PORT = "prometheus.io/scrape", "prometheus.io/port"

Tree = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Scrape(Body):
    """The adapter's own timer: ask all pods."""


class Told(Body):
    """What one pod has told at an instant (µs): names of metrics, and values in billionths, in order."""

    at: int
    values: tuple[tuple[str, int], ...]


class PrometheusAdapter(Component):
    """The process ``prometheus-adapter``. Config: `Access`."""

    config: Access

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.pods, self.services = Informer("Pod"), Informer("Service")
        self.told: dict[str, tuple[Told, ...]] = {}
        """``namespace/pod`` → what it has told, the latest first, and the time before."""

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

    # ------------------------------------------------------------------ asking pods

    def _scrape(self, ctx: Context) -> None:
        ctx.after(EVERY, Scrape(), work=False)
        for key in [key for key in self.told if key not in self.pods.objects]:
            del self.told[key]
        for key in sorted(self.pods.objects):
            pod = self.pods.objects[key]
            place, machine = (pod.status and pod.status.podIP) or "", (pod.status and pod.status.hostIP) or ""
            if place and machine and (pod.metadata.annotations or {}).get(_SCRAPE) == "true":
                asked = Connect(OUTSIDE, place, _port(pod), "http", "GET /metrics Prometheus/3.8.0")
                self.ask(ctx, shim_of(machine_of(machine)), asked, "scraped", (key,), TIMEOUT)

    def scraped(self, ctx: Context, answer: Connected | CallFailed, key: str) -> None:
        """A pod has answered, or has not."""
        if not isinstance(answer, Connected) or answer.code != 200:
            self.told.pop(key, None)
            return
        values = tuple((sample.name, sample.value) for sample in exposition.read(answer.data.encode()))
        self.told[key] = (Told(ctx.now, values), *self.told.get(key, ())[:1])

    def metrics(self, key: str) -> dict[str, int]:
        """What is known of one pod: name → billionths. Counters as rates, once there are two looks."""
        looks = self.told.get(key, ())
        found: dict[str, int] = {}
        for name, value in looks[0].values if looks else ():
            if not name.endswith("_total"):
                found[name] = value
            elif len(looks) > 1 and looks[0].at > looks[1].at:
                before = dict(looks[1].values).get(name, 0)
                rate = max(0, value - before) * SECOND // (looks[0].at - looks[1].at)
                found[name.replace("_seconds_total", "_total").removesuffix("_total") + "_per_second"] = rate
        return found

    # ------------------------------------------------------------------ answering

    def _served(self, ctx: Context, request: Request) -> Response:
        parts = [part for part in request.path.split("/") if part][1:]
        try:
            if len(parts) < 2 or parts[0] not in (CUSTOM, EXTERNAL) or parts[1] != VERSION or request.method != "GET":
                raise status.unknown_path()
            rest = parts[2:]
            if not rest:
                return Response(200, _encode(self._discovery(parts[0])))
            if rest[0] != "namespaces" or len(rest) < 3:
                raise status.unknown_path()
            answer = self._custom if parts[0] == CUSTOM else self._external
            items = answer(ctx, request, rest[1], rest[2:])
        except Refusal as refusal:
            return Response(refusal.code, _encode(refusal.tree))
        kind = "MetricValueList" if parts[0] == CUSTOM else "ExternalMetricValueList"
        tree = {"kind": kind, "apiVersion": f"{parts[0]}/{VERSION}", "metadata": {}, "items": items}
        return Response(200, _encode(tree))

    def _custom(self, ctx: Context, request: Request, namespace: str, parts: list[str]) -> list[Tree]:
        if len(parts) != 3 or parts[0] not in ("pods", "services"):
            raise status.unknown_path() if len(parts) != 3 else _missing(parts[2], parts[0], parts[1])
        plural, name, metric = parts
        if plural == "services":
            return [self._item(ctx, "Service", namespace, name, metric, self._of_service(namespace, name, metric))]
        found = []
        for pod in self._chosen(namespace, request.parameter("labelSelector")):
            own, value = pod.metadata.name, self.metrics(f"{namespace}/{pod.metadata.name}").get(metric)
            if value is not None and name in ("*", own):
                found.append(self._item(ctx, "Pod", namespace, own, metric, value))
        if not found:
            raise _missing(metric, plural, "" if name == "*" else name)
        return found

    def _of_service(self, namespace: str, name: str, metric: str) -> int:
        service = self.services.get(namespace, name)
        labels = (service.spec.selector if service is not None else None) or {}
        pods = self._chosen(namespace, str(selectors.from_map(labels))) if labels else []
        values = [self.metrics(f"{namespace}/{pod.metadata.name}").get(metric) for pod in pods]
        known = [value for value in values if value is not None]
        if not known:
            raise _missing(metric, "services", name)
        return sum(known)

    def _external(self, ctx: Context, request: Request, namespace: str, parts: list[str]) -> list[Tree]:
        """One value for each pod that tells this metric; its labels are the pod's."""
        if len(parts) != 1:
            raise status.unknown_path()
        found = []
        for pod in self._chosen(namespace, request.parameter("labelSelector")):
            value = self.metrics(f"{namespace}/{pod.metadata.name}").get(parts[0])
            if value is not None:
                found.append({
                    "metricName": parts[0], "metricLabels": dict(pod.metadata.labels or {}),
                    "timestamp": times.rfc3339(ctx.now, self.config.epoch), "value": quantity.render(_milli(value)),
                })  # fmt: skip
        return found

    def _chosen(self, namespace: str, selector: str) -> Iterable[Any]:
        """The pods of a namespace that a selector takes. Raises a Refusal (400)."""
        try:
            wanted = selectors.parse(selector)
        except ValueError as error:
            raise status.bad_request(str(error)) from None
        return [pod for pod in self.pods if pod.metadata.namespace == namespace and wanted.matches(pod.metadata.labels)]

    def _item(self, ctx: Context, kind: str, namespace: str, name: str, metric: str, value: int) -> Tree:
        return {
            "describedObject": {"kind": kind, "namespace": namespace, "name": name, "apiVersion": "/v1"},
            "metricName": metric, "timestamp": times.rfc3339(ctx.now, self.config.epoch),
            "value": quantity.render(_milli(value)), "selector": None,
        }  # fmt: skip

    def _discovery(self, group: str) -> Tree:
        names = sorted({name for key in self.told for name in self.metrics(key)})
        about = [""] if group == EXTERNAL else ["pods/", "services/"]
        kind = "ExternalMetricValueList" if group == EXTERNAL else "MetricValueList"
        rows = [{"name": f"{of}{name}", "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get"]}
                for name in names for of in about]  # fmt: skip
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{VERSION}", "resources": rows}


def _port(pod: Any) -> int:
    given = (pod.metadata.annotations or {}).get(_PORT, "")
    if given.isdigit():
        return int(given)
    ports = [port.containerPort for one in pod.spec.containers for port in one.ports or ()]
    return ports[0] if ports else 80


def _milli(billionths: int) -> int:
    """Rounded up to thousandths, as the adapter does."""
    return -(-billionths // 1_000_000) * 1_000_000


def _missing(metric: str, plural: str, name: str) -> Refusal:
    text = f"the server could not find the metric {metric} for {plural}{' ' + name if name else ''}"
    return status.failure(404, "NotFound", text)
