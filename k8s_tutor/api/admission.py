"""Mutating admission of First light: ServiceAccount, Priority, DefaultTolerationSeconds, and NamespaceLifecycle's check.

Order as in pkg/kubeapiserver/options/plugins.go. The trees are fresh and filled in place.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import names
from k8s_tutor.api.names import Draw
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Cause, Refusal, Subject, forbidden, not_found

Tree = dict[str, Any]

PROTECTED_NAMESPACES = ("default", "kube-system", "kube-public")
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_GRACE = 300
_LOST_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def service_account(tree: Tree, draw: Draw) -> None:
    """The account ``default``, and the volume with its token in every container (plugin ServiceAccount)."""
    spec = tree["spec"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    if spec.get("automountServiceAccountToken") is False:
        return
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


def priority(tree: Tree) -> None:
    """The number behind a priority class, and what it may preempt (plugin Priority)."""
    spec = tree["spec"]
    wanted = spec.get("priorityClassName", "")
    if wanted and wanted not in _SYSTEM_PRIORITIES:
        why = f"no PriorityClass with name {wanted} was found"
        raise forbidden(Subject("", "pods", tree["metadata"].get("name", "")), why)
    spec.setdefault("priority", _SYSTEM_PRIORITIES.get(wanted, 0))
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")


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


def taint_new_node(tree: Tree) -> None:
    """A new node starts with the not-ready taint (plugin TaintNodesByCondition)."""
    taints = tree["spec"].setdefault("taints", [])
    if not any(taint.get("key") == _LOST_TAINTS[0] for taint in taints):
        taints.append({"key": _LOST_TAINTS[0], "effect": "NoSchedule"})


def mutate(resource: Resource, tree: Tree, old: Tree | None, draw: Draw) -> None:
    """All mutating plugins, in order; ``old`` is None for a create."""
    if resource.kind == "Pod":
        if old is None:
            service_account(tree, draw)
            priority(tree)
        else:
            for field in ("priority", "preemptionPolicy"):
                if field not in tree["spec"] and field in old["spec"]:
                    tree["spec"][field] = old["spec"][field]
        default_tolerations(tree)
    elif resource.kind == "Node" and old is None:
        taint_new_node(tree)


def namespace_problem(resource: Resource, namespace: str, name: str, found: Tree | None) -> Refusal | None:
    """Plugin NamespaceLifecycle for a create: 404 in a namespace that is not there, 403 in one that is ending."""
    if found is None:
        return not_found(Subject("", "namespaces", namespace))
    if found["metadata"].get("deletionTimestamp") or found.get("status", {}).get("phase") == "Terminating":
        cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        return forbidden(Subject(resource.group, resource.plural, name), why, (cause,))
    return None


def protected_namespace(name: str) -> Refusal:
    """403 for a delete of a namespace that the cluster cannot live without."""
    return forbidden(Subject("", "namespaces", name), "this namespace may not be deleted")
