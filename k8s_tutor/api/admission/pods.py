"""What admission makes of a pod: its account and token, its priority, its runtime class, its patience with lost nodes,
where it is.

Sources: plugin/pkg/admission/serviceaccount, priority, runtimeclass, defaulttolerationseconds,
podtopologylabels. The trees are fresh and filled in place.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import names
from k8s_tutor.api.admission.gate import Gate, refused
from k8s_tutor.api.names import Draw
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_GRACE = 300
_LOST_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_PLACES = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


# ---------------------------------------------------------------------------------------------------- ServiceAccount


def service_account(row: Resource, tree: Tree, draw: Draw, gate: Gate | None) -> None:
    """The account ``default``, its pull secrets, and the volume with its token in every container. A mirror pod shows what runs
    on a machine by itself, and has no account."""
    if "kubernetes.io/config.mirror" in (tree["metadata"].get("annotations") or {}):
        return
    spec = tree["spec"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account: Tree = {}
    if gate is not None:
        account = _account(row, tree, name, gate)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(secret) for secret in account["imagePullSecrets"]]
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken")
    if wanted is not False:
        _mount_token(spec, draw)


def _account(row: Resource, tree: Tree, name: str, gate: Gate) -> Tree:
    found = gate.get("ServiceAccount", name, gate.namespace)
    if found is None:
        why = f'error looking up service account {gate.namespace}/{name}: serviceaccount "{name}" not found'
        raise refused(row, tree, why)
    return found


def is_plain_account(gate: Gate, name: str) -> bool:
    """Whether an account is there and leaves pods as they are."""
    found = gate.get("ServiceAccount", name, gate.namespace)
    return found is not None and not found.get("imagePullSecrets") and found.get("automountServiceAccountToken") is not False


def _mount_token(spec: Tree, draw: Draw) -> None:
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    lacking = [
        container for container in containers
        if not any(mount.get("mountPath") == TOKEN_PATH for mount in container.get("volumeMounts", ()))
    ]  # fmt: skip
    if not lacking:
        return
    volume = names.generate_name("kube-api-access-", draw)
    for container in lacking:
        mount = {"name": volume, "readOnly": True, "mountPath": TOKEN_PATH}
        container.setdefault("volumeMounts", []).append(mount)
    spec.setdefault("volumes", []).append({"name": volume, "projected": _token_sources()})


def _token_sources() -> Tree:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": authority},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"sources": sources, "defaultMode": 420}


# ---------------------------------------------------------------------------------------------------- Priority


def priority(row: Resource, tree: Tree, gate: Gate | None) -> None:
    """The number behind a priority class, and what it may preempt."""
    spec = tree["spec"]
    value, policy = _class_of(row, tree, gate)
    if spec.get("priority", value) != value:
        why = (
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority admission "
            f"controller computed {value} from the given PriorityClass name"
        )
        raise refused(row, tree, why)
    if spec.get("preemptionPolicy", policy) != policy:
        why = (
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; priority "
            f"admission controller computed {policy} from the given PriorityClass name"
        )
        raise refused(row, tree, why)
    spec["priority"], spec["preemptionPolicy"] = value, policy


def _class_of(row: Resource, tree: Tree, gate: Gate | None) -> tuple[int, str]:
    """(value, preemption policy) of a pod's class, or of the default one, which is then named in the pod."""
    spec = tree["spec"]
    wanted = spec.get("priorityClassName", "")
    found: Tree | None = None
    if gate is not None:
        if not wanted:
            defaults = [one for one in gate.all("PriorityClass") if one.get("globalDefault")]
            found = min(defaults, key=lambda one: one.get("value", 0)) if defaults else {}
            if found:
                spec["priorityClassName"] = found["metadata"]["name"]
        else:
            found = gate.get("PriorityClass", wanted)
    elif wanted in SYSTEM_PRIORITIES or not wanted:
        found = {"value": SYSTEM_PRIORITIES.get(wanted, 0)}
    if found is None:
        raise refused(row, tree, f"no PriorityClass with name {wanted} was found")
    return found.get("value", 0), found.get("preemptionPolicy") or "PreemptLowerPriority"


# ---------------------------------------------------------------------------------------------------- the rest


def runtime_class(row: Resource, tree: Tree, gate: Gate) -> None:
    """Overhead, node selector and tolerations of a runtime class."""
    spec = tree["spec"]
    name = spec.get("runtimeClassName")
    if not name:
        return
    found = gate.get("RuntimeClass", name)
    if found is None:
        raise refused(row, tree, f'pod rejected: RuntimeClass "{name}" not found')
    overhead = (found.get("overhead") or {}).get("podFixed")
    if overhead:
        if spec.get("overhead", overhead) != overhead:
            raise refused(row, tree, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        spec["overhead"] = dict(overhead)
    scheduling = found.get("scheduling") or {}
    selector = spec.get("nodeSelector") or {}
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            theirs, own = f"scheduling.nodeSelector[{key}] = {value}", f"nodeSelector[{key}] = {selector[key]}"
            raise refused(row, tree, f"conflict: runtimeClass.{theirs}; pod.spec.{own}")
    if scheduling.get("nodeSelector"):
        spec["nodeSelector"] = {**selector, **scheduling["nodeSelector"]}
    for toleration in scheduling.get("tolerations") or ():
        if toleration not in spec.setdefault("tolerations", []):
            spec["tolerations"].append(dict(toleration))


def default_tolerations(tree: Tree) -> None:
    """A pod stays 300 s on a node that is lost, unless it says otherwise (plugin DefaultTolerationSeconds)."""
    tolerations = tree["spec"].setdefault("tolerations", [])
    for key in _LOST_TAINTS:
        tolerated = any(
            toleration.get("key") in (key, None, "") and toleration.get("effect", "NoExecute") == "NoExecute"
            and (toleration.get("key") or toleration.get("operator") == "Exists")
            for toleration in tolerations
        )  # fmt: skip
        if not tolerated:
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _GRACE}
            )


def kept(tree: Tree, old: Tree) -> None:
    """What an update that leaves these out does not change."""
    for field in ("priority", "preemptionPolicy"):
        if field not in tree["spec"] and field in old["spec"]:
            tree["spec"][field] = old["spec"][field]


# ---------------------------------------------------------------------------------------------------- PodTopologyLabels


def topology_labels(node: str, gate: Gate) -> dict[str, str]:
    """The zone and the region of a node, as labels for a pod that gets its place there; none for a node that is not known."""
    found = gate.get("Node", node) if node else None
    labels = ((found or {}).get("metadata") or {}).get("labels") or {}
    return {label: labels[label] for label in _PLACES if label in labels}
