"""What admission makes of other kinds: taints, classes that are the default, finalizers that protect, namespaces.

Sources: plugin/pkg/admission/{nodetaint,storage/storageclass,storage/storageobjectinuseprotection,persistentvolume/resize,
network/defaultingressclass, priority}, apiserver pkg/admission/plugin/namespace/lifecycle.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.admission.gate import Gate, refused
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Cause, Refusal, Subject, forbidden, not_found

Tree = dict[str, Any]

PROTECTED_NAMESPACES = ("default", "kube-system", "kube-public")
NOT_READY = "node.kubernetes.io/not-ready"
PROTECTION = {
    "PersistentVolumeClaim": "kubernetes.io/pvc-protection",
    "PersistentVolume": "kubernetes.io/pv-protection",
}
"""Kind → finalizer that keeps an object while it is in use."""
_DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


def taint_new_node(tree: Tree) -> None:
    """A new node starts with the not-ready taint (plugin TaintNodesByCondition)."""
    taints = tree["spec"].setdefault("taints", [])
    if not any(taint.get("key") == NOT_READY for taint in taints):
        taints.append({"key": NOT_READY, "effect": "NoSchedule"})


def protect(row: Resource, tree: Tree) -> None:
    """A claim or volume gets the finalizer that protects it (plugin StorageObjectInUseProtection)."""
    finalizer = PROTECTION[row.kind]
    finalizers = tree["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def default_storage_class(tree: Tree, gate: Gate) -> None:
    """A claim that names no class gets the default one, the newest if there are several."""
    spec = tree["spec"]
    if "storageClassName" in spec or "volume.beta.kubernetes.io/storage-class" in (tree["metadata"].get("annotations") or {}):
        return
    classes = _marked(gate.all("StorageClass"), _DEFAULT_STORAGE)
    if classes:
        newest = max(one["metadata"]["creationTimestamp"] for one in classes)
        spec["storageClassName"] = min(
            one["metadata"]["name"] for one in classes if one["metadata"]["creationTimestamp"] == newest
        )


def default_ingress_class(row: Resource, tree: Tree, gate: Gate) -> None:
    """An ingress that names no class gets the default one."""
    spec = tree["spec"]
    if spec.get("ingressClassName") or "kubernetes.io/ingress.class" in (tree["metadata"].get("annotations") or {}):
        return
    classes = _marked(gate.all("IngressClass"), _DEFAULT_INGRESS)
    if classes:
        newest = max(one["metadata"]["creationTimestamp"] for one in classes)
        spec["ingressClassName"] = min(
            one["metadata"]["name"] for one in classes if one["metadata"]["creationTimestamp"] == newest
        )


def may_grow(row: Resource, tree: Tree, old: Tree, gate: Gate) -> None:
    """A bound claim may ask for more only where its class can grow volumes (plugin PersistentVolumeClaimResize). Raises a
    Refusal."""
    before, after = (one["spec"].get("resources", {}).get("requests", {}).get("storage", "0") for one in (old, tree))
    if quantity.compare(after, before) <= 0:
        return
    if old.get("status", {}).get("phase") != "Bound":
        raise refused(row, tree, "Only bound persistent volume claims can be expanded")
    name = old["spec"].get("storageClassName", "")
    found = gate.get("StorageClass", name) if name else None
    if found is None or not found.get("allowVolumeExpansion"):
        raise refused(row, tree, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc "
                                 "must support resize")  # fmt: skip


def _marked(trees: list[Tree], annotation: str) -> list[Tree]:
    return [one for one in trees if (one["metadata"].get("annotations") or {}).get(annotation) == "true"]


def one_default_priority(row: Resource, tree: Tree, gate: Gate) -> None:
    """Only one PriorityClass may be the default. Raises a Refusal."""
    if not tree.get("globalDefault"):
        return
    for other in gate.all("PriorityClass"):
        name = other["metadata"]["name"]
        if other.get("globalDefault") and name != tree["metadata"].get("name"):
            raise refused(row, tree, f"PriorityClass {name} is already marked as default. Only one default can exist")


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
