"""``kubectl autoscale`` (kubectl pkg/cmd/autoscale)."""

from __future__ import annotations

from k8s_tutor.kubectl import generators, printers, targets
from k8s_tutor.kubectl.create import COMMON, create
from k8s_tutor.kubectl.errors import Failure, raise_all
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info, the
from k8s_tutor.kubectl.session import Session

FLAGS = COMMON + "min# max# cpu-percent# cpu memory name filename:f* recursive:R! kustomize:k"
SCALABLE = ("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController")


def run(session: Session, words: Words) -> Asking[int]:
    """Make a HorizontalPodAutoscaler for each object."""
    need(words, "max")
    if words.number("max") < 1:
        raise Failure(f"--max=MAXPODS is required and must be at least 1, max: {words.number('max')}")
    if words.number("max") < words.number("min", -1):
        raise Failure(f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {words.number('max')}, "
                      f"min: {words.number('min', -1)}")  # fmt: skip
    printers.check(printers.chosen(session, words))
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    for info in infos:
        if info.resource.kind not in SCALABLE:
            place = f"{info.resource.group}/{info.resource.version}, Resource={info.resource.plural}"
            text = f"could not find scale subresource for {place} in discovery information"
            failures.append(Failure(f"cannot autoscale a {info.resource.kind}: {text}"))
            continue
        yield from create(session, words, the("horizontalpodautoscalers", "autoscaling"), _autoscaler(words, info), "",
                          "kubectl-autoscale", "autoscaled")  # fmt: skip
    raise_all(failures)
    return 0


def _autoscaler(words: Words, info: Info) -> Tree:
    name = words.text("name") or info.name
    target = {"apiVersion": info.resource.api_version, "kind": info.resource.kind, "name": info.name}
    spec: Tree = {"maxReplicas": words.number("max"), "scaleTargetRef": target}
    if words.number("min", -1) > 0:
        spec["minReplicas"] = words.number("min")
    metrics = [_metric("cpu", "Utilization", words.number("cpu-percent"))] if words.number("cpu-percent", -1) >= 0 else []
    for resource in ("cpu", "memory"):
        text = words.text(resource)
        if text:
            percent = text.endswith("%")
            metrics.append(_metric(resource, "Utilization" if percent else "AverageValue", int(text[:-1]) if percent else text))
    if metrics:
        spec["metrics"] = metrics
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": generators.metadata(name),
            "spec": spec, "status": {"currentMetrics": None, "desiredReplicas": 0}}  # fmt: skip


def _metric(resource: str, kind: str, amount: int | str) -> Tree:
    field = "averageUtilization" if kind == "Utilization" else "averageValue"
    return {"type": "Resource", "resource": {"name": resource, "target": {"type": kind, field: amount}}}
