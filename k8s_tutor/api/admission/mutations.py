"""MutatingAdmissionPolicy: changes in CEL that a cluster's own people have asked for (apiserver
pkg/admission/plugin/policy/mutating)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import cel, celtypes, defaults, owners, patch
from k8s_tutor.api.admission import authorizer, policies
from k8s_tutor.api.admission.gate import Gate, refused
from k8s_tutor.api.managedfields import trees
from k8s_tutor.api.managedfields.trees import ShapeError
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Refusal

Tree = dict[str, Any]

KIND, BINDING = "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"
APPLY, JSON_PATCH = "ApplyConfiguration", "JSONPatch"


def apply(row: Resource, tree: Tree, old: Tree | None, gate: Gate) -> None:
    """Every policy that is bound and concerns this request, in the order of the bindings' names. One that asks to be run again
    (``IfNeeded``) is, when a later one has changed something. ``tree`` is fresh and changed in place. Raises a Refusal."""
    if not gate.items(BINDING) or row.group == policies.GROUP:
        return
    again: list[tuple[Tree, Tree]] = []
    for binding in gate.all(BINDING):
        policy = gate.get(KIND, binding["spec"].get("policyName", ""))
        if policy is None:
            continue
        if _mutate(policy, binding, row, tree, old, gate):
            for one in again:
                _mutate(*one, row, tree, old, gate)
        if policy["spec"].get("reinvocationPolicy") == "IfNeeded":
            again.append((policy, binding))


def _mutate(policy: Tree, binding: Tree, row: Resource, tree: Tree, old: Tree | None, gate: Gate) -> bool:
    """Whether a policy has changed the object."""
    spec = policy["spec"]
    if not policies.concerns(spec, binding["spec"], row, tree, old, gate):
        return False
    before = dict(tree)
    for params in policies.params_of(spec, binding["spec"], gate):
        for mutation in spec.get("mutations") or ():
            try:
                names = policies.names_of(spec, row, tree, old, params, gate)
                if names is not None:
                    _replace(tree, _changed(mutation, names, row, tree, gate))
            except (cel.CelFailure, patch.PatchError, ShapeError, Refusal, AttributeError, TypeError) as error:
                if spec.get("failurePolicy") == "Ignore":
                    continue
                title = f"'{policy['metadata']['name']}' with binding '{binding['metadata']['name']}'"
                raise refused(row, tree, f"policy {title} denied request: {error}") from None
    changed = tree != before
    if changed:
        defaults.apply(row, tree)
    return changed


def _replace(tree: Tree, made: Tree) -> None:
    if made is tree:
        return
    tree.clear()
    tree.update(made)


def _changed(mutation: Tree, names: Tree, row: Resource, tree: Tree, gate: Gate) -> Tree:
    kind = mutation.get("patchType", "")
    body = mutation.get("jsonPatch" if kind == JSON_PATCH else "applyConfiguration") or {}
    found = cel.program(celtypes.untyped(body.get("expression", ""))).run(names, more=authorizer.functions(gate))
    if kind == JSON_PATCH:
        return _patched(row, tree, found)
    for name in ("apiVersion", "kind"):
        found = {key: value for key, value in found.items() if key != name}
    merged: Tree = trees.merge(owners.shape_of(row), tree, found)
    return owners.normal(row, merged)


def _patched(row: Resource, tree: Tree, operations: list[Tree]) -> Tree:
    """A patch of which a test fails leaves the object as it is."""
    made = tree
    for operation in operations:
        try:
            made = patch.json_patch(made, [operation])
        except patch.PatchError:
            if operation.get("op") == "test":
                return tree
            raise
    return owners.normal(row, made)
