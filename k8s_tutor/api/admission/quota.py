"""ResourceQuota: what an object counts for, and whether a namespace may hold one more
(apiserver pkg/admission/plugin/resourcequota, pkg/quota/v1/evaluator/core).

The status of a quota is kept by a controller; admission writes into it what it has let in, before the object is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8s_tutor.api import qos, quantity, scheme
from k8s_tutor.api.admission.gate import Charge, Gate, refused
from k8s_tutor.api.admission.limits import total
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]
Usage = dict[str, int]
"""Resource name → nano-units."""

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_COUNTED = ("configmaps", "secrets", "services", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "pods")
"""Resources of the core group that count under their own name too."""
_BINARY = ("memory", "storage")
_MAY_GROW = ("Service", "PersistentVolumeClaim")


# ---------------------------------------------------------------------------------------------------- what counts


def counts(row: Resource, tree: Tree) -> Usage:
    """What one object counts for."""
    group = f".{row.group}" if row.group else ""
    found: Usage = {f"count/{row.plural}{group}": quantity.NANO}
    if row.kind == "Pod" and _is_over(tree):
        return found
    if not row.group and row.plural in _COUNTED:
        found[row.plural] = quantity.NANO
    if row.kind == "Pod":
        found.update(_compute(tree))
    elif row.kind == "Service":
        found.update(_service(tree))
    elif row.kind == "PersistentVolumeClaim":
        found.update(_claim(tree))
    return found


def _is_over(pod: Tree) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _compute(pod: Tree) -> Usage:
    found: Usage = {}
    for field in ("requests", "limits"):
        for name, amount in total(pod["spec"], field).items():
            nanos = quantity.nano(amount)
            found[f"{field}.{name}"] = nanos
            if field == "requests" and name in _COMPUTE:
                found[name] = nanos
    return found


def _service(tree: Tree) -> Usage:
    spec = tree["spec"]
    kind = spec.get("type", "ClusterIP")
    ports = len(spec.get("ports") or ()) if kind in ("NodePort", "LoadBalancer") else 0
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
        ports = sum(bool(port.get("nodePort")) for port in spec.get("ports") or ())
    return {
        "services.nodeports": ports * quantity.NANO,
        "services.loadbalancers": quantity.NANO if kind == "LoadBalancer" else 0,
    }


def _claim(tree: Tree) -> Usage:
    requests = (tree["spec"].get("resources") or {}).get("requests") or {}
    nanos = quantity.nano(requests.get("storage", "0"))
    found = {"requests.storage": nanos}
    storage_class = tree["spec"].get("storageClassName")
    if storage_class:
        prefix = f"{storage_class}.storageclass.storage.k8s.io/"
        found |= {f"{prefix}requests.storage": nanos, f"{prefix}persistentvolumeclaims": quantity.NANO}
    return found


# ---------------------------------------------------------------------------------------------------- scopes


def in_scope(spec: Tree, row: Resource, tree: Tree) -> bool:
    """Whether a quota counts this object at all."""
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return not scopes or (row.kind == "Pod" and all(_matches(scope, tree) for scope in scopes))


def _matches(scope: Tree, pod: Tree) -> bool:
    spec = pod["spec"]
    match scope["scopeName"]:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return qos.qos_class(spec) == "BestEffort"
        case "NotBestEffort":
            return qos.qos_class(spec) != "BestEffort"
        case "PriorityClass":
            name, values = spec.get("priorityClassName", ""), scope.get("values") or ()
            operator = scope.get("operator", "Exists")
            found = {"In": name in values, "NotIn": name not in values, "Exists": bool(name), "DoesNotExist": not name}
            return found.get(operator, False)
    return False


def usage(hard: Mapping[str, str], spec: Tree, objects: Iterable[tuple[Resource, Tree]]) -> dict[str, str]:
    """What these objects use of each resource that a quota names."""
    used = dict.fromkeys(hard, 0)
    for row, tree in objects:
        if in_scope(spec, row, tree):
            for name, nanos in counts(row, tree).items():
                if name in used:
                    used[name] += nanos
    return {name: spelled(name, nanos) for name, nanos in used.items()}


def spelled(name: str, nanos: int) -> str:
    """An amount as a quantity."""
    return quantity.render(nanos, "binary" if name.endswith(_BINARY) else "decimal")


# ---------------------------------------------------------------------------------------------------- admission


def handles(row: Resource, old: Tree | None, gate: Gate) -> bool:
    """Whether a request can cost anything: every new object does, and few may grow later (the evaluators' ``Handles``)."""
    if old is None:
        return True
    return row.kind in _MAY_GROW if not gate.subresource else row.kind == "Pod" and gate.subresource == "resize"


def check(row: Resource, tree: Tree, old: Tree | None, gate: Gate) -> None:
    """One more object, or what it counts for more than before: raises a Refusal (403) when a quota is full, and else notes what
    each quota must be charged."""
    quotas = gate.items("ResourceQuota", gate.namespace)
    if not quotas:
        return
    wanted = counts(row, tree)
    if old is not None:
        before_it = counts(row, old)
        names = (*wanted, *(name for name in before_it if name not in wanted))
        wanted = {name: wanted.get(name, 0) - before_it.get(name, 0) for name in names}
    in_force = []
    for key, item in quotas:
        quota = scheme.tree(item.data)
        status = quota.get("status") or {}
        if in_scope(quota.get("spec") or {}, row, tree):
            if old is None:
                _must_specify(row, tree, quota["metadata"]["name"], status.get("hard") or {})
            in_force.append((key, item, quota, status))
    for key, item, quota, status in in_force:
        hard: Mapping[str, str] = status.get("hard") or {}
        name = quota["metadata"]["name"]
        touched = [resource for resource in sorted(hard) if wanted.get(resource)]
        if not touched:
            continue
        used: Mapping[str, str] = status.get("used") or {}
        after = {one: quantity.nano(used.get(one, "0")) + wanted[one] for one in touched}
        full = [one for one in touched if wanted[one] > 0 and after[one] > quantity.nano(hard[one])]
        if full:
            requested = ",".join(f"{one}={spelled(one, wanted[one])}" for one in full)
            before = ",".join(f"{one}={used.get(one, '0')}" for one in full)
            limited = ",".join(f"{one}={hard[one]}" for one in full)
            why = f"exceeded quota: {name}, requested: {requested}, used: {before}, limited: {limited}"
            raise refused(row, tree, why)
        if not gate.dry:
            fresh = {**used, **{one: spelled(one, after[one]) for one in touched}}
            data = scheme.encode(scheme.resource("ResourceQuota"), {**quota, "status": {**status, "used": fresh}}, item.managed)
            gate.charges.append(Charge(key, data, item.revision))


def _must_specify(row: Resource, tree: Tree, name: str, hard: Mapping[str, str]) -> None:
    """Where a quota limits cpu or memory, every container must say how much it wants. Raises a Refusal."""
    if row.kind != "Pod":
        return
    lacking = []
    for resource in sorted(hard):
        field, _, short = resource.rpartition(".")
        if short not in _COMPUTE or field not in ("", "requests", "limits"):
            continue
        containers = [
            one["name"] for one in (*tree["spec"].get("containers", ()), *tree["spec"].get("initContainers", ()))
            if short not in ((one.get("resources") or {}).get(field or "requests") or {})
        ]  # fmt: skip
        if containers:
            lacking.append(f"{resource} for: {','.join(sorted(containers))}")
    if lacking:
        raise refused(row, tree, f"failed quota: {name}: must specify {'; '.join(lacking)}")
