"""Where metrics come from: the request for each, and what its answer says (pkg/controller/podautoscaler/metrics/client.go).

All values are thousandths.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from k8s_tutor.api import quantity, scheme, selectors, times
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.objects import Tree
from k8s_tutor.controllers.requests import Write
from k8s_tutor.sim import MS, SECOND, CallFailed

MINUTE = 60 * SECOND
_GENERIC = {
    404: "the server could not find the requested resource",
    503: "the server is currently unable to handle the request",
    401: "the server has asked for the client to provide credentials",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"h": 60 * MINUTE, "m": MINUTE, "s": SECOND, "ms": MS}

Answer = Response | CallFailed


class MetricError(Exception):
    """Why a metric cannot be had."""


class Ask(NamedTuple):
    """One question to a metrics API: path, query, and the resource by which errors call it."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    resource: str = ""

    @property
    def write(self) -> Write:
        """As a request. Whatever is answered, the look goes on."""
        return Write("GET", self.resource, "", root=self.path, query=self.query, asking=True)


class Value(NamedTuple):
    """What was measured at one pod: thousandths, when (µs), over how many µs."""

    value: int
    at: int = 0
    window: int = MINUTE


def ask_of(metric: Any, namespace: str, selector: str) -> Ask:
    """The question for one metric of an autoscaler whose target's pods are chosen by ``selector``."""
    match metric.type:
        case "Resource" | "ContainerResource":
            path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
            return Ask(path, (("labelSelector", selector),), "pods.metrics.k8s.io")
        case "Pods":
            path = f"/apis/custom.metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/*/{metric.pods.metric.name}"
            return Ask(path, (("labelSelector", selector), *_chosen("metricLabelSelector", metric.pods.metric.selector)))
        case "Object":
            about = metric.object.describedObject
            row = scheme.BY_GVK.get((about.apiVersion, about.kind))
            plural = f"{row.plural}.{row.group}" if row is not None and row.group else row.plural if row else about.kind.lower()
            found = metric.object.metric
            path = f"/apis/custom.metrics.k8s.io/v1beta1/namespaces/{namespace}/{plural}/{about.name}/{found.name}"
            return Ask(path, _chosen("metricLabelSelector", found.selector))
    found = metric.external.metric
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{found.name}"
    return Ask(path, _chosen("labelSelector", found.selector), f"{found.name}.external.metrics.k8s.io")


def _chosen(name: str, selector: Any) -> tuple[tuple[str, str], ...]:
    return ((name, str(selectors.from_object(selector))),) if selector is not None else ()


# ---------------------------------------------------------------------- answers


def resource_values(answer: Answer, resource: str, container: str, clock: objects.Clock) -> dict[str, Value]:
    """Pod → what it uses of a resource, or what one container of it does. Raises `MetricError`."""
    items = _items(answer, "resource", "pods.metrics.k8s.io")
    found: dict[str, Value] = {}
    for item in items:
        name, parts = item["metadata"]["name"], item.get("containers") or ()
        if container:
            parts = [part for part in parts if part["name"] == container]
            if not parts:
                where = f"{item['metadata'].get('namespace', '')}/{name}"
                text = f"container {container} not present in metrics for pod {where}"
                raise MetricError(f"failed to get container metrics: {text}")
        amounts = [part.get("usage", {}).get(resource) for part in parts]
        if amounts and None not in amounts:
            value = sum(quantity.milli(amount) for amount in amounts)
            found[name] = Value(value, times.parse(item["timestamp"], clock.epoch), _micros(item["window"]))
    return found


def pods_values(answer: Answer, clock: objects.Clock) -> dict[str, Value]:
    """Pod → the value of a metric of its own. Raises `MetricError`."""
    found = {}
    for item in _items(answer, "custom", ""):
        window = int(item["windowSeconds"]) * SECOND if item.get("windowSeconds") is not None else MINUTE
        at = times.parse(item["timestamp"], clock.epoch)
        found[item["describedObject"]["name"]] = Value(quantity.milli(item["value"]), at, window)
    return found


def object_value(answer: Answer) -> int:
    """The value of a metric of one object. Raises `MetricError`."""
    items = _items(answer, "custom", "")
    return quantity.milli(items[0]["value"])


def external_value(answer: Answer, resource: str) -> int:
    """The sum of all values of a metric from outside. Raises `MetricError`."""
    return sum(quantity.milli(item["value"]) for item in _items(answer, "external", resource))


def _items(answer: Answer, api: str, resource: str) -> list[Tree]:
    if isinstance(answer, CallFailed):
        raise MetricError(f"unable to fetch metrics from {api} metrics API: the server did not answer")
    if answer.code != 200:
        raise MetricError(f"unable to fetch metrics from {api} metrics API: {_problem(answer, api, resource)}")
    items: list[Tree] = scheme.tree(answer.body).get("items") or []
    if not items:
        raise MetricError(f"no metrics returned from {api} metrics API")
    return items


def _problem(answer: Response, api: str, resource: str) -> str:
    """What a client makes of a refusal; one that no Status explains is told in general words."""
    message = ""
    if answer.content_type.startswith("application/json") and answer.body:
        message = str(scheme.tree(answer.body).get("message", ""))
    if answer.code == 404 and api == "custom" and (not message or message == _GENERIC[404]):
        return "no custom metrics API (custom.metrics.k8s.io) registered"
    if message and message != _GENERIC.get(answer.code):
        return message
    text = _GENERIC.get(answer.code, "an error on the server has prevented the request from succeeding")
    return f"{text} (get {resource})" if resource else text


def _micros(text: str) -> int:
    """µs of a Go duration: ``15s``, ``1m0.5s``."""
    found = 0
    for number, unit in _DURATION.findall(text):
        whole, _, rest = number.partition(".")
        found += int(whole) * _UNITS[unit] + int((rest + "000000")[:6]) * _UNITS[unit] // 1_000_000
    return found


# ---------------------------------------------------------------------- in words


def selector_in_words(selector: Any) -> str:
    """A label selector as Go prints it."""
    if selector is None:
        return "nil"
    tree = objects.tree_of(selector)
    labels = "".join(f"{key}: {value}," for key, value in sorted((tree.get("matchLabels") or {}).items()))
    rules = "".join(
        f"LabelSelectorRequirement{{Key:{one.get('key', '')},Operator:{one.get('operator', '')},"
        f"Values:[{' '.join(one.get('values') or ())}],}},"
        for one in tree.get("matchExpressions") or ()
    )
    head = f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
    return f"{head}MatchExpressions:[]LabelSelectorRequirement{{{rules}}},}}"
