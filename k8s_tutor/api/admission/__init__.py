"""Admission: what the server adds to a request, and what it still refuses after everything else is right.

Mutating plugins run before an object is validated, validating ones after it, each in the order of
pkg/kubeapiserver/options/plugins.go. Without a `Gate` (for what the server itself makes) only those run that look at nothing
but the object.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import escalation
from k8s_tutor.api.admission import limits, mutations, noderestriction, objects, pods, podsecurity, policies, quota
from k8s_tutor.api.admission.gate import Charge, Gate
from k8s_tutor.api.admission.objects import PROTECTED_NAMESPACES, namespace_problem, protected_namespace
from k8s_tutor.api.names import Draw
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]


def mutate(row: Resource, tree: Tree, old: Tree | None, draw: Draw, gate: Gate | None = None) -> None:
    """All mutating plugins, in order; ``old`` is None for a create. ``tree`` is fresh and filled in place. Raises a Refusal."""
    if gate is not None and gate.rights is not None:
        problem = escalation.refusal(row, tree, old, gate.rights, gate.user, gate.namespace)
        if problem is not None:
            gate.enter("rights")
            raise problem
    restrict(row, tree, old, gate)
    match row.kind:
        case "Pod":
            _pod(row, tree, old, draw, gate)
        case "Node" if old is None:
            objects.taint_new_node(tree)
        case "PersistentVolumeClaim" | "PersistentVolume" if old is None:
            if gate is not None and row.kind == "PersistentVolumeClaim":
                objects.default_storage_class(tree, gate)
            objects.protect(row, tree)
        case "Ingress" if old is None and gate is not None:
            objects.default_ingress_class(row, tree, gate)
    if gate is not None:
        mutations.apply(row, tree, old, gate)


def _pod(row: Resource, tree: Tree, old: Tree | None, draw: Draw, gate: Gate | None) -> None:
    if old is not None:
        pods.kept(tree, old)
        pods.default_tolerations(tree)
        return
    if gate is not None:
        limits.fill(tree, gate)
    if noderestriction.MIRROR not in (tree["metadata"].get("annotations") or {}):
        pods.service_account(row, tree, draw, gate)  # a mirror pod must stay as the kubelet knows it
    pods.priority(row, tree, gate)
    pods.default_tolerations(tree)
    if gate is not None:
        pods.runtime_class(row, tree, gate)
        place = pods.topology_labels(tree["spec"].get("nodeName") or "", gate)
        if place:
            tree["metadata"]["labels"] = {**(tree["metadata"].get("labels") or {}), **place}


def restrict(row: Resource, new: Tree | None, old: Tree | None, gate: Gate | None) -> None:
    """What holds for kubelets alone; ``new`` is None for a delete. Raises a Refusal."""
    if gate is not None:
        noderestriction.check(row, new, old, gate)


def validate(row: Resource, tree: Tree, old: Tree | None, gate: Gate | None) -> None:
    """All validating plugins, in order. Raises a Refusal."""
    if gate is None:
        return
    if row.kind == "Pod" and old is None:
        limits.check_pod(row, tree, gate)
    elif row.kind == "PersistentVolumeClaim":
        limits.check_claim(row, tree, gate)
        if old is not None and not gate.subresource:
            objects.may_grow(row, tree, old, gate)
    if row.kind in podsecurity.TEMPLATES:
        podsecurity.check(row, tree, gate)
    elif row.kind == "Namespace":
        podsecurity.check_namespace(tree, old, gate)
    elif row.kind == "PriorityClass":
        objects.one_default_priority(row, tree, gate)
    policies.check(row, tree, old, gate)
    if row.namespaced and quota.handles(row, old, gate):
        quota.check(row, tree, old, gate)


def validate_status(row: Resource, tree: Tree, old: Tree, gate: Gate | None) -> None:
    """Policies that look at ``/status``. Raises a Refusal."""
    if gate is not None and gate.items("ValidatingAdmissionPolicyBinding"):
        gate.enter("admit")
        policies.check(row, tree, old, gate)


def validate_delete(row: Resource, old: Tree, gate: Gate | None) -> None:
    """Policies that look at deletes. Raises a Refusal."""
    if gate is not None:
        policies.check(row, None, old, gate)


def is_plain(gate: Gate, account: str) -> bool:
    """Whether nothing in a namespace makes one pod of an account differ from the next, or could refuse it."""
    namespace = gate.get("Namespace", gate.namespace)
    labels = (namespace["metadata"].get("labels") or {}) if namespace is not None else {}
    return (
        noderestriction.GROUP not in gate.user.groups
        and not gate.items("LimitRange", gate.namespace)
        and not gate.items("ResourceQuota", gate.namespace)
        and not gate.items("ValidatingAdmissionPolicyBinding")
        and not gate.items(mutations.BINDING)
        and not any(label.startswith(podsecurity.PREFIX) for label in labels)
        and len(gate.items("PriorityClass")) <= len(pods.SYSTEM_PRIORITIES)
        and pods.is_plain_account(gate, account)
    )


__all__ = [
    "PROTECTED_NAMESPACES", "Charge", "Gate", "is_plain", "mutate", "namespace_problem", "protected_namespace", "restrict",
    "validate", "validate_delete", "validate_status",
]  # fmt: skip
