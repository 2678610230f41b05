"""LimitRanger: what containers get that ask for nothing, and how little or much they may ask for
(plugin/pkg/admission/limitranger/admission.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.admission.gate import Gate, aggregate, refused
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]
Amounts = Mapping[str, str]

ANNOTATION = "kubernetes.io/limit-ranger"


def fill(tree: Tree, gate: Gate) -> None:
    """Writes the defaults of the namespace's LimitRanges into a pod's containers."""
    for limit_range in gate.all("LimitRange", gate.namespace):
        limits = limit_range.get("spec", {}).get("limits") or ()
        requests, most = _defaults(limits, "defaultRequest"), _defaults(limits, "default")
        said: list[str] = []
        for field, title in (("containers", "container"), ("initContainers", "init container")):
            for container in tree["spec"].get(field) or ():
                said += _fill(container, title, requests, most)
        if said:
            annotations = tree["metadata"].setdefault("annotations", {})
            annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(said)


def _defaults(limits: Iterable[Tree], field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for limit in limits:
        if limit.get("type") == "Container":
            found.update(limit.get(field) or {})
    return found


def _fill(container: Tree, title: str, requests: Amounts, limits: Amounts) -> list[str]:
    said = []
    resources = container.setdefault("resources", {})
    for field, word, defaults in (("requests", "request", requests), ("limits", "limit", limits)):
        own = resources.get(field) or {}
        lacking = sorted(name for name in defaults if name not in own)
        if lacking:
            resources[field] = {**own, **{name: defaults[name] for name in lacking}}
            said.append(f"{', '.join(lacking)} {word} for {title} {container.get('name', '')}")
    return said


# ---------------------------------------------------------------------------------------------------- checking


def check_pod(row: Resource, tree: Tree, gate: Gate) -> None:
    """Raises a Refusal (403) with everything that is outside of the limits."""
    problems: list[str] = []
    for limit_range in gate.all("LimitRange", gate.namespace):
        for limit in limit_range.get("spec", {}).get("limits") or ():
            kind = limit.get("type")
            if kind == "Container":
                for container in (*tree["spec"].get("containers", ()), *tree["spec"].get("initContainers", ())):
                    resources = container.get("resources") or {}
                    problems += _problems("Container", limit, resources.get("requests") or {}, resources.get("limits") or {})
            elif kind == "Pod":
                problems += _problems("Pod", limit, total(tree["spec"], "requests"), total(tree["spec"], "limits"))
    if problems:
        raise refused(row, tree, aggregate(problems))


def check_claim(row: Resource, tree: Tree, gate: Gate) -> None:
    """The same for the size of a PersistentVolumeClaim."""
    problems: list[str] = []
    requests = (tree["spec"].get("resources") or {}).get("requests") or {}
    for limit_range in gate.all("LimitRange", gate.namespace):
        for limit in limit_range.get("spec", {}).get("limits") or ():
            if limit.get("type") == row.kind:
                problems += _least(row.kind, limit.get("min") or {}, requests, {})
                problems += _most(row.kind, limit.get("max") or {}, requests, requests)
    if problems:
        raise refused(row, tree, aggregate([text.replace("but limit is", "but request is") for text in problems]))


def _problems(kind: str, limit: Tree, requests: Amounts, limits: Amounts) -> list[str]:
    return [
        *_least(kind, limit.get("min") or {}, requests, limits),
        *_most(kind, limit.get("max") or {}, requests, limits),
        *_ratios(kind, limit.get("maxLimitRequestRatio") or {}, requests, limits),
    ]


def _least(kind: str, least: Amounts, requests: Amounts, limits: Amounts) -> list[str]:
    found = []
    for name in sorted(least):
        head = f"minimum {name} usage per {kind} is {least[name]}"
        if name not in requests:
            found.append(f"{head}.  No request is specified")
        elif quantity.compare(requests[name], least[name]) < 0:
            found.append(f"{head}, but request is {requests[name]}")
        elif name in limits and quantity.compare(limits[name], least[name]) < 0:
            found.append(f"{head}, but limit is {limits[name]}")
    return found


def _most(kind: str, most: Amounts, requests: Amounts, limits: Amounts) -> list[str]:
    found = []
    for name in sorted(most):
        head = f"maximum {name} usage per {kind} is {most[name]}"
        if name not in limits:
            found.append(f"{head}.  No limit is specified")
        elif quantity.compare(limits[name], most[name]) > 0:
            found.append(f"{head}, but limit is {limits[name]}")
        elif name in requests and quantity.compare(requests[name], most[name]) > 0:
            found.append(f"{head}, but request is {requests[name]}")
    return found


def _ratios(kind: str, ratios: Amounts, requests: Amounts, limits: Amounts) -> list[str]:
    found = []
    for name in sorted(ratios):
        head = f"{name} max limit to request ratio per {kind} is {ratios[name]}"
        request, limit = quantity.nano(requests.get(name, "0")), quantity.nano(limits.get(name, "0"))
        if not request:
            found.append(f"{head}, but no request is specified or request is 0")
        elif not limit:
            found.append(f"{head}, but no limit is specified or limit is 0")
        elif limit * quantity.NANO > quantity.nano(ratios[name]) * request:
            found.append(f"{head}, but provided ratio is {limit / request:.6f}")
    return found


def total(spec: Tree, field: str) -> dict[str, str]:
    """What all containers of a pod ask for together; init containers run one after the other, sidecars with the rest."""
    together = _sum([*spec.get("containers", ()), *(one for one in spec.get("initContainers", ()) if _stays(one))], field)
    for container in spec.get("initContainers", ()):
        if not _stays(container):
            for name, amount in ((container.get("resources") or {}).get(field) or {}).items():
                together[name] = max(together.get(name, 0), quantity.nano(amount))
    for name, amount in (spec.get("overhead") or {}).items():
        if field == "requests" or name in together:
            together[name] = together.get(name, 0) + quantity.nano(amount)
    return {name: quantity.render(amount, _style(name)) for name, amount in together.items()}


def _stays(container: Tree) -> bool:
    return container.get("restartPolicy") == "Always"


def _sum(containers: Iterable[Tree], field: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for container in containers:
        for name, amount in ((container.get("resources") or {}).get(field) or {}).items():
            found[name] = found.get(name, 0) + quantity.nano(amount)
    return found


def _style(name: str) -> str:
    return "binary" if name in ("memory", "ephemeral-storage") or name.startswith("hugepages-") else "decimal"
